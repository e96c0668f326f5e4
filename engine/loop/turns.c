/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/turns.h"

void rl_turns_merge(struct rl_turns *into, const struct rl_turns *from)
{
    into->count += from->count;
    for (unsigned i = 0; i < RL_TURN_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
}

/* The longest turn that a bucket counts. */
static uint64_t upper_end(unsigned bucket)
{
    unsigned shift;

    if (bucket < 2u << RL_TURN_BITS)
        return bucket;
    shift = (bucket >> RL_TURN_BITS) - 1;
    return ((uint64_t)(bucket - (shift << RL_TURN_BITS)) << shift) + ((UINT64_C(1) << shift) - 1);
}

uint64_t rl_turns_at(const struct rl_turns *turns, double part)
{
    uint64_t below = 0;

    for (unsigned i = 0; i < RL_TURN_BUCKETS; i++) {
        below += turns->counts[i];
        if (below > 0 && (double)below >= part * (double)turns->count)
            return upper_end(i) < turns->max_ns ? upper_end(i) : turns->max_ns;
    }
    return turns->max_ns;
}
