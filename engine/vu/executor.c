/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vu/executor.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"

/* Few a turn, so that the kernel, which answers some 20 to 40 operations in one, keeps up with what they
 * start: otherwise all VUs wait in their first connect at once, and each costs a parked coroutine. */
enum { BEGINS_A_TURN = 16, TURN_NS = 5 * 1000 * 1000 };

/* So many connects without an answer: the kernel is behind all the same (many workers share a core, all VUs
 * have something to do), or a target does not answer. Who begins now mostly waits with them. */
enum { CONNECTING_MANY = 512, BEGINS_WHILE_MANY = 2 };

/* E-016: the rest of the minimum duration. */
struct rl_executor_pause {
    struct rl_timer timer;
    struct rl_vu *vu;
};

static void run_task(struct rl_task *task);
static void timer_fired(struct rl_timer *timer);

static const struct rl_executor_kind_ops *const kinds[RL_EXECUTORS_BUILT] = {
    [RL_CONSTANT_VUS] = &rl_exec_constant_vus,
    [RL_SHARED_ITERATIONS] = &rl_exec_shared_iterations,
    [RL_PER_VU_ITERATIONS] = &rl_exec_per_vu_iterations,
};

int rl_executor_init(struct rl_executor *executor, const struct rl_scenario *scenario,
                     const struct rl_share *share, struct rl_scenario_state *state,
                     struct rl_vu_env *env, struct rl_vu_pool *pool, uint64_t min_iteration_ns)
{
    int rc;

    *executor = (struct rl_executor){.scenario = scenario,
                                     .kind = kinds[scenario->executor],
                                     .state = state,
                                     .env = env,
                                     .pool = pool,
                                     .min_iteration_ns = min_iteration_ns};
    rc = rl_scenario_stripes(scenario, share, &executor->stripes);
    if (rc < 0)
        return rc;
    executor->vu_count = (uint32_t)rl_scenario_vus(scenario, share);
    executor->vus = calloc(executor->vu_count + 1, sizeof(struct rl_vu *));
    executor->pauses = calloc(min_iteration_ns > 0 ? executor->vu_count + 1 : 1,
                              sizeof(*executor->pauses));
    if (executor->vus == NULL || executor->pauses == NULL) {
        rl_executor_fini(executor);
        return -ENOMEM;
    }
    rl_list_init(&executor->to_begin);
    rl_task_init(&executor->task, run_task);
    rl_timer_init(&executor->timer, timer_fired);
    atomic_fetch_add(&state->parts_left, 1);
    return 0;
}

void rl_executor_fini(struct rl_executor *executor)
{
    rl_share_fini(&executor->stripes);
    free(executor->vus);
    free(executor->pauses);
    executor->vus = NULL;
    executor->pauses = NULL;
}

static void set_phase(struct rl_executor *executor, enum rl_executor_phase phase)
{
    executor->phase = phase;
    if (phase == RL_EXECUTOR_STOPPING)
        rl_loop_ending(executor->env->loop);
    atomic_store_explicit(&executor->figures.phase, phase, memory_order_relaxed);
}

