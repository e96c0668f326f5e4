/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config_file - the JSON file with options below the script's (E-100). */
#ifndef RL_RUN_CONFIG_FILE_H
#define RL_RUN_CONFIG_FILE_H

#include "plan/options.h"

/* path NULL: the default, $XDG_CONFIG_HOME or ~/.config, ringload/config.json, which may be missing. */
void rl_config_file_read(struct rl_options *options, const char *path, struct rl_arena *arena,
                         struct rl_problems *problems);

/* A JSON text as a value, for rl_environment; NULL: why says what is wrong. */
struct rl_value *rl_value_of_json(struct rl_arena *arena, const char *text, char *why,
                                  size_t why_bytes);

#endif
