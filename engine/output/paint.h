/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * paint - text with or without colours, into a buffer.
 *
 * The first failure (memory) stays in status, and nothing is added after it: check it once at the
 * end.
 */
#ifndef RL_OUTPUT_PAINT_H
#define RL_OUTPUT_PAINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum rl_style {
    RL_STYLE_PLAIN,
    RL_STYLE_BOLD,
    RL_STYLE_FAINT,
    RL_STYLE_GREEN,
    RL_STYLE_RED,
    RL_STYLE_CYAN
};

struct rl_paint {
    struct rl_buf *out;
    bool color;
    int status; /* 0 or -errno */
};

void rl_paint_text(struct rl_paint *paint, const char *text);
void rl_paint_style(struct rl_paint *paint, enum rl_style style, const char *text);

/* The same in two halves; styles do not nest. */
void rl_paint_begin(struct rl_paint *paint, enum rl_style style);
void rl_paint_end(struct rl_paint *paint, enum rl_style style);

void rl_paint_repeat(struct rl_paint *paint, const char *text, size_t count);
void rl_paint_format(struct rl_paint *paint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
