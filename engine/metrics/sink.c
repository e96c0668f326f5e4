/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/sink.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "metrics/histogram.h"

enum { MIN_CAPACITY = 8 };

static_assert(sizeof(struct rl_sink) == 64, "one cache line");

/* Exact values until they are too many; then all of them are in the histogram. */
struct rl_trend {
    double *values;
    uint32_t count, capacity;
    bool sorted, spilled;
    struct rl_histogram histogram;
};

void rl_sink_init(struct rl_sink *sink, enum rl_metric_type type)
{
    *sink = (struct rl_sink){.type = type};
}

void rl_sink_fini(struct rl_sink *sink)
{
    if (sink->trend != NULL) {
        free(sink->trend->values);
        rl_histogram_fini(&sink->trend->histogram);
        free(sink->trend);
    }
    rl_sink_init(sink, sink->type);
}

void rl_sink_clear(struct rl_sink *sink)
{
    struct rl_trend *trend = sink->trend;

    if (trend != NULL) {
        if (trend->spilled)
            rl_histogram_clear(&trend->histogram);
        trend->count = 0;
        trend->sorted = trend->spilled = false;
    }
    *sink = (struct rl_sink){.type = sink->type, .trend = trend};
}

static struct rl_trend *trend_of(struct rl_sink *sink)
{
    if (sink->trend == NULL) {
        sink->trend = calloc(1, sizeof(*sink->trend));
        if (sink->trend != NULL)
            rl_histogram_init(&sink->trend->histogram);
    }
    return sink->trend;
}

/* Make room for more values behind the exact ones; the sum is at most RL_TREND_EXACT. */
static bool reserve(struct rl_trend *trend, uint32_t more)
{
    uint32_t capacity = trend->capacity == 0 ? MIN_CAPACITY : trend->capacity;
    double *values;

    if (trend->capacity - trend->count >= more)
        return true;
    while (capacity - trend->count < more)
        capacity *= 2;
    if (capacity > RL_TREND_EXACT)
        capacity = RL_TREND_EXACT;
    values = realloc(trend->values, capacity * sizeof(*values));
    if (values == NULL)
        return false;
    trend->values = values;
    trend->capacity = capacity;
    return true;
}

static void record_all(struct rl_histogram *histogram, const double *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        (void)rl_histogram_record(histogram, values[i]);
}

static void spill(struct rl_trend *trend)
{
    if (trend->spilled)
        return;
    record_all(&trend->histogram, trend->values, trend->count);
    trend->count = 0;
    trend->spilled = true;
}

static void trend_add(struct rl_sink *sink, double value)
{
    struct rl_trend *trend = trend_of(sink);

    if (trend == NULL)
        return;
    if (RL_UNLIKELY(!trend->spilled && trend->count == RL_TREND_EXACT))
        spill(trend);
    if (trend->spilled) {
        (void)rl_histogram_record(&trend->histogram, value);
        return;
    }
    if (trend->count == trend->capacity && !reserve(trend, 1))
        return;
    trend->values[trend->count++] = value;
    trend->sorted = false;
}

static void trend_merge(struct rl_sink *into, const struct rl_trend *from)
{
    struct rl_trend *trend = trend_of(into);

    if (trend == NULL)
        return;
    if (!trend->spilled && !from->spilled && trend->count + from->count <= RL_TREND_EXACT) {
        if (from->count > 0 && reserve(trend, from->count)) {
            memcpy(&trend->values[trend->count], from->values, from->count * sizeof(double));
            trend->count += from->count;
            trend->sorted = false;
        }
        return;
    }
    spill(trend);
    free(trend->values); /* what is merged into is not cleared, so it spills once */
    trend->values = NULL;
    trend->capacity = 0;
    if (from->spilled)
        (void)rl_histogram_merge(&trend->histogram, &from->histogram);
    else
        record_all(&trend->histogram, from->values, from->count);
}

static void widen(struct rl_sink *sink, double min, double max)
{
    if (sink->count == 0 || min < sink->min)
        sink->min = min;
    if (sink->count == 0 || max > sink->max)
        sink->max = max;
}

void rl_sink_add(struct rl_sink *sink, double value, uint64_t now_ns)
{
    if (RL_UNLIKELY(isnan(value)))
        return;
    switch (sink->type) {
    case RL_COUNTER:
        sink->sum += value;
        break;
    case RL_RATE:
        sink->sum += value != 0 ? 1 : 0;
        break;
    case RL_GAUGE:
        widen(sink, value, value);
        sink->last = value;
        sink->last_ns = now_ns;
        break;
    case RL_TREND:
        widen(sink, value, value);
        sink->sum += value;
        trend_add(sink, value);
        break;
    }
    sink->count++;
}

void rl_sink_merge(struct rl_sink *into, const struct rl_sink *from)
{
    RL_ASSERT(into->type == from->type);
    if (from->count == 0)
        return;
    widen(into, from->min, from->max);
    if (into->count == 0 || from->last_ns >= into->last_ns) {
        into->last = from->last;
        into->last_ns = from->last_ns;
    }
    if (from->trend != NULL)
        trend_merge(into, from->trend);
    into->count += from->count;
    into->sum += from->sum;
}

double rl_sink_avg(const struct rl_sink *sink)
{
    return sink->count == 0 ? 0 : sink->sum / (double)sink->count;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double value_at(struct rl_trend *trend, uint64_t rank)
{
    if (trend->spilled)
        return rl_histogram_at(&trend->histogram, rank);
    if (!trend->sorted)
        qsort(trend->values, trend->count, sizeof(double), by_value);
    trend->sorted = true;
    return trend->values[rank];
}

double rl_sink_percentile(const struct rl_sink *sink, double percent)
{
    struct rl_trend *trend = sink->trend;
    uint64_t count, rank;
    double position, low, high, value;

    RL_ASSERT(percent >= 0 && percent <= 100);
    if (trend == NULL)
        return 0;
    count = trend->spilled ? trend->histogram.count : trend->count;
    if (count == 0)
        return 0;
    position = percent / 100 * (double)(count - 1);
    rank = (uint64_t)position;
    low = high = value_at(trend, rank);
    if (rank + 1 < count)
        high = value_at(trend, rank + 1);
    /* Equal neighbours first: they may be infinite. */
    value = low == high ? low : low + (high - low) * (position - (double)rank);
    /* A bucket's middle may lie beyond what was seen. */
    return fmin(fmax(value, sink->min), sink->max);
}
