/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config - from a script's file and a command line to a checked plan.
 *
 *      defaults < config file < script < environment < flags      (E-100)
 *
 * Thread: control, before there are others.
 */
#ifndef RL_RUN_CONFIG_H
#define RL_RUN_CONFIG_H

#include "run/test.h"

/* Fill in test from the request: environment, script, probe, options, plan, resolver. 0 or an exit code;
 * all that is wrong has been logged. rl_config_fini is needed either way. */
int rl_config_init(struct rl_test *test, const struct rl_run_request *request,
                   const struct rl_pair *extra_env);
void rl_config_fini(struct rl_test *test);

#endif
