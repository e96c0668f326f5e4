/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/limits.h"

#include <sched.h>
#include <sys/resource.h>

#include "limits/machine.h"

uint64_t rl_limits_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 1024;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
            getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}

uint32_t rl_limits_cores(void)
{
    cpu_set_t set;
    double quota = rl_machine_quota_cores("");
    uint32_t cores = 1, whole = (uint32_t)quota + ((double)(uint32_t)quota < quota);

    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        cores = (uint32_t)CPU_COUNT(&set);
    return whole > 0 && whole < cores ? whole : cores;
}
