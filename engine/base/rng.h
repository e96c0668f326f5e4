/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rng - xoshiro256**: small, fast, seeded. Not for secrets. One a VU, so no state is shared. */
#ifndef RL_BASE_RNG_H
#define RL_BASE_RNG_H

#include <stdint.h>

struct rl_rng {
    uint64_t s[4];
};

static inline uint64_t rl_splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline void rl_rng_init(struct rl_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->s[i] = rl_splitmix64(&seed);
}

static inline uint64_t rl_rotl64(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static inline uint64_t rl_rng_next(struct rl_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rl_rotl64(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rl_rotl64(s[3], 45);
    return result;
}

/* Uniform in [0, 1). */
static inline double rl_rng_double(struct rl_rng *rng)
{
    return (double)(rl_rng_next(rng) >> 11) * 0x1.0p-53;
}

/* Uniform in [0, limit), without bias; limit > 0. */
static inline uint64_t rl_rng_below(struct rl_rng *rng, uint64_t limit)
{
    uint64_t threshold = -limit % limit, x;

    do {
        x = rl_rng_next(rng);
    } while (x < threshold);
    return x % limit;
}

#endif
