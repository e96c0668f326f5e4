/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options - a Lua table as plain data: options for the plan. */
#ifndef RL_SCRIPT_OPTIONS_H
#define RL_SCRIPT_OPTIONS_H

#include <lua.h>

#include "plan/value.h"

/* The value on top of L as data; NULL and a message that names the key, where it holds what no
 * data can be. [-0, +0, -] */
struct rl_value *rl_options_of_lua(lua_State *L, struct rl_arena *arena, char *why,
                                   size_t why_bytes);

/* Push data as a Lua value. [-0, +1, m] */
void rl_value_push_lua(lua_State *L, const struct rl_value *value);

#endif
