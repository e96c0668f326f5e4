/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "limits/huge_pages.h"
#include "run/ui.h"

#define COLLECT_NS (50 * RL_NS_PER_MS)
#define CLOSE_LOOK_NS (2 * RL_NS_PER_MS)

/* --- Signals. --- */

/* Before control reads them: nothing runs yet, so the first one ends the process (E-647). */
static void exit_at_once(int number)
{
    (void)number;
    _exit(RL_EXIT_SIGNAL);
}

void rl_run_signals_init(void)
{
    struct sigaction action = {.sa_handler = exit_at_once};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void read_signals(struct rl_control *control)
{
    struct signalfd_siginfo info;

    while (read(control->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        control->signals++;
        if (control->signals > 1) {
            rl_ui_leave(control->ui);
            _exit(RL_EXIT_SIGNAL);
        }
        rl_test_end(control->test, RL_EXIT_SIGNAL,
                    "interrupted by a signal: ending the run (a second one ends it at once)");
    }
}

/* --- A look around. --- */

static void collect_all(struct rl_control *control)
{
    struct rl_test *test = control->test;

    for (uint32_t i = 0; i < test->worker_count; i++) {
        if (test->workers[i].thread_started)
            rl_collect_shard(control->collect, &test->workers[i].shard);
    }
    rl_shard_flush(&control->shard);
    rl_collect_shard(control->collect, &control->shard);
}

static void sample_vus(struct rl_control *control, uint64_t now_ns)
{
    control->shard.now_ns = now_ns;
    rl_shard_add(&control->shard, control->vus_series, (double)rl_test_active_vus(control->test));
    rl_shard_add(&control->shard, control->vus_max_series,
                 (double)rl_test_created_vus(control->test));
}

static bool watch_all(struct rl_control *control, bool due, uint64_t now_ns)
{
    struct rl_test *test = control->test;
    bool again = false;

    for (uint32_t i = 0; i < test->worker_count; i++) {
        if (test->workers[i].thread_started &&
            rl_watch(&test->workers[i], now_ns, due, (uint64_t)test->flags->handler_time_ns))
            again = true;
    }
    return again;
}

/* Everything that is due; when to come back. */
static uint64_t look(struct rl_control *control, const struct rl_phase *phase, uint64_t now_ns)
{
    bool due = phase->due(control->test, now_ns);

    if (now_ns >= control->next_sample_ns) {
        sample_vus(control, now_ns);
        control->next_sample_ns += RL_NS_PER_S;
    }
    if (now_ns >= control->next_collect_ns) {
        collect_all(control);
        control->next_collect_ns = now_ns + COLLECT_NS;
    }
    rl_ui_tick(control->ui, phase->name, now_ns);
    if (watch_all(control, due, now_ns) || due)
        return now_ns + CLOSE_LOOK_NS;
    return control->next_collect_ns;
}

static void wait_until(struct rl_control *control, uint64_t due_ns)
{
    struct pollfd fds[2] = {{.fd = control->test->poke_fd, .events = POLLIN},
                            {.fd = control->signal_fd, .events = POLLIN}};
    uint64_t now_ns = rl_clock_ns(), count;
    struct timespec ts = {0};

    if (due_ns > now_ns) {
        ts.tv_sec = (time_t)((due_ns - now_ns) / RL_NS_PER_S);
        ts.tv_nsec = (long)((due_ns - now_ns) % RL_NS_PER_S);
    }
    if (ppoll(fds, 2, &ts, NULL) <= 0)
        return;
    if ((fds[0].revents & POLLIN) != 0 && read(fds[0].fd, &count, sizeof(count)) < 0)
        return;
    if ((fds[1].revents & POLLIN) != 0)
        read_signals(control);
}

/* --- Phases. --- */

static void run_phase(struct rl_control *control, const struct rl_phase *phase)
{
    struct rl_test *test = control->test;
    bool interrupted = false;
    uint64_t timeout_ns = phase->timeout_ns(test), started_ns = rl_clock_ns();

    phase->enter(test);
    while (!phase->over(test)) {
        uint64_t now_ns = rl_clock_ns();

        wait_until(control, look(control, phase, now_ns));
        if (timeout_ns != 0 && !interrupted && rl_clock_ns() - started_ns >= timeout_ns) {
            rl_test_end(test, phase->timeout_code, "%s took longer than its timeout", phase->name);
            phase->interrupt(test);
            interrupted = true;
        }
        if (!interrupted && !phase->goes_on && rl_test_ending(test)) {
            phase->interrupt(test);
            interrupted = true;
        }
    }
    phase->leave(test);
}

/* Stop the threads, take what is left of their figures. */
static void stop_workers(struct rl_control *control)
{
    struct rl_test *test = control->test;

    for (uint32_t i = 0; i < test->worker_count; i++) {
        if (atomic_load(&test->workers[i].state) == RL_WORKER_READY)
            rl_worker_stop(&test->workers[i]);
    }
    for (uint32_t i = 0; i < test->worker_count; i++) {
        if (!test->workers[i].thread_started)
            continue;
        rl_worker_join(&test->workers[i]);
        rl_collect_drain(control->collect, &test->workers[i].shard);
        rl_causes_merge(&control->causes, &test->workers[i].env.causes);
        rl_shortages_merge(&control->shortages, &test->workers[i].net.shortages);
        rl_strain_merge(&control->strain, &test->workers[i].strain);
    }
    rl_collect_drain(control->collect, &control->shard);
}

/* Whether malloc was given any: it goes on without where there are none left. */
static void tell_huge_pages(const struct rl_test *test)
{
    int64_t all, huge;

    if (test->flags->huge_pages == RL_HUGE_OFF)
        return;
    huge = rl_huge_pages_bytes("", &all);
    if (huge > 0)
        rl_log_info("huge pages: %lld of %lld MiB in use", (long long)huge >> 20, (long long)all >> 20);
    else
        rl_log_warn("huge pages: none in use; those that are reserved or free were not enough");
}

void rl_control_run(struct rl_control *control)
{
    struct rl_test *test = control->test;

    for (int i = 0; i < RL_PHASE_COUNT; i++) {
        if (rl_phases[i].applies(test))
            run_phase(control, &rl_phases[i]);
    }
    atomic_store(&test->clock_stop_ns, rl_clock_ns());
    tell_huge_pages(test); /* while the VUs are still there */
    rl_ui_last(control->ui, rl_clock_ns());
    stop_workers(control);
}

void rl_control_linger(struct rl_control *control)
{
    struct pollfd fd = {.fd = control->signal_fd, .events = POLLIN};

    rl_log_info("the run is over; --linger keeps the process until Ctrl-C");
    while (poll(&fd, 1, -1) < 0 && errno == EINTR)
        ;
}

int rl_control_init(struct rl_control *control, struct rl_test *test, struct rl_collect *collect)
{
    const struct rl_tagset *tags;
    int rc;

    *control = (struct rl_control){.test = test, .collect = collect};
    rc = rl_shard_init(&control->shard, test->registry);
    if (rc < 0)
        return rc;
    tags = rl_tags_empty(control->shard.tags);
    for (size_t i = 0; i < test->options.tags.count; i++)
        tags = rl_tags_with(control->shard.tags, tags, test->options.tags.items[i].name,
                            test->options.tags.items[i].value);
    control->vus_series = rl_shard_series(&control->shard, RL_M_VUS, tags);
    control->vus_max_series = rl_shard_series(&control->shard, RL_M_VUS_MAX, tags);
    control->signal_fd = open_signals();
    if (control->signal_fd < 0) {
        rl_shard_fini(&control->shard);
        return -errno;
    }
    control->next_collect_ns = rl_clock_ns() + COLLECT_NS;
    control->next_sample_ns = rl_clock_ns() + RL_NS_PER_S;
    return 0;
}

void rl_control_fini(struct rl_control *control)
{
    close(control->signal_fd);
    rl_shard_fini(&control->shard);
}
