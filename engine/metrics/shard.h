/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shard - one worker's own figures, since the collector last took them.
 *
 * A series is a metric with a tag set; a worker asks for its number once and then adds to it
 * without a look-up, a lock or an allocation. The figures are deltas kept twice: the worker
 * fills one half while the collector merges the other.
 *
 *      worker:     active half --flush--> published
 *      collector:  published --merge, empty--> spare --> (worker's next flush swaps it in)
 *
 * Thread: all but rl_shard_take, rl_shard_give and rl_shard_series_at belong to the worker; init
 * and fini happen before it starts and after it has ended. Memory: 128 bytes a series (two sinks)
 * and 24 for its names; sinks of trends as sink.h says.
 */
#ifndef RL_METRICS_SHARD_H
#define RL_METRICS_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics/registry.h"
#include "metrics/sink.h"
#include "metrics/tags.h"

/* Takes the samples of series for which there was no memory. */
enum { RL_SERIES_LOST = 1 };

struct rl_series {
    const struct rl_metric *metric; /* NULL: not a series, or RL_SERIES_LOST */
    const struct rl_tagset *tags;
};

/* One half: sinks by series number. */
struct rl_delta {
    struct rl_sink *sinks;
    uint32_t count; /* of sinks */
    uint32_t capacity;
};

struct rl_shard {
    struct rl_delta *active;
    uint64_t now_ns; /* the time of all samples; the loop sets it once a turn */
    struct rl_tags *tags;
    const struct rl_registry *registry;
    struct rl_shard_private *private_;
};

/* -ENOMEM. */
int rl_shard_init(struct rl_shard *shard, const struct rl_registry *registry);
void rl_shard_fini(struct rl_shard *shard);

/* The number of (metric, tags), made at first use; 0 is never a series ("not resolved yet").
 * Memory out: the number of a series that is collected nowhere but counted as lost. */
uint32_t rl_shard_series(struct rl_shard *shard, uint32_t metric_id, const struct rl_tagset *tags);

/* How many numbers are in use, 0 and RL_SERIES_LOST included. */
uint32_t rl_shard_series_count(const struct rl_shard *shard);

/* Add a sample: counter += value, gauge = value, rate: value != 0 is a hit, trend: one value. */
void rl_shard_add(struct rl_shard *shard, uint32_t series, double value);

/* The same for a counter, inlined: this is the hot path. */
static inline void rl_shard_count(struct rl_shard *shard, uint32_t series, double value)
{
    struct rl_sink *sink = &shard->active->sinks[series];

    sink->count++;
    sink->sum += value;
}

/* Publish what has gathered if the collector has given the other half back; false if it has not:
 * nothing is lost then, the figures go with the next flush. */
bool rl_shard_flush(struct rl_shard *shard);

/* The collector: the published half or NULL; then give it back, emptied by rl_delta_clear. */
struct rl_delta *rl_shard_take(struct rl_shard *shard);
void rl_shard_give(struct rl_shard *shard, struct rl_delta *delta);
void rl_delta_clear(struct rl_delta *delta);

/* What series number series is; safe for the collector for every number in a taken delta. */
struct rl_series rl_shard_series_at(struct rl_shard *shard, uint32_t series);

#endif
