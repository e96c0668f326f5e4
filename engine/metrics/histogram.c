/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/histogram.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { MANTISSA_BITS = 52, BUCKET_BITS = 10, SHIFT = MANTISSA_BITS - BUCKET_BITS };

static_assert(sizeof(double) == 8, "buckets are cut from the bits of an IEEE double");

/* Of a value that is not negative. Its bits are in the order of its values. */
static uint32_t bucket_of(double magnitude)
{
    uint64_t bits;

    memcpy(&bits, &magnitude, sizeof(bits));
    return (uint32_t)(bits >> SHIFT);
}

static double lower_end(uint32_t bucket)
{
    uint64_t bits = (uint64_t)bucket << SHIFT;
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static double stands_for(uint32_t bucket)
{
    double low = lower_end(bucket), high = lower_end(bucket + 1);

    if (!isfinite(high) || (high - low <= 1 && low > 0 && low == floor(low)))
        return low;
    return low + (high - low) / 2;
}

void rl_histogram_init(struct rl_histogram *histogram)
{
    *histogram = (struct rl_histogram){0};
}

static void side_fini(struct rl_histogram_side *side)
{
    for (uint32_t i = 0; i < side->count; i++)
        free(side->pages[i]);
    free(side->pages);
}

void rl_histogram_fini(struct rl_histogram *histogram)
{
    side_fini(&histogram->positive);
    side_fini(&histogram->negative);
    rl_histogram_init(histogram);
}

static void side_clear(struct rl_histogram_side *side)
{
    for (uint32_t i = 0; i < side->count; i++) {
        if (side->pages[i] != NULL && side->pages[i]->total != 0)
            memset(side->pages[i], 0, sizeof(*side->pages[i]));
    }
}

void rl_histogram_clear(struct rl_histogram *histogram)
{
    side_clear(&histogram->positive);
    side_clear(&histogram->negative);
    histogram->count = histogram->zeros = 0;
}

/* Let the array reach the page of that number, and a little further so that it settles soon. */
static int widen(struct rl_histogram_side *side, uint32_t number)
{
    enum { SLACK = 16 };
    uint32_t first = side->count == 0 || number < side->first ? number : side->first;
    uint32_t end = side->first + side->count;
    struct rl_histogram_page **pages;

    if (number < side->first)
        first = first < SLACK ? 0 : first - SLACK;
    if (side->count == 0 || number >= end)
        end = number + (side->count == 0 ? 1 : SLACK);
    pages = calloc(end - first, sizeof(*pages));
    if (pages == NULL)
        return -ENOMEM;
    if (side->count != 0)
        memcpy(&pages[side->first - first], side->pages, side->count * sizeof(*pages));
    free(side->pages);
    side->pages = pages;
    side->first = first;
    side->count = end - first;
    return 0;
}

/* The page of that number, made if there is none; NULL when memory is out. */
static struct rl_histogram_page *make_page(struct rl_histogram_side *side, uint32_t number)
{
    struct rl_histogram_page **page;

    if ((side->count == 0 || number - side->first >= side->count) && widen(side, number) < 0)
        return NULL;
    page = &side->pages[number - side->first];
    if (*page == NULL)
        *page = calloc(1, sizeof(**page));
    return *page;
}

int rl_histogram_record(struct rl_histogram *histogram, double value)
{
    struct rl_histogram_side *side = value < 0 ? &histogram->negative : &histogram->positive;
    struct rl_histogram_page *page;
    uint32_t bucket, offset;

    RL_ASSERT(!isnan(value));
    if (value == 0) {
        histogram->zeros++;
        histogram->count++;
        return 0;
    }
    bucket = bucket_of(fabs(value));
    offset = bucket / RL_HISTOGRAM_PAGE - side->first; /* below first: wraps to a large number */
    page = RL_LIKELY(offset < side->count) ? side->pages[offset] : NULL;
    if (RL_UNLIKELY(page == NULL)) {
        page = make_page(side, bucket / RL_HISTOGRAM_PAGE);
        if (page == NULL)
            return -ENOMEM;
    }
    page->counts[bucket % RL_HISTOGRAM_PAGE]++;
    page->total++;
    histogram->count++;
    return 0;
}

static int side_merge(struct rl_histogram *histogram, struct rl_histogram_side *into,
                      const struct rl_histogram_side *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct rl_histogram_page *source = from->pages[i];
        struct rl_histogram_page *page;

        if (source == NULL || source->total == 0)
            continue;
        page = make_page(into, from->first + i);
        if (page == NULL)
            return -ENOMEM;
        for (unsigned j = 0; j < RL_HISTOGRAM_PAGE; j++)
            page->counts[j] += source->counts[j];
        page->total += source->total;
        histogram->count += source->total;
    }
    return 0;
}

int rl_histogram_merge(struct rl_histogram *into, const struct rl_histogram *from)
{
    int rc;

    into->zeros += from->zeros;
    into->count += from->zeros;
    rc = side_merge(into, &into->positive, &from->positive);
    return rc < 0 ? rc : side_merge(into, &into->negative, &from->negative);
}

static double page_at(const struct rl_histogram_page *page, uint32_t number, uint64_t rank)
{
    uint32_t i = 0;

    while (rank >= page->counts[i])
        rank -= page->counts[i++];
    return stands_for(number * RL_HISTOGRAM_PAGE + i);
}

/* Take from *rank what lies below it; true if the value is here. */
static bool side_at(const struct rl_histogram_side *side, uint64_t *rank, double *value)
{
    for (uint32_t i = 0; i < side->count; i++) {
        const struct rl_histogram_page *page = side->pages[i];

        if (page == NULL)
            continue;
        if (*rank < page->total) {
            *value = page_at(page, side->first + i, *rank);
            return true;
        }
        *rank -= page->total;
    }
    return false;
}

static uint64_t side_total(const struct rl_histogram_side *side)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < side->count; i++)
        total += side->pages[i] == NULL ? 0 : side->pages[i]->total;
    return total;
}

double rl_histogram_at(const struct rl_histogram *histogram, uint64_t rank)
{
    uint64_t below_zero = side_total(&histogram->negative);
    double value = 0;

    RL_ASSERT(rank < histogram->count);
    if (rank < below_zero) {
        rank = below_zero - 1 - rank; /* the largest magnitude comes first */
        side_at(&histogram->negative, &rank, &value);
        return -value;
    }
    rank -= below_zero;
    if (rank < histogram->zeros)
        return 0;
    rank -= histogram->zeros;
    side_at(&histogram->positive, &rank, &value);
    return value;
}

static void side_check(const struct rl_histogram_side *side)
{
    for (uint32_t i = 0; i < side->count; i++) {
        const struct rl_histogram_page *page = side->pages[i];
        uint64_t total = 0;

        if (page == NULL)
            continue;
        for (unsigned j = 0; j < RL_HISTOGRAM_PAGE; j++)
            total += page->counts[j];
        RL_CHECK(total == page->total);
    }
}

void rl_histogram_check(const struct rl_histogram *histogram)
{
    side_check(&histogram->positive);
    side_check(&histogram->negative);
    RL_CHECK(histogram->count == histogram->zeros + side_total(&histogram->positive) +
                                     side_total(&histogram->negative));
}
