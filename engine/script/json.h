/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json - Lua values as JSON and back (E-052, E-071, D-8).
 *
 *      null             <-> json.null
 *      number           <-> an integer if it has no fraction or exponent and fits, else a float
 *      array            <-> a table 1 ... n; when it is empty, one made by json.array
 *      object           <-> any other table, keys in byte order; an empty table
 *
 * Bytes of strings are taken as they are. Not finite numbers, functions and tables that contain
 * themselves are errors.
 */
#ifndef RL_SCRIPT_JSON_H
#define RL_SCRIPT_JSON_H

#include <lua.h>
#include <stdbool.h>

/* Push text as a value; raises where it is malformed, with the position. [-0, +1, v] */
void rl_json_push(lua_State *L, const char *text, size_t size);

/* Push the JSON text of the value at index, a positive one. [-0, +1, v] */
void rl_json_encode(lua_State *L, int index);

void rl_json_push_null(lua_State *L); /* [-0, +1, -] */
bool rl_json_is_null(lua_State *L, int index);

/* Mark the table on top as an array or object. [-0, +0, -] */
enum rl_json_mark { RL_JSON_UNMARKED, RL_JSON_ARRAY, RL_JSON_OBJECT };
void rl_json_mark(lua_State *L, enum rl_json_mark mark);
enum rl_json_mark rl_json_mark_of(lua_State *L, int index);

#endif
