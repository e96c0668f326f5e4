/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim - what all of the simulation draws on: one seed, one clock, one way to fail.
 *
 * Everything that may come out one way or another asks sim.rng, so a seed is a whole run. Time is
 * sim.now_ns: the engine reads it through clock_gettime, which clock.c takes the place of.
 *
 * Thread: one; seeds are spread over processes.
 */
#ifndef RL_SIM_SIM_H
#define RL_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rng.h"

struct sim {
    uint64_t seed, now_ns, start_ns, turn;
    struct rl_rng rng, entropy; /* entropy: what the TLS library takes for randomness */
    bool trace;
    const char *program; /* argv[0]: for the command that replays */
};

extern struct sim sim;

/* From the beginning: clock, numbers. */
void sim_begin(uint64_t seed);

/* A line of the diary, if the user wants one. */
#define sim_trace(...) (sim.trace ? sim_trace_line(__VA_ARGS__) : (void)0)
void sim_trace_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Say what is wrong, when, and how to see it again; the process ends. */
_Noreturn void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define sim_require(condition, ...) ((condition) ? (void)0 : sim_fail(__VA_ARGS__))

/* "tests/sim/ringload_sim --seed 7 --trace". */
void sim_tell_replay(uint64_t seed);

/* Uniform in [low, high]. */
static inline uint64_t sim_between(uint64_t low, uint64_t high)
{
    return low + rl_rng_below(&sim.rng, high - low + 1);
}

/* True permille times of 1000. */
static inline bool sim_chance(unsigned permille)
{
    return rl_rng_below(&sim.rng, 1000) < permille;
}

/* Uniform in its order of magnitude: small numbers are as likely as large ones. At least 1. */
uint64_t sim_scale(uint64_t high);

/* --- The bytes of a stream: the same in both directions, so an echo needs no memory. --- */

void sim_fill(uint32_t stream, uint64_t offset, uint8_t *out, size_t size);
bool sim_matches(uint32_t stream, uint64_t offset, const uint8_t *data, size_t size);

#endif
