/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_serve - `ringload serve`: the built-in server by itself. */
#ifndef RL_CLI_CMD_SERVE_H
#define RL_CLI_CMD_SERVE_H

#include "cli/args.h"

/*
 * Prints "listening on IP:PORT" on stdout once it does, serves until the time is over or SIGINT or
 * SIGTERM comes, then prints its counts as one line of JSON if asked to. The exit code.
 */
int rl_cmd_serve(const struct rl_serve_args *args);

#endif
