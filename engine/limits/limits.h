/* SPDX-License-Identifier: GPL-3.0-or-later */
/* limits - what a process does about its own limits: raise them, and choose its threads by them. */
#ifndef RL_LIMITS_LIMITS_H
#define RL_LIMITS_LIMITS_H

#include <stdint.h>

/* Raise the soft limit of open files to the hard one; what it is then. */
uint64_t rl_limits_raise_files(void);

/* Cores that this process may use: affinity, and the cgroup's CPU quota (rounded up). At least 1. */
uint32_t rl_limits_cores(void);

#endif
