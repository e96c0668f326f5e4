/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stopping Lua that runs for too long. The loop cannot: it waits for that Lua. So the control thread
 * looks, and sends the worker a signal; its handler, on the worker's thread, decides whose Lua runs and
 * whether that is to stop, and arms the hook that ends it.
 */
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "run/test.h"

enum { LOOK_AGAIN_NS = 1000 * 1000 };

static _Thread_local struct rl_worker *attached;

int rl_watch_signal(void)
{
    return SIGRTMIN + 1;
}

void rl_watch_attach(struct rl_worker *worker)
{
    attached = worker;
    pthread_mutex_lock(&worker->watch_lock);
    worker->watched = true;
    pthread_mutex_unlock(&worker->watch_lock);
}

void rl_watch_detach(struct rl_worker *worker)
{
    pthread_mutex_lock(&worker->watch_lock);
    worker->watched = false;
    pthread_mutex_unlock(&worker->watch_lock);
    attached = NULL;
}

static bool is_interrupted(struct rl_worker *worker, const struct rl_vu *vu)
{
    if (atomic_load(&worker->interrupted))
        return true;
    if (vu->id == 0)
        return atomic_load(&worker->special_interrupted);
    return vu->executor != NULL && vu->executor->phase != RL_EXECUTOR_WAITING &&
           rl_clock_ns() >= vu->executor->hard_end_ns;
}

/* Async-signal-safe: reads, and arms a hook. */
static void handle(int number)
{
    struct rl_worker *worker = attached;
    struct rl_vu *vu;

    (void)number;
    if (worker == NULL)
        return;
    vu = rl_script_current(worker->host);
    if (vu == NULL)
        return;
    if (is_interrupted(worker, vu))
        rl_script_stop_now(worker->host, RL_STOP_INTERRUPTED);
    else if (atomic_load(&worker->overrun) == rl_script_sequence(worker->host))
        rl_script_stop_now(worker->host, RL_STOP_OVERRUN);
}

void rl_watch_init(void)
{
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};

    sigfillset(&action.sa_mask);
    sigaction(rl_watch_signal(), &action, NULL);
}

/* What the worker's thread has computed: a thread that waits for a core is not to blame, and with more
 * workers than cores it may wait for long. */
static uint64_t cpu_ns(struct rl_worker *worker)
{
    struct timespec ts = {0};
    clockid_t clock;

    if (pthread_getcpuclockid(worker->thread, &clock) == 0)
        clock_gettime(clock, &ts);
    return (uint64_t)ts.tv_sec * RL_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Under the lock: the worker's host is there and its thread lives. */
static bool look(struct rl_worker *worker, uint64_t now_ns, bool due, uint64_t handler_time_ns)
{
    uint64_t sequence = rl_script_sequence(worker->host);

    if ((sequence & 1) == 0) {
        worker->seen_sequence = sequence;
        return false;
    }
    if (sequence != worker->seen_sequence) {
        worker->seen_sequence = sequence;
        worker->seen_since_ns = now_ns;
        worker->seen_cpu_ns = cpu_ns(worker);
        return due;
    }
    if (handler_time_ns != 0 && cpu_ns(worker) - worker->seen_cpu_ns >= handler_time_ns)
        atomic_store(&worker->overrun, sequence);
    else if (!due || now_ns - worker->seen_since_ns < LOOK_AGAIN_NS)
        return due;
    pthread_kill(worker->thread, rl_watch_signal());
    return true;
}

bool rl_watch(struct rl_worker *worker, uint64_t now_ns, bool due, uint64_t handler_time_ns)
{
    bool again = false;

    pthread_mutex_lock(&worker->watch_lock);
    if (worker->watched)
        again = look(worker, now_ns, due, handler_time_ns);
    pthread_mutex_unlock(&worker->watch_lock);
    return again;
}
