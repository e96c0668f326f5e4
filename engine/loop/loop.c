/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"

enum {
    TASKS_A_TURN = 1024,
    TIMERS_A_TURN = 128, /* a handler and a write each: what is received waits no longer than for these */
    OVERFLOW_ROUNDS = 4096,
    PREFETCH_STEP = 2,
    AHEAD = PREFETCH_STEP * RL_PREFETCH_STAGES
};

static void ignore(void *ctx, uint64_t handle, const struct rl_completion *c, struct rl_slice view)
{
    (void)ctx;
    (void)handle;
    (void)c;
    (void)view;
}

/* Somebody posted while we slept; the mail itself is read in every turn. */
static void woken(void *ctx, uint64_t handle, const struct rl_completion *c, struct rl_slice view)
{
    struct rl_loop *loop = ctx;
    uint64_t count;

    (void)handle;
    (void)view;
    if (read(loop->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        RL_UNREACHABLE();
    if (!rl_completion_more(c) && !loop->stopping)
        rl_ring_poll(loop->ring, loop->wake_fd, rl_op(RL_OP_WAKE, 0));
}

int rl_loop_init(struct rl_loop *loop, struct rl_ring *ring)
{
    *loop = (struct rl_loop){.ring = ring, .now_ns = rl_clock_ns(), .steady_from_ns = UINT64_MAX};
    rl_timer_wheel_init(&loop->wheel, loop->now_ns);
    rl_list_init(&loop->ready);
    rl_mpsc_init(&loop->mailbox);
    for (unsigned kind = 0; kind < RL_OP_KINDS; kind++)
        loop->handlers[kind].fn = ignore;
    loop->part_bytes = RL_LOOP_PART_BYTES;
    loop->batch_capacity = rl_ring_capacity(ring);
    loop->batch = malloc(loop->batch_capacity * sizeof(*loop->batch));
    if (loop->batch == NULL)
        return -ENOMEM;
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0) {
        free(loop->batch);
        return -errno;
    }
    rl_loop_on(loop, RL_OP_WAKE, woken, loop);
    rl_ring_poll(ring, loop->wake_fd, rl_op(RL_OP_WAKE, 0));
    return 0;
}

void rl_loop_fini(struct rl_loop *loop)
{
    close(loop->wake_fd);
    free(loop->batch);
    loop->batch = NULL;
}

void rl_loop_on(struct rl_loop *loop, enum rl_op_kind kind, rl_completion_fn *fn, void *ctx)
{
    loop->handlers[kind].fn = fn;
    loop->handlers[kind].ctx = ctx;
}

void rl_loop_hook(struct rl_loop *loop, const struct rl_loop_hooks *hooks)
{
    RL_CHECK(loop->hook_count < RL_LOOP_HOOKS);
    loop->hooks[loop->hook_count++] = *hooks;
}

void rl_loop_post(struct rl_loop *loop, struct rl_mail *mail)
{
    const uint64_t one = 1;

    rl_mpsc_push(&loop->mailbox, &mail->node);
    /* Pairs with the fence in may_sleep: one of the two sees the other. */
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&loop->asleep, memory_order_relaxed)) {
        while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
            ;
    }
}

