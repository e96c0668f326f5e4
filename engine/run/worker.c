/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "limits/pin.h"
#include "run/test.h"
#include "run/worker_impl.h"

enum { FLUSH_NS = 50 * 1000 * 1000, DRAIN_S = 2, DRAIN_MAX_S = 60 };

/* --- Failing, and telling control. --- */

static void report(struct rl_worker *worker, enum rl_worker_state state)
{
    atomic_store_explicit(&worker->state, state, memory_order_release);
    rl_test_poke(worker->test);
}

static int fail(struct rl_worker *worker, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct rl_worker *worker, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(worker->why, sizeof(worker->why), format, args);
    va_end(args);
    worker->failure_code = code;
    return -1;
}

/* --- Executors. --- */

static void executor_ended(struct rl_executor *executor)
{
    struct rl_worker *worker = executor->env->worker;

    if (--worker->executors_left == 0) {
        atomic_store(&worker->executors_ended, true);
        rl_test_poke(worker->test);
    }
}

const struct rl_tagset *rl_worker_tags(struct rl_worker *worker, const struct rl_scenario *scenario)
{
    const struct rl_options *options = &worker->test->options;
    struct rl_tags *tags = worker->shard.tags;
    const struct rl_tagset *set = rl_tags_empty(tags);

    for (size_t i = 0; i < options->tags.count; i++)
        set = rl_tags_with(tags, set, options->tags.items[i].name, options->tags.items[i].value);
    for (size_t i = 0; scenario != NULL && i < scenario->tags.count; i++)
        set = rl_tags_with(tags, set, scenario->tags.items[i].name, scenario->tags.items[i].value);
    if ((options->system_tags & 1u << RL_TAG_GROUP) != 0)
        set = rl_tags_with(tags, set, "group", "");
    if (scenario != NULL && (options->system_tags & 1u << RL_TAG_SCENARIO) != 0)
        set = rl_tags_with(tags, set, "scenario", scenario->name);
    return set;
}

static int init_executors(struct rl_worker *worker)
{
    struct rl_test *test = worker->test;
    size_t count = test->plan.scenario_count;

    worker->executors = calloc(count + 1, sizeof(*worker->executors));
    if (worker->executors == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct rl_executor *executor = &worker->executors[i];
        const struct rl_scenario *scenario = &test->plan.scenarios[i];
        int rc = rl_executor_init(executor, scenario, &worker->share, &test->scenario_states[i],
                                  &worker->env, &worker->pool,
                                  (uint64_t)test->options.min_iteration_duration_ns);

        if (rc < 0)
            return rc;
        executor->exec = test->exec_of_scenario[i];
        executor->tags = rl_worker_tags(worker, scenario);
        executor->on_end = executor_ended;
        worker->executors_left++;
    }
    return 0;
}

/* env->done: an iteration is over. */
static void iteration_done(struct rl_vu *vu, enum rl_outcome outcome)
{
    struct rl_worker *worker = vu->env->worker;

    if (vu->executor != NULL) {
        rl_executor_done(vu->executor, vu, outcome);
        return;
    }
    atomic_store(&worker->special_failed, vu->failed || outcome == RL_ITERATION_INTERRUPTED);
    atomic_store(&worker->special_ended, true);
    rl_test_poke(worker->test);
}

/* --- The thread. --- */

static void flush_shard(struct rl_timer *timer)
{
    struct rl_worker *worker = rl_container_of(timer, struct rl_worker, flush_timer);

    rl_shard_flush(&worker->shard);
    rl_loop_timer(&worker->loop, timer, worker->loop.now_ns + FLUSH_NS);
}

static int open_kernel_side(struct rl_worker *worker)
{
    struct rl_test *test = worker->test;
    struct rl_ring_config ring = {.features = test->features,
                                  .slot_count = test->slot_count,
                                  .more_slots = test->more_slots,
                                  .cq_entries = test->cq_entries,
                                  .options = test->sockopts.items,
                                  .option_count = test->sockopts.count,
                                  .napi_busy_poll_us = test->flags->napi_busy_poll_us,
                                  .batch_wait_us = test->flags->batch_wait_us};
    struct rl_net_config net = {.max_conns = test->max_conns,
                                .share_index = worker->index,
                                .share_count = test->worker_count,
                                .seed = test->seed,
                                .roams = rl_test_roams(test)};
    const char *advice;
    int rc = rl_ring_new(&worker->ring, &ring, &advice);

    if (rc < 0)
        return fail(worker, RL_EXIT_OTHER, "no io_uring ring for worker %u: %s%s%s", worker->index,
                    strerror(-rc), advice[0] != '\0' ? "; " : "", advice);
    if (advice[0] != '\0')
        rl_log_warn("worker %u: %s", worker->index, advice);
    rc = rl_loop_init(&worker->loop, worker->ring);
    if (rc < 0) {
        rl_ring_free(worker->ring);
        return fail(worker, RL_EXIT_OTHER, "worker %u cannot start: %s", worker->index, strerror(-rc));
    }
    worker->has_loop = true;
    rc = rl_net_init(&worker->net, &worker->loop, &net);
    if (rc < 0) {
        rl_ring_free(worker->ring);
        return fail(worker, RL_EXIT_OTHER, "worker %u cannot start: %s", worker->index, strerror(-rc));
    }
    return 0;
}

