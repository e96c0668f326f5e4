/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/shard.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "metrics/table.h"

enum { CACHE_LINE = 64, FIRST_CHUNK = 64, CHUNKS = 26, FIRST_SERIES = RL_SERIES_LOST + 1 };

struct entry {
    struct rl_series series;
    uint32_t number;
};

/*
 * What the worker knows of its series. Entries never move, since the collector reads them while
 * the worker makes new ones: chunk i holds FIRST_CHUNK << i of them. It reads only those with
 * numbers in a delta that it has taken, and these were written before the delta was published.
 */
struct rl_shard_private {
    struct entry *chunks[CHUNKS];
    uint32_t count;
    struct rl_table by_name;
    struct rl_delta halves[2];
    _Alignas(CACHE_LINE) _Atomic(struct rl_delta *) published;
    _Atomic(struct rl_delta *) spare;
};

static struct entry *entry_at(const struct rl_shard_private *private_, uint32_t number)
{
    uint32_t scaled = number / FIRST_CHUNK + 1;
    uint32_t chunk = 31 - (uint32_t)__builtin_clz(scaled);

    return &private_->chunks[chunk][number - FIRST_CHUNK * ((1U << chunk) - 1)];
}

/* Entries for all numbers up to and with number: numbers come one by one, so one chunk at most. */
static int reserve_entry(struct rl_shard_private *private_, uint32_t number)
{
    uint32_t scaled = number / FIRST_CHUNK + 1;
    uint32_t chunk = 31 - (uint32_t)__builtin_clz(scaled);

    if (chunk >= CHUNKS)
        return -ENOMEM;
    if (private_->chunks[chunk] == NULL)
        private_->chunks[chunk] = calloc((size_t)FIRST_CHUNK << chunk, sizeof(struct entry));
    return private_->chunks[chunk] == NULL ? -ENOMEM : 0;
}

/* Let a half have a sink for each series; sinks are aligned so that none spans two cache lines. */
static int extend(const struct rl_shard_private *private_, struct rl_delta *delta, uint32_t count)
{
    if (count > delta->capacity) {
        size_t capacity = delta->capacity == 0 ? FIRST_CHUNK : (size_t)delta->capacity * 2;
        struct rl_sink *sinks;

        while (capacity < count)
            capacity *= 2;
        sinks = aligned_alloc(CACHE_LINE, capacity * sizeof(*sinks));
        if (sinks == NULL)
            return -ENOMEM;
        if (delta->count > 0)
            memcpy(sinks, delta->sinks, delta->count * sizeof(*sinks));
        free(delta->sinks);
        delta->sinks = sinks;
        delta->capacity = (uint32_t)capacity;
    }
    for (; delta->count < count; delta->count++) {
        const struct rl_metric *metric = entry_at(private_, delta->count)->series.metric;

        rl_sink_init(&delta->sinks[delta->count], metric == NULL ? RL_COUNTER : metric->type);
    }
    return 0;
}

int rl_shard_init(struct rl_shard *shard, const struct rl_registry *registry)
{
    struct rl_shard_private *private_ = aligned_alloc(CACHE_LINE, sizeof(*private_));

    *shard = (struct rl_shard){.registry = registry, .private_ = private_};
    if (private_ == NULL)
        return -ENOMEM;
    memset(private_, 0, sizeof(*private_));
    rl_table_init(&private_->by_name);
    atomic_init(&private_->published, NULL);
    atomic_init(&private_->spare, &private_->halves[1]);
    shard->active = &private_->halves[0];
    shard->tags = rl_tags_new();
    private_->count = FIRST_SERIES;
    if (shard->tags == NULL || reserve_entry(private_, 0) < 0 ||
        extend(private_, &private_->halves[0], FIRST_SERIES) < 0 ||
        extend(private_, &private_->halves[1], FIRST_SERIES) < 0) {
        rl_shard_fini(shard);
        return -ENOMEM;
    }
    return 0;
}

static void delta_fini(struct rl_delta *delta)
{
    for (uint32_t i = 0; i < delta->count; i++)
        rl_sink_fini(&delta->sinks[i]);
    free(delta->sinks);
}

void rl_shard_fini(struct rl_shard *shard)
{
    struct rl_shard_private *private_ = shard->private_;

    if (private_ == NULL)
        return;
    delta_fini(&private_->halves[0]);
    delta_fini(&private_->halves[1]);
    for (int i = 0; i < CHUNKS; i++)
        free(private_->chunks[i]);
    rl_table_fini(&private_->by_name);
    rl_tags_free(shard->tags);
    free(private_);
    *shard = (struct rl_shard){0};
}

static uint32_t add_series(struct rl_shard *shard, uint64_t hash, struct rl_series series)
{
    struct rl_shard_private *private_ = shard->private_;
    uint32_t number = private_->count;
    struct entry *entry;

    if (reserve_entry(private_, number) < 0)
        return RL_SERIES_LOST;
    entry = entry_at(private_, number);
    *entry = (struct entry){.series = series, .number = number};
    if (extend(private_, shard->active, number + 1) < 0)
        return RL_SERIES_LOST;
    if (rl_table_add(&private_->by_name, hash, entry) < 0) {
        shard->active->count = number; /* the next try starts from here again */
        return RL_SERIES_LOST;
    }
    private_->count++;
    return number;
}

uint32_t rl_shard_series(struct rl_shard *shard, uint32_t metric_id, const struct rl_tagset *tags)
{
    const struct rl_metric *metric = rl_registry_at(shard->registry, metric_id);
    uint64_t hash = rl_hash_pair(metric_id, (uintptr_t)tags);
    const struct rl_table *by_name = &shard->private_->by_name;
    void *item;

    for (size_t at = rl_table_find(by_name, hash, &item); item != NULL;
         at = rl_table_next(by_name, at, &item)) {
        const struct entry *entry = item;

        if (entry->series.metric == metric && entry->series.tags == tags)
            return entry->number;
    }
    return add_series(shard, hash, (struct rl_series){.metric = metric, .tags = tags});
}

uint32_t rl_shard_series_count(const struct rl_shard *shard)
{
    return shard->private_->count;
}

void rl_shard_add(struct rl_shard *shard, uint32_t series, double value)
{
    RL_ASSERT(series > 0 && series < shard->active->count);
    rl_sink_add(&shard->active->sinks[series], value, shard->now_ns);
}

bool rl_shard_flush(struct rl_shard *shard)
{
    struct rl_shard_private *private_ = shard->private_;
    struct rl_delta *spare = atomic_load_explicit(&private_->spare, memory_order_acquire);

    /* The spare half knows only the series of its own time; the worker may use any from now on. */
    if (spare == NULL || extend(private_, spare, private_->count) < 0)
        return false;
    atomic_store_explicit(&private_->spare, NULL, memory_order_relaxed);
    atomic_store_explicit(&private_->published, shard->active, memory_order_release);
    shard->active = spare;
    return true;
}

struct rl_delta *rl_shard_take(struct rl_shard *shard)
{
    return atomic_exchange_explicit(&shard->private_->published, NULL, memory_order_acquire);
}

void rl_shard_give(struct rl_shard *shard, struct rl_delta *delta)
{
    atomic_store_explicit(&shard->private_->spare, delta, memory_order_release);
}

void rl_delta_clear(struct rl_delta *delta)
{
    for (uint32_t i = 0; i < delta->count; i++) {
        if (delta->sinks[i].count != 0)
            rl_sink_clear(&delta->sinks[i]);
    }
}

struct rl_series rl_shard_series_at(struct rl_shard *shard, uint32_t series)
{
    return entry_at(shard->private_, series)->series;
}