static void count_one(_Atomic uint64_t *figure)
{
    /* One writer: no need for an atomic addition. */
    atomic_store_explicit(figure, atomic_load_explicit(figure, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static void arm(struct rl_executor *executor, uint64_t due_ns)
{
    rl_loop_timer(executor->env->loop, &executor->timer, due_ns);
}

static void end(struct rl_executor *executor)
{
    bool last = atomic_fetch_sub(&executor->state->parts_left, 1) == 1;

    RL_ASSERT(executor->working == 0);
    rl_timer_cancel(&executor->timer);
    rl_task_cancel(&executor->task);
    set_phase(executor, RL_EXECUTOR_ENDED);
    if (executor->kind->ended != NULL && executor->begun)
        executor->kind->ended(executor, last);
    executor->on_end(executor);
}

/* This VU works for the scenario no more. */
static void retire(struct rl_executor *executor, struct rl_vu *vu)
{
    if (executor->kind->vu_stopped != NULL)
        executor->kind->vu_stopped(executor, vu);
    rl_list_remove(&vu->link);
    executor->vus[vu->place] = NULL;
    executor->working--;
    atomic_store_explicit(&executor->figures.active, executor->working, memory_order_relaxed);
    rl_vu_pool_give(executor->pool, vu);
    if (executor->working == 0)
        rl_loop_ready(executor->env->loop, &executor->task);
}

static void begin(struct rl_executor *executor, struct rl_vu *vu)
{
    if (executor->phase != RL_EXECUTOR_RUNNING ||
        executor->env->loop->now_ns >= executor->regular_end_ns ||
        !executor->kind->draw(executor, vu)) {
        retire(executor, vu);
        return;
    }
    count_one(&executor->figures.started);
    rl_vu_begin(vu);
}

static int begins_a_turn(const struct rl_executor *executor)
{
    return executor->env->net->connecting_count < CONNECTING_MANY ? BEGINS_A_TURN
                                                                  : BEGINS_WHILE_MANY;
}

static void run_task(struct rl_task *task)
{
    struct rl_executor *executor = rl_container_of(task, struct rl_executor, task);
    struct rl_loop *loop = executor->env->loop;
    int begins = begins_a_turn(executor);
    struct rl_list now, *node;

    /* Only who waits now: an iteration that ends within its first run (an error, a handler that is
     * stopped after a second) begins again next turn, or timers and completions would starve. */
    rl_list_init(&now);
    rl_list_splice(&now, &executor->to_begin);
    for (int i = 0; i < begins && (node = rl_list_pop(&now)) != NULL; i++) {
        begin(executor, rl_container_of(node, struct rl_vu, link));
        if (rl_clock_ns() - loop->now_ns > TURN_NS)
            break;
    }
    rl_list_splice(&now, &executor->to_begin);
    rl_list_splice(&executor->to_begin, &now);
    if (!rl_list_empty(&executor->to_begin))
        rl_loop_ready(executor->env->loop, task);
    else if (executor->working == 0 && executor->phase != RL_EXECUTOR_ENDED)
        end(executor);
}

static void begin_soon(struct rl_executor *executor, struct rl_vu *vu)
{
    rl_list_push(&executor->to_begin, &vu->link);
    rl_loop_ready(executor->env->loop, &executor->task);
}

static void pause_over(struct rl_timer *timer)
{
    struct rl_executor_pause *pause = rl_container_of(timer, struct rl_executor_pause, timer);

    begin_soon(pause->vu->executor, pause->vu);
}

/* Take VUs from the pool and give them the scenario's function, tags and counters (E-012). */
static void activate(struct rl_executor *executor)
{
    for (uint32_t i = 0; i < executor->vu_count; i++) {
        struct rl_vu *vu = rl_vu_pool_take(executor->pool);

        if (vu == NULL) { /* the plan counts VUs, so only an overlap that it could not see */
            rl_log_warn("scenario %s: only %u of %u VUs were free when it started",
                        executor->scenario->name, i, executor->vu_count);
            break;
        }
        vu->executor = executor;
        vu->place = i;
        vu->exec = executor->exec;
        vu->tags = executor->tags;
        vu->scenario_iteration = UINT64_MAX;
        executor->vus[i] = vu;
        executor->working++;
        if (executor->min_iteration_ns > 0) {
            executor->pauses[i].vu = vu;
            rl_timer_init(&executor->pauses[i].timer, pause_over);
        }
        rl_list_push(&executor->to_begin, &vu->link);
    }
    atomic_store_explicit(&executor->figures.active, executor->working, memory_order_relaxed);
}

/* End what has not ended by itself: running iterations are interrupted, pauses cut short. */
static void stop_all(struct rl_executor *executor)
{
    for (uint32_t i = 0; i < executor->vu_count; i++) {
        struct rl_vu *vu = executor->vus[i];

        if (vu == NULL)
            continue;
        if (vu->state == RL_VU_RUNNING) {
            rl_vu_interrupt(vu); /* calls rl_executor_done, which retires it */
            continue;
        }
        if (executor->min_iteration_ns > 0)
            rl_timer_cancel(&executor->pauses[i].timer);
        retire(executor, vu);
    }
}

/* The regular end: who works may finish, who pauses is done. */
static void stop_gracefully(struct rl_executor *executor)
{
    set_phase(executor, RL_EXECUTOR_STOPPING);
    for (uint32_t i = 0; i < executor->vu_count; i++) {
        struct rl_vu *vu = executor->vus[i];

        if (vu == NULL || vu->state == RL_VU_RUNNING)
            continue;
        if (executor->min_iteration_ns > 0)
            rl_timer_cancel(&executor->pauses[i].timer);
        retire(executor, vu);
    }
    arm(executor, executor->hard_end_ns);
}

static void timer_fired(struct rl_timer *timer)
{
    struct rl_executor *executor = rl_container_of(timer, struct rl_executor, timer);

    if (executor->phase == RL_EXECUTOR_WAITING) {
        executor->begun = true;
        set_phase(executor, RL_EXECUTOR_RUNNING);
        activate(executor);
        arm(executor, executor->regular_end_ns);
        rl_loop_ready(executor->env->loop, &executor->task);
    } else if (executor->phase == RL_EXECUTOR_RUNNING &&
               executor->hard_end_ns > executor->regular_end_ns) {
        stop_gracefully(executor);
    } else {
        set_phase(executor, RL_EXECUTOR_STOPPING);
        stop_all(executor);
    }
}

void rl_executor_start(struct rl_executor *executor, uint64_t zero_ns)
{
    const struct rl_scenario *scenario = executor->scenario;

    if (executor->phase != RL_EXECUTOR_WAITING) /* aborted before */
        return;
    executor->start_ns = zero_ns + (uint64_t)scenario->start_time_ns;
    executor->regular_end_ns = executor->start_ns + (uint64_t)rl_scenario_length_ns(scenario);
    executor->hard_end_ns = executor->regular_end_ns + (uint64_t)scenario->graceful_stop_ns;
    arm(executor, executor->start_ns);
}

void rl_executor_done(struct rl_executor *executor, struct rl_vu *vu, enum rl_outcome outcome)
{
    struct rl_loop *loop = executor->env->loop;
    uint64_t pause_until_ns = vu->started_ns + executor->min_iteration_ns;

    count_one(outcome == RL_ITERATION_COMPLETE ? &executor->figures.completed
                                               : &executor->figures.interrupted);
    if (executor->phase != RL_EXECUTOR_RUNNING || outcome == RL_ITERATION_INTERRUPTED)
        retire(executor, vu);
    else if (executor->min_iteration_ns > 0 && pause_until_ns > loop->now_ns)
        rl_loop_timer(loop, &executor->pauses[vu->place].timer, pause_until_ns);
    else
        begin_soon(executor, vu);
}

void rl_executor_abort(struct rl_executor *executor)
{
    if (executor->phase == RL_EXECUTOR_ENDED)
        return;
    set_phase(executor, RL_EXECUTOR_STOPPING);
    rl_timer_cancel(&executor->timer);
    stop_all(executor);
    rl_loop_ready(executor->env->loop, &executor->task);
}
