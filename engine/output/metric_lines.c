/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/metric_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { DOTS_MIN = 3 };

void rl_metric_figure(const struct rl_summary_metric *metric, const char *name, double value,
                      enum rl_time_unit unit, rl_figure out)
{
    bool rate = strcmp(name, "rate") == 0;
    rl_figure figure;

    if (metric->type == RL_RATE && rate) {
        rl_figure_percent(value, out);
    } else if (metric->type == RL_COUNTER && rate) {
        rl_figure_of(value, metric->contains, unit, figure);
        snprintf(out, RL_FIGURE_BYTES, "%.*s/s", RL_FIGURE_BYTES - 3, figure);
    } else if (metric->type == RL_TREND && strcmp(name, "count") == 0) {
        rl_figure_number(value, out);
    } else {
        rl_figure_of(value, metric->contains, unit, out);
    }
}

static size_t cell_count(const struct rl_summary_metric *metric)
{
    /* passes and fails of a rate are one cell */
    return metric->type == RL_RATE ? 2 : metric->value_count;
}

/* Cell i without its label: the value, then extras such as "0.1/s"; of a trend, each stat. */
static void print_cell(const struct rl_metric_lines *lines, const struct rl_summary_metric *metric,
                       size_t i, rl_figure out)
{
    const struct rl_summary_value *values = metric->values;

    if (metric->type == RL_RATE && i == 1)
        snprintf(out, RL_FIGURE_BYTES, "%.0f out of %.0f", values[1].value,
                 values[1].value + values[2].value);
    else
        rl_metric_figure(metric, values[i].name, values[i].value, lines->unit, out);
}

/* What stands before the cell as "min=", "p(95)="; NULL: nothing. */
static const char *cell_label(const struct rl_summary_metric *metric, size_t i)
{
    bool labelled = metric->type == RL_TREND || (metric->type == RL_GAUGE && i > 0);

    return labelled ? metric->values[i].name : NULL;
}

static size_t cell_width(const struct rl_metric_lines *lines,
                         const struct rl_summary_metric *metric, size_t i)
{
    const char *label = cell_label(metric, i);
    rl_figure cell;

    print_cell(lines, metric, i, cell);
    return rl_text_width(cell) + (label == NULL ? 0 : rl_text_width(label) + 1);
}

static size_t *column(struct rl_metric_lines *lines, const struct rl_summary_metric *metric,
                      size_t i)
{
    RL_ASSERT(i < (metric->type == RL_TREND ? lines->stat_count : RL_LINE_CELLS));
    return metric->type == RL_TREND ? &lines->stats[i] : &lines->fixed[i];
}

static void measure(struct rl_metric_lines *lines, const struct rl_summary_metric *metric)
{
    for (size_t i = 0; i < cell_count(metric); i++) {
        size_t width = cell_width(lines, metric, i);

        if (width > *column(lines, metric, i))
            *column(lines, metric, i) = width;
    }
    for (size_t i = 0; i < metric->submetric_count; i++)
        measure(lines, &metric->submetrics[i]);
}

int rl_metric_lines_init(struct rl_metric_lines *lines, struct rl_paint *paint,
                         enum rl_time_unit unit, size_t name_width,
                         const struct rl_summary_part *part,
                         bool (*shown)(const struct rl_summary_metric *metric))
{
    *lines = (struct rl_metric_lines){.paint = paint, .unit = unit, .name_width = name_width};
    for (size_t i = 0; i < part->metric_count; i++) {
        if (part->metrics[i].value_count > lines->stat_count)
            lines->stat_count = part->metrics[i].value_count;
    }
    lines->stats = calloc(lines->stat_count + 1, sizeof(*lines->stats));
    if (lines->stats == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < part->metric_count; i++) {
        if (shown(&part->metrics[i]))
            measure(lines, &part->metrics[i]);
    }
    return 0;
}

void rl_metric_lines_fini(struct rl_metric_lines *lines)
{
    free(lines->stats);
    lines->stats = NULL;
}

size_t rl_metric_name_width(const struct rl_summary_metric *metric)
{
    if (metric->selector == NULL)
        return rl_text_width(metric->name);
    return rl_text_width(metric->selector) + strlen("  {  }");
}

static void put_dots(struct rl_paint *paint, size_t used, size_t width)
{
    rl_paint_begin(paint, RL_STYLE_FAINT);
    rl_paint_repeat(paint, ".", width + DOTS_MIN - used);
    rl_paint_text(paint, ":");
    rl_paint_end(paint, RL_STYLE_FAINT);
    rl_paint_text(paint, " ");
}

void rl_paint_name(struct rl_paint *paint, const char *name, size_t width)
{
    rl_paint_text(paint, name);
    put_dots(paint, rl_text_width(name), width);
}

void rl_metric_lines_put(struct rl_metric_lines *lines, const struct rl_summary_metric *metric,
                         size_t margin)
{
    size_t count = cell_count(metric);

    rl_paint_repeat(lines->paint, " ", margin);
    if (metric->selector == NULL)
        rl_paint_text(lines->paint, metric->name);
    else
        rl_paint_format(lines->paint, "  { %s }", metric->selector);
    put_dots(lines->paint, rl_metric_name_width(metric), lines->name_width);
    for (size_t i = 0; i < count; i++) {
        bool extra = metric->type != RL_TREND && i > 0;
        const char *label = cell_label(metric, i);
        rl_figure cell;

        print_cell(lines, metric, i, cell);
        rl_paint_begin(lines->paint, extra ? RL_STYLE_FAINT : RL_STYLE_PLAIN);
        if (label != NULL)
            rl_paint_format(lines->paint, "%s=", label);
        rl_paint_style(lines->paint, extra ? RL_STYLE_PLAIN : RL_STYLE_CYAN, cell);
        rl_paint_end(lines->paint, extra ? RL_STYLE_FAINT : RL_STYLE_PLAIN);
        if (i + 1 < count)
            rl_paint_repeat(lines->paint, " ",
                            *column(lines, metric, i) + 1 - cell_width(lines, metric, i));
    }
    rl_paint_text(lines->paint, "\n");
}
