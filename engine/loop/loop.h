/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop - a worker's turn: submit and wait, reap, fire timers, run what became ready.
 *
 *      flush hook -> rl_ring_enter -> sends' completions -> sent hook -> other completions
 *                 -> mail -> timers -> ready tasks (a bounded number) -> again
 *
 * In a turn that receives much, what was written is submitted in between, each time so many bytes have
 * been received: what lies in the cache then, the kernel need not fetch from memory.
 *
 * Nothing in a turn blocks. Completions of sends come before all others, so that a write is known
 * to be accepted before the answer to it is delivered.
 *
 * Thread: one worker's, but for rl_loop_post.
 */
#ifndef RL_LOOP_LOOP_H
#define RL_LOOP_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mpsc.h"
#include "loop/timer_wheel.h"
#include "loop/turns.h"
#include "ring/ring.h"

/* Something to run in this turn or a later one. On the list at most once. */
struct rl_task {
    struct rl_list link;
    void (*run)(struct rl_task *task);
};

/* A message from any thread; run on the loop's thread. */
struct rl_mail {
    struct rl_mpsc_node node;
    void (*deliver)(struct rl_mail *mail);
};

/* view: the received bytes of an RL_OP_RECV completion, good until the call returns. */
typedef void rl_completion_fn(void *ctx, uint64_t handle, const struct rl_completion *c,
                              struct rl_slice view);

/* Ask for what the completion's handler will read, without waiting for it. Called for each stage in
 * turn, some completions ahead, so that each stage can follow a pointer that the one before asked for. */
typedef void rl_prefetch_fn(void *ctx, uint64_t handle, unsigned stage);
enum { RL_PREFETCH_STAGES = 4 };

struct rl_loop_hooks {
    void (*flush)(void *ctx); /* before submitting: turn what gathered into submissions; or NULL */
    void (*sent)(void *ctx);  /* after it: what was submitted and not answered has succeeded */
    void *ctx;
};

enum {
    RL_LOOP_HOOKS = 4,
    RL_LOOP_PART_BYTES = 128 * 1024, /* with what is made of them, a fraction of a second-level cache */
};

struct rl_loop {
    struct rl_ring *ring;
    uint64_t now_ns; /* read once a turn */
    struct rl_timer_wheel wheel;
    struct rl_list ready;
    struct {
        rl_completion_fn *fn;
        void *ctx;
    } handlers[RL_OP_KINDS];
    struct rl_loop_hooks hooks[RL_LOOP_HOOKS];
    unsigned hook_count;
    rl_prefetch_fn *prefetch; /* of RL_OP_RECV; NULL: all is in the cache anyway */
    void *prefetch_ctx;
    bool stopping;
    bool urgent; /* do not wait in the next enter: something is owed to a parked caller */
    int wake_fd;
    _Atomic bool asleep;
    struct rl_mpsc mailbox;
    uint64_t turns, completions;
    struct rl_turns lengths; /* of turns: how long the ring was not looked after */
    struct rl_turns steady;  /* of those since steady_from_ns */
    uint64_t steady_from_ns; /* UINT64_MAX: not now */
    struct rl_completion *batch; /* at least rl_ring_capacity of them, more after an overflow */
    unsigned batch_capacity, batch_count;
    uint32_t part_bytes;         /* received, before what was written is submitted in between */
    uint32_t part_left;          /* of them; 0: that is due */
    uint64_t overflows;          /* of the ring, seen so far */
};

/* The ring is borrowed. 0 or -errno. */
int rl_loop_init(struct rl_loop *loop, struct rl_ring *ring);
void rl_loop_fini(struct rl_loop *loop);

void rl_loop_on(struct rl_loop *loop, enum rl_op_kind kind, rl_completion_fn *fn, void *ctx);
void rl_loop_hook(struct rl_loop *loop, const struct rl_loop_hooks *hooks);

static inline void rl_task_init(struct rl_task *task, void (*run)(struct rl_task *task))
{
    rl_list_init(&task->link);
    task->run = run;
}

/* Run the task soon; harmless if it is already waiting. */
static inline void rl_loop_ready(struct rl_loop *loop, struct rl_task *task)
{
    if (rl_list_empty(&task->link))
        rl_list_push(&loop->ready, &task->link);
}

static inline void rl_task_cancel(struct rl_task *task)
{
    rl_list_remove(&task->link);
}

static inline void rl_loop_timer(struct rl_loop *loop, struct rl_timer *timer, uint64_t due_ns)
{
    rl_timer_arm(&loop->wheel, timer, due_ns);
}

/* Any thread. The mail is the receiver's until delivered. */
void rl_loop_post(struct rl_loop *loop, struct rl_mail *mail);

/* The turns that `steady` counts are those from a second after the last connect began until the load ends:
 * a connect starts the count anew, an end only stops it. */
void rl_loop_connecting(struct rl_loop *loop);
void rl_loop_ending(struct rl_loop *loop);

/* One turn; 0 or the ring's failure. */
int rl_loop_turn(struct rl_loop *loop);

/* Turns until rl_loop_stop; 0 or the ring's failure. */
int rl_loop_run(struct rl_loop *loop);
void rl_loop_stop(struct rl_loop *loop);

#endif
