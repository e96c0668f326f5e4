/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/describe.h"

#include <inttypes.h>

#include "base/parse.h"
#include "output/paint.h"

enum { LINE_BYTES = 512 };

static const char *const rings[] = {"   ╭──╮╭──╮", "   │ ╭┼┼╮ │", "   ╰─┼╯╰┼─╯", "     ╰──╯"};

int rl_describe_banner(const struct rl_description *description, bool color, struct rl_buf *out)
{
    struct rl_paint paint = {.out = out, .color = color};

    rl_paint_text(&paint, "\n");
    for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
        rl_paint_style(&paint, RL_STYLE_CYAN, rings[i]);
        if (i == 1) {
            rl_paint_style(&paint, RL_STYLE_BOLD, "   ringload");
            rl_paint_format(&paint, " %s", description->version);
        }
        rl_paint_text(&paint, "\n");
    }
    rl_paint_text(&paint, "\n");
    return paint.status;
}

static void put_field(struct rl_paint *paint, const char *name, const char *value)
{
    rl_paint_format(paint, "%14s: ", name);
    rl_paint_style(paint, RL_STYLE_CYAN, value);
    rl_paint_text(paint, "\n");
}

static void put_outputs(struct rl_paint *paint, const struct rl_description *description)
{
    rl_paint_format(paint, "%14s: ", "output");
    for (size_t i = 0; i < description->output_count; i++) {
        rl_paint_text(paint, i == 0 ? "" : ", ");
        rl_paint_style(paint, RL_STYLE_CYAN, description->outputs[i]);
    }
    if (description->output_count == 0)
        rl_paint_style(paint, RL_STYLE_CYAN, "-");
    rl_paint_text(paint, "\n\n");
}

static void put_scenarios(struct rl_paint *paint, const struct rl_description *description)
{
    const struct rl_plan *plan = description->plan;
    char text[LINE_BYTES];

    rl_format_duration(plan->total_duration_ns, text, sizeof(text));
    rl_paint_format(paint,
                    "%14s: (%.2f%%) %zu scenario%s, %" PRId64
                    " max VUs, %s max duration (incl. graceful stop):\n",
                    "scenarios", description->percent, plan->scenario_count,
                    plan->scenario_count == 1 ? "" : "s", plan->max_vus, text);
    for (size_t i = 0; i < plan->scenario_count; i++) {
        rl_scenario_describe(&plan->scenarios[i], text, sizeof(text));
        rl_paint_format(paint, "%15s * %s: %s\n", "", plan->scenarios[i].name, text);
    }
    rl_paint_text(paint, "\n");
}

int rl_describe(const struct rl_description *description, bool color, struct rl_buf *out)
{
    struct rl_paint paint = {.out = out, .color = color};

    put_field(&paint, "execution", "local");
    put_field(&paint, "script", description->script);
    put_outputs(&paint, description);
    put_scenarios(&paint, description);
    return paint.status;
}
