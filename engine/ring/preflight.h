/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * preflight - does a feature that the kernel accepts behave as we rely on?
 *
 * Run once, on a loopback TCP pair of its own, in about a millisecond: io_uring.md section 11.
 */
#ifndef RL_RING_PREFLIGHT_H
#define RL_RING_PREFLIGHT_H

/* features without those that misbehave. Without a loopback interface: without all that need proof. */
int rl_preflight(int features);

#endif
