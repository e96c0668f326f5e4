/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options that say what runs and what is judged: stages, scenarios, thresholds. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "plan/options_read.h"

#define SECOND ((int64_t)RL_NS_PER_S)

/* --- stages: {{duration=, target=}, {"30s", 100}, ...} or "30s:100,1m:0". --- */

static bool read_stage(struct rl_reader *r, const struct rl_value *value, struct rl_stage *stage)
{
    const struct rl_value *duration = rl_value_get(value, "duration");
    const struct rl_value *target = rl_value_get(value, "target");

    if (value->kind == RL_LIST && value->size == 2) {
        duration = value->first;
        target = value->last;
    }
    if (duration == NULL || target == NULL || (value->kind == RL_MAP && value->size != 2)) {
        rl_problems_error(r->problems,
                          "%s: a stage is { duration = \"30s\", target = 100 } or { \"30s\", 100 }",
                          r->where);
        return false;
    }
    return rl_read_time(r, duration, 0, &stage->duration_ns) &&
           rl_read_whole(r, target, 0, RL_VUS_MAX, &stage->target);
}

static bool read_stage_text(struct rl_reader *r, const char *text, struct rl_stage *stage)
{
    struct rl_arena *arena = r->options->arena;
    const char *colon = strchr(text, ':');
    struct rl_value *pair = rl_value_list(arena);

    rl_value_push(pair, rl_value_string(arena, text, strcspn(text, ":")));
    if (colon != NULL)
        rl_value_push(pair, rl_value_text(arena, colon + 1));
    return read_stage(r, pair, stage);
}

bool rl_read_stages(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_stages *stages = field;
    struct rl_stage *items;
    struct rl_texts texts = {NULL, 0};
    size_t count = 0;
    bool good = true;

    (void)min;
    if (r->tier >= RL_TIER_ENV && !rl_read_items(r, value, &texts))
        return false;
    if (r->tier < RL_TIER_ENV && value->kind != RL_LIST && !rl_is_empty_table(value)) {
        rl_read_refuse(r, value, "a list of stages");
        return false;
    }
    items = rl_options_alloc(r, (value->size + texts.count + 1) * sizeof(*items));
    for (size_t i = 0; i < texts.count; i++)
        good &= read_stage_text(r, texts.items[i], &items[count++]);
    for (const struct rl_value *item = value->first; item != NULL; item = item->next)
        good &= read_stage(r, item, &items[count++]);
    if (good)
        *stages = (struct rl_stages){items, count};
    return good;
}

/* --- scenarios: {name = {executor = ..., ...}, ...}. --- */

enum { ON_VUS = 1 << RL_CONSTANT_VUS };
enum { ON_ITERATIONS = 1 << RL_SHARED_ITERATIONS | 1 << RL_PER_VU_ITERATIONS };
enum { ON_ALL = ON_VUS | ON_ITERATIONS };

static rl_read_fn read_ignored, read_exec, read_env;

struct scenario_row {
    const char *key;
    rl_read_fn *read;
    size_t offset;
    int64_t min;
    unsigned executors; /* mask of those that take it */
};

