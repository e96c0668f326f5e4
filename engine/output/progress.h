/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * progress - the lines of progress_text, where a person sees them.
 *
 *      terminal    every 100 ms, painted over themselves, below all log lines
 *      elsewhere   every 1 s, one paint after the other
 *
 * On a terminal the lines are the last ones on the screen, and the cursor waits behind them. Who
 * writes there otherwise clears them before, and paints them again after: the log by its hooks.
 *
 * Thread: the control thread's, but for the two hooks, which any thread that logs may call; a lock
 * keeps both apart, so nothing here logs. Memory: a buffer of what is on the screen.
 */
#ifndef RL_OUTPUT_PROGRESS_H
#define RL_OUTPUT_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "output/progress_text.h"

struct rl_progress {
    pthread_mutex_t lock;
    int fd;
    bool tty, color;
    uint64_t next_ns;
    struct rl_buf shown; /* what is, or was, on the screen: lines without a newline at the end */
    bool visible;        /* it is there now */
    bool wanted;         /* it is to be there when nobody logs */
};

/* tty: fd is a terminal that can move its cursor. */
void rl_progress_init(struct rl_progress *progress, int fd, bool tty, bool color);
void rl_progress_fini(struct rl_progress *progress);

/* Whether rl_progress_tick would paint now: no need to gather a state otherwise. */
bool rl_progress_due(const struct rl_progress *progress, uint64_t now_ns);
void rl_progress_tick(struct rl_progress *progress, const struct rl_progress_state *state,
                      uint64_t now_ns);

/* Take the lines off the screen, before something else is written there. */
void rl_progress_clear(struct rl_progress *progress);

/* The last paint (E-405), which stays; the cursor is below it. NULL: what was painted before. */
void rl_progress_end(struct rl_progress *progress, const struct rl_progress_state *state);

/* For rl_log_set_hooks, with the progress as ctx. */
void rl_progress_before_log(void *ctx);
void rl_progress_after_log(void *ctx);

#endif
