/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * collect - the figures of all workers together, since the start.
 *
 *      shard --delta--> its series' numbers --map--> series here --> the whole metric's sink
 *                                                          |-------> sinks of selections
 *                                                          `-------> a check
 *
 * The collector has tag sets of its own, so a series is one here whichever workers feed it. What
 * it returns stays where it is until rl_collect_free, and grows with each delta.
 *
 * Thread: the control thread's. Its memory grows with the number of series (E-323): about 200
 * bytes each and what sink.h says; at 100,000 and at each doubling it warns.
 */
#ifndef RL_RESULT_COLLECT_H
#define RL_RESULT_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/registry.h"
#include "metrics/shard.h"
#include "metrics/sink.h"
#include "metrics/tags.h"
#include "result/names.h"

struct rl_collect;

/* One line of the check list: passes are sink.sum, the total is sink.count. */
struct rl_collect_check {
    const char *group, *name; /* group: "" or "::a::b" */
    struct rl_sink sink;
};

/* A metric with a tag set, over all workers. */
struct rl_collect_series {
    const struct rl_metric *metric;
    const struct rl_tagset *tags;
    struct rl_sink sink;
    struct rl_sink **feeds; /* what else its samples are added to */
    uint32_t feed_count;
};

/* registry: closed. NULL when memory is out. */
struct rl_collect *rl_collect_new(const struct rl_registry *registry);
void rl_collect_free(struct rl_collect *collect);

/* Merge what the shard has published, if anything, and give the half back; true if there was
 * something. The shard's worker may go on all the while. */
bool rl_collect_shard(struct rl_collect *collect, struct rl_shard *shard);

/* The worker has ended: merge all that is left, published or not, and forget the shard. */
void rl_collect_drain(struct rl_collect *collect, struct rl_shard *shard);

/* All samples of a metric. */
const struct rl_sink *rl_collect_metric(const struct rl_collect *collect, uint32_t metric_id);

/* The samples of a metric that have all these tags; the first call makes the sink from the series
 * so far, further ones return the same. NULL when memory is out. */
const struct rl_sink *rl_collect_select(struct rl_collect *collect, uint32_t metric_id,
                                        const struct rl_tag *pairs, size_t count);

/* In the order in which they were first seen (of several workers: about). */
size_t rl_collect_check_count(const struct rl_collect *collect);
const struct rl_collect_check *rl_collect_check_at(const struct rl_collect *collect, size_t i);

/* Paths of groups with their ancestors first ("::a", "::a::b"), and names of scenarios. */
const struct rl_names *rl_collect_groups(const struct rl_collect *collect);
const struct rl_names *rl_collect_scenarios(const struct rl_collect *collect);

size_t rl_collect_series_count(const struct rl_collect *collect);
const struct rl_collect_series *rl_collect_series_at(const struct rl_collect *collect, size_t i);

/* Samples that are in no figure, because memory was out. */
uint64_t rl_collect_lost(const struct rl_collect *collect);

const struct rl_registry *rl_collect_registry(const struct rl_collect *collect);

#endif
