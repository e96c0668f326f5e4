/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result/collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "metrics/table.h"
#include "result/shard_map.h"

enum { FIRST_WARNING = 100000, MIN_CAPACITY = 16 };

/* Pointers in the order in which they came. */
struct items {
    void **items;
    size_t count, capacity;
};

struct selection {
    const struct rl_metric *metric;
    const struct rl_tagset *tags;
    struct rl_sink sink;
    bool broken; /* memory was out while it was filled */
};

struct rl_collect {
    const struct rl_registry *registry;
    struct rl_tags *tags;
    struct rl_table series_by_name, checks_by_name;
    struct rl_sink *metrics; /* by metric id */
    struct items series, selections, checks;
    struct rl_shard_maps maps;
    struct rl_names groups, scenarios;
    size_t warn_at;
    uint64_t lost_count;
};

static int items_add(struct items *items, void *item)
{
    if (items->count == items->capacity) {
        size_t capacity = items->capacity == 0 ? MIN_CAPACITY : items->capacity * 2;
        void **grown = realloc(items->items, capacity * sizeof(void *));

        if (grown == NULL)
            return -ENOMEM;
        items->items = grown;
        items->capacity = capacity;
    }
    items->items[items->count++] = item;
    return 0;
}

struct rl_collect *rl_collect_new(const struct rl_registry *registry)
{
    struct rl_collect *collect = calloc(1, sizeof(*collect));
    uint32_t metric_count = rl_registry_count(registry);

    if (collect == NULL)
        return NULL;
    collect->registry = registry;
    collect->warn_at = FIRST_WARNING;
    rl_table_init(&collect->series_by_name);
    rl_table_init(&collect->checks_by_name);
    rl_shard_maps_init(&collect->maps);
    rl_names_init(&collect->groups);
    rl_names_init(&collect->scenarios);
    collect->tags = rl_tags_new();
    collect->metrics = calloc(metric_count, sizeof(*collect->metrics));
    if (collect->tags == NULL || collect->metrics == NULL) {
        rl_collect_free(collect);
        return NULL;
    }
    for (uint32_t i = 0; i < metric_count; i++)
        rl_sink_init(&collect->metrics[i], rl_registry_at(registry, i)->type);
    return collect;
}

static void series_free(struct rl_collect_series *series)
{
    rl_sink_fini(&series->sink);
    free(series->feeds);
    free(series);
}

static void items_free(struct items *items)
{
    for (size_t i = 0; i < items->count; i++)
        free(items->items[i]);
    free(items->items);
}

void rl_collect_free(struct rl_collect *collect)
{
    if (collect == NULL)
        return;
    for (uint32_t i = 0; collect->metrics != NULL && i < rl_registry_count(collect->registry); i++)
        rl_sink_fini(&collect->metrics[i]);
    for (size_t i = 0; i < collect->series.count; i++)
        series_free(collect->series.items[i]);
    for (size_t i = 0; i < collect->selections.count; i++)
        rl_sink_fini(&((struct selection *)collect->selections.items[i])->sink);
    free(collect->series.items);
    items_free(&collect->selections);
    items_free(&collect->checks);
    rl_shard_maps_fini(&collect->maps);
    rl_names_fini(&collect->groups);
    rl_names_fini(&collect->scenarios);
    rl_table_fini(&collect->series_by_name);
    rl_table_fini(&collect->checks_by_name);
    rl_tags_free(collect->tags);
    free(collect->metrics);
    free(collect);
}

static int feed(struct rl_collect_series *series, struct rl_sink *sink)
{
    struct rl_sink **feeds =
        realloc(series->feeds, (series->feed_count + 1) * sizeof(struct rl_sink *));

    if (feeds == NULL)
        return -ENOMEM;
    series->feeds = feeds;
    feeds[series->feed_count++] = sink;
    return 0;
}

static bool matches(const struct rl_collect_series *series, const struct selection *selection)
{
    if (series->metric != selection->metric)
        return false;
    for (uint32_t i = 0; i < selection->tags->count; i++) {
        /* One interner: equal values are the same pointer. */
        if (rl_tagset_get(series->tags, selection->tags->tags[i].key) !=
            selection->tags->tags[i].value)
            return false;
    }
    return true;
}

