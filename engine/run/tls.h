/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls - what the run's options say of TLS, for the tls room: checked once, then read by all workers.
 *
 * Thread: control. Memory: the test's arena.
 */
#ifndef RL_RUN_TLS_H
#define RL_RUN_TLS_H

#include "run/test.h"

/* Fill in test->tls_config and test->tls_keylog (SSLKEYLOGFILE, T-083). What is wrong becomes a problem. */
void rl_run_tls_init(struct rl_test *test, struct rl_problems *problems);
void rl_run_tls_fini(struct rl_test *test);

#endif
