/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * script_rig - a worker without the run room: ring, loop, net, shard, and VUs that run a script.
 *
 * One script a test, from text. Iterations run until they end or a limit is over; what the script
 * logs is kept. A watchdog is there for those who ask: an alarm that stops the Lua that runs.
 */
#ifndef RL_SCRIPT_RIG_H
#define RL_SCRIPT_RIG_H

#include <arpa/inet.h>
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/resolve.h"
#include "ring/probe.h"
#include "script/script.h"

enum { RIG_VUS = 4, RIG_SLOTS = 64, RIG_WAIT_S = 5 };

static struct {
    char path[64];
    FILE *log;
    char *log_text;
    size_t log_bytes;
    struct rl_ring *ring;
    struct rl_loop loop;
    struct rl_net net;
    struct rl_shard shard;
    struct rl_registry *registry;
    struct rl_resolver *resolver;
    struct rl_vu_env env;
    struct rl_script *script;
    struct rl_script_probe probe;
    struct rl_script_config config; /* a test may set its limits before rig_start */
    struct rl_script_host *host;
    struct rl_vu vus[RIG_VUS + 1]; /* [0]: setup, teardown */
    int done;
    enum rl_outcome outcome;
    char aborted[100], failed[100];
    enum rl_stop_reason reason;
} rig;

static const struct rl_pair rig_environment[] = {
    {"HOST", "127.0.0.1"}, {"NAME", "rig"}, {NULL, NULL}};

static inline const char *rig_log(void)
{
    fflush(rig.log);
    return rig.log_text == NULL ? "" : rig.log_text;
}

#define rig_expect_log(text)                                                                       \
    ck_assert_msg(strstr(rig_log(), text) != NULL, "no '%s' in the log:\n%s", text, rig_log())
#define rig_expect_no_log(text)                                                                    \
    ck_assert_msg(strstr(rig_log(), text) == NULL, "'%s' in the log:\n%s", text, rig_log())

static inline void rig_done(struct rl_vu *vu, enum rl_outcome outcome)
{
    (void)vu;
    rig.done++;
    rig.outcome = outcome;
}

static inline void rig_abort(void *ctx, struct rl_vu *vu, const char *message)
{
    (void)ctx;
    (void)vu;
    snprintf(rig.aborted, sizeof(rig.aborted), "%s", message);
}

static inline void rig_fail(void *ctx, struct rl_vu *vu, const char *message)
{
    (void)ctx;
    (void)vu;
    snprintf(rig.failed, sizeof(rig.failed), "%s", message);
}

static inline const char *rig_scenario(void *ctx, struct rl_vu *vu)
{
    (void)ctx;
    return vu->id == 0 ? NULL : "steady";
}

static inline const char *rig_executor(void *ctx, struct rl_vu *vu)
{
    (void)ctx;
    (void)vu;
    return "constant-vus";
}

/* Write the script and compile it; NULL and why. */
static inline struct rl_script *rig_compile(const char *source, char *why, size_t why_bytes)
{
    FILE *file;

    if (rig.log == NULL) {
        rig.log = open_memstream(&rig.log_text, &rig.log_bytes);
        rl_log_open(&(struct rl_log_config){.stream = rig.log, .level = RL_LOG_DEBUG});
    }
    if (rig.path[0] == '\0') {
        snprintf(rig.path, sizeof(rig.path), "/tmp/rig-%d.lua", (int)getpid());
    }
    file = fopen(rig.path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(source, file), 0);
    fclose(file);
    rig.script = rl_script_load(rig.path, why, why_bytes);
    unlink(rig.path);
    return rig.script;
}

/* Compile and probe; the probe's code. */
static inline int rig_probe(const char *source)
{
    char why[300] = "";

    ck_assert_msg(rig_compile(source, why, sizeof(why)) != NULL, "%s", why);
    rig.registry = rl_registry_new();
    return rl_script_probe(rig.script, rig.registry, rig_environment, &rig.probe);
}

static inline void rig_open_kernel_side(void)
{
    const struct rl_ring_config ring = {.features = rl_probe(), .slot_count = RIG_SLOTS};
    const struct rl_net_config net = {.max_conns = RIG_SLOTS, .share_count = 1, .seed = 1};
    const char *advice;

    ck_assert_int_eq(rl_ring_new(&rig.ring, &ring, &advice), 0);
    ck_assert_int_eq(rl_loop_init(&rig.loop, rig.ring), 0);
    ck_assert_int_eq(rl_net_init(&rig.net, &rig.loop, &net), 0);
}

