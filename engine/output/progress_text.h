/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * progress_text - how far a run is, as lines (E-441). No terminal is needed here.
 *
 *      running (0m12.3s), 10/10 VUs, 1234 complete and 0 interrupted iterations
 *      steady   [========>-------------------------------] 10 VUs  0m12.3s/1m0s
 *      burst  • [----------------------------------------] waiting 17.7s
 */
#ifndef RL_OUTPUT_PROGRESS_TEXT_H
#define RL_OUTPUT_PROGRESS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "plan/scenario.h"

enum rl_progress_mark {
    RL_MARK_RUNNING,
    RL_MARK_WAITING,     /* • before its start time */
    RL_MARK_STOPPING,    /* ↓ gracefully */
    RL_MARK_INTERRUPTED, /* ✗ */
    RL_MARK_DONE         /* ✓ */
};

enum { RL_PROGRESS_RIGHT_BYTES = 192 };

struct rl_progress_bar {
    const char *name;
    enum rl_progress_mark mark;
    double fraction;                     /* 0 to 1 */
    char right[RL_PROGRESS_RIGHT_BYTES]; /* rl_progress_right, or any text */
};

struct rl_progress_state {
    const char *phase; /* "running", "paused", "setup()"; or the whole first line, see started */
    bool started;      /* the test clock runs, and the figures below mean something */
    uint64_t elapsed_ns, max_ns; /* the test clock, and what it is expected to reach */
    uint64_t active_vus, created_vus, completed, interrupted;
    const struct rl_progress_bar *bars;
    size_t bar_count;
};

struct rl_progress_look {
    bool bars; /* else percent in brackets */
    bool color;
    size_t columns; /* no line is longer; 0: any length */
    size_t rows;    /* no more lines; 0: any number */
};

/* Append the lines to out, a newline between two but none at the end. 0 or -ENOMEM. */
int rl_progress_text(const struct rl_progress_state *state, const struct rl_progress_look *look,
                     struct rl_buf *out);

/* ns in a width that is the same for all up to max_ns: "07.5s", "0m07.5s", "0h00m07.5s". */
void rl_progress_clock(uint64_t ns, uint64_t max_ns, char *out, size_t out_bytes);

/* The right-hand text of section 3.4 for a scenario's executor. vus: working for it, elapsed_ns:
 * since its start time, done: iterations, of the whole scenario. */
void rl_progress_right(const struct rl_scenario *scenario, uint64_t vus, uint64_t elapsed_ns,
                       uint64_t done, char out[RL_PROGRESS_RIGHT_BYTES]);

#endif
