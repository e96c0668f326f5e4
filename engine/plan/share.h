/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * share - one of several parts of everything that is counted: users, iterations, arrivals.
 *
 * Machines of a cluster and workers of a process are parts alike: execution segments (spec 3.2).
 * The parts' lengths have a common denominator, the period; a part with the weight w owns w slots
 * of each period, spread as evenly as can be:
 *
 *      parts 1/2, 1/4, 1/4      0 1 0 2 | 0 1 0 2 | ...      period 4
 *
 * The j-th thing of a part is thing number rl_share_global(j) of the whole; of n things in all
 * a part has rl_share_scale(n). Over all parts nothing is lost and nothing is done twice.
 */
#ifndef RL_PLAN_SHARE_H
#define RL_PLAN_SHARE_H

#include <stddef.h>
#include <stdint.h>

enum { RL_SHARE_PERIOD_MAX = 1 << 27 };

struct rl_share {
    uint32_t period, part_count;
    uint32_t index;    /* which part this is; part_count if it owns nothing */
    uint32_t *weights; /* of all parts; they sum up to period */
    uint32_t *slots;   /* of this part, ascending: weights[index] of them */
};

/* All return 0 or -ENOMEM (or what they say); on failure share needs no fini. */

/* Part index of count equal ones: worker index. */
int rl_share_equal(struct rl_share *share, uint32_t index, uint32_t count);

/* An execution segment, "1/4:2/4" ("" or NULL: the whole), of a sequence, "0,1/4,2/4,1" ("" or NULL:
 * made from the segment). -EINVAL and a text in why. */
int rl_share_parse(struct rl_share *share, const char *segment, const char *sequence, char *why,
                   size_t why_bytes);

/* The same part when everything is done by value users: parts that have none of them get nothing, and
 * the others in proportion to theirs. -E2BIG: the period would be too large. */
int rl_share_reseg(const struct rl_share *share, uint64_t value, struct rl_share *out);

void rl_share_fini(struct rl_share *share);

/* How many of value things are this part's. Monotone; the sum over all parts is value. */
uint64_t rl_share_scale(const struct rl_share *share, uint64_t value);

/* The number, in the whole, of this part's thing number local; both from 0. Not of an empty part. */
uint64_t rl_share_global(const struct rl_share *share, uint64_t local);

#endif
