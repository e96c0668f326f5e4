/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "metrics/table.h"

enum { ARENA_BLOCK = 16384, VALUES_MAX = 3 };

struct builder {
    struct rl_summary *summary;
    struct rl_collect *collect;
    const struct rl_summary_config *config;
};

/* Which samples belong to a part; NULL: of any. The scenario "default" includes no scenario. */
struct filter {
    const char *scenario, *group;
};

static void *take(struct builder *builder, size_t count, size_t size)
{
    void *memory = rl_arena_alloc(&builder->summary->arena, count * size + 1);

    return memory == NULL ? NULL : memset(memory, 0, count * size + 1);
}

static double per_second(const struct builder *builder, double sum)
{
    double seconds = (double)builder->config->clock_ns / (double)RL_NS_PER_S;

    return seconds > 0 ? sum / seconds : 0;
}

static size_t fixed_values(const struct builder *builder, const struct rl_sink *sink,
                           struct rl_summary_value values[VALUES_MAX])
{
    double total = (double)sink->count;

    switch (sink->type) {
    case RL_COUNTER:
        values[0] = (struct rl_summary_value){"count", sink->sum};
        values[1] = (struct rl_summary_value){"rate", per_second(builder, sink->sum)};
        return 2;
    case RL_GAUGE:
        values[0] = (struct rl_summary_value){"value", sink->last};
        values[1] = (struct rl_summary_value){"min", sink->min};
        values[2] = (struct rl_summary_value){"max", sink->max};
        return 3;
    case RL_RATE:
        values[0] = (struct rl_summary_value){"rate", total > 0 ? sink->sum / total : 0};
        values[1] = (struct rl_summary_value){"passes", sink->sum};
        values[2] = (struct rl_summary_value){"fails", total - sink->sum};
        return 3;
    case RL_TREND:
        break;
    }
    return 0;
}

