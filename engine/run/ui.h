/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ui - what a person sees during a run: banner, description, progress. Quiet runs have none (NULL). */
#ifndef RL_RUN_UI_H
#define RL_RUN_UI_H

#include "run/test.h"

struct rl_ui;

/* NULL if there is nothing to show (--quiet) or no memory. Prints banner and description. */
struct rl_ui *rl_ui_new(struct rl_test *test, const char *script_path);
void rl_ui_free(struct rl_ui *ui);

/* All of these accept NULL. */
void rl_ui_tick(struct rl_ui *ui, const char *phase, uint64_t now_ns);

/* The run is over: take the last figures while the workers still have them. */
void rl_ui_last(struct rl_ui *ui, uint64_t now_ns);

/* E-405: the last paint, after the summary. */
void rl_ui_end(struct rl_ui *ui);

/* Leave the terminal as it was: the process ends now. */
void rl_ui_leave(struct rl_ui *ui);

#endif
