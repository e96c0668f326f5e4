/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_run - ringload run: the command line to a run, and its exit code. */
#ifndef RL_CLI_CMD_RUN_H
#define RL_CLI_CMD_RUN_H

/* argv: behind "run". The exit code. */
int rl_cmd_run(int argc, char *const *argv);

#endif
