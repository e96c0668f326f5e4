/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metric_lines - lines of metrics whose cells line up.
 *
 *      echo_rtt.............: avg=421.3µs min=81µs med=390µs     a trend: its stats
 *        { size:64 }........: avg=300µs   min=81µs med=290µs     a submetric
 *      errs.................: 3      0.1/s                       a value and extras
 *      queue................: 7      min=0   max=31.25
 */
#ifndef RL_OUTPUT_METRIC_LINES_H
#define RL_OUTPUT_METRIC_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "output/figure.h"
#include "output/paint.h"
#include "result/summary.h"

enum { RL_LINE_CELLS = 3 }; /* of all but trends: the value and up to two extras */

struct rl_metric_lines {
    struct rl_paint *paint;
    enum rl_time_unit unit;
    size_t name_width;
    size_t fixed[RL_LINE_CELLS]; /* the widest cell at each place, of all but trends */
    size_t *stats;               /* the same of trends */
    size_t stat_count;
};

/* Measure what part will show: the metrics for which shown says yes, and their submetrics. */
int rl_metric_lines_init(struct rl_metric_lines *lines, struct rl_paint *paint,
                         enum rl_time_unit unit, size_t name_width,
                         const struct rl_summary_part *part,
                         bool (*shown)(const struct rl_summary_metric *metric));
void rl_metric_lines_fini(struct rl_metric_lines *lines);

/* The line of a metric or submetric, margin columns from the left. */
void rl_metric_lines_put(struct rl_metric_lines *lines, const struct rl_summary_metric *metric,
                         size_t margin);

/* Width of the name of such a line. */
size_t rl_metric_name_width(const struct rl_summary_metric *metric);

/* "name......: ", padded with at least three dots. */
void rl_paint_name(struct rl_paint *paint, const char *name, size_t width);

/* The value of that name ("rate", "p(95)") of such a metric. */
void rl_metric_figure(const struct rl_summary_metric *metric, const char *name, double value,
                      enum rl_time_unit unit, rl_figure out);

#endif
