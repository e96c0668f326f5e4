/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * turns - how long each turn of a loop kept its ring waiting.
 *
 * Log-linear: 16 buckets of equal width between a power of two and the next, so a length is known to a
 * sixteenth of it. That is the engine's own lateness: what arrives during a turn is seen after it.
 *
 * Thread: the loop's; who reads it joins that thread first.
 */
#ifndef RL_LOOP_TURNS_H
#define RL_LOOP_TURNS_H

#include <stdint.h>

enum { RL_TURN_BITS = 4, RL_TURN_BUCKETS = (64 - RL_TURN_BITS + 1) << RL_TURN_BITS };

struct rl_turns {
    uint64_t count, max_ns;
    uint64_t counts[RL_TURN_BUCKETS];
};

static inline unsigned rl_turn_bucket(uint64_t ns)
{
    unsigned shift;

    if (ns >> RL_TURN_BITS == 0)
        return (unsigned)ns;
    shift = 63 - RL_TURN_BITS - (unsigned)__builtin_clzll(ns);
    return (shift << RL_TURN_BITS) + (unsigned)(ns >> shift);
}

static inline void rl_turns_record(struct rl_turns *turns, uint64_t ns)
{
    turns->count++;
    turns->counts[rl_turn_bucket(ns)]++;
    if (ns > turns->max_ns)
        turns->max_ns = ns;
}

void rl_turns_merge(struct rl_turns *into, const struct rl_turns *from);

/* No shorter than part (0 ... 1) of all turns, and at most a sixteenth longer than need be; 0: no turn. */
uint64_t rl_turns_at(const struct rl_turns *turns, double part);

#endif
