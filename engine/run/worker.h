/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker - one thread: a ring, a loop, a Lua host, its share of the VUs and of every scenario.
 *
 * The control thread gives commands, which are mails; the worker answers by its atomic figures and a
 * poke. What a command does is done on the worker's thread, between two turns' worth of work.
 *
 *      start -> READY -> (special: setup) -> executors -> (special: teardown) -> stop -> STOPPED
 */
#ifndef RL_RUN_WORKER_H
#define RL_RUN_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "run/strain.h"
#include "script/script.h"
#include "vu/executor.h"

struct rl_test;

enum rl_worker_state { RL_WORKER_STARTING, RL_WORKER_READY, RL_WORKER_FAILED, RL_WORKER_STOPPED };

struct rl_worker {
    struct rl_test *test;
    uint32_t index;
    pthread_t thread;
    bool thread_started;
    struct rl_share share;
    struct rl_ring *ring;
    struct rl_loop loop;
    bool has_loop;
    struct rl_net net;
    struct rl_shard shard;
    struct rl_vu_env env;
    struct rl_script_host *host;
    struct rl_vu_pool pool;
    struct rl_executor *executors; /* one a scenario */
    uint32_t executors_left;
    struct rl_timer flush_timer;
    struct rl_vu special;          /* setup, teardown: worker 0 */
    bool special_created;
    uint64_t drain_until_ns;
    struct rl_strain strain; /* once the thread has ended */

    /* Written by the worker, read by control. */
    _Atomic int state;
    _Atomic uint32_t vus_created;
    _Atomic bool executors_ended, special_ended, special_failed;
    char why[256]; /* of RL_WORKER_FAILED; written before state */
    int failure_code;

    /* Written by control, read by the worker and its signal handler. */
    _Atomic bool interrupted;       /* everything is to end now */
    _Atomic bool special_interrupted;
    _Atomic uint64_t overrun;       /* the sequence of a handler that ran too long */

    /* The watchdog: control looks only while the worker says so. */
    pthread_mutex_t watch_lock;
    bool watched;
    uint64_t seen_sequence, seen_since_ns, seen_cpu_ns; /* control's own */
};

/* Start the thread; READY or FAILED follows. 0 or -errno. */
int rl_worker_start(struct rl_worker *worker, struct rl_test *test, uint32_t index);

/* Commands, from the control thread. */
void rl_worker_run_special(struct rl_worker *worker, uint32_t exec);
void rl_worker_start_executors(struct rl_worker *worker, uint64_t zero_ns, const char *setup_json);
void rl_worker_interrupt_special(struct rl_worker *worker);
void rl_worker_interrupt(struct rl_worker *worker);
void rl_worker_stop(struct rl_worker *worker);

/* Wait for the thread. The shard is left for the collector to drain; then rl_worker_fini. */
void rl_worker_join(struct rl_worker *worker);
void rl_worker_fini(struct rl_worker *worker);

/* The signal that makes a worker look whether its Lua is to be stopped; installs its handler. */
void rl_watch_init(void);
int rl_watch_signal(void);

/* The watchdog, from the control thread: signal the worker if its Lua has run since an earlier look and
 * should not. due: something of it is to end by now. handler_time_ns: 0 for ever. True: look again soon. */
bool rl_watch(struct rl_worker *worker, uint64_t now_ns, bool due, uint64_t handler_time_ns);

/* The worker's thread answers the signal from now on, or no more. */
void rl_watch_attach(struct rl_worker *worker);
void rl_watch_detach(struct rl_worker *worker);

#endif
