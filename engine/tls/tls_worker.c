/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose turn it is. A step of a handshake costs up to half a millisecond: a ramp of thousands would keep
 * everything else waiting. So a turn of the loop takes a few; and those that have begun come before
 * new ones, so that none of them waits behind all the others.
 */
#include <stdlib.h>

#include "tls/tls_stream_impl.h"

static void run_steps(struct rl_task *task);

struct rl_tls_worker *rl_tls_worker_new(struct rl_loop *loop)
{
    struct rl_tls_worker *worker = malloc(sizeof(*worker));

    if (worker == NULL)
        return NULL;
    worker->loop = loop;
    rl_list_init(&worker->ongoing);
    rl_list_init(&worker->fresh);
    rl_task_init(&worker->task, run_steps);
    worker->turn = UINT64_MAX;
    worker->steps_left = worker->under_way = 0;
    worker->steps_a_turn = RL_TLS_STEPS_A_TURN;
    worker->handshakes_max = RL_TLS_HANDSHAKES_MAX;
    worker->counts = (struct rl_tls_counts){0};
    return worker;
}

void rl_tls_worker_free(struct rl_tls_worker *worker)
{
    if (worker == NULL)
        return;
    rl_task_cancel(&worker->task);
    free(worker);
}

const struct rl_tls_counts *rl_tls_worker_counts(const struct rl_tls_worker *worker)
{
    return &worker->counts;
}

bool rl_tls_worker_step(struct rl_tls_worker *worker)
{
    if (worker->turn != worker->loop->turns) {
        worker->turn = worker->loop->turns;
        worker->steps_left = worker->steps_a_turn;
    }
    if (worker->steps_left == 0)
        return false;
    worker->steps_left--;
    return true;
}

bool rl_tls_worker_may_begin(struct rl_tls_worker *worker)
{
    return rl_list_empty(&worker->ongoing) && rl_list_empty(&worker->fresh) &&
           worker->under_way < worker->handshakes_max && rl_tls_worker_step(worker);
}

void rl_tls_worker_queue(struct rl_tls_worker *worker, struct rl_tls_stream *stream)
{
    if (!rl_list_empty(&stream->link))
        return;
    if (stream->stage == RL_TLS_QUEUED) {
        worker->counts.waited++;
        rl_list_push(&worker->fresh, &stream->link);
    } else {
        rl_list_push(&worker->ongoing, &stream->link);
    }
    rl_loop_ready(worker->loop, &worker->task);
}

void rl_tls_worker_enter(struct rl_tls_worker *worker, struct rl_tls_stream *stream)
{
    stream->under_way = true;
    worker->under_way++;
    worker->counts.started++;
}

void rl_tls_worker_leave(struct rl_tls_worker *worker, struct rl_tls_stream *stream)
{
    if (!stream->under_way)
        return;
    stream->under_way = false;
    worker->under_way--;
    if (!rl_list_empty(&worker->fresh))
        rl_loop_ready(worker->loop, &worker->task);
}

static struct rl_tls_stream *next(struct rl_tls_worker *worker)
{
    struct rl_list *node = NULL;

    if (!rl_list_empty(&worker->ongoing))
        node = rl_list_pop(&worker->ongoing);
    else if (worker->under_way < worker->handshakes_max)
        node = rl_list_pop(&worker->fresh);
    return node == NULL ? NULL : rl_container_of(node, struct rl_tls_stream, link);
}

static bool has_work(const struct rl_tls_worker *worker)
{
    return !rl_list_empty(&worker->ongoing) ||
           (!rl_list_empty(&worker->fresh) && worker->under_way < worker->handshakes_max);
}

static void run_steps(struct rl_task *task)
{
    struct rl_tls_worker *worker = rl_container_of(task, struct rl_tls_worker, task);

    while (has_work(worker) && rl_tls_worker_step(worker))
        rl_tls_stream_resume(next(worker));
    if (has_work(worker))
        rl_loop_ready(worker->loop, &worker->task);
}
