/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test - what all threads of a run share: read-only once the workers start, but for what is atomic.
 */
#ifndef RL_RUN_TEST_H
#define RL_RUN_TEST_H

#include <pthread.h>
#include <stdatomic.h>

#include "net/resolve.h"
#include "net/sockopt.h"
#include "plan/plan.h"
#include "result/collect.h"
#include "run/run.h"
#include "run/worker.h"
#include "script/script.h"
#include "tls/tls_context.h"

/* Why the run is to end early; the first one counts. */
struct rl_verdict {
    _Atomic int code;    /* 0: none yet */
    _Atomic bool failed; /* exec.test.fail */
};

struct rl_test {
    struct rl_arena arena;
    const struct rl_run_flags *flags;
    struct rl_options options;
    struct rl_plan plan;
    struct rl_script *script;
    struct rl_script_probe probe;
    struct rl_registry *registry;
    struct rl_resolver *resolver;
    struct rl_local_ips *local_ips;
    struct rl_sockopts sockopts;
    unsigned cq_entries; /* of each ring; 0: the usual number */
    struct rl_cpu_list cpus; /* to pin workers to; none: they run anywhere */
    struct rl_tls_config tls_config;
    struct rl_tls_keylog *tls_keylog; /* NULL: none */
    struct rl_tls_roots *tls_roots;
    bool tls_expected;                /* the script seems to use it */
    bool tls_started;
    struct rl_pair *env;               /* __ENV, NULL-name-terminated */
    const struct rl_pair **scenario_env;
    const char **exec_names;               /* NULL-terminated */
    uint32_t *exec_of_scenario;
    struct rl_scenario_state *scenario_states;
    int features;
    uint32_t slot_count, more_slots; /* of a worker's ring, at first, and whenever it runs out of them */
    uint32_t max_conns;              /* of a worker */
    uint64_t seed;

    struct rl_worker *workers;
    uint32_t worker_count;
    struct rl_verdict verdict;
    int poke_fd;

    _Atomic uint64_t clock_start_ns, clock_stop_ns; /* the test clock (E-003); 0: not yet */
    uint64_t scenarios_zero_ns, scenarios_zero_wall_ns;
    const char *setup_json; /* setup's result, NULL: none */
    bool setup_failed;
    bool ran; /* the scenarios began */
};

/* Any thread: wake the control loop. */
void rl_test_poke(struct rl_test *test);

/* Any thread: end the run with code and log why, unless something has ended it before. */
void rl_test_end(struct rl_test *test, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline bool rl_test_ending(struct rl_test *test)
{
    return atomic_load_explicit(&test->verdict.code, memory_order_acquire) != 0;
}

/* --local-ips auto. */
static inline bool rl_test_roams(const struct rl_test *test)
{
    return test->local_ips != NULL && rl_local_ips_is_auto(test->local_ips);
}

uint64_t rl_test_clock_ns(struct rl_test *test);

/* k6/execution's questions; ctx is the test. */
struct rl_run_calls rl_test_calls(struct rl_test *test);

/* Of scenario number index, over all workers: how far (0 to 1), complete iterations, the earliest phase
 * and the VUs that work for it. */
double rl_scenario_progress(struct rl_test *test, size_t index, uint64_t now_ns);
uint64_t rl_scenario_done(struct rl_test *test, size_t index);
enum rl_executor_phase rl_scenario_phase(struct rl_test *test, size_t index, uint64_t *active_vus);

/* Sums over workers and scenarios. */
uint64_t rl_test_completed(struct rl_test *test);
uint64_t rl_test_interrupted(struct rl_test *test);
uint64_t rl_test_active_vus(struct rl_test *test);
uint64_t rl_test_created_vus(struct rl_test *test);

#endif
