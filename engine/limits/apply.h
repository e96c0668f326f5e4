/* SPDX-License-Identifier: GPL-3.0-or-later */
/* apply - do what findings ask for, where a program can: sysctls, by writing to /proc/sys. */
#ifndef RL_LIMITS_APPLY_H
#define RL_LIMITS_APPLY_H

#include <stdio.h>

#include "limits/findings.h"

/* For each that is short: set it, or say that it is not for a program to do; a line each on out. root: as in
 * rl_machine_read. How many could not be written. */
unsigned rl_limits_apply(const struct rl_findings *findings, const char *root, FILE *out);

#endif
