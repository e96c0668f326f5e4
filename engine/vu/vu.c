/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vu/vu.h"

#include <errno.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "vu/queue.h"
#include "vu/route.h"
#include "vu/socket_impl.h"

enum { EMITS_A_TURN = 1024 };

/* --- What every iteration emits. --- */

static void look_up_series(struct rl_vu_env *env, const struct rl_tagset *tags)
{
    env->series = (struct rl_iteration_series){
        .tags = tags,
        .iterations = rl_shard_series(env->shard, RL_M_ITERATIONS, tags),
        .duration = rl_shard_series(env->shard, RL_M_ITERATION_DURATION, tags),
        .data_sent = rl_shard_series(env->shard, RL_M_DATA_SENT, tags),
        .data_received = rl_shard_series(env->shard, RL_M_DATA_RECEIVED, tags),
    };
}

static void emit_bytes(struct rl_vu *vu)
{
    struct rl_vu_env *env = vu->env;

    if (env->series.tags != vu->tags)
        look_up_series(env, vu->tags);
    rl_shard_count(env->shard, env->series.data_sent, (double)vu->bytes_sent);
    rl_shard_count(env->shard, env->series.data_received, (double)vu->bytes_received);
    vu->bytes_sent = vu->bytes_received = 0;
    if (vu->dirty)
        rl_list_remove(&vu->link);
    vu->dirty = false;
}

/* Long iterations show their bytes within a second; a bounded number a turn. */
static void emit_some(struct rl_task *task)
{
    struct rl_vu_env *env = rl_container_of(task, struct rl_vu_env, emit_task);

    for (int i = 0; i < EMITS_A_TURN; i++) {
        if (rl_list_empty(&env->dirty))
            return;
        emit_bytes(rl_container_of(env->dirty.next, struct rl_vu, link));
    }
    rl_loop_ready(env->loop, task);
}

/* What the kernel took of blocked writes while their sockets were being closed was sent, too. Their VU
 * may be elsewhere by then: it goes with the tags that were used last. */
static void emit_late_bytes(struct rl_vu_env *env)
{
    uint64_t late = env->net->counts.bytes_sent_late;

    if (late == env->late_bytes || env->series.tags == NULL)
        return;
    rl_shard_count(env->shard, env->series.data_sent, (double)(late - env->late_bytes));
    env->late_bytes = late;
}

static void emit_second(struct rl_timer *timer)
{
    struct rl_vu_env *env = rl_container_of(timer, struct rl_vu_env, emit_timer);

    emit_late_bytes(env);
    rl_loop_ready(env->loop, &env->emit_task);
    rl_loop_timer(env->loop, timer, env->loop->now_ns + RL_NS_PER_S);
}

/* --- Writes whose end is known are woken once all connections have heard. --- */

static void wake_writes(void *ctx)
{
    struct rl_vu_env *env = ctx;
    struct rl_list *node;

    env->shard->now_ns = env->loop->now_ns; /* the time of this turn's samples */
    while ((node = rl_list_pop(&env->woken)) != NULL) {
        struct rl_write *write = rl_container_of(node, struct rl_write, link);
        struct rl_socket *socket = write->socket; /* the write goes with its waking */
        struct rl_tcp_error error;

        if (RL_LIKELY(write->status == 0)) {
            write->waiter.wake(&write->waiter, 0, NULL);
        } else {
            rl_write_error(write, &error);
            write->waiter.wake(&write->waiter, write->status, &error);
        }
        rl_socket_release(socket);
    }
}

int rl_vu_env_init(struct rl_vu_env *env)
{
    const struct rl_loop_hooks hooks = {.sent = wake_writes, .ctx = env};

    rl_list_init(&env->woken);
    rl_list_init(&env->dirty);
    env->debug = rl_log_enabled(RL_LOG_DEBUG);
    rl_task_init(&env->emit_task, emit_some);
    rl_timer_init(&env->emit_timer, emit_second);
    rl_loop_timer(env->loop, &env->emit_timer, env->loop->now_ns + RL_NS_PER_S);
    rl_loop_hook(env->loop, &hooks);
    return 0;
}

