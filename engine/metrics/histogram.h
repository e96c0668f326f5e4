/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * histogram - how often each value came, to a thousandth of the value.
 *
 * Buckets are log-linear: 1,024 of equal width between a power of two and the next. That is how a
 * double is written, so the number of a value's bucket is the upper half of its bits:
 *
 *      sign | exponent, 11 bits | mantissa, its upper 10 bits | the other 42
 *             `----------- bucket, 0 ... 2^21 - 1 ---------'
 *
 * Thus every double has a bucket: no range to choose and no value that does not fit. Zero is
 * counted apart, negative values in a second set by magnitude. Buckets come in pages of 64, made
 * at first use; an array between the lowest and the highest page in use finds them.
 *
 * A bucket answers with its middle, or with its lower end if that is the only whole number in it
 * (so that integers up to 2,048 come back as they are): off by less than 1/1,024 of the value.
 *
 * Thread: one. Memory: 520 bytes a page, and 8 a page between the lowest and the highest one; all
 * of 1 ns ... 24 h in use is 740 pages, a distribution within a factor of two at most 17.
 */
#ifndef RL_METRICS_HISTOGRAM_H
#define RL_METRICS_HISTOGRAM_H

#include <stdint.h>

enum { RL_HISTOGRAM_PAGE = 64 };

struct rl_histogram_page {
    uint64_t total;
    uint64_t counts[RL_HISTOGRAM_PAGE];
};

/* The values of one sign; pages[i] is page number first + i, or NULL. */
struct rl_histogram_side {
    struct rl_histogram_page **pages;
    uint32_t first, count;
};

struct rl_histogram {
    uint64_t count, zeros;
    struct rl_histogram_side positive, negative;
};

void rl_histogram_init(struct rl_histogram *histogram);
void rl_histogram_fini(struct rl_histogram *histogram);

/* Empty it, but keep the pages. */
void rl_histogram_clear(struct rl_histogram *histogram);

/* value: not a NaN. -ENOMEM: not counted. Allocates only where no page is yet. */
int rl_histogram_record(struct rl_histogram *histogram, double value);

/* Add all of from. -ENOMEM: only a part was added; the counts are consistent. */
int rl_histogram_merge(struct rl_histogram *into, const struct rl_histogram *from);

/* The rank-th value from below, from 0; rank < count. */
double rl_histogram_at(const struct rl_histogram *histogram, uint64_t rank);

/* Assert that all totals agree. For tests. */
void rl_histogram_check(const struct rl_histogram *histogram);

#endif
