/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sink - what is kept of the samples of one series: by type a sum, a last value, hits, or a
 * distribution (exact up to 1,000 values, then a log-linear histogram). Mergeable.
 *
 * count, min and max are exact, sum as exact as a double is. Where memory runs out the
 * distribution misses values, and only it does.
 *
 * Thread: one. Memory: 64 bytes; a trend adds up to 8 KiB of exact values or the histogram's pages.
 */
#ifndef RL_METRICS_SINK_H
#define RL_METRICS_SINK_H

#include <stdint.h>

#include "metrics/registry.h"

enum { RL_TREND_EXACT = 1000 };

struct rl_trend; /* values and histogram of a trend; NULL while empty */

struct rl_sink {
    uint64_t count;  /* samples; of a rate: the total */
    double sum;      /* of a rate: the hits */
    double min, max; /* gauge and trend, exact; meaningless while count is 0 */
    double last;     /* gauge */
    uint64_t last_ns;
    struct rl_trend *trend;
    enum rl_metric_type type;
};

void rl_sink_init(struct rl_sink *sink, enum rl_metric_type type);
void rl_sink_fini(struct rl_sink *sink);

/* Back to no samples; memory is kept for the next ones. */
void rl_sink_clear(struct rl_sink *sink);

/* Counter: sum += value; gauge: the last value; rate: value != 0 is a hit; trend: one value.
 * A NaN is no sample. Allocates only while the distribution still grows. */
void rl_sink_add(struct rl_sink *sink, double value, uint64_t now_ns);

/* Add all of from, which is of the same type; of gauges the later value stays. */
void rl_sink_merge(struct rl_sink *into, const struct rl_sink *from);

/* Trend: the mean, 0 while empty. */
double rl_sink_avg(const struct rl_sink *sink);

/* Trend: 0 <= percent <= 100; linear between the neighbours of position percent/100 * (n - 1);
 * 0 while empty. May sort the exact values, so it is not for two threads at once. */
double rl_sink_percentile(const struct rl_sink *sink, double percent);

#endif
