/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report - findings for people and for programs. */
#ifndef RL_LIMITS_REPORT_H
#define RL_LIMITS_REPORT_H

#include <stdio.h>

#include "limits/findings.h"

/* What goes around the findings. */
struct rl_doctor_report {
    const struct rl_findings *findings;
    const struct rl_demand *demand;
    const struct rl_machine *machine;
    const char *target;  /* as given, or NULL */
    uint64_t capacity;   /* how many VUs the machine holds as it is */
    const char *limit;   /* what ends it; NULL: nothing found */
};

/* A head, a line a finding, and how many VUs there is room for. */
void rl_limits_write_text(const struct rl_doctor_report *report, FILE *out);

/* The same as an object; 0 or -ENOMEM. */
int rl_limits_write_json(const struct rl_doctor_report *report, FILE *out);

/* One line for a run's log: the worst shortfall and how many more there are. False if there is none. */
bool rl_limits_one_line(const struct rl_findings *findings, uint64_t vus, char *out, size_t out_bytes);

#endif