static void close_kernel_side(struct rl_worker *worker)
{
    rl_strain_note(&worker->strain, &worker->net, worker->ring);
    rl_net_fini(&worker->net);
    rl_ring_free(worker->ring);
}

/* The context of a connect that only says tls = true, before there is any load: taking a bundle's roots is
 * a pause of the loop. What is wrong with them is told by the first connect. */
static void prepare_tls(struct rl_worker *worker)
{
    char why[512];

    if (worker->test->tls_expected)
        rl_tls_contexts_get(worker->env.tls_contexts, "", NULL, why, sizeof(why));
}

static int open_host(struct rl_worker *worker)
{
    struct rl_test *test = worker->test;
    const struct rl_run_flags *flags = test->flags;
    struct rl_script_config config = {.script = test->script,
                                      .registry = test->registry,
                                      .env = test->env,
                                      .exec_names = test->exec_names,
                                      .calls = rl_test_calls(test),
                                      .vus_per_cell = flags->vus_per_cell,
                                      .cell_memory_bytes = flags->cell_memory_bytes,
                                      .handler_memory_bytes = flags->handler_memory_bytes,
                                      .handler_time_ns = (uint64_t)flags->handler_time_ns,
                                      .seed = test->seed + worker->index,
                                      .throw_ = test->options.throw_};
    bool tag_tls_version = (test->options.system_tags & 1u << RL_TAG_TLS_VERSION) != 0;

    worker->env = (struct rl_vu_env){.loop = &worker->loop,
                                     .net = &worker->net,
                                     .shard = &worker->shard,
                                     .resolver = test->resolver,
                                     .worker = worker,
                                     .local_ips = test->local_ips,
                                     .throw_ = test->options.throw_,
                                     .tls_by_host = test->tls_config.certificate_count > 1,
                                     .tag_tls_version = tag_tls_version,
                                     .done = iteration_done};
    worker->env.tls_contexts = rl_tls_contexts_new(&test->tls_config, test->tls_keylog);
    worker->env.tls_worker = rl_tls_worker_new(&worker->loop);
    if (worker->env.tls_contexts == NULL || worker->env.tls_worker == NULL ||
        rl_vu_env_init(&worker->env) < 0)
        return fail(worker, RL_EXIT_OTHER, "worker %u is out of memory", worker->index);
    prepare_tls(worker);
    worker->host = rl_script_host_new(&config, &worker->env);
    if (worker->host == NULL)
        return fail(worker, RL_EXIT_OTHER, "worker %u is out of memory for Lua", worker->index);
    worker->env.program = rl_script_host_program(worker->host);
    return 0;
}

static int create_vus(struct rl_worker *worker)
{
    uint32_t count = (uint32_t)rl_plan_vus(&worker->test->plan, &worker->share);

    if (rl_vu_pool_init(&worker->pool, count) < 0)
        return fail(worker, RL_EXIT_OTHER, "no memory for %u VUs", count);
    for (uint32_t i = 0; i < count && !atomic_load(&worker->interrupted); i++) {
        int rc = rl_vu_pool_create(&worker->pool, &worker->env, &worker->share);

        if (rc == -ENOMEM)
            return fail(worker, RL_EXIT_OTHER, "no memory for more than %u of %u VUs; see 'ringload doctor'", i,
                        count);
        if (rc < 0)
            return fail(worker, RL_EXIT_SCRIPT, "the script failed while VUs were made");
        atomic_store_explicit(&worker->vus_created, i + 1, memory_order_relaxed);
    }
    if (init_executors(worker) < 0)
        return fail(worker, RL_EXIT_OTHER, "no memory for the executors");
    return 0;
}

static void destroy_vus(struct rl_worker *worker)
{
    for (uint32_t i = 0; i < worker->pool.created; i++) {
        worker->env.program->destroy(&worker->pool.vus[i]);
        rl_vu_fini(&worker->pool.vus[i]);
    }
    for (size_t i = 0; worker->executors != NULL && i < worker->test->plan.scenario_count; i++)
        rl_executor_fini(&worker->executors[i]);
    free(worker->executors);
    rl_vu_pool_fini(&worker->pool);
}

