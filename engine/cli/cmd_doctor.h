/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_doctor - what this machine lacks for a load, and how to mend it. */
#ifndef RL_CLI_CMD_DOCTOR_H
#define RL_CLI_CMD_DOCTOR_H

/* argv: without the command's name. The exit code: 0, 1 if something is short, 255 for a wrong flag. */
int rl_cmd_doctor(int argc, char *const *argv);

#endif
