/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report - the end of a run told: the text summary on stdout, the exports. */
#ifndef RL_RUN_REPORT_H
#define RL_RUN_REPORT_H

#include "run/test.h"

/* After the last figures were collected. 0, or an exit code if something could not be written. */
int rl_report(struct rl_test *test, struct rl_collect *collect);

#endif
