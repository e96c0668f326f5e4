/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/summary_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "output/figure.h"
#include "output/metric_lines.h"
#include "output/paint.h"

enum { INDENT = 4, STEP = 2 };

enum category { CUSTOM, TCP, EXECUTION, NETWORK, HIDDEN, CATEGORY_COUNT = HIDDEN };

static const char *const category_titles[] = {
    [CUSTOM] = "CUSTOM",
    [TCP] = "TCP",
    [EXECUTION] = "EXECUTION",
    [NETWORK] = "NETWORK",
};

struct text {
    struct rl_paint paint;
    enum rl_time_unit unit;
    size_t name_width; /* of the longest metric name, over all sections */
};

static enum category category_of(const struct rl_summary_metric *metric)
{
    static const struct {
        const char *name;
        enum category category;
    } known[] = {
        {"checks", HIDDEN},
        {"group_duration", HIDDEN},
        {"vus", EXECUTION},
        {"vus_max", EXECUTION},
        {"iterations", EXECUTION},
        {"iteration_duration", EXECUTION},
        {"dropped_iterations", EXECUTION},
        {"data_sent", NETWORK},
        {"data_received", NETWORK},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(metric->name, known[i].name) == 0)
            return known[i].category;
    }
    return strncmp(metric->name, "tcp_", 4) == 0 ? TCP : CUSTOM;
}

static bool is_shown(const struct rl_summary_metric *metric)
{
    return category_of(metric) != HIDDEN;
}

static void indent(struct text *text, size_t columns)
{
    rl_paint_repeat(&text->paint, " ", columns);
}

static void put_category(struct text *text, const struct rl_summary_part *part,
                         enum category category, size_t margin, struct rl_metric_lines *lines)
{
    bool any = false;

    for (size_t i = 0; i < part->metric_count; i++) {
        const struct rl_summary_metric *metric = &part->metrics[i];

        if (category_of(metric) != category)
            continue;
        if (!any) {
            indent(text, margin);
            rl_paint_style(&text->paint, RL_STYLE_BOLD, category_titles[category]);
            rl_paint_text(&text->paint, "\n");
            any = true;
        }
        rl_metric_lines_put(lines, metric, margin);
        for (size_t s = 0; s < metric->submetric_count; s++)
            rl_metric_lines_put(lines, &metric->submetrics[s], margin);
    }
    if (any)
        rl_paint_text(&text->paint, "\n");
}

static const struct rl_summary_metric *find_metric(const struct rl_summary_part *part,
                                                   const char *name)
{
    for (size_t i = 0; i < part->metric_count; i++) {
        if (strcmp(part->metrics[i].name, name) == 0)
            return &part->metrics[i];
    }
    return NULL;
}

/* Of one line of the totals: its value, padded, and what is behind it. */
static void put_total(struct text *text, size_t margin, const char *name, const char *value,
                      size_t value_width, const char *extra)
{
    indent(text, margin);
    rl_paint_name(&text->paint, name, strlen("checks_succeeded"));
    rl_paint_style(&text->paint, RL_STYLE_CYAN, value);
    indent(text, value_width + 1 - rl_text_width(value));
    rl_paint_style(&text->paint, RL_STYLE_FAINT, extra);
    rl_paint_text(&text->paint, "\n");
}

static void put_check_totals(struct text *text, double passes, double fails, double clock_s,
                             size_t margin)
{
    static const char *const names[] = {"checks_total", "checks_succeeded", "checks_failed"};
    double total = passes + fails;
    rl_figure values[3], extras[3], per_second;
    size_t width = 0;

    rl_figure_number(total, values[0]);
    rl_figure_percent(passes / total, values[1]);
    rl_figure_percent(fails / total, values[2]);
    rl_figure_number(clock_s > 0 ? total / clock_s : 0, per_second);
    snprintf(extras[0], RL_FIGURE_BYTES, "%.*s/s", RL_FIGURE_BYTES - 3, per_second);
    snprintf(extras[1], RL_FIGURE_BYTES, "%.0f out of %.0f", passes, total);
    snprintf(extras[2], RL_FIGURE_BYTES, "%.0f out of %.0f", fails, total);
    for (int i = 0; i < 3; i++) {
        if (rl_text_width(values[i]) > width)
            width = rl_text_width(values[i]);
    }
    for (int i = 0; i < 3; i++)
        put_total(text, margin, names[i], values[i], width, extras[i]);
    rl_paint_text(&text->paint, "\n");
}

static void put_check(struct text *text, const struct rl_summary_check *check, size_t margin)
{
    uint64_t total = check->passes + check->fails;

    indent(text, margin);
    if (check->fails == 0) {
        rl_paint_style(&text->paint, RL_STYLE_GREEN, "✓");
        rl_paint_format(&text->paint, " %s\n", check->name);
        return;
    }
    rl_paint_style(&text->paint, RL_STYLE_RED, "✗");
    rl_paint_format(&text->paint, " %s\n", check->name);
    indent(text, margin + STEP);
    rl_paint_format(&text->paint, "↳  %" PRIu64 "%% — ",
                    (uint64_t)((unsigned __int128)check->passes * 100 / total));
    rl_paint_style(&text->paint, RL_STYLE_GREEN, "✓");
    rl_paint_format(&text->paint, " %" PRIu64 " / ", check->passes);
    rl_paint_style(&text->paint, RL_STYLE_RED, "✗");
    rl_paint_format(&text->paint, " %" PRIu64 "\n", check->fails);
}

