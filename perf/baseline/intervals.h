/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * intervals - how long from one message of a connection to the next, for a server with one connection: the round
 * trip as seen from the other side, with the same clock and the same code for every client.
 *
 * Linear: 16 ns a bucket, longer than a millisecond in the last one. Thread: the only one.
 */
#ifndef INTERVALS_H
#define INTERVALS_H

#include <stdint.h>

enum { INTERVAL_SHIFT = 4, INTERVAL_BUCKETS = 65536 };

struct intervals {
    uint64_t last_ns, count;
    uint32_t counts[INTERVAL_BUCKETS];
};

static inline void intervals_record(struct intervals *intervals, uint64_t now_ns)
{
    uint64_t bucket = (now_ns - intervals->last_ns) >> INTERVAL_SHIFT;

    if (intervals->last_ns != 0) {
        intervals->counts[bucket < INTERVAL_BUCKETS ? bucket : INTERVAL_BUCKETS - 1]++;
        intervals->count++;
    }
    intervals->last_ns = now_ns;
}

/* The median in nanoseconds; 0 if there is none. */
static inline uint64_t intervals_median_ns(const struct intervals *intervals)
{
    uint64_t below = 0;

    for (uint64_t i = 0; i < INTERVAL_BUCKETS; i++) {
        below += intervals->counts[i];
        if (below > 0 && below * 2 >= intervals->count)
            return i << INTERVAL_SHIFT;
    }
    return 0;
}

#endif
