/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run - the life of a run, from the script's file to the exit code.
 *
 * Thread: the control thread, which is the caller's. Signals are expected to be blocked in it before
 * (rl_run_block_signals), so that all threads inherit that and only the control loop reads them.
 */
#ifndef RL_RUN_RUN_H
#define RL_RUN_RUN_H

#include "plan/options.h"
#include "plan/run_flags.h"

/* E-350. */
enum rl_exit {
    RL_EXIT_OK = 0,
    RL_EXIT_THRESHOLD = 99,
    RL_EXIT_SETUP_TIMEOUT = 100,
    RL_EXIT_TEARDOWN_TIMEOUT = 101,
    RL_EXIT_INVALID_CONFIG = 104,
    RL_EXIT_SIGNAL = 105,
    RL_EXIT_SCRIPT = 107,
    RL_EXIT_TEST_ABORT = 108,
    RL_EXIT_INTERNAL = 109,
    RL_EXIT_TEST_FAIL = 110,
    RL_EXIT_OTHER = 255
};

struct rl_run_request {
    const char *script_path;
    const struct rl_run_flags *flags;
    const struct rl_options *cli; /* the command line's tier */
};

/* SIGINT and SIGTERM: until the control loop reads them, the first one ends the process with 105
 * (E-647). Call at process start. */
void rl_run_signals_init(void);

/* Do all of it; the exit code. */
int rl_run(const struct rl_run_request *request);

#endif