static const struct scenario_row rows[] = {
    {"executor", read_ignored, 0, 0, ON_ALL},
    {"startTime", rl_read_duration, offsetof(struct rl_scenario, start_time_ns), 0, ON_ALL},
    {"gracefulStop", rl_read_duration, offsetof(struct rl_scenario, graceful_stop_ns), 0, ON_ALL},
    {"exec", read_exec, offsetof(struct rl_scenario, exec), 0, ON_ALL},
    {"env", read_env, offsetof(struct rl_scenario, env), 0, ON_ALL},
    {"tags", rl_read_tags, offsetof(struct rl_scenario, tags), 0, ON_ALL},
    {"options", read_ignored, 0, 0, ON_ALL},
    {"vus", rl_read_vus, offsetof(struct rl_scenario, vus), 1, ON_ALL},
    {"duration", rl_read_duration, offsetof(struct rl_scenario, duration_ns), SECOND, ON_VUS},
    {"iterations", rl_read_int, offsetof(struct rl_scenario, iterations), 1, ON_ITERATIONS},
    {"maxDuration", rl_read_duration, offsetof(struct rl_scenario, max_duration_ns), SECOND,
     ON_ITERATIONS},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static bool read_ignored(struct rl_reader *r, const struct rl_value *value, void *field,
                         int64_t min)
{
    (void)r;
    (void)value;
    (void)field;
    (void)min;
    return true;
}

static bool read_exec(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    (void)min;
    if (value->kind != RL_STRING || value->size == 0) {
        rl_read_refuse(r, value, "the name of a function of the script");
        return false;
    }
    *(const char **)field = rl_arena_strdup(r->options->arena, value->text);
    RL_CHECK(*(const char **)field != NULL);
    return true;
}

static bool read_env(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    (void)min;
    return rl_read_map(r, value, field);
}

static bool is_scenario_name(const char *name)
{
    return name[0] != '\0' && strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz"
                                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == strlen(name);
}

static bool read_executor(struct rl_reader *r, const struct rl_value *value,
                          struct rl_scenario *scenario)
{
    const struct rl_value *executor = rl_value_get(value, "executor");

    if (executor == NULL || executor->kind == RL_NIL) {
        rl_problems_error(r->problems, "%s: has no executor; add one, such as executor = \"%s\"",
                          r->where, rl_executor_name(RL_CONSTANT_VUS));
        return false;
    }
    if (executor->kind == RL_STRING)
        scenario->executor = rl_executor_find(executor->text);
    if (executor->kind != RL_STRING || scenario->executor == RL_EXECUTOR_COUNT) {
        rl_problems_error(
            r->problems,
            "%s: executor: there is no executor %s%.60s%s; there are %s, "
            "%s and %s",
            r->where, executor->kind == RL_STRING ? "\"" : "",
            executor->kind == RL_STRING ? executor->text : rl_value_kind_name(executor),
            executor->kind == RL_STRING ? "\"" : "", rl_executor_name(RL_CONSTANT_VUS),
            rl_executor_name(RL_SHARED_ITERATIONS), rl_executor_name(RL_PER_VU_ITERATIONS));
        return false;
    }
    return true;
}

/* The keys that an executor takes, for a message. */
static void list_keys(enum rl_executor_kind executor, char *out, size_t out_bytes)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].executors >> executor & 1) != 0 && rows[i].read != read_ignored &&
            used < out_bytes)
            used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", used > 0 ? ", " : "",
                                     rows[i].key);
    }
}

static bool read_key(struct rl_reader *r, const struct rl_value *value,
                     struct rl_scenario *scenario)
{
    char where[256], keys[256];
    struct rl_reader inner = *r;

    if (value->kind == RL_NIL)
        return true;
    snprintf(where, sizeof(where), "%s: %.60s", r->where, value->key);
    inner.where = where;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].key, value->key) == 0 &&
            (rows[i].executors >> scenario->executor & 1) != 0)
            return rows[i].read(&inner, value, (char *)scenario + rows[i].offset, rows[i].min);
    }
    list_keys(scenario->executor, keys, sizeof(keys));
    rl_problems_error(r->problems, "%s: unknown key \"%.60s\"; %s takes %s", r->where, value->key,
                      rl_executor_name(scenario->executor), keys);
    return false;
}

static bool check_duration(struct rl_reader *r, const struct rl_value *value,
                           const struct rl_scenario *scenario)
{
    const struct rl_value *duration = rl_value_get(value, "duration");

    if (scenario->executor != RL_CONSTANT_VUS || (duration != NULL && duration->kind != RL_NIL))
        return true;
    rl_problems_error(r->problems, "%s: has no duration; add one, such as duration = \"30s\"",
                      r->where);
    return false;
}

static bool read_scenario(struct rl_reader *r, const struct rl_value *value,
                          struct rl_scenario *scenario)
{
    bool good = true;

    if (value->kind != RL_MAP) {
        rl_read_refuse(r, value, "a table that describes a scenario");
        return false;
    }
    if (!read_executor(r, value, scenario))
        return false;
    if (scenario->executor >=
        RL_EXECUTORS_BUILT) /* rl_plan_derive refuses it, if it is still there */
        return true;
    for (const struct rl_value *item = value->first; item != NULL; item = item->next)
        good &= read_key(r, item, scenario);
    return good & check_duration(r, value, scenario);
}

