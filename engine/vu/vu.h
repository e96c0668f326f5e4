/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vu - one virtual user: iterations, what holds them open, tags, byte counts.
 *
 *      IDLE --rl_vu_begin--> RUNNING --last hold released--> IDLE   (complete)
 *                               |--rl_vu_abort-------------> IDLE   (complete, with an error logged)
 *                               '--rl_vu_interrupt---------> IDLE   (interrupted: no samples)
 *
 * An iteration is held by its main function, by every coroutine it started, by each opening or open
 * socket and by each event not yet delivered (T-180). It ends when nothing holds it.
 *
 * Thread: one worker's. Memory: from the worker's array of VUs; a VU is never freed before the run ends.
 */
#ifndef RL_VU_VU_H
#define RL_VU_VU_H

#include <assert.h>

#include "base/prefetch.h"
#include "loop/loop.h"
#include "metrics/shard.h"
#include "net/conn.h"
#include "net/local_ips.h"
#include "net/resolve.h"
#include "tls/tls_stream.h"
#include "vu/causes.h"
#include "vu/program.h"

enum rl_vu_state { RL_VU_IDLE, RL_VU_RUNNING, RL_VU_ENDING };
enum rl_outcome { RL_ITERATION_COMPLETE, RL_ITERATION_INTERRUPTED };

struct rl_vu_env;
struct rl_executor;

/* The first cache line is all that a message touches; vu_pool.h puts it on a boundary. */
struct rl_vu {
    struct rl_vu_env *env;
    void *state_of_program; /* the program's own record of this VU */
    const struct rl_tagset *tags; /* base tags of all its samples, now */
    uint64_t bytes_sent, bytes_received; /* since they were last emitted */
    struct rl_list queue;   /* events raised and not delivered */
    uint32_t holds;
    uint8_t state;          /* enum rl_vu_state */
    bool failed;            /* the iteration was aborted by an error */
    bool dirty;             /* bytes_* are not emitted: link is on env->dirty */

    uint64_t started_ns;    /* of the current iteration */
    uint32_t id;            /* __VU, from 1 in this instance; 0: setup, teardown */
    uint32_t global_id;     /* vu.idInTest */
    uint32_t exec;          /* which function an iteration runs */
    uint32_t place;         /* among its executor's VUs */
    uint64_t iteration;     /* __ITER: counts started ones, from 0 */
    uint64_t scenario_iteration; /* vu.iterationInScenario, from 0 */
    uint64_t test_iteration;     /* scenario.iterationInTest of the current one */
    struct rl_list sockets; /* that the engine holds */
    struct rl_task task;    /* delivers the queue, ends the iteration */
    struct rl_list link;    /* while dirty: env's; while idle: the executor's */
    struct rl_executor *executor; /* NULL: waits in the pool, or runs setup or teardown */
    struct rl_tls_sessions *tls_sessions; /* NULL until one is kept */
    uint64_t rest_of_line;
};

static_assert(offsetof(struct rl_vu, started_ns) == RL_CACHE_LINE && sizeof(struct rl_vu) % RL_CACHE_LINE == 0,
              "a message touches one line of a VU in an array of them");

/* The series of what every iteration emits, for the tag set that was used last. */
struct rl_iteration_series {
    const struct rl_tagset *tags;
    uint32_t iterations, duration, data_sent, data_received;
};

/* What the VUs of a worker share. The worker fills in the first part, then calls rl_vu_env_init. */
struct rl_vu_env {
    struct rl_loop *loop;
    struct rl_net *net;
    struct rl_shard *shard;
    struct rl_resolver *resolver;
    const struct rl_program *program;
    void *worker;                    /* of the run room; not used here */
    const struct rl_local_ips *local_ips; /* --local-ips; NULL: the kernel's choice */
    struct rl_tls_contexts *tls_contexts; /* NULL, both: TLS is refused */
    struct rl_tls_worker *tls_worker;
    bool tls_by_host;                /* which client certificate of the run's depends on the host */
    bool tag_tls_version;            /* the system tag of that name is on */
    bool throw_;                     /* the option: bad metric values and tags raise */

    /* An iteration is over and the VU is idle again. Must not begin the next one within the call. */
    void (*done)(struct rl_vu *vu, enum rl_outcome outcome);

    /* Filled in by rl_vu_env_init. */
    struct rl_list woken;            /* writes whose end is known: struct rl_write */
    struct rl_list dirty;            /* VUs with bytes to emit */
    struct rl_timer emit_timer;      /* every second: E-013's deviation for long iterations */
    struct rl_task emit_task;
    struct rl_iteration_series series;
    struct rl_causes causes;         /* of the failures so far */
    uint64_t late_bytes;             /* of net->counts.bytes_sent_late: emitted */
    bool debug;                      /* log lines of T-214: asked once, not for each event */
    struct rl_tcp_series **tcp_series; /* by tag set id; see tcp_series.h */
    uint32_t tcp_series_count;
    struct rl_routes *routes;        /* NULL until somebody connects; see route.h */
};

int rl_vu_env_init(struct rl_vu_env *env);
void rl_vu_env_fini(struct rl_vu_env *env);

void rl_vu_init(struct rl_vu *vu, struct rl_vu_env *env, uint32_t id, uint32_t global_id);

/* The end of an idle VU; the program has destroyed its part. */
void rl_vu_fini(struct rl_vu *vu);

/* Start an iteration of an idle VU. */
void rl_vu_begin(struct rl_vu *vu);

/* From the program, while an iteration runs. The last release ends it, from the loop, later. */
static inline void rl_vu_hold(struct rl_vu *vu)
{
    vu->holds++;
}
void rl_vu_release(struct rl_vu *vu);

/* The iteration failed (T-184): sockets are closed, no more events; it counts as complete. The
 * caller has logged the error. Not from inside running code of this VU: from where a coroutine was
 * resumed, after it failed. program->cancel is called within. */
void rl_vu_abort(struct rl_vu *vu);

/* The executor's or the run's will (E-015). Harmless on an idle VU. */
void rl_vu_interrupt(struct rl_vu *vu);

/* Set or delete (value NULL) one of the VU's base tags. */
void rl_vu_tag(struct rl_vu *vu, const char *key, const char *value);

/* A sample with the VU's tags, and more on top (NULL for none). Dropped when no iteration runs. */
void rl_vu_sample(struct rl_vu *vu, uint32_t metric_id, const struct rl_tagset *more, double value);

#endif
