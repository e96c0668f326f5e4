/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

void rl_test_poke(struct rl_test *test)
{
    const uint64_t one = 1;

    if (write(test->poke_fd, &one, sizeof(one)) < 0)
        return; /* the counter is full: control is being woken already */
}

void rl_test_end(struct rl_test *test, int code, const char *format, ...)
{
    int none = 0;
    char message[512];
    va_list args;

    if (!atomic_compare_exchange_strong(&test->verdict.code, &none, code))
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    rl_log_error("%s", message);
    rl_test_poke(test);
}

uint64_t rl_test_clock_ns(struct rl_test *test)
{
    uint64_t start_ns = atomic_load(&test->clock_start_ns), stop_ns = atomic_load(&test->clock_stop_ns);

    if (start_ns == 0)
        return 0;
    return (stop_ns != 0 ? stop_ns : rl_clock_ns()) - start_ns;
}

/* --- Sums. --- */

enum figure { COMPLETED, INTERRUPTED, ACTIVE };

static uint64_t read_figure(struct rl_executor_figures *figures, enum figure which)
{
    switch (which) {
    case COMPLETED:
        return atomic_load_explicit(&figures->completed, memory_order_relaxed);
    case INTERRUPTED:
        return atomic_load_explicit(&figures->interrupted, memory_order_relaxed);
    case ACTIVE:
        return atomic_load_explicit(&figures->active, memory_order_relaxed);
    }
    return 0;
}

/* Executors exist from READY on, until the workers are joined. */
static bool has_executors(struct rl_worker *worker)
{
    return atomic_load_explicit(&worker->state, memory_order_acquire) == RL_WORKER_READY;
}

static uint64_t sum_figure(struct rl_test *test, enum figure which)
{
    uint64_t sum = 0;

    for (uint32_t w = 0; w < test->worker_count; w++) {
        if (!has_executors(&test->workers[w]))
            continue;
        for (size_t i = 0; i < test->plan.scenario_count; i++)
            sum += read_figure(&test->workers[w].executors[i].figures, which);
    }
    return sum;
}

uint64_t rl_test_completed(struct rl_test *test)
{
    return sum_figure(test, COMPLETED);
}

uint64_t rl_test_interrupted(struct rl_test *test)
{
    return sum_figure(test, INTERRUPTED);
}

uint64_t rl_test_active_vus(struct rl_test *test)
{
    return sum_figure(test, ACTIVE);
}

uint64_t rl_test_created_vus(struct rl_test *test)
{
    uint64_t sum = 0;

    for (uint32_t w = 0; w < test->worker_count; w++)
        sum += atomic_load_explicit(&test->workers[w].vus_created, memory_order_relaxed);
    return sum;
}

/* --- k6/execution. --- */

static void abort_test(void *ctx, struct rl_vu *vu, const char *message)
{
    (void)vu;
    rl_test_end(ctx, RL_EXIT_TEST_ABORT, "test aborted: %s", message);
}

static void fail_test(void *ctx, struct rl_vu *vu, const char *message)
{
    struct rl_test *test = ctx;

    (void)vu;
    rl_log_error("test marked as failed: %s", message);
    atomic_store(&test->verdict.failed, true);
}

static double duration_ms(void *ctx)
{
    return (double)rl_test_clock_ns(ctx) / 1e6;
}

static uint64_t completed(void *ctx)
{
    return rl_test_completed(ctx);
}

static uint64_t interrupted(void *ctx)
{
    return rl_test_interrupted(ctx);
}

static uint64_t active(void *ctx)
{
    return rl_test_active_vus(ctx);
}

static uint64_t initialized(void *ctx)
{
    return rl_test_created_vus(ctx);
}

static const char *scenario_name(void *ctx, struct rl_vu *vu)
{
    (void)ctx;
    return vu->executor == NULL ? NULL : vu->executor->scenario->name;
}

static const char *scenario_executor(void *ctx, struct rl_vu *vu)
{
    (void)ctx;
    return vu->executor == NULL ? NULL : rl_executor_name(vu->executor->scenario->executor);
}

static double scenario_progress(void *ctx, struct rl_vu *vu)
{
    struct rl_test *test = ctx;

    if (vu->executor == NULL)
        return 0;
    return rl_scenario_progress(test, (size_t)(vu->executor->scenario - test->plan.scenarios),
                                vu->env->loop->now_ns);
}

static double scenario_start_ms(void *ctx, struct rl_vu *vu)
{
    struct rl_test *test = ctx;

    if (vu->executor == NULL)
        return 0;
    return (double)(test->scenarios_zero_wall_ns + (uint64_t)vu->executor->scenario->start_time_ns) / 1e6;
}

static uint64_t iteration_in_instance(void *ctx, struct rl_vu *vu)
{
    (void)ctx;
    return vu->test_iteration; /* an instance is the whole test: segments come later */
}

static const struct rl_pair *scenario_env(void *ctx, struct rl_vu *vu)
{
    struct rl_test *test = ctx;

    if (vu->executor == NULL || test->scenario_env == NULL)
        return NULL;
    return test->scenario_env[vu->executor->scenario - test->plan.scenarios];
}

double rl_scenario_progress(struct rl_test *test, size_t index, uint64_t now_ns)
{
    const struct rl_scenario *scenario = &test->plan.scenarios[index];
    uint64_t start_ns = test->scenarios_zero_ns + (uint64_t)scenario->start_time_ns;
    double part, total;

    if (test->scenarios_zero_ns == 0 || now_ns < start_ns)
        return 0;
    if (scenario->executor == RL_CONSTANT_VUS) {
        part = (double)(now_ns - start_ns);
        total = (double)rl_scenario_length_ns(scenario);
    } else {
        part = (double)rl_scenario_done(test, index);
        total = (double)scenario->iterations *
                (scenario->executor == RL_PER_VU_ITERATIONS ? (double)scenario->vus : 1.0);
    }
    return part >= total ? 1 : part / total;
}

uint64_t rl_scenario_done(struct rl_test *test, size_t index)
{
    uint64_t sum = 0;

    for (uint32_t w = 0; w < test->worker_count; w++) {
        if (has_executors(&test->workers[w]))
            sum += read_figure(&test->workers[w].executors[index].figures, COMPLETED);
    }
    return sum;
}

enum rl_executor_phase rl_scenario_phase(struct rl_test *test, size_t index, uint64_t *active_vus)
{
    enum rl_executor_phase phase = RL_EXECUTOR_ENDED;

    *active_vus = 0;
    for (uint32_t w = 0; w < test->worker_count; w++) {
        struct rl_executor_figures *figures;
        uint32_t own;

        if (!has_executors(&test->workers[w]))
            return RL_EXECUTOR_WAITING;
        figures = &test->workers[w].executors[index].figures;
        own = atomic_load_explicit(&figures->phase, memory_order_relaxed);
        if (own < phase)
            phase = (enum rl_executor_phase)own;
        *active_vus += read_figure(figures, ACTIVE);
    }
    return phase;
}

struct rl_run_calls rl_test_calls(struct rl_test *test)
{
    return (struct rl_run_calls){
        .ctx = test,
        .abort = abort_test,
        .fail = fail_test,
        .test_duration_ms = duration_ms,
        .iterations_completed = completed,
        .iterations_interrupted = interrupted,
        .vus_active = active,
        .vus_initialized = initialized,
        .scenario_name = scenario_name,
        .scenario_executor = scenario_executor,
        .scenario_progress = scenario_progress,
        .scenario_start_ms = scenario_start_ms,
        .scenario_iteration_in_instance = iteration_in_instance,
        .scenario_env = scenario_env,
    };
}