static void put_checks(struct text *text, const struct rl_summary *summary,
                       const struct rl_summary_part *part, size_t margin)
{
    const struct rl_summary_metric *checks = find_metric(part, "checks");

    if (checks == NULL || checks->values[1].value + checks->values[2].value <= 0)
        return;
    put_check_totals(text, checks->values[1].value, checks->values[2].value,
                     (double)summary->clock_ns / 1e9, margin);
    for (size_t i = 0; i < part->check_count; i++)
        put_check(text, &part->checks[i], margin);
    if (part->check_count > 0)
        rl_paint_text(&text->paint, "\n");
}

static void put_title(struct text *text, const char *kind, const char *name)
{
    rl_paint_text(&text->paint, "\n  █ ");
    rl_paint_style(&text->paint, RL_STYLE_BOLD, kind);
    rl_paint_style(&text->paint, RL_STYLE_BOLD, name);
    rl_paint_text(&text->paint, "\n\n");
}

/* What is in a section, and the sections of groups inside it. */
static void put_part(struct text *text, const struct rl_summary *summary,
                     const struct rl_summary_part *part, size_t margin)
{
    struct rl_metric_lines lines;

    if (rl_metric_lines_init(&lines, &text->paint, text->unit, text->name_width, part, is_shown) <
        0) {
        text->paint.status = -ENOMEM;
        return;
    }
    put_checks(text, summary, part, margin);
    for (int category = 0; category < CATEGORY_COUNT; category++)
        put_category(text, part, (enum category)category, margin, &lines);
    rl_metric_lines_fini(&lines);
    for (size_t i = 0; i < part->group_count; i++) {
        indent(text, margin);
        rl_paint_text(&text->paint, "↳ ");
        rl_paint_style(&text->paint, RL_STYLE_BOLD, "GROUP: ");
        rl_paint_style(&text->paint, RL_STYLE_BOLD, part->groups[i].name);
        rl_paint_text(&text->paint, "\n\n");
        put_part(text, summary, &part->groups[i], margin + STEP);
    }
}

static void put_thresholds(struct text *text, const struct rl_summary_metric *metric,
                           const char *title, size_t margin)
{
    indent(text, margin);
    rl_paint_format(&text->paint, "%s\n", title);
    for (size_t i = 0; i < metric->threshold_count; i++) {
        const struct rl_summary_threshold *threshold = &metric->thresholds[i];
        rl_figure value;

        rl_metric_figure(metric, threshold->agg, threshold->value, text->unit, value);
        indent(text, margin);
        rl_paint_style(&text->paint, threshold->ok ? RL_STYLE_GREEN : RL_STYLE_RED,
                       threshold->ok ? "✓" : "✗");
        rl_paint_format(&text->paint, " '%s' %s=", threshold->source, threshold->agg);
        rl_paint_style(&text->paint, RL_STYLE_CYAN, value);
        rl_paint_text(&text->paint, "\n");
    }
    rl_paint_text(&text->paint, "\n");
}

static void put_all_thresholds(struct text *text, const struct rl_summary_part *total)
{
    for (size_t i = 0; i < total->metric_count; i++) {
        const struct rl_summary_metric *metric = &total->metrics[i];

        if (metric->threshold_count > 0)
            put_thresholds(text, metric, metric->name, INDENT);
        for (size_t s = 0; s < metric->submetric_count; s++) {
            const struct rl_summary_metric *sub = &metric->submetrics[s];
            bool nested = metric->threshold_count > 0;
            const char *title = nested ? sub->name + strlen(metric->name) : sub->name;

            if (sub->threshold_count > 0)
                put_thresholds(text, sub, title, nested ? INDENT + STEP : INDENT);
        }
    }
}

static bool has_thresholds(const struct rl_summary_part *total)
{
    for (size_t i = 0; i < total->metric_count; i++) {
        const struct rl_summary_metric *metric = &total->metrics[i];

        if (metric->threshold_count > 0)
            return true;
        for (size_t s = 0; s < metric->submetric_count; s++) {
            if (metric->submetrics[s].threshold_count > 0)
                return true;
        }
    }
    return false;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* No section has a metric that the whole does not have, so its names are enough. */
static size_t longest_name(const struct rl_summary_part *total)
{
    size_t longest = 0;

    for (size_t i = 0; i < total->metric_count; i++) {
        const struct rl_summary_metric *metric = &total->metrics[i];

        if (!is_shown(metric))
            continue;
        longest = larger(longest, rl_metric_name_width(metric));
        for (size_t s = 0; s < metric->submetric_count; s++)
            longest = larger(longest, rl_metric_name_width(&metric->submetrics[s]));
    }
    return longest;
}

int rl_summary_text(const struct rl_summary *summary, const struct rl_summary_text_config *config,
                    struct rl_buf *out)
{
    struct text text = {
        .paint = {.out = out, .color = config->color},
        .unit = config->unit,
        .name_width = longest_name(&summary->total),
    };

    if (config->mode == RL_SUMMARY_DISABLED)
        return 0;
    if (has_thresholds(&summary->total)) {
        put_title(&text, "THRESHOLDS", "");
        put_all_thresholds(&text, &summary->total);
    }
    put_title(&text, "TOTAL RESULTS", "");
    put_part(&text, summary, &summary->total, INDENT);
    for (size_t i = 0; i < summary->groups.group_count; i++) {
        put_title(&text, "GROUP: ", summary->groups.groups[i].name);
        put_part(&text, summary, &summary->groups.groups[i], INDENT);
    }
    for (size_t i = 0; i < summary->scenario_count; i++) {
        put_title(&text, "SCENARIO: ", summary->scenarios[i].name);
        put_part(&text, summary, &summary->scenarios[i], INDENT);
    }
    return text.paint.status;
}
