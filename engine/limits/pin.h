/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pin - which CPU a worker runs on.
 *
 * A thread inherits the CPUs of the one that starts it: pin, start, unpin. What it then allocates is first
 * touched on its CPU, and so comes from that CPU's memory node.
 */
#ifndef RL_LIMITS_PIN_H
#define RL_LIMITS_PIN_H

#include <sched.h>

#include "base/cpu_list.h"

/* The CPUs of this process's affinity, in their order. */
void rl_pin_usable(struct rl_cpu_list *cpus);

/* The first CPU of cpus that this process may not use, -1 if it may use all. */
int rl_pin_unusable(const struct rl_cpu_list *cpus);

/* The calling thread runs on cpu only; *before: where it could run. 0 or -errno. */
int rl_pin(unsigned cpu, cpu_set_t *before);
void rl_unpin(const cpu_set_t *before);

#endif
