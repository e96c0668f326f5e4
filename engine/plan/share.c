/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/share.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { PARTS_MAX = 65536, DIGITS_MAX = 12 };

/* --- Exact fractions: num / den, reduced. --- */

struct fraction {
    uint64_t num, den;
};

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static struct fraction reduce(uint64_t num, uint64_t den)
{
    uint64_t divisor = gcd(num, den);

    return (struct fraction){num / divisor, den / divisor};
}

static int compare(struct fraction a, struct fraction b)
{
    unsigned __int128 left = (unsigned __int128)a.num * b.den;
    unsigned __int128 right = (unsigned __int128)b.num * a.den;

    return (left > right) - (left < right);
}

/* --- Texts. --- */

struct points {
    struct fraction *items;
    size_t count;
};

/* Digits at *text are put behind those of *value; *digits says how many. */
static bool read_digits(const char **text, uint64_t *value, int *digits)
{
    for (*digits = 0; **text >= '0' && **text <= '9'; (*text)++, (*digits)++) {
        *value = *value * 10 + (uint64_t)(**text - '0');
        if (*digits == DIGITS_MAX)
            return false;
    }
    return true;
}

/* "1/3", "0.25" or "50%", all of it, in [0, 1]. */
static bool read_fraction(const char *text, struct fraction *out)
{
    uint64_t num = 0, den = 1;
    int digits, more;

    if (!read_digits(&text, &num, &digits))
        return false;
    if (*text == '/') {
        text++;
        den = 0;
        if (digits == 0 || !read_digits(&text, &den, &digits) || den == 0)
            return false;
    } else if (*text == '%') {
        text++;
        den = 100;
    } else if (*text == '.') {
        text++;
        if (!read_digits(&text, &num, &more) || digits + more > DIGITS_MAX)
            return false;
        digits += more;
        for (; more > 0; more--)
            den *= 10;
    }
    if (*text != '\0' || digits == 0 || num > den)
        return false;
    *out = reduce(num, den);
    return true;
}