/* path, and each group around it before it. */
static int add_group(struct rl_collect *collect, const char *path)
{
    const char *end = path;
    size_t size;

    while (end != NULL && *end != '\0') {
        end = strstr(end + 1, "::");
        /* "::a": the search starts inside the first mark, so it finds the second one. */
        size = end == NULL ? strlen(path) : (size_t)(end - path);
        if (rl_names_add(&collect->groups, path, size) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The check of that name, made if it is new; NULL when memory is out. */
static struct rl_collect_check *find_check(struct rl_collect *collect, const char *group,
                                           const char *name)
{
    uint64_t hash = rl_hash_pair(rl_hash_text(group), rl_hash_text(name));
    struct rl_collect_check *check;
    void *item;

    for (size_t at = rl_table_find(&collect->checks_by_name, hash, &item); item != NULL;
         at = rl_table_next(&collect->checks_by_name, at, &item)) {
        check = item;
        if (strcmp(check->group, group) == 0 && strcmp(check->name, name) == 0)
            return check;
    }
    check = calloc(1, sizeof(*check));
    if (check == NULL)
        return NULL;
    rl_sink_init(&check->sink, RL_RATE);
    check->group = group;
    check->name = name;
    if (items_add(&collect->checks, check) < 0) {
        free(check);
        return NULL;
    }
    return rl_table_add(&collect->checks_by_name, hash, check) < 0 ? NULL : check;
}

static int add_check(struct rl_collect *collect, struct rl_collect_series *series,
                     const char *group, const char *name)
{
    struct rl_collect_check *check = find_check(collect, group, name);

    return check == NULL ? -ENOMEM : feed(series, &check->sink);
}

/* What a new series says about the script: its checks, groups and scenarios. */
static int learn(struct rl_collect *collect, struct rl_collect_series *series)
{
    const char *scenario = rl_tagset_get(series->tags, "scenario");
    const char *check = rl_tagset_get(series->tags, "check");
    const char *group = rl_tagset_get(series->tags, "group");
    uint32_t id = series->metric->id;

    if (scenario != NULL && rl_names_add(&collect->scenarios, scenario, strlen(scenario)) < 0)
        return -ENOMEM;
    if (group != NULL && (id == RL_M_CHECKS || id == RL_M_GROUP_DURATION) &&
        add_group(collect, group) < 0)
        return -ENOMEM;
    if (check != NULL && id == RL_M_CHECKS)
        return add_check(collect, series, group == NULL ? "" : group, check);
    return 0;
}

static void warn_of_many(struct rl_collect *collect)
{
    if (collect->series.count < collect->warn_at)
        return;
    rl_log_warn("%zu time series (metric and tags) so far: each costs memory in every worker. "
                "Tags with a value of their own for each VU, iteration or message cause this",
                collect->series.count);
    collect->warn_at *= 2;
}

static int connect_series(struct rl_collect *collect, struct rl_collect_series *series,
                          uint64_t hash)
{
    if (feed(series, &collect->metrics[series->metric->id]) < 0 || learn(collect, series) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < collect->selections.count; i++) {
        struct selection *selection = collect->selections.items[i];

        if (matches(series, selection) && feed(series, &selection->sink) < 0)
            return -ENOMEM;
    }
    if (items_add(&collect->series, series) < 0)
        return -ENOMEM;
    if (rl_table_add(&collect->series_by_name, hash, series) < 0) {
        collect->series.count--;
        return -ENOMEM;
    }
    return 0;
}

/* That series, made if it is new; NULL when memory is out. */
static struct rl_collect_series *find_series(struct rl_collect *collect, struct rl_series wanted)
{
    const struct rl_tagset *tags = rl_tags_of(collect->tags, wanted.tags->tags, wanted.tags->count);
    uint64_t hash = rl_hash_pair(wanted.metric->id, (uintptr_t)tags);
    struct rl_collect_series *series;
    void *item;

    if (tags == NULL)
        return NULL;
    for (size_t at = rl_table_find(&collect->series_by_name, hash, &item); item != NULL;
         at = rl_table_next(&collect->series_by_name, at, &item)) {
        series = item;
        if (series->metric == wanted.metric && series->tags == tags)
            return series;
    }
    series = calloc(1, sizeof(*series));
    if (series == NULL)
        return NULL;
    series->metric = wanted.metric;
    series->tags = tags;
    rl_sink_init(&series->sink, wanted.metric->type);
    if (connect_series(collect, series, hash) < 0) {
        series_free(series);
        return NULL;
    }
    warn_of_many(collect);
    return series;
}

/* The series that a shard's number stands for, NULL if there is none or memory is out. */
static struct rl_collect_series *resolve(struct rl_collect *collect, struct rl_shard_map *map,
                                         struct rl_shard *shard, uint32_t number)
{
    if (map->series[number] == NULL) {
        struct rl_series series = rl_shard_series_at(shard, number);

        if (series.metric != NULL)
            map->series[number] = find_series(collect, series);
    }
    return map->series[number];
}

static void merge(struct rl_collect *collect, struct rl_shard *shard, const struct rl_delta *delta)
{
    struct rl_shard_map *map = rl_shard_maps_get(&collect->maps, shard, delta->count);

    for (uint32_t i = 0; i < delta->count; i++) {
        const struct rl_sink *sink = &delta->sinks[i];
        struct rl_collect_series *series;

        if (sink->count == 0)
            continue;
        series = map == NULL ? NULL : resolve(collect, map, shard, i);
        if (series == NULL) {
            collect->lost_count += sink->count;
            continue;
        }
        rl_sink_merge(&series->sink, sink);
        for (uint32_t f = 0; f < series->feed_count; f++)
            rl_sink_merge(series->feeds[f], sink);
    }
}

bool rl_collect_shard(struct rl_collect *collect, struct rl_shard *shard)
{
    struct rl_delta *delta = rl_shard_take(shard);

    if (delta == NULL)
        return false;
    merge(collect, shard, delta);
    rl_delta_clear(delta);
    rl_shard_give(shard, delta);
    return true;
}

void rl_collect_drain(struct rl_collect *collect, struct rl_shard *shard)
{
    rl_collect_shard(collect, shard);
    merge(collect, shard, shard->active);
    rl_delta_clear(shard->active);
    rl_shard_maps_remove(&collect->maps, shard);
}

const struct rl_sink *rl_collect_metric(const struct rl_collect *collect, uint32_t metric_id)
{
    RL_ASSERT(metric_id < rl_registry_count(collect->registry));
    return &collect->metrics[metric_id];
}

static struct selection *find_selection(const struct rl_collect *collect,
                                        const struct rl_metric *metric,
                                        const struct rl_tagset *tags)
{
    for (size_t i = 0; i < collect->selections.count; i++) {
        struct selection *selection = collect->selections.items[i];

        if (selection->metric == metric && selection->tags == tags)
            return selection;
    }
    return NULL;
}

/* Let it have what there is, and all that comes. */
static int fill(struct rl_collect *collect, struct selection *selection)
{
    for (size_t i = 0; i < collect->series.count; i++) {
        struct rl_collect_series *series = collect->series.items[i];

        if (!matches(series, selection))
            continue;
        if (feed(series, &selection->sink) < 0)
            return -ENOMEM;
        rl_sink_merge(&selection->sink, &series->sink);
    }
    return 0;
}

const struct rl_sink *rl_collect_select(struct rl_collect *collect, uint32_t metric_id,
                                        const struct rl_tag *pairs, size_t count)
{
    const struct rl_metric *metric = rl_registry_at(collect->registry, metric_id);
    const struct rl_tagset *tags = rl_tags_of(collect->tags, pairs, count);
    struct selection *selection;

    if (tags == NULL)
        return NULL;
    selection = find_selection(collect, metric, tags);
    if (selection != NULL)
        return selection->broken ? NULL : &selection->sink;
    selection = calloc(1, sizeof(*selection));
    if (selection == NULL)
        return NULL;
    selection->metric = metric;
    selection->tags = tags;
    rl_sink_init(&selection->sink, metric->type);
    /* Listed first, so that a selection that is filled in part is still freed at the end. */
    if (items_add(&collect->selections, selection) < 0) {
        free(selection);
        return NULL;
    }
    selection->broken = fill(collect, selection) < 0;
    return selection->broken ? NULL : &selection->sink;
}

size_t rl_collect_check_count(const struct rl_collect *collect)
{
    return collect->checks.count;
}

const struct rl_collect_check *rl_collect_check_at(const struct rl_collect *collect, size_t i)
{
    RL_ASSERT(i < collect->checks.count);
    return collect->checks.items[i];
}

const struct rl_names *rl_collect_groups(const struct rl_collect *collect)
{
    return &collect->groups;
}

const struct rl_names *rl_collect_scenarios(const struct rl_collect *collect)
{
    return &collect->scenarios;
}

size_t rl_collect_series_count(const struct rl_collect *collect)
{
    return collect->series.count;
}

const struct rl_collect_series *rl_collect_series_at(const struct rl_collect *collect, size_t i)
{
    RL_ASSERT(i < collect->series.count);
    return collect->series.items[i];
}

uint64_t rl_collect_lost(const struct rl_collect *collect)
{
    return collect->lost_count;
}

const struct rl_registry *rl_collect_registry(const struct rl_collect *collect)
{
    return collect->registry;
}
