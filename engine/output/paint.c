/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/paint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const codes[] = {
    [RL_STYLE_PLAIN] = "",         [RL_STYLE_BOLD] = "\x1b[1m", [RL_STYLE_FAINT] = "\x1b[2m",
    [RL_STYLE_GREEN] = "\x1b[32m", [RL_STYLE_RED] = "\x1b[31m", [RL_STYLE_CYAN] = "\x1b[36m",
};

void rl_paint_text(struct rl_paint *paint, const char *text)
{
    if (paint->status == 0)
        paint->status = rl_buf_append(paint->out, text, strlen(text));
}

void rl_paint_begin(struct rl_paint *paint, enum rl_style style)
{
    if (paint->color)
        rl_paint_text(paint, codes[style]);
}

void rl_paint_end(struct rl_paint *paint, enum rl_style style)
{
    if (paint->color && style != RL_STYLE_PLAIN)
        rl_paint_text(paint, "\x1b[0m");
}

void rl_paint_style(struct rl_paint *paint, enum rl_style style, const char *text)
{
    rl_paint_begin(paint, style);
    rl_paint_text(paint, text);
    rl_paint_end(paint, style);
}

void rl_paint_repeat(struct rl_paint *paint, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rl_paint_text(paint, text);
}

void rl_paint_format(struct rl_paint *paint, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    int size;

    va_start(args, format);
    size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0) {
        paint->status = paint->status < 0 ? paint->status : -ENOMEM;
        return;
    }
    rl_paint_text(paint, text);
    free(text);
}
