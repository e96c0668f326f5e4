/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_version - what this binary is, and what it can do on this kernel (E-615). */
#ifndef RL_CLI_CMD_VERSION_H
#define RL_CLI_CMD_VERSION_H

/* argv: behind "version"; --verbose, -v adds what io_uring gives here. The exit code. */
int rl_cmd_version(int argc, char *const *argv);

#endif