/* Turns until the kernel has answered everything, within bounds; at least one, for mail that is still there:
 * the answer to a look-up that was cancelled, say. While answers come it goes on: with a million connections,
 * and more workers than cores, they take their time. */
static void drain(struct rl_worker *worker)
{
    uint64_t begin_ns = rl_clock_ns(), heard_ns = begin_ns, now_ns;
    uint32_t left = worker->net.conns.used_count;

    do {
        worker->loop.urgent = true;
        if (rl_loop_turn(&worker->loop) < 0)
            break;
        now_ns = rl_clock_ns();
        if (worker->net.conns.used_count < left)
            heard_ns = now_ns;
        left = worker->net.conns.used_count;
    } while (!rl_net_idle(&worker->net) && now_ns < heard_ns + DRAIN_S * RL_NS_PER_S &&
             now_ns < begin_ns + DRAIN_MAX_S * RL_NS_PER_S);
    if (!rl_net_idle(&worker->net))
        rl_log_warn("worker %u: %u connections did not close in time", worker->index,
                    worker->net.conns.used_count);
}

static void serve(struct rl_worker *worker)
{
    int rc;

    rl_timer_init(&worker->flush_timer, flush_shard);
    flush_shard(&worker->flush_timer);
    report(worker, RL_WORKER_READY);
    rc = rl_loop_run(&worker->loop);
    if (rc < 0) { /* what was measured until now stays */
        rl_test_end(worker->test, RL_EXIT_INTERNAL, "worker %u: the ring failed: %s", worker->index,
                    strerror(-rc));
    }
    for (size_t i = 0; i < worker->test->plan.scenario_count; i++)
        rl_executor_abort(&worker->executors[i]);
}

static void *thread_main(void *arg)
{
    struct rl_worker *worker = arg;
    bool failed = true;
    char name[16];

    snprintf(name, sizeof(name), "rl-worker-%u", worker->index % 100000);
    pthread_setname_np(pthread_self(), name);
    if (open_kernel_side(worker) < 0) {
        report(worker, RL_WORKER_FAILED);
        return NULL;
    }
    if (open_host(worker) == 0) {
        rl_watch_attach(worker);
        failed = create_vus(worker) < 0;
        if (!failed)
            serve(worker);
        drain(worker);
        destroy_vus(worker);
        rl_watch_detach(worker);
        rl_script_host_free(worker->host);
    }
    rl_timer_cancel(&worker->flush_timer);
    rl_vu_env_fini(&worker->env);
    close_kernel_side(worker);
    rl_tls_worker_free(worker->env.tls_worker);
    rl_tls_contexts_free(worker->env.tls_contexts);
    report(worker, failed ? RL_WORKER_FAILED : RL_WORKER_STOPPED);
    return NULL;
}

static int start(struct rl_worker *worker)
{
    struct rl_test *test = worker->test;
    int rc = rl_share_equal(&worker->share, worker->index, test->worker_count);

    if (rc < 0)
        return rc;
    rc = rl_shard_init(&worker->shard, test->registry);
    if (rc < 0) {
        rl_share_fini(&worker->share);
        return rc;
    }
    rc = -pthread_create(&worker->thread, NULL, thread_main, worker);
    if (rc < 0) {
        rl_shard_fini(&worker->shard);
        rl_share_fini(&worker->share);
        return rc;
    }
    worker->thread_started = true;
    return 0;
}

/* On the worker's CPU, so that the thread begins there, and so that what is made for it here is in that CPU's
 * memory, as is all that it makes itself. */
static int start_pinned(struct rl_worker *worker)
{
    const struct rl_cpu_list *cpus = &worker->test->cpus;
    cpu_set_t before;
    int rc = rl_pin(cpus->items[worker->index % cpus->count], &before);

    if (rc < 0)
        return rc;
    rc = start(worker);
    rl_unpin(&before);
    return rc;
}

int rl_worker_start(struct rl_worker *worker, struct rl_test *test, uint32_t index)
{
    worker->test = test;
    worker->index = index;
    pthread_mutex_init(&worker->watch_lock, NULL);
    rl_timer_init(&worker->flush_timer, flush_shard);
    return test->cpus.count > 0 ? start_pinned(worker) : start(worker);
}

void rl_worker_join(struct rl_worker *worker)
{
    if (worker->thread_started)
        pthread_join(worker->thread, NULL);
}

void rl_worker_fini(struct rl_worker *worker)
{
    if (!worker->thread_started)
        return;
    /* Not by the thread itself: it may hear of the stop and end before its poster has returned. */
    if (worker->has_loop)
        rl_loop_fini(&worker->loop);
    rl_shard_fini(&worker->shard);
    rl_share_fini(&worker->share);
}
