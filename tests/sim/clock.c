/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The simulation's clock in place of libc's: base/clock.h reads it through clock_gettime. Each look takes
 * a little time, as on a real machine, so that nothing relies on two of them being equal. */
#include <time.h>

#include "sim.h"

enum { LOOK_NS = 25 };

int clock_gettime(clockid_t id, struct timespec *out)
{
    (void)id;
    sim.now_ns += LOOK_NS;
    out->tv_sec = (time_t)(sim.now_ns / RL_NS_PER_S);
    out->tv_nsec = (long)(sim.now_ns % RL_NS_PER_S);
    return 0;
}