static int fill_metric(struct builder *builder, const struct rl_metric *metric,
                       const struct rl_sink *sink, struct rl_summary_metric *out)
{
    const struct rl_summary_config *config = builder->config;
    struct rl_summary_value *values;

    *out = (struct rl_summary_metric){
        .name = metric->name,
        .type = metric->type,
        .contains = metric->contains,
    };
    values = take(builder, config->stat_count + VALUES_MAX, sizeof(*values));
    if (values == NULL)
        return -ENOMEM;
    out->values = values;
    out->value_count = fixed_values(builder, sink, values);
    for (size_t i = 0; metric->type == RL_TREND && i < config->stat_count; i++) {
        values[i] = (struct rl_summary_value){
            .name = config->stats[i].name,
            .value = rl_stat_of(&config->stats[i], sink),
        };
        out->value_count++;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct rl_summary_metric *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* All metrics that have samples in sinks, which are by metric id. */
static int fill_metrics(struct builder *builder, const struct rl_sink *const *sinks,
                        struct rl_summary_part *part)
{
    const struct rl_registry *registry = rl_collect_registry(builder->collect);
    uint32_t count = rl_registry_count(registry);
    struct rl_summary_metric *metrics = take(builder, count, sizeof(*metrics));

    if (metrics == NULL)
        return -ENOMEM;
    part->metrics = metrics;
    for (uint32_t id = 0; id < count; id++) {
        if (sinks[id]->count == 0)
            continue;
        if (fill_metric(builder, rl_registry_at(registry, id), sinks[id],
                        &metrics[part->metric_count]) < 0)
            return -ENOMEM;
        part->metric_count++;
    }
    qsort(metrics, part->metric_count, sizeof(*metrics), by_name);
    return 0;
}

static int fill_all_metrics(struct builder *builder, struct rl_summary_part *part)
{
    uint32_t count = rl_registry_count(rl_collect_registry(builder->collect));
    const struct rl_sink **sinks = take(builder, count, sizeof(struct rl_sink *));

    if (sinks == NULL)
        return -ENOMEM;
    for (uint32_t id = 0; id < count; id++)
        sinks[id] = rl_collect_metric(builder->collect, id);
    return fill_metrics(builder, sinks, part);
}

static bool is_default(const char *scenario)
{
    return scenario == NULL || strcmp(scenario, "default") == 0;
}

static bool matches(const struct filter *filter, const struct rl_tagset *tags)
{
    const char *group = rl_tagset_get(tags, "group");
    const char *scenario = rl_tagset_get(tags, "scenario");

    if (filter->group != NULL && strcmp(group == NULL ? "" : group, filter->group) != 0)
        return false;
    if (filter->scenario == NULL)
        return true;
    if (is_default(filter->scenario))
        return is_default(scenario);
    return scenario != NULL && strcmp(scenario, filter->scenario) == 0;
}

/* The metrics from the series that match: merged here, for this part only. */
static int fill_some_metrics(struct builder *builder, const struct filter *filter,
                             struct rl_summary_part *part)
{
    const struct rl_registry *registry = rl_collect_registry(builder->collect);
    uint32_t count = rl_registry_count(registry);
    const struct rl_sink **sinks = take(builder, count, sizeof(struct rl_sink *));
    struct rl_sink *merged = take(builder, count, sizeof(*merged));
    int rc;

    if (sinks == NULL || merged == NULL)
        return -ENOMEM;
    for (uint32_t id = 0; id < count; id++) {
        rl_sink_init(&merged[id], rl_registry_at(registry, id)->type);
        sinks[id] = &merged[id];
    }
    for (size_t i = 0; i < rl_collect_series_count(builder->collect); i++) {
        const struct rl_collect_series *series = rl_collect_series_at(builder->collect, i);

        if (matches(filter, series->tags))
            rl_sink_merge(&merged[series->metric->id], &series->sink);
    }
    rc = fill_metrics(builder, sinks, part);
    for (uint32_t id = 0; id < count; id++)
        rl_sink_fini(&merged[id]);
    return rc;
}

/* Add to the check of that name, which is new if the table does not have it. */
static int add_check(struct rl_table *table, struct rl_summary_check *checks, size_t *count,
                     const char *name, const struct rl_sink *sink)
{
    uint64_t hash = rl_hash_text(name), passes = (uint64_t)sink->sum;
    struct rl_summary_check *check;
    void *item;

    for (size_t at = rl_table_find(table, hash, &item); item != NULL;
         at = rl_table_next(table, at, &item)) {
        check = item;
        if (strcmp(check->name, name) == 0) {
            check->passes += passes;
            check->fails += sink->count - passes;
            return 0;
        }
    }
    check = &checks[(*count)++];
    *check = (struct rl_summary_check){
        .name = name,
        .passes = passes,
        .fails = sink->count - passes,
    };
    return rl_table_add(table, hash, check);
}

/* Series come in the order in which they were first seen, and so do the checks. */
static int fill_checks(struct builder *builder, const struct filter *filter,
                       struct rl_summary_part *part)
{
    size_t series_count = rl_collect_series_count(builder->collect), most = 0;
    struct rl_summary_check *checks;
    struct rl_table table;
    int rc = 0;

    for (size_t i = 0; i < series_count; i++)
        most += rl_collect_series_at(builder->collect, i)->metric->id == RL_M_CHECKS;
    checks = take(builder, most, sizeof(*checks));
    if (checks == NULL)
        return -ENOMEM;
    rl_table_init(&table);
    for (size_t i = 0; i < series_count && rc == 0; i++) {
        const struct rl_collect_series *series = rl_collect_series_at(builder->collect, i);
        const char *name = rl_tagset_get(series->tags, "check");

        if (series->metric->id == RL_M_CHECKS && name != NULL && matches(filter, series->tags))
            rc = add_check(&table, checks, &part->check_count, name, &series->sink);
    }
    rl_table_fini(&table);
    part->checks = checks;
    return rc;
}

/* Whether path lies directly inside parent: one "::" more, and a name behind it. */
static bool is_child(const char *path, const char *parent)
{
    size_t size = strlen(parent);

    return strncmp(path, parent, size) == 0 && strncmp(path + size, "::", 2) == 0 &&
           strstr(path + size + 2, "::") == NULL;
}

static bool is_life_cycle(const char *path)
{
    return strcmp(path, "::setup") == 0 || strcmp(path, "::teardown") == 0;
}

static int fill_groups(struct builder *builder, const char *scenario, bool with_metrics,
                       struct rl_summary_part *parent);

static int fill_group(struct builder *builder, const char *scenario, bool with_metrics,
                      struct rl_summary_part *group)
{
    struct filter filter = {.scenario = scenario, .group = group->path};

    if (with_metrics && fill_some_metrics(builder, &filter, group) < 0)
        return -ENOMEM;
    if (fill_checks(builder, &filter, group) < 0)
        return -ENOMEM;
    return fill_groups(builder, scenario, with_metrics, group);
}

/* The groups directly inside parent, with theirs. Where there are metrics (full mode), a group
 * that has none is one of another scenario. */
static int fill_groups(struct builder *builder, const char *scenario, bool with_metrics,
                       struct rl_summary_part *parent)
{
    const struct rl_names *names = rl_collect_groups(builder->collect);
    struct rl_summary_part *groups;
    size_t most = 0;

    for (size_t i = 0; i < names->count; i++)
        most += is_child(names->texts[i], parent->path);
    groups = take(builder, most, sizeof(*groups));
    if (groups == NULL)
        return -ENOMEM;
    parent->groups = groups;
    for (size_t i = 0; i < names->count; i++) {
        struct rl_summary_part *group = &groups[parent->group_count];

        if (!is_child(names->texts[i], parent->path))
            continue;
        if (with_metrics && is_life_cycle(names->texts[i]))
            continue;
        *group = (struct rl_summary_part){.path = names->texts[i]};
        group->name = group->path + strlen(parent->path) + 2;
        if (fill_group(builder, scenario, with_metrics, group) < 0)
            return -ENOMEM;
        if (!with_metrics || group->metric_count + group->group_count > 0)
            parent->group_count++;
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct rl_summary_part *)a)->name,
                  ((const struct rl_summary_part *)b)->name);
}

