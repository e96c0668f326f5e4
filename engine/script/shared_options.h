/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shared_options - the global "options" of the VUs of a cell, kept once until a VU reads its own. */
#ifndef RL_SCRIPT_SHARED_OPTIONS_H
#define RL_SCRIPT_SHARED_OPTIONS_H

#include "script/cell.h"

/* The main chunk has run: take the VU's options away if they are those of the others. A script that
 * keeps the table elsewhere keeps it; what it changes there, the global does not show. */
void rl_shared_options_take(struct rl_script_vu *svu);

/* The global is missing: put a copy there and push it, if it was taken away. [-0, +(1|0), m] */
int rl_shared_options_push(lua_State *L, struct rl_script_vu *svu);

#endif