/* Announce the sleep; false if mail came in meanwhile. */
static bool may_sleep(struct rl_loop *loop)
{
    atomic_store_explicit(&loop->asleep, true, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    return rl_mpsc_empty(&loop->mailbox);
}

static uint64_t time_to_sleep(struct rl_loop *loop, uint64_t now_ns)
{
    uint64_t due_ns;

    if (loop->urgent || loop->stopping || !rl_list_empty(&loop->ready) || !may_sleep(loop))
        return 0;
    due_ns = rl_timer_wheel_next_ns(&loop->wheel);
    if (due_ns == UINT64_MAX)
        return UINT64_MAX;
    return due_ns > now_ns ? due_ns - now_ns : 0;
}

static void dispatch(struct rl_loop *loop, const struct rl_completion *c)
{
    enum rl_op_kind kind = rl_op_kind(c->user_data);
    uint64_t handle = rl_op_handle(c->user_data);

    RL_CHECK(kind < RL_OP_KINDS);
    if (kind == RL_OP_RECV) {
        struct rl_slice view = rl_ring_view(loop->ring, c);

        loop->handlers[kind].fn(loop->handlers[kind].ctx, handle, c, view);
        rl_ring_return(loop->ring, c);
        loop->part_left -= view.size < loop->part_left ? (uint32_t)view.size : loop->part_left;
        return;
    }
    loop->handlers[kind].fn(loop->handlers[kind].ctx, handle, c, rl_slice_of(NULL, 0));
}

static void ask(struct rl_loop *loop, uint64_t user_data, unsigned stage)
{
    if (rl_op_kind(user_data) == RL_OP_RECV)
        loop->prefetch(loop->prefetch_ctx, rl_op_handle(user_data), stage);
}

static void flush_all(struct rl_loop *loop)
{
    loop->part_left = loop->part_bytes;
    for (unsigned i = 0; i < loop->hook_count; i++) {
        if (loop->hooks[i].flush != NULL)
            loop->hooks[i].flush(loop->hooks[i].ctx);
    }
}

/* Of what was reaped from at on: a write is known to be accepted before the answer to it is delivered.
 * Whether the ring had settled is asked before them, since they submit what comes next. */
static void complete_sends(struct rl_loop *loop, unsigned at)
{
    bool settled = rl_ring_settled(loop->ring);

    for (; at < loop->batch_count; at++) {
        if (rl_op_kind(loop->batch[at].user_data) == RL_OP_SEND)
            dispatch(loop, &loop->batch[at]);
    }
    if (!settled)
        return;
    for (unsigned i = 0; i < loop->hook_count; i++)
        loop->hooks[i].sent(loop->hooks[i].ctx);
    loop->urgent = false; /* what they owed each other they have told each other */
}

/* What completes at once joins the batch; as long as there is room in it. */
static void submit_part(struct rl_loop *loop)
{
    unsigned at = loop->batch_count;

    flush_all(loop);
    if (rl_ring_unsubmitted(loop->ring) == 0)
        return;
    rl_ring_submit(loop->ring);
    loop->batch_count += rl_ring_reap(loop->ring, loop->batch + at, loop->batch_capacity - at);
    complete_sends(loop, at);
}

static void dispatch_next(struct rl_loop *loop, unsigned at)
{
    if (rl_op_kind(loop->batch[at].user_data) == RL_OP_SEND)
        return;
    dispatch(loop, &loop->batch[at]);
    if (RL_UNLIKELY(loop->part_left == 0))
        submit_part(loop);
}

/* Each stage of the completions that come next asked for before. */
static void dispatch_ahead(struct rl_loop *loop)
{
    for (unsigned i = 0; i < loop->batch_count + AHEAD; i++) {
        for (unsigned stage = 0; stage < RL_PREFETCH_STAGES; stage++) {
            unsigned at = i - stage * PREFETCH_STEP; /* wraps to what is not there */

            if (at < loop->batch_count)
                ask(loop, loop->batch[at].user_data, stage);
        }
        if (i >= AHEAD)
            dispatch_next(loop, i - AHEAD);
    }
}

/* Sends first, then all others. */
static void complete(struct rl_loop *loop)
{
    complete_sends(loop, 0);
    if (loop->prefetch != NULL) {
        dispatch_ahead(loop);
        return;
    }
    for (unsigned i = 0; i < loop->batch_count; i++)
        dispatch_next(loop, i);
}

static void deliver_mail(struct rl_loop *loop)
{
    struct rl_mpsc_node *node, *next;

    if (rl_mpsc_empty(&loop->mailbox))
        return;
    for (node = rl_mpsc_take(&loop->mailbox); node != NULL; node = next) {
        struct rl_mail *mail = rl_container_of(node, struct rl_mail, node);

        next = node->next;
        mail->deliver(mail);
    }
}

static void run_ready(struct rl_loop *loop)
{
    struct rl_list now;
    struct rl_list *node;

    /* Only what is ready now: a task that readies itself waits for the next turn. */
    rl_list_init(&now);
    rl_list_splice(&now, &loop->ready);
    for (int i = 0; i < TASKS_A_TURN && (node = rl_list_pop(&now)) != NULL; i++) {
        struct rl_task *task = rl_container_of(node, struct rl_task, link);

        task->run(task);
    }
    rl_list_splice(&now, &loop->ready);
    rl_list_splice(&loop->ready, &now);
}

/* The completions did not fit the queue, and what is silent has not succeeded while some wait outside: without
 * those, the answer to a write would be delivered before it is known that the write was accepted. */
static unsigned reap_overflow(struct rl_loop *loop, unsigned count)
{
    unsigned round = rl_ring_capacity(loop->ring);

    for (unsigned i = 0; i < OVERFLOW_ROUNDS && !rl_ring_settled(loop->ring); i++) {
        if (loop->batch_capacity - count < round) {
            unsigned capacity = 2 * loop->batch_capacity;
            struct rl_completion *batch = realloc(loop->batch, capacity * sizeof(*batch));

            if (batch == NULL)
                break; /* the next turn takes them */
            loop->batch = batch;
            loop->batch_capacity = capacity;
        }
        count += rl_ring_reap(loop->ring, loop->batch + count, round);
    }
    loop->overflows = rl_ring_overflows(loop->ring);
    return count;
}

void rl_loop_connecting(struct rl_loop *loop)
{
    loop->steady_from_ns = loop->now_ns + RL_NS_PER_S;
    if (loop->steady.count > 0)
        loop->steady = (struct rl_turns){0};
}

void rl_loop_ending(struct rl_loop *loop)
{
    loop->steady_from_ns = UINT64_MAX;
}

int rl_loop_turn(struct rl_loop *loop)
{
    uint64_t end_ns;
    unsigned count;
    int rc;

    flush_all(loop);
    end_ns = rl_clock_ns();
    if (loop->turns > 0) {
        rl_turns_record(&loop->lengths, end_ns - loop->now_ns);
        if (loop->now_ns >= loop->steady_from_ns)
            rl_turns_record(&loop->steady, end_ns - loop->now_ns);
    }
    rc = rl_ring_enter(loop->ring, time_to_sleep(loop, end_ns));
    atomic_store_explicit(&loop->asleep, false, memory_order_relaxed);
    loop->now_ns = rl_clock_ns();
    if (rc < 0)
        return rc;
    count = rl_ring_reap(loop->ring, loop->batch, loop->batch_capacity);
    if (RL_UNLIKELY(rl_ring_overflows(loop->ring) != loop->overflows))
        count = reap_overflow(loop, count);
    loop->batch_count = count;
    complete(loop);
    count = loop->batch_count;
    deliver_mail(loop);
    rl_timer_wheel_advance(&loop->wheel, loop->now_ns, TIMERS_A_TURN);
    run_ready(loop);
    loop->turns++;
    loop->completions += count;
    return 0;
}

int rl_loop_run(struct rl_loop *loop)
{
    int rc = 0;

    while (!loop->stopping && rc == 0)
        rc = rl_loop_turn(loop);
    return rc;
}

void rl_loop_stop(struct rl_loop *loop)
{
    loop->stopping = true;
}