static int fill_scenarios(struct builder *builder)
{
    const struct rl_names *names = rl_collect_scenarios(builder->collect);
    struct rl_summary_part *scenarios = take(builder, names->count, sizeof(*scenarios));
    struct rl_summary *summary = builder->summary;

    if (scenarios == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < names->count; i++) {
        struct rl_summary_part *scenario = &scenarios[summary->scenario_count];
        struct filter filter = {.scenario = names->texts[i]};

        if (is_default(filter.scenario))
            continue;
        *scenario = (struct rl_summary_part){.name = filter.scenario, .path = ""};
        if (fill_some_metrics(builder, &filter, scenario) < 0 ||
            fill_checks(builder, &filter, scenario) < 0 ||
            fill_groups(builder, filter.scenario, true, scenario) < 0)
            return -ENOMEM;
        summary->scenario_count++;
    }
    qsort(scenarios, summary->scenario_count, sizeof(*scenarios), by_text);
    summary->scenarios = scenarios;
    return 0;
}

static int build(struct builder *builder)
{
    static const struct rl_summary_part whole = {.name = "", .path = ""};
    struct rl_summary *summary = builder->summary;

    summary->total = summary->root = summary->groups = whole;
    if (fill_all_metrics(builder, &summary->total) < 0 ||
        fill_checks(builder, &(struct filter){0}, &summary->total) < 0 ||
        fill_group(builder, NULL, false, &summary->root) < 0)
        return -ENOMEM;
    if (!builder->config->full)
        return 0;
    if (fill_groups(builder, "default", true, &summary->groups) < 0)
        return -ENOMEM;
    return fill_scenarios(builder);
}

int rl_summary_init(struct rl_summary *summary, struct rl_collect *collect,
                    const struct rl_summary_config *config)
{
    struct builder builder = {.summary = summary, .collect = collect, .config = config};

    *summary = (struct rl_summary){.clock_ns = config->clock_ns};
    rl_arena_init(&summary->arena, ARENA_BLOCK);
    if (build(&builder) < 0) {
        rl_summary_fini(summary);
        return -ENOMEM;
    }
    return 0;
}

void rl_summary_fini(struct rl_summary *summary)
{
    rl_arena_fini(&summary->arena);
    *summary = (struct rl_summary){0};
}