void rl_vu_env_fini(struct rl_vu_env *env)
{
    emit_late_bytes(env);
    rl_task_cancel(&env->emit_task);
    rl_timer_cancel(&env->emit_timer);
    rl_routes_free(env);
    rl_tcp_series_free(env);
}

/* --- Iterations. --- */

static void finish(struct rl_vu *vu, enum rl_outcome outcome)
{
    struct rl_vu_env *env = vu->env;

    rl_task_cancel(&vu->task);
    emit_bytes(vu);
    if (outcome == RL_ITERATION_COMPLETE && vu->id != 0) {
        double duration_ms = (double)(rl_clock_ns() - vu->started_ns) / 1e6;

        rl_shard_add(env->shard, env->series.duration, duration_ms);
        rl_shard_count(env->shard, env->series.iterations, 1);
    }
    vu->state = RL_VU_IDLE;
    vu->holds = 0;
    env->done(vu, outcome);
}

static void proceed(struct rl_task *task)
{
    struct rl_vu *vu = rl_container_of(task, struct rl_vu, task);

    if (rl_queue_deliver(vu) && vu->holds == 0)
        finish(vu, RL_ITERATION_COMPLETE);
}

void rl_vu_init(struct rl_vu *vu, struct rl_vu_env *env, uint32_t id, uint32_t global_id)
{
    *vu = (struct rl_vu){.env = env, .id = id, .global_id = global_id};
    vu->iteration = vu->scenario_iteration = UINT64_MAX; /* the first one is 0 */
    rl_list_init(&vu->sockets);
    rl_list_init(&vu->queue);
    rl_list_init(&vu->link);
    rl_task_init(&vu->task, proceed);
}

void rl_vu_fini(struct rl_vu *vu)
{
    rl_tls_sessions_free(vu->tls_sessions);
    vu->tls_sessions = NULL;
}

void rl_vu_begin(struct rl_vu *vu)
{
    RL_ASSERT(vu->state == RL_VU_IDLE);
    vu->state = RL_VU_RUNNING;
    vu->failed = false;
    vu->holds = 1;
    vu->iteration++;
    vu->scenario_iteration++;
    vu->started_ns = rl_clock_ns(); /* not the turn's: what ran before in this turn is not ours */
    vu->env->program->start(vu);
}

void rl_vu_release(struct rl_vu *vu)
{
    if (vu->state != RL_VU_RUNNING)
        return;
    RL_ASSERT(vu->holds > 0);
    if (--vu->holds == 0)
        rl_loop_ready(vu->env->loop, &vu->task);
}

/* T-185: everything of the iteration ends at once and in silence. */
static void end_by_force(struct rl_vu *vu, enum rl_outcome outcome)
{
    vu->state = RL_VU_ENDING;
    rl_queue_drop(vu);
    while (!rl_list_empty(&vu->sockets))
        rl_socket_cancel(rl_container_of(vu->sockets.next, struct rl_socket, link));
    rl_writes_forget(vu);
    vu->env->program->cancel(vu);
    finish(vu, outcome);
}

void rl_vu_abort(struct rl_vu *vu)
{
    RL_ASSERT(vu->state == RL_VU_RUNNING);
    vu->failed = true;
    end_by_force(vu, RL_ITERATION_COMPLETE);
}

void rl_vu_interrupt(struct rl_vu *vu)
{
    if (vu->state == RL_VU_RUNNING)
        end_by_force(vu, RL_ITERATION_INTERRUPTED);
}

/* --- Tags and samples. --- */

void rl_vu_tag(struct rl_vu *vu, const char *key, const char *value)
{
    vu->tags = rl_tags_with(vu->env->shard->tags, vu->tags, key, value);
}

void rl_vu_sample(struct rl_vu *vu, uint32_t metric_id, const struct rl_tagset *more, double value)
{
    struct rl_shard *shard = vu->env->shard;
    const struct rl_tagset *tags = vu->tags;

    if (vu->state != RL_VU_RUNNING)
        return;
    if (more != NULL)
        tags = rl_tags_over(shard->tags, tags, more);
    rl_shard_add(shard, rl_shard_series(shard, metric_id, tags), value);
}
