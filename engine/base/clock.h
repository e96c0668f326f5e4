/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock - monotonic and wall-clock time in nanoseconds. A loop reads it once a turn. */
#ifndef RL_BASE_CLOCK_H
#define RL_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define RL_NS_PER_US UINT64_C(1000)
#define RL_NS_PER_MS UINT64_C(1000000)
#define RL_NS_PER_S UINT64_C(1000000000)

static inline uint64_t rl_clock_read(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * RL_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline uint64_t rl_clock_ns(void)
{
    return rl_clock_read(CLOCK_MONOTONIC);
}

/* Nanoseconds since 1970. */
static inline uint64_t rl_clock_wall_ns(void)
{
    return rl_clock_read(CLOCK_REALTIME);
}

#endif