static bool read_named(struct rl_reader *r, const struct rl_value *value,
                       struct rl_scenario *scenario)
{
    struct rl_reader inner = *r;
    struct rl_options defaults;
    char where[128];
    bool good = is_scenario_name(value->key);

    snprintf(where, sizeof(where), "scenario \"%.80s\"", value->key);
    inner.where = where;
    if (!good)
        rl_problems_error(r->problems, "%s: a name has letters, digits, \"_\" and \"-\" only",
                          where);
    rl_options_init(&defaults, r->options->arena);
    *scenario = (struct rl_scenario){
        .name = rl_arena_strdup(r->options->arena, value->key),
        .vus = 1,
        .iterations = 1,
        .max_duration_ns = 600 * SECOND,
        .graceful_stop_ns = 30 * SECOND,
        .exec = "default",
        .env = defaults.tags,
        .tags = defaults.tags,
    };
    RL_CHECK(scenario->name != NULL);
    return read_scenario(&inner, value, scenario) && good;
}

/* Those that are right are kept in any case, for the checks that follow. */
bool rl_read_scenarios(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_scenario *items;
    size_t count = 0;

    (void)min;
    if (value->kind != RL_MAP && !rl_is_empty_table(value)) {
        rl_read_refuse(r, value, "a table of scenarios by name");
        return false;
    }
    items = rl_options_alloc(r, (value->size + 1) * sizeof(*items));
    for (const struct rl_value *item = value->first; item != NULL; item = item->next)
        count += read_named(r, item, &items[count]);
    *(struct rl_scenarios *)field = (struct rl_scenarios){items, count};
    return count == value->size;
}

/* --- thresholds: {["metric{tag:value}"] = {"p(99)<5", {threshold=, abortOnFail=, ...}}}. --- */

static bool read_expression(struct rl_reader *r, const struct rl_value *value, const char *metric,
                            struct rl_threshold *out)
{
    const struct rl_value *expression =
        value->kind == RL_STRING ? value : rl_value_get(value, "threshold");
    const struct rl_value *abort_on_fail = rl_value_get(value, "abortOnFail");
    const struct rl_value *delay = rl_value_get(value, "delayAbortEval");
    bool good = true;

    *out = (struct rl_threshold){.metric = rl_arena_strdup(r->options->arena, metric)};
    if (expression == NULL || expression->kind != RL_STRING) {
        rl_problems_error(
            r->problems,
            "%s: a threshold is a text such as \"p(99)<5\", or { threshold = \"p(99)<5\", "
            "abortOnFail = true, delayAbortEval = \"10s\" }",
            r->where);
        return false;
    }
    out->expression = rl_arena_strdup(r->options->arena, expression->text);
    RL_CHECK(out->metric != NULL && out->expression != NULL);
    if (abort_on_fail != NULL && abort_on_fail->kind != RL_NIL)
        good &= rl_read_truth(r, abort_on_fail, &out->abort_on_fail);
    if (delay != NULL && delay->kind != RL_NIL)
        good &= rl_read_time(r, delay, 0, &out->delay_abort_eval_ns);
    return good;
}

bool rl_read_thresholds(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_threshold *items;
    size_t count = 0;
    bool good = true;

    (void)min;
    if (value->kind != RL_MAP && !rl_is_empty_table(value)) {
        rl_read_refuse(r, value, "a table of lists by metric");
        return false;
    }
    for (const struct rl_value *list = value->first; list != NULL; list = list->next)
        count += list->size;
    items = rl_options_alloc(r, (count + 1) * sizeof(*items));
    count = 0;
    for (const struct rl_value *list = value->first; list != NULL; list = list->next) {
        char where[200];
        struct rl_reader inner = *r;

        snprintf(where, sizeof(where), "%s[\"%.100s\"]", r->where, list->key);
        inner.where = where;
        if (list->kind != RL_LIST && !rl_is_empty_table(list)) {
            rl_read_refuse(&inner, list, "a list of thresholds, such as { \"p(99)<5\" }");
            good = false;
            continue;
        }
        for (const struct rl_value *item = list->first; item != NULL; item = item->next)
            good &= read_expression(&inner, item, list->key, &items[count++]);
    }
    if (good)
        *(struct rl_thresholds *)field = (struct rl_thresholds){items, count};
    return good;
}
