/* SPDX-License-Identifier: GPL-3.0-or-later */
/* random - randomSeed(number), as k6 and math have it: seeds the generator of the VU that calls. */
#ifndef RL_SCRIPT_RANDOM_H
#define RL_SCRIPT_RANDOM_H

#include <lua.h>

int rl_random_seed(lua_State *L);

#endif
