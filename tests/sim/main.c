/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 *   ringload_sim [--seeds COUNT] [--first SEED] [--step N] [--jobs N]    COUNT seeds, in N processes
 *   ringload_sim --seed SEED [--trace]                                   one, and what happens in it
 *
 * A seed that fails, crashes or hangs is named with the command that runs it again.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "sim.h"
#include "tls_peer.h"
#include "world.h"

#ifdef RL_ASAN
#include <sanitizer/lsan_interface.h>
#endif

enum { JOBS_MOST = 16, HANG_S = 120, LEAK_BATCH = 500 };

struct options {
    uint64_t first, count, step;
    unsigned jobs;
};

/* What a process works on: read by its parent when it has died. */
struct job {
    uint64_t seed;
    struct world_totals totals;
};

static struct job *jobs;

/* True: memory was lost since the last look. */
static bool has_leaked(void)
{
#ifdef RL_ASAN
    return __lsan_do_recoverable_leak_check() != 0;
#else
    return false;
#endif
}

static void run_seed(struct job *job, uint64_t seed)
{
    alarm(HANG_S);
    job->seed = seed;
    world_run(seed);
}

/* True: the seed, in a process of its own, fails; that has told so. */
static bool fails_alone(uint64_t seed)
{
    char text[24];
    int status = 0;
    pid_t pid;

    snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
    pid = fork();
    if (pid == 0) {
        execl("/proc/self/exe", sim.program, "--seed", text, (char *)NULL);
        _Exit(EXIT_SUCCESS);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && status != 0;
}

/* Looking for leaks is slow, so it is done now and then; what is lost stays lost, so which seed it was only
 * fresh processes can say. */
static void check_leaks(uint64_t first, uint64_t end, uint64_t step)
{
    if (!has_leaked())
        return;
    alarm(0);
    for (uint64_t seed = first; seed + step < end && step > 0; seed += step) {
        if (fails_alone(seed))
            _Exit(1);
    }
    sim_fail("memory is lost");
}

static int run_share(struct job *job, const struct options *options, unsigned index)
{
    uint64_t step = options->step * options->jobs, done = 0;
    uint64_t end = options->first + options->count * options->step;
    uint64_t batch = options->first + index * options->step;

    for (uint64_t seed = batch; seed < end; seed += step) {
        run_seed(job, seed);
        if (++done % LEAK_BATCH == 0 || seed + step >= end) {
            check_leaks(batch, seed + 1, step);
            batch = seed + step;
        }
    }
    job->totals = world_totals;
    return EXIT_SUCCESS;
}

static bool failed(const struct job *job, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
        return false;
    if (WIFSIGNALED(status) || WEXITSTATUS(status) != 1) {
        fprintf(stderr, "FAILED seed %llu: %s\n", (unsigned long long)job->seed,
                !WIFSIGNALED(status)            ? "the process stopped"
                : WTERMSIG(status) == SIGALRM   ? "it hangs"
                                                : strsignal(WTERMSIG(status)));
        sim_tell_replay(job->seed);
    }
    return true;
}

static void add(struct world_totals *into, const struct world_totals *from)
{
    const uint64_t *source = (const uint64_t *)from;
    uint64_t *target = (uint64_t *)into;

    for (size_t i = 0; i < sizeof(*into) / sizeof(uint64_t); i++)
        target[i] += source[i];
}

static void tell(const struct options *options, const struct world_totals *totals)
{
    printf("%llu seeds from %llu: %llu turns, %llu iterations (%llu interrupted)\n",
           (unsigned long long)options->count, (unsigned long long)options->first,
           (unsigned long long)totals->turns, (unsigned long long)totals->iterations,
           (unsigned long long)totals->interrupted);
    printf("connections: %llu made, %llu not, %llu reset, %llu ended with FIN by the peer\n",
           (unsigned long long)totals->connected, (unsigned long long)totals->connect_failures,
           (unsigned long long)totals->resets, (unsigned long long)totals->fins);
    printf("bytes: %llu sent, %llu received; %llu overflows, %llu seeds with bytes counted late\n",
           (unsigned long long)totals->bytes_sent, (unsigned long long)totals->bytes_received,
           (unsigned long long)totals->overflows, (unsigned long long)totals->sends_late);
    printf("TLS: %llu handshakes (%llu resumed, %llu of start_tls), %llu failed; close_notify came %llu "
           "times, %llu streams ended badly\n",
           (unsigned long long)totals->tls, (unsigned long long)totals->tls_resumed,
           (unsigned long long)totals->upgrades, (unsigned long long)totals->tls_failures,
           (unsigned long long)totals->goodbyes, (unsigned long long)totals->truncations);
}

static int run_all(const struct options *options)
{
    struct world_totals totals = {0};
    pid_t pids[JOBS_MOST];
    bool any_failed = false;

    for (unsigned i = 0; i < options->jobs; i++) {
        pids[i] = fork();
        if (pids[i] < 0) {
            perror("fork");
            return EXIT_FAILURE;
        }
        if (pids[i] == 0)
            exit(run_share(&jobs[i], options, i));
    }
    for (unsigned i = 0; i < options->jobs; i++) {
        int status = 0;

        while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR)
            ;
        any_failed |= failed(&jobs[i], status);
        add(&totals, &jobs[i].totals);
    }
    if (any_failed)
        return EXIT_FAILURE;
    tell(options, &totals);
    return EXIT_SUCCESS;
}

static uint64_t number_of(const char *text)
{
    char *end;
    uint64_t value = text == NULL ? 0 : strtoull(text, &end, 10);

    if (text == NULL || *text == '\0' || *end != '\0') {
        fprintf(stderr, "a number is missing or wrong; see tests/sim/README.md\n");
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    struct options options = {.first = 1, .count = 1000, .step = 1, .jobs = 2};

    sim.program = argv[0];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0) {
            sim.trace = true;
        } else if (strcmp(argv[i], "--seed") == 0) {
            options = (struct options){.first = number_of(argv[++i]), .count = 1, .step = 1, .jobs = 1};
        } else if (strcmp(argv[i], "--seeds") == 0) {
            options.count = number_of(argv[++i]);
        } else if (strcmp(argv[i], "--first") == 0) {
            options.first = number_of(argv[++i]);
        } else if (strcmp(argv[i], "--step") == 0) {
            options.step = number_of(argv[++i]);
        } else if (strcmp(argv[i], "--jobs") == 0) {
            options.jobs = (unsigned)number_of(argv[++i]);
        } else {
            fprintf(stderr, "unknown: %s; see tests/sim/README.md\n", argv[i]);
            return 2;
        }
    }
    if (options.jobs < 1 || options.jobs > JOBS_MOST || options.count < 1 || options.step < 1)
        return 2;
    tls_library_begin();
    jobs = mmap(NULL, sizeof(*jobs) * JOBS_MOST, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
    if (jobs == MAP_FAILED)
        return EXIT_FAILURE;
    return run_all(&options);
}
