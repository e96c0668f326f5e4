/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/phase.h"

#include "base/clock.h"
#include "base/log.h"

static bool always(struct rl_test *test)
{
    (void)test;
    return true;
}

static void nothing(struct rl_test *test)
{
    (void)test;
}

static uint64_t no_timeout(struct rl_test *test)
{
    (void)test;
    return 0;
}

static bool when_ending(struct rl_test *test, uint64_t now_ns)
{
    (void)now_ns;
    return rl_test_ending(test);
}

/* --- Making VUs. --- */

static void start_workers(struct rl_test *test)
{
    for (uint32_t i = 0; i < test->worker_count; i++) {
        if (rl_worker_start(&test->workers[i], test, i) < 0) {
            rl_test_end(test, RL_EXIT_OTHER, "worker %u cannot start: no thread or memory left", i);
            return;
        }
    }
}

static bool workers_ready(struct rl_test *test)
{
    bool ready = true;

    for (uint32_t i = 0; i < test->worker_count; i++) {
        struct rl_worker *worker = &test->workers[i];
        int state = worker->thread_started
                        ? atomic_load_explicit(&worker->state, memory_order_acquire)
                        : RL_WORKER_STOPPED;

        if (state == RL_WORKER_FAILED)
            rl_test_end(test, worker->failure_code, "%s", worker->why);
        ready = ready && state != RL_WORKER_STARTING;
    }
    return ready;
}

static void interrupt_workers(struct rl_test *test)
{
    for (uint32_t i = 0; i < test->worker_count; i++) {
        if (atomic_load(&test->workers[i].state) == RL_WORKER_READY)
            rl_worker_interrupt(&test->workers[i]);
        else
            atomic_store(&test->workers[i].interrupted, true);
    }
}

/* --- setup and teardown: on worker 0. --- */

static bool special_over(struct rl_test *test)
{
    return atomic_load(&test->workers[0].special_ended);
}

static void interrupt_special(struct rl_test *test)
{
    rl_worker_interrupt_special(&test->workers[0]);
}

static bool has_setup(struct rl_test *test)
{
    return test->probe.has_setup && !test->options.no_setup && !rl_test_ending(test);
}

static void start_clock(struct rl_test *test)
{
    if (atomic_load(&test->clock_start_ns) == 0)
        atomic_store(&test->clock_start_ns, rl_clock_ns());
}

static void enter_setup(struct rl_test *test)
{
    start_clock(test);
    rl_worker_run_special(&test->workers[0], RL_EXEC_SETUP);
}

static void leave_setup(struct rl_test *test)
{
    if (atomic_load(&test->workers[0].special_failed)) {
        test->setup_failed = true;
        rl_test_end(test, RL_EXIT_SCRIPT, "setup failed");
        return;
    }
    test->setup_json = rl_script_setup_result(test->workers[0].host);
}

static uint64_t setup_timeout(struct rl_test *test)
{
    return (uint64_t)test->options.setup_timeout_ns;
}

/* --- Scenarios. --- */

static bool not_ending(struct rl_test *test)
{
    return !rl_test_ending(test);
}

static void enter_running(struct rl_test *test)
{
    start_clock(test);
    if (test->setup_json != NULL)
        test->setup_json = rl_arena_strdup(&test->arena, test->setup_json);
    test->scenarios_zero_wall_ns = rl_clock_wall_ns();
    test->scenarios_zero_ns = rl_clock_ns();
    test->ran = true;
    for (uint32_t i = 0; i < test->worker_count; i++)
        rl_worker_start_executors(&test->workers[i], test->scenarios_zero_ns, test->setup_json);
}

static bool executors_over(struct rl_test *test)
{
    for (uint32_t i = 0; i < test->worker_count; i++) {
        if (!atomic_load(&test->workers[i].executors_ended))
            return false;
    }
    return true;
}

/* Past the hard end of a scenario that has not ended somewhere. */
static bool scenario_due(struct rl_test *test, uint64_t now_ns)
{
    if (rl_test_ending(test))
        return true;
    for (size_t i = 0; i < test->plan.scenario_count; i++) {
        const struct rl_scenario *scenario = &test->plan.scenarios[i];
        uint64_t vus, hard_end_ns = test->scenarios_zero_ns + (uint64_t)scenario->start_time_ns +
                                    (uint64_t)rl_scenario_length_ns(scenario) +
                                    (uint64_t)scenario->graceful_stop_ns;

        if (now_ns >= hard_end_ns && rl_scenario_phase(test, i, &vus) != RL_EXECUTOR_ENDED)
            return true;
    }
    return false;
}

/* --- Teardown runs after aborts too, but not if the scenarios never began (E-033, E-062). --- */

static bool has_teardown(struct rl_test *test)
{
    return test->probe.has_teardown && !test->options.no_teardown && test->ran &&
           atomic_load(&test->workers[0].state) == RL_WORKER_READY;
}

static void enter_teardown(struct rl_test *test)
{
    rl_worker_run_special(&test->workers[0], RL_EXEC_TEARDOWN);
}

static void leave_teardown(struct rl_test *test)
{
    if (atomic_load(&test->workers[0].special_failed))
        rl_test_end(test, RL_EXIT_SCRIPT, "teardown failed");
}

static uint64_t teardown_timeout(struct rl_test *test)
{
    return (uint64_t)test->options.teardown_timeout_ns;
}

static bool teardown_due(struct rl_test *test, uint64_t now_ns)
{
    (void)now_ns;
    return atomic_load(&test->workers[0].special_interrupted);
}

const struct rl_phase rl_phases[RL_PHASE_COUNT] = {
    [RL_PHASE_INIT] = {.name = "Init",
                       .applies = always,
                       .enter = start_workers,
                       .over = workers_ready,
                       .interrupt = interrupt_workers,
                       .leave = nothing,
                       .timeout_ns = no_timeout,
                       .due = when_ending},
    [RL_PHASE_SETUP] = {.name = "setup()",
                        .applies = has_setup,
                        .enter = enter_setup,
                        .over = special_over,
                        .interrupt = interrupt_special,
                        .leave = leave_setup,
                        .timeout_ns = setup_timeout,
                        .timeout_code = RL_EXIT_SETUP_TIMEOUT,
                        .due = when_ending},
    [RL_PHASE_RUNNING] = {.name = "running",
                          .applies = not_ending,
                          .enter = enter_running,
                          .over = executors_over,
                          .interrupt = interrupt_workers,
                          .leave = nothing,
                          .timeout_ns = no_timeout,
                          .due = scenario_due},
    [RL_PHASE_TEARDOWN] = {.name = "teardown()",
                           .applies = has_teardown,
                           .enter = enter_teardown,
                           .over = special_over,
                           .interrupt = interrupt_special,
                           .leave = leave_teardown,
                           .timeout_ns = teardown_timeout,
                           .timeout_code = RL_EXIT_TEARDOWN_TIMEOUT,
                           .goes_on = true,
                           .due = teardown_due},
};
