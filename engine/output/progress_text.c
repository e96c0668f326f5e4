/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/progress_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "output/figure.h"
#include "output/paint.h"

enum { NAME_COLUMNS_MAX = 30, BAR_COLUMNS_MAX = 40, BAR_COLUMNS_MIN = 8, PERCENT_COLUMNS = 6 };
enum { LINE_BYTES = 256, DIGITS_BYTES = 24 };

void rl_progress_clock(uint64_t ns, uint64_t max_ns, char *out, size_t out_bytes)
{
    uint64_t tenths = ns / (RL_NS_PER_S / 10), seconds = tenths / 10;
    uint64_t most = (max_ns > ns ? max_ns : ns) / RL_NS_PER_S;
    unsigned second = (unsigned)(seconds % 60), minute = (unsigned)(seconds / 60 % 60);

    if (most < 60)
        snprintf(out, out_bytes, "%02u.%us", second, (unsigned)(tenths % 10));
    else if (most < 3600)
        snprintf(out, out_bytes, "%0*um%02u.%us", most < 600 ? 1 : 2, minute, second,
                 (unsigned)(tenths % 10));
    else
        snprintf(out, out_bytes, "%" PRIu64 "h%02um%02u.%us", seconds / 3600, minute, second,
                 (unsigned)(tenths % 10));
}

/* value in the width of the largest one that can come. */
static void fixed_number(uint64_t value, uint64_t most, char out[DIGITS_BYTES])
{
    int width = snprintf(NULL, 0, "%" PRIu64, most);

    snprintf(out, DIGITS_BYTES, "%0*" PRIu64, width, value);
}

/* "0m12.3s/1m0s", or when that is over "1m0s". */
static void put_times(uint64_t elapsed_ns, uint64_t length_ns, char *out, size_t out_bytes)
{
    char clock[64], length[64];

    rl_format_duration((int64_t)length_ns, length, sizeof(length));
    if (elapsed_ns >= length_ns) {
        snprintf(out, out_bytes, "%s", length);
        return;
    }
    rl_progress_clock(elapsed_ns, length_ns, clock, sizeof(clock));
    snprintf(out, out_bytes, "%s/%s", clock, length);
}

void rl_progress_right(const struct rl_scenario *scenario, uint64_t vus, uint64_t elapsed_ns,
                       uint64_t done, char out[RL_PROGRESS_RIGHT_BYTES])
{
    uint64_t most_vus = (uint64_t)scenario->vus, total = (uint64_t)scenario->iterations;
    uint64_t length_ns = (uint64_t)rl_scenario_length_ns(scenario);
    char times[LINE_BYTES / 2], users[DIGITS_BYTES], iterations[DIGITS_BYTES];

    if (scenario->executor == RL_PER_VU_ITERATIONS)
        total *= most_vus;
    put_times(elapsed_ns, length_ns, times, sizeof(times));
    fixed_number(vus, most_vus, users);
    fixed_number(done, total, iterations);
    switch (scenario->executor) {
    case RL_SHARED_ITERATIONS:
        snprintf(out, RL_PROGRESS_RIGHT_BYTES, "%s VUs  %.60s  %s/%" PRIu64 " shared iters", users,
                 times, iterations, total);
        return;
    case RL_PER_VU_ITERATIONS:
        snprintf(out, RL_PROGRESS_RIGHT_BYTES,
                 "%s VUs  %.60s  %s/%" PRIu64 " iters, %" PRId64 " per VU", users, times,
                 iterations, total, scenario->iterations);
        return;
    case RL_CONSTANT_VUS:
    case RL_RAMPING_VUS:
    case RL_CONSTANT_ARRIVAL_RATE:
    case RL_RAMPING_ARRIVAL_RATE:
    case RL_EXTERNALLY_CONTROLLED:
    case RL_EXECUTOR_COUNT:
        break;
    }
    snprintf(out, RL_PROGRESS_RIGHT_BYTES, "%s VUs  %.60s", users, times);
}

/* As many characters of text as fit into columns (0: all of them); how many that are. */
static size_t put_cut(struct rl_paint *paint, const char *text, size_t columns)
{
    size_t width = rl_text_width(text), used = 0;
    const char *end = text;

    if (columns == 0 || width <= columns) {
        rl_paint_text(paint, text);
        return width;
    }
    for (; used < columns - 1; used++) {
        do {
            end++;
        } while (((unsigned char)*end & 0xc0) == 0x80);
    }
    rl_paint_format(paint, "%.*s…", (int)(end - text), text);
    return columns;
}

