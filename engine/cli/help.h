/* SPDX-License-Identifier: GPL-3.0-or-later */
/* help - what `--help` says. */
#ifndef RL_CLI_HELP_H
#define RL_CLI_HELP_H

#include <stdio.h>

void rl_help_main(FILE *out);
void rl_help_run(FILE *out);
void rl_help_serve(FILE *out);
void rl_help_doctor(FILE *out);

#endif
