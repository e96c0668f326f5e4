/* SPDX-License-Identifier: GPL-3.0-or-later */
/* limits - what this machine lets the run have: files, cores. Checked first, with advice. */
#ifndef RL_RUN_LIMITS_H
#define RL_RUN_LIMITS_H

#include <stdint.h>

/* Raise the soft limit of open files to the hard one; what it is then. */
uint64_t rl_limits_raise_files(void);

/* Cores that this process may use: affinity, and the cgroup's CPU quota (rounded up). At least 1. */
uint32_t rl_limits_cores(void);

#endif