/* Keeps the points ascending. */
static int add_point(struct points *points, struct fraction point)
{
    struct fraction *items;

    if (points->count > 0) {
        int order = compare(points->items[points->count - 1], point);

        if (order >= 0)
            return -EINVAL;
    }
    if (points->count > PARTS_MAX)
        return -E2BIG;
    items = realloc(points->items, (points->count + 1) * sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    items[points->count++] = point;
    points->items = items;
    return 0;
}

/* The numbers of text between separators, between 0 and 1 which are added where they are missing. */
static int read_points(struct points *points, const char *text, char separator)
{
    const struct fraction zero = {0, 1}, one = {1, 1};
    struct fraction point = zero;
    int rc = 0;

    while (rc == 0) {
        size_t size = strcspn(text, (char[]){separator, '\0'});
        char copy[64];

        if (size >= sizeof(copy))
            return -EINVAL;
        memcpy(copy, text, size);
        copy[size] = '\0';
        if (!read_fraction(copy, &point))
            return -EINVAL;
        if (points->count == 0 && point.num != 0)
            rc = add_point(points, zero);
        if (rc == 0)
            rc = add_point(points, point);
        text += size;
        if (*text == '\0')
            break;
        text++;
    }
    if (rc == 0 && compare(point, one) != 0)
        rc = add_point(points, one);
    return rc;
}

/* --- Striping. --- */

/* Parts by weight, heaviest first, and as they come where that is equal. */
struct ranked {
    uint32_t part, weight, taken;
    uint64_t due; /* the first slot that it may take next */
};

static int by_weight(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;

    if (a->weight != b->weight)
        return a->weight > b->weight ? -1 : 1;
    return a->part < b->part ? -1 : 1;
}

/*
 * Deal the first slot_count slots of a period: each goes to the first part that is not ahead of its
 * even pace, taken * period <= slot * weight. counts and slots (of part index) may be NULL.
 */
static int deal(const struct rl_share *share, uint32_t slot_count, uint32_t *counts,
                uint32_t *slots)
{
    struct ranked *ranked = calloc(share->part_count, sizeof(*ranked));
    uint32_t ranked_count = 0;

    if (ranked == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < share->part_count; i++) {
        if (share->weights[i] > 0)
            ranked[ranked_count++] = (struct ranked){.part = i, .weight = share->weights[i]};
    }
    qsort(ranked, ranked_count, sizeof(*ranked), by_weight);
    for (uint32_t slot = 0; slot < slot_count; slot++) {
        struct ranked *next = ranked;

        while (next->due > slot)
            next++;
        RL_ASSERT(next < ranked + ranked_count);
        if (slots != NULL && next->part == share->index)
            slots[next->taken] = slot;
        next->taken++;
        next->due = ((uint64_t)next->taken * share->period + next->weight - 1) / next->weight;
    }
    for (uint32_t i = 0; counts != NULL && i < ranked_count; i++)
        counts[ranked[i].part] = ranked[i].taken;
    free(ranked);
    return 0;
}

static uint32_t own_weight(const struct rl_share *share)
{
    return share->index < share->part_count ? share->weights[share->index] : 0;
}

/* share has its period, weights and index: fill in its slots. Takes over what it has if that fails. */
static int finish(struct rl_share *share)
{
    uint32_t weight = own_weight(share);
    int rc = 0;

    share->slots = malloc((weight > 0 ? weight : 1) * sizeof(*share->slots));
    if (share->slots == NULL)
        rc = -ENOMEM;
    else if (weight > 0)
        rc = deal(share, share->period, NULL, share->slots);
    if (rc < 0)
        rl_share_fini(share);
    return rc;
}

/* The period and weights that the lengths of the parts give. */
static int weigh(struct rl_share *share, const struct fraction *lengths, uint32_t part_count)
{
    uint64_t period = 1;

    for (uint32_t i = 0; i < part_count; i++) {
        period = period / gcd(period, lengths[i].den) * lengths[i].den;
        if (period > RL_SHARE_PERIOD_MAX)
            return -E2BIG;
    }
    *share = (struct rl_share){.period = (uint32_t)period, .part_count = part_count};
    share->weights = malloc(part_count * sizeof(*share->weights));
    if (share->weights == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < part_count; i++)
        share->weights[i] = (uint32_t)(lengths[i].num * (period / lengths[i].den));
    return 0;
}

int rl_share_equal(struct rl_share *share, uint32_t index, uint32_t count)
{
    RL_ASSERT(index < count);
    *share = (struct rl_share){.period = count, .part_count = count, .index = index};
    share->weights = malloc(count * sizeof(*share->weights));
    if (share->weights == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        share->weights[i] = 1;
    return finish(share);
}

/* Which part of points reaches from where to where segment does; part_count if none. */
static uint32_t find_part(const struct points *points, const struct fraction segment[2])
{
    uint32_t part = 0;

    while (part + 1 < points->count && (compare(points->items[part], segment[0]) != 0 ||
                                        compare(points->items[part + 1], segment[1]) != 0))
        part++;
    return part;
}

/* "a:b" or "b": (a, b] or (0, b]. */
static int read_segment(const char *text, struct fraction segment[2])
{
    const char *colon = strchr(text, ':');
    char from[64] = "0";

    if (colon != NULL && (size_t)(colon - text) < sizeof(from)) {
        memcpy(from, text, (size_t)(colon - text));
        from[colon - text] = '\0';
        text = colon + 1;
    }
    if (!read_fraction(from, &segment[0]) || !read_fraction(text, &segment[1]) ||
        compare(segment[0], segment[1]) >= 0)
        return -EINVAL;
    return 0;
}

static int share_of_points(struct rl_share *share, const struct points *points, uint32_t part)
{
    uint32_t part_count = (uint32_t)points->count - 1;
    struct fraction *lengths = malloc(part_count * sizeof(*lengths));
    int rc;

    if (lengths == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < part_count; i++) {
        struct fraction a = points->items[i], b = points->items[i + 1];
        unsigned __int128 den = (unsigned __int128)a.den / gcd(a.den, b.den) * b.den;

        if (den > RL_SHARE_PERIOD_MAX) {
            free(lengths);
            return -E2BIG;
        }
        lengths[i] = reduce(b.num * ((uint64_t)den / b.den) - a.num * ((uint64_t)den / a.den),
                            (uint64_t)den);
    }
    rc = weigh(share, lengths, part_count);
    free(lengths);
    if (rc < 0)
        return rc;
    share->index = part;
    return finish(share);
}

int rl_share_parse(struct rl_share *share, const char *segment, const char *sequence, char *why,
                   size_t why_bytes)
{
    struct points points = {NULL, 0};
    struct fraction own[2] = {{0, 1}, {1, 1}};
    bool has_sequence = sequence != NULL && sequence[0] != '\0';
    bool has_segment = segment != NULL && segment[0] != '\0';
    uint32_t part;
    int rc = 0;

    if (has_segment)
        rc = read_segment(segment, own);
    if (rc < 0) {
        snprintf(
            why, why_bytes,
            "\"%s\" is no execution segment; write it as \"from:to\" with 0 <= from < to <= 1, "
            "such as \"0:1/3\"",
            segment);
        return rc;
    }
    rc = has_sequence ? read_points(&points, sequence, ',')
                      : read_points(&points, has_segment ? segment : "0:1", ':');
    if (rc < 0)
        snprintf(why, why_bytes,
                 "\"%s\" is no execution segment sequence; write ascending points from 0 to 1, "
                 "such as \"0,1/3,2/3,1\"",
                 has_sequence ? sequence : segment);
    if (rc == 0) {
        part = find_part(&points, own);
        rc = part + 1 < points.count ? share_of_points(share, &points, part) : -EINVAL;
        if (rc < 0)
            snprintf(why, why_bytes, "the execution segment \"%s\" %s of the sequence \"%s\"",
                     has_segment ? segment : "0:1",
                     rc == -EINVAL ? "is not a part" : "is too fine a part",
                     has_sequence ? sequence : "");
    }
    free(points.items);
    return rc;
}

int rl_share_reseg(const struct rl_share *share, uint64_t value, struct rl_share *out)
{
    uint32_t rest = (uint32_t)(value % share->period);
    struct fraction *lengths = NULL;
    uint32_t *counts = NULL, part_count = 0, index = 0;
    bool owns = false;
    int rc = -ENOMEM;

    if (rest == 0) {
        *out = *share;
        out->weights = malloc(share->part_count * sizeof(*out->weights));
        if (out->weights == NULL)
            return rc;
        memcpy(out->weights, share->weights, share->part_count * sizeof(*out->weights));
        return finish(out);
    }
    lengths = calloc(share->part_count, sizeof(*lengths));
    counts = calloc(share->part_count, sizeof(*counts));
    if (lengths == NULL || counts == NULL)
        goto done;
    rc = deal(share, rest, counts, NULL);
    if (rc < 0)
        goto done;
    for (uint32_t i = 0; i < share->part_count; i++) {
        uint64_t scaled = value / share->period * share->weights[i] + counts[i];

        if (i == share->index) {
            index = part_count;
            owns = scaled > 0;
        }
        if (scaled > 0)
            lengths[part_count++] = reduce(scaled, value);
    }
    rc = weigh(out, lengths, part_count);
    if (rc == 0) {
        out->index = owns ? index : part_count;
        rc = finish(out);
    }
done:
    free(counts);
    free(lengths);
    return rc;
}

void rl_share_fini(struct rl_share *share)
{
    free(share->weights);
    free(share->slots);
    *share = (struct rl_share){.period = 0};
}

/* How many of this part's slots come before slot. */
static uint32_t slots_before(const struct rl_share *share, uint32_t slot)
{
    uint32_t low = 0, high = own_weight(share);

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (share->slots[middle] < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t rl_share_scale(const struct rl_share *share, uint64_t value)
{
    return value / share->period * own_weight(share) +
           slots_before(share, (uint32_t)(value % share->period));
}

uint64_t rl_share_global(const struct rl_share *share, uint64_t local)
{
    uint32_t weight = own_weight(share);

    RL_ASSERT(weight > 0);
    return local / weight * share->period + share->slots[local % weight];
}
