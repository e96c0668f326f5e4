/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * summary_text - the summary for people (E-400 ... E-404).
 *
 *      █ THRESHOLDS        only if there are any
 *      █ TOTAL RESULTS     checks, then metrics in CUSTOM, TCP, EXECUTION, NETWORK
 *      █ GROUP: name       full mode
 *      █ SCENARIO: name    full mode
 *
 * Columns line up within a section, names over all of them.
 */
#ifndef RL_OUTPUT_SUMMARY_TEXT_H
#define RL_OUTPUT_SUMMARY_TEXT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "plan/options.h"
#include "plan/run_flags.h"
#include "result/summary.h"

struct rl_summary_text_config {
    enum rl_summary_mode mode; /* full: of a summary that was made with config.full */
    enum rl_time_unit unit;
    bool color; /* stdout is a terminal, and nobody objects */
};

/* Append it to out; disabled mode appends nothing. 0 or -ENOMEM. */
int rl_summary_text(const struct rl_summary *summary, const struct rl_summary_text_config *config,
                    struct rl_buf *out);

#endif
