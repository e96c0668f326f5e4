/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * summary_json - the summary for programs: what --summary-export writes (E-430).
 *
 *      {
 *          "metrics": { name: { value..., "thresholds": { expression: true if CROSSED } } },
 *          "root_group": { "name", "path", "id", "groups": { name: group }, "checks": { name: check } },
 *          "setup_data": as setup() returned it
 *      }
 *
 * Submetrics stand among the metrics, under their full names. Ids are the MD5 of paths (E-341).
 */
#ifndef RL_OUTPUT_SUMMARY_JSON_H
#define RL_OUTPUT_SUMMARY_JSON_H

#include "base/bytes.h"
#include "result/summary.h"

/* Append it to out, indented by 4. setup_data: JSON text, or NULL for none. -EINVAL: setup_data is
 * not JSON; -ENOMEM. */
int rl_summary_json(const struct rl_summary *summary, const char *setup_data, struct rl_buf *out);

/* The same into a file, created or truncated; or the errno of that. */
int rl_summary_export(const struct rl_summary *summary, const char *setup_data, const char *path);

#endif
