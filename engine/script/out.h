/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * out - text in the making, in Lua's own memory, so that an error leaks nothing.
 *
 * Unlike luaL_Buffer it does not mind what else is on the stack: its block lies at one index.
 */
#ifndef RL_SCRIPT_OUT_H
#define RL_SCRIPT_OUT_H

#include <lua.h>
#include <stddef.h>

struct rl_out {
    lua_State *L;
    int index;
    char *data;
    size_t size, capacity;
};

void rl_out_init(struct rl_out *out, lua_State *L); /* [-0, +1, m] */
void rl_out_add(struct rl_out *out, const void *data, size_t size);
void rl_out_text(struct rl_out *out, const char *text);
void rl_out_byte(struct rl_out *out, char byte);

/* Push what was gathered. [-0, +1, m] */
void rl_out_push(struct rl_out *out);

/* The shortest decimal that is read back as the same number, never without a digit. */
void rl_out_number(struct rl_out *out, lua_Number number);

#endif
