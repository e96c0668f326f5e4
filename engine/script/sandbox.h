/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sandbox - what a script may see.
 *
 *      environment of a VU --missing--> globals, one table a cell, read-only
 *                                --missing--> _G, __VU, __ITER, __ENV of the VU that runs
 *
 * All that VUs share is locked: an empty proxy before the real table, which no function that a
 * script can reach gives away.
 */
#ifndef RL_SCRIPT_SANDBOX_H
#define RL_SCRIPT_SANDBOX_H

#include <lauxlib.h>
#include <lua.h>

struct rl_script_host;

/* Push the places RL_AT_CHUNK ... RL_AT_TOP of a new cell. [-0, +n, v] */
void rl_sandbox_open(lua_State *L, struct rl_script_host *host);

/* Put a proxy in place of the table on top. name: for messages. [-1, +1, m] */
void rl_sandbox_lock(lua_State *L, const char *name);

/* Lock the metatable on top: scripts that ask for it get false, or what is below it if a value is.
 * [-0, +0, m] */
void rl_sandbox_hide(lua_State *L);

/* Make the table on top available to require as name. [-1, +0, m] */
void rl_sandbox_module(lua_State *L, const char *name);

/* Push a module, or nil. [-0, +1, m] */
void rl_sandbox_push_module(lua_State *L, const char *name);

/* True if the table at index is one that scripts may not change. [-0, +0, -] */
int rl_sandbox_is_locked(lua_State *L, int index);

/* Modules: each pushes its locked table. [-0, +1, m] */
int rl_lib_k6(lua_State *L);
int rl_lib_tcp(lua_State *L);
int rl_lib_execution(lua_State *L);
int rl_lib_metrics(lua_State *L);
int rl_lib_data(lua_State *L);
int rl_lib_json(lua_State *L);
int rl_lib_coroutine(lua_State *L);
int rl_lib_console(lua_State *L);

/* Add to the table on top: load, rawset, setmetatable, collectgarbage; print; require, open;
 * random, randomseed (to math). [-0, +0, m] */
void rl_lib_base(lua_State *L);
void rl_lib_print(lua_State *L);
void rl_lib_require(lua_State *L);
void rl_lib_random(lua_State *L);

/* check, group; spawn, all, race: to the table of the module k6. [-0, +0, m] */
void rl_lib_check(lua_State *L);
void rl_lib_tasks(lua_State *L);

/* Keep the metatable of sockets [-0, +0, m]; push that of TCPErrors [-0, +1, m]. */
void rl_tcp_keep_socket_meta(lua_State *L);
void rl_tcp_push_error_meta(lua_State *L);

#endif