static void put_head(struct rl_paint *paint, const struct rl_progress_state *state, size_t columns)
{
    char line[LINE_BYTES], clock[64];

    rl_progress_clock(state->elapsed_ns, state->max_ns, clock, sizeof(clock));
    if (state->started)
        snprintf(line, sizeof(line),
                 "%s (%s), %" PRIu64 "/%" PRIu64 " VUs, %" PRIu64 " complete and %" PRIu64
                 " interrupted iterations",
                 state->phase, clock, state->active_vus, state->created_vus, state->completed,
                 state->interrupted);
    else
        snprintf(line, sizeof(line), "%s", state->phase);
    put_cut(paint, line, columns);
}

static void put_mark(struct rl_paint *paint, enum rl_progress_mark mark)
{
    static const struct {
        const char *text;
        enum rl_style style;
    } marks[] = {
        [RL_MARK_RUNNING] = {" ", RL_STYLE_PLAIN}, [RL_MARK_WAITING] = {"•", RL_STYLE_FAINT},
        [RL_MARK_STOPPING] = {"↓", RL_STYLE_CYAN}, [RL_MARK_INTERRUPTED] = {"✗", RL_STYLE_RED},
        [RL_MARK_DONE] = {"✓", RL_STYLE_GREEN},
    };

    rl_paint_style(paint, marks[mark].style, marks[mark].text);
}

/* "=====>------"; full only when all is done. */
static void put_bar(struct rl_paint *paint, double fraction, size_t columns)
{
    size_t filled = (size_t)(fraction * (double)columns);

    rl_paint_begin(paint, RL_STYLE_CYAN);
    if (filled >= columns) {
        rl_paint_repeat(paint, "=", columns);
    } else if (filled > 0) {
        rl_paint_repeat(paint, "=", filled - 1);
        rl_paint_text(paint, ">");
    }
    rl_paint_end(paint, RL_STYLE_CYAN);
    if (filled < columns) {
        rl_paint_begin(paint, RL_STYLE_FAINT);
        rl_paint_repeat(paint, "-", columns - filled);
        rl_paint_end(paint, RL_STYLE_FAINT);
    }
}

/* How wide a bar may be beside name and right; 0: there is no room for one, show percent. */
static size_t bar_columns(const struct rl_progress_look *look, size_t name_columns,
                          const char *right)
{
    size_t rest = name_columns + strlen("   [] ") + rl_text_width(right);

    if (!look->bars)
        return 0;
    if (look->columns == 0 || look->columns >= rest + BAR_COLUMNS_MAX)
        return BAR_COLUMNS_MAX;
    return look->columns >= rest + BAR_COLUMNS_MIN ? look->columns - rest : 0;
}

static void put_scenario(struct rl_paint *paint, const struct rl_progress_bar *bar,
                         const struct rl_progress_look *look, size_t name_columns)
{
    double fraction = bar->fraction >= 0 ? bar->fraction : 0; /* a NaN is 0, too */
    size_t columns = bar_columns(look, name_columns, bar->right);
    size_t used = name_columns + strlen("   [] ") + (columns == 0 ? PERCENT_COLUMNS : columns);

    fraction = fraction < 1 ? fraction : 1;
    if (look->columns != 0 && used >= look->columns) {
        put_cut(paint, bar->name, look->columns); /* a terminal of a few columns */
        return;
    }
    rl_paint_repeat(paint, " ", name_columns - put_cut(paint, bar->name, name_columns) + 1);
    put_mark(paint, bar->mark);
    rl_paint_text(paint, " [");
    if (columns == 0)
        rl_paint_format(paint, "%4d%% ", (int)(fraction * 100));
    else
        put_bar(paint, fraction, columns);
    rl_paint_text(paint, "] ");
    put_cut(paint, bar->right, look->columns == 0 ? 0 : look->columns - used);
}

int rl_progress_text(const struct rl_progress_state *state, const struct rl_progress_look *look,
                     struct rl_buf *out)
{
    struct rl_paint paint = {.out = out, .color = look->color};
    size_t shown = state->bar_count, name_columns = 0;

    if (look->rows != 0 && shown + 1 > look->rows)
        shown = look->rows - 1;
    for (size_t i = 0; i < shown; i++) {
        size_t width = rl_text_width(state->bars[i].name);

        name_columns = width > name_columns ? width : name_columns;
    }
    if (name_columns > NAME_COLUMNS_MAX)
        name_columns = NAME_COLUMNS_MAX;
    put_head(&paint, state, look->columns);
    for (size_t i = 0; i < shown; i++) {
        rl_paint_text(&paint, "\n");
        put_scenario(&paint, &state->bars[i], look, name_columns);
    }
    return paint.status;
}
