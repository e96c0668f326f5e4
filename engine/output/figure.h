/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * figure - numbers as people read them (E-403).
 *
 *      number    3, 31.25, 0.000001     at most 6 decimals, no zeros at the end
 *      percent   99.95%                 truncated, so that 100.00% means all
 *      bytes     7 B, 1.2 MB, 988 MB    base 1000, one decimal below 10
 *      time      0s, 920µs, 1.52s, 1h0m0s   truncated to 2 decimals; or 920.00µs in a fixed unit
 */
#ifndef RL_OUTPUT_FIGURE_H
#define RL_OUTPUT_FIGURE_H

#include <stddef.h>

#include "metrics/registry.h"
#include "plan/options.h"

enum { RL_FIGURE_BYTES = 64 };

typedef char rl_figure[RL_FIGURE_BYTES];

void rl_figure_number(double value, rl_figure out);
void rl_figure_percent(double ratio, rl_figure out);
void rl_figure_bytes(double bytes, rl_figure out);
void rl_figure_time(double ms, enum rl_time_unit unit, rl_figure out);

/* What a metric contains decides how its values look. */
void rl_figure_of(double value, enum rl_metric_contains contains, enum rl_time_unit unit,
                  rl_figure out);

/* How many columns UTF-8 text takes; each character counts as one. */
size_t rl_text_width(const char *text);

#endif