/* Everything but the VUs. */
static inline void rig_start(const char *source)
{
    ck_assert_msg(rig_probe(source) == 0, "%s", rig_log());
    rl_registry_close(rig.registry);
    rig_open_kernel_side();
    ck_assert_int_eq(rl_shard_init(&rig.shard, rig.registry), 0);
    rig.env = (struct rl_vu_env){.loop = &rig.loop,
                                 .net = &rig.net,
                                 .shard = &rig.shard,
                                 .resolver = rig.resolver,
                                 .done = rig_done};
    ck_assert_int_eq(rl_vu_env_init(&rig.env), 0);
    rig.config.script = rig.script;
    rig.config.registry = rig.registry;
    rig.config.env = rig_environment;
    rig.config.exec_names = rig.probe.functions;
    rig.config.seed = 42;
    rig.config.calls = (struct rl_run_calls){.abort = rig_abort,
                                             .fail = rig_fail,
                                             .scenario_name = rig_scenario,
                                             .scenario_executor = rig_executor};
    rig.host = rl_script_host_new(&rig.config, &rig.env);
    ck_assert_ptr_nonnull(rig.host);
    rig.env.program = rl_script_host_program(rig.host);
}

static inline struct rl_vu *rig_vu(uint32_t id)
{
    struct rl_vu *vu = &rig.vus[id];

    if (vu->env != NULL)
        return vu;
    rl_vu_init(vu, &rig.env, id, id);
    vu->tags = rl_tags_with(rig.shard.tags, rl_tags_empty(rig.shard.tags), "group", "");
    ck_assert_msg(rig.env.program->create(vu) == 0, "%s", rig_log());
    return vu;
}

static inline uint32_t rig_function(const char *name)
{
    for (uint32_t i = 0; rig.probe.functions[i] != NULL; i++) {
        if (strcmp(rig.probe.functions[i], name) == 0)
            return i;
    }
    ck_abort_msg("no function %s", name);
    return 0;
}

static inline void rig_turn(void)
{
    rig.loop.urgent = true;
    ck_assert_int_eq(rl_loop_turn(&rig.loop), 0);
}

static inline void rig_turns_until(int done)
{
    uint64_t until_ns = rl_clock_ns() + RIG_WAIT_S * RL_NS_PER_S;

    while (rig.done < done) {
        ck_assert_msg(rl_clock_ns() < until_ns, "the iteration does not end:\n%s", rig_log());
        rig_turn();
    }
}

/* One iteration of the VU, to its end. */
static inline struct rl_vu *rig_run(uint32_t id, const char *function)
{
    struct rl_vu *vu = rig_vu(id);
    int done = rig.done;

    vu->exec = strcmp(function, "setup") == 0      ? RL_EXEC_SETUP
               : strcmp(function, "teardown") == 0 ? RL_EXEC_TEARDOWN
                                                   : rig_function(function);
    rl_vu_begin(vu);
    rig_turns_until(done + 1);
    return vu;
}

/* The iteration went well. */
static inline void rig_run_well(uint32_t id, const char *function)
{
    struct rl_vu *vu = rig_run(id, function);

    ck_assert_msg(!vu->failed, "%s", rig_log());
}

static inline void rig_close(void)
{
    for (uint32_t id = 0; id <= RIG_VUS; id++) {
        if (rig.vus[id].env == NULL)
            continue;
        rl_vu_interrupt(&rig.vus[id]);
        rig.env.program->destroy(&rig.vus[id]);
    }
    for (int i = 0; i < 1000 && !rl_net_idle(&rig.net); i++)
        rig_turn();
    rl_script_host_free(rig.host);
    rl_vu_env_fini(&rig.env);
    rl_shard_fini(&rig.shard);
    rl_net_fini(&rig.net);
    rl_loop_fini(&rig.loop);
    rl_ring_free(rig.ring);
    rl_registry_free(rig.registry);
    rl_script_free(rig.script);
    rl_log_close();
}

/* Run one function of one VU well, and take all down: most tests. */
static inline void rig_pass(const char *source)
{
    rig_start(source);
    rig_run_well(1, "default");
    rig_close();
}

/* Samples of a metric (with a tag, if key is not NULL), and their sum in *sum. */
static inline unsigned rig_samples(const char *name, const char *key, const char *value,
                                   double *sum)
{
    unsigned count = 0;

    *sum = 0;
    for (uint32_t i = 1; i < rig.shard.active->count; i++) {
        struct rl_series series = rl_shard_series_at(&rig.shard, i);
        const struct rl_sink *sink = &rig.shard.active->sinks[i];
        const char *tag;

        if (series.metric == NULL || strcmp(series.metric->name, name) != 0)
            continue;
        tag = key == NULL ? NULL : rl_tagset_get(series.tags, key);
        if (key != NULL && (tag == NULL || strcmp(tag, value) != 0))
            continue;
        count += (unsigned)sink->count;
        *sum += sink->sum;
    }
    return count;
}

/* --- A watchdog --- */

static inline void rig_on_alarm(int number)
{
    (void)number;
    rl_script_stop_now(rig.host, rig.reason);
}

/* Every few milliseconds: stop what runs. */
static inline void rig_stop_after_ms(unsigned ms, enum rl_stop_reason reason)
{
    const struct itimerval every = {{0, (suseconds_t)ms * 1000}, {0, (suseconds_t)ms * 1000}};
    struct sigaction action = {.sa_handler = rig_on_alarm, .sa_flags = SA_RESTART};

    rig.reason = reason;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &every, NULL);
}

#endif
