/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * world - one seed: a worker's loop, net and VUs on the fake ring, from set up to tear down.
 *
 * What must hold at each entry into the kernel, before each sleep and at the end is checked here and in
 * world_check.c; what each call and event must be, in user_check.c; what the ring may be asked, in kernel.c.
 */
#ifndef RL_SIM_WORLD_H
#define RL_SIM_WORLD_H

#include <stdint.h>

/* What has happened over all seeds so far: that a fault was met at all. */
struct world_totals {
    uint64_t turns, connected, connect_failures, resets, fins, bytes_sent, bytes_received, overflows,
        iterations, interrupted, sends_late, tls, tls_resumed, tls_failures,
        upgrades, goodbyes, truncations, tls_waited;
};

extern struct world_totals world_totals;

void world_run(uint64_t seed);

/* Whenever the program runs, all connections have heard of what was sent: stream.h. */
void world_check_told(void);

/* Nothing is ready, and the loop goes to sleep: whatever waits has what will wake it. */
void world_check_asleep(void);

#endif
