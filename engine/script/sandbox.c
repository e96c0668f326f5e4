/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/sandbox.h"

#include <lualib.h>
#include <string.h>

#include "script/compile.h"
#include "script/host.h"
#include "script/shared_options.h"

static const char lock_key, modules_key, env_key;

static int refuse_write(lua_State *L)
{
    return luaL_error(L, "'%s' is read-only", lua_tostring(L, lua_upvalueindex(1)));
}

/* next over the real table, which stays out of reach */
static int next_locked(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_next(L, lua_upvalueindex(1)))
        return 2;
    lua_pushnil(L);
    return 1;
}

static int pairs_locked(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
}

void rl_sandbox_hide(lua_State *L)
{
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &lock_key);
}

void rl_sandbox_lock(lua_State *L, const char *name)
{
    lua_newtable(L);
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_pushcclosure(L, refuse_write, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, next_locked, 1);
    lua_pushcclosure(L, pairs_locked, 1);
    lua_setfield(L, -2, "__pairs");
    rl_sandbox_hide(L);
    lua_setmetatable(L, -2);
    lua_replace(L, -2);
}

int rl_sandbox_is_locked(lua_State *L, int index)
{
    int locked;

    if (!lua_getmetatable(L, index))
        return 0;
    lua_rawgetp(L, -1, &lock_key);
    locked = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return locked;
}

void rl_sandbox_module(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

void rl_sandbox_push_module(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    lua_replace(L, -2);
}

/* --- __ENV: the VU's own table, before the scenario's pairs, before the run's --- */

static const char *env_of_scenario(lua_State *L, const char *name)
{
    const struct rl_run_calls *calls = &rl_host_of(L)->config.calls;
    struct rl_script_vu *svu = rl_svu_of(L);
    const struct rl_pair *pair;

    if (svu == NULL || svu->initializing || calls->scenario_env == NULL)
        return NULL;
    for (pair = calls->scenario_env(calls->ctx, svu->vu); pair != NULL && pair->name != NULL;
         pair++) {
        if (strcmp(pair->name, name) == 0)
            return pair->value;
    }
    return NULL;
}

static int env_index(lua_State *L)
{
    const char *value;

    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    value = env_of_scenario(L, lua_tostring(L, 2));
    if (value != NULL) {
        lua_pushstring(L, value);
        return 1;
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &env_key);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

static void copy_pairs(lua_State *L, int from, int to)
{
    lua_pushnil(L);
    while (lua_next(L, from)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
}

static int env_pairs(lua_State *L)
{
    const struct rl_run_calls *calls = &rl_host_of(L)->config.calls;
    struct rl_script_vu *svu = rl_svu_of(L);
    const struct rl_pair *pair = NULL;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_newtable(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &env_key);
    copy_pairs(L, 3, 2);
    if (!svu->initializing && calls->scenario_env != NULL)
        pair = calls->scenario_env(calls->ctx, svu->vu);
    for (; pair != NULL && pair->name != NULL; pair++) {
        lua_pushstring(L, pair->value);
        lua_setfield(L, 2, pair->name);
    }
    copy_pairs(L, 1, 2);
    lua_settop(L, 2);
    lua_pushcclosure(L, next_locked, 1);
    return 1;
}

static void push_env_meta(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_pushcfunction(L, env_index);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, env_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
}

/* --- Globals --- */

static int push_special(lua_State *L, const char *name, struct rl_script_vu *svu)
{
    if (strcmp(name, "__VU") == 0) {
        lua_pushinteger(L, svu->vu->id);
    } else if (strcmp(name, "__ITER") == 0 && !svu->initializing && svu->vu->id != 0) {
        lua_pushinteger(L, (lua_Integer)svu->vu->iteration);
    } else if (strcmp(name, "options") == 0) {
        return rl_shared_options_push(L, svu);
    } else if (strcmp(name, "_G") == 0) {
        rl_vu_push_value(L, svu, RL_VU_ENV);
    } else if (strcmp(name, "__ENV") == 0) {
        rl_vu_push_value(L, svu, RL_VU_ENV);
        lua_newtable(L);
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, "__ENV");
    } else {
        return 0;
    }
    return 1;
}

/* A global that neither the VU nor the cell has: those that are different for each VU. Lazily,
 * since most scripts need few of them and there may be a million VUs. */
static int missing(lua_State *L)
{
    struct rl_script_vu *svu = rl_svu_of(L);

    if (svu == NULL || lua_type(L, 2) != LUA_TSTRING)
        return 0;
    return push_special(L, lua_tostring(L, 2), svu);
}

static void copy_fields(lua_State *L, int from, const char *const *names)
{
    for (; *names != NULL; names++) {
        lua_getfield(L, from, *names);
        lua_setfield(L, -2, *names);
    }
}

static void add_locked(lua_State *L, int globals, const char *name)
{
    rl_sandbox_lock(L, name);
    lua_setfield(L, globals, name);
}

/* The stock libraries: opened aside, what is harmless is taken over. */
static void add_stock(lua_State *L, int globals)
{
    static const char *const base[] = {"_VERSION", "assert", "error",    "getmetatable", "ipairs",
                                       "next",     "pairs",  "pcall",    "rawequal",     "rawget",
                                       "rawlen",   "select", "tonumber", "tostring",     "type",
                                       "xpcall",   NULL};
    static const char *const os[] = {"time", "clock", "date", "difftime", NULL};
    static const char *const debug[] = {"traceback", NULL};
    int stock;

    luaL_requiref(L, LUA_GNAME, luaopen_base, 0);
    stock = lua_gettop(L);
    lua_pushvalue(L, globals);
    copy_fields(L, stock, base);
    lua_settop(L, stock - 1);
    luaL_requiref(L, LUA_STRLIBNAME, luaopen_string, 0);
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    add_locked(L, globals, "string");
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    rl_sandbox_hide(L);
    lua_pop(L, 2);
    luaL_requiref(L, LUA_TABLIBNAME, luaopen_table, 0);
    add_locked(L, globals, "table");
    luaL_requiref(L, LUA_UTF8LIBNAME, luaopen_utf8, 0);
    add_locked(L, globals, "utf8");
    luaL_requiref(L, LUA_MATHLIBNAME, luaopen_math, 0);
    rl_lib_random(L);
    add_locked(L, globals, "math");
    luaL_requiref(L, LUA_OSLIBNAME, luaopen_os, 0);
    lua_newtable(L);
    copy_fields(L, lua_gettop(L) - 1, os);
    add_locked(L, globals, "os");
    lua_settop(L, stock - 1);
    luaL_requiref(L, LUA_DBLIBNAME, luaopen_debug, 0);
    lua_newtable(L);
    copy_fields(L, lua_gettop(L) - 1, debug);
    add_locked(L, globals, "debug");
    lua_settop(L, stock - 1);
}

static void add_modules(lua_State *L, int globals)
{
    static const struct {
        const char *name, *alias;
        lua_CFunction open;
    } modules[] = {
        {"k6", "ringload", rl_lib_k6},
        {"k6/x/tcp", "ringload/tcp", rl_lib_tcp},
        {"k6/execution", "ringload/execution", rl_lib_execution},
        {"k6/metrics", "ringload/metrics", rl_lib_metrics},
        {"k6/data", "ringload/data", rl_lib_data},
        {"json", NULL, rl_lib_json},
    };

    for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        modules[i].open(L);
        if (modules[i].alias != NULL) {
            lua_pushvalue(L, -1);
            rl_sandbox_module(L, modules[i].alias);
        }
        rl_sandbox_module(L, modules[i].name);
    }
    rl_sandbox_push_module(L, "json");
    lua_setfield(L, globals, "json");
    rl_lib_console(L);
    lua_setfield(L, globals, "console");
    rl_lib_coroutine(L);
    lua_setfield(L, globals, "coroutine");
}

static void push_globals(lua_State *L)
{
    int globals;

    lua_newtable(L);
    globals = lua_gettop(L);
    add_stock(L, globals);
    add_modules(L, globals);
    rl_lib_base(L);
    rl_lib_print(L);
    rl_lib_require(L);
    lua_createtable(L, 0, 3);
    push_env_meta(L);
    lua_pushcclosure(L, missing, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, globals);
}

static void keep_environment(lua_State *L, const struct rl_pair *pair)
{
    lua_newtable(L);
    for (; pair != NULL && pair->name != NULL; pair++) {
        lua_pushstring(L, pair->value);
        lua_setfield(L, -2, pair->name);
    }
    lua_rawsetp(L, LUA_REGISTRYINDEX, &env_key);
}

void rl_sandbox_open(lua_State *L, struct rl_script_host *host)
{
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &modules_key);
    keep_environment(L, host->config.env);
    rl_tcp_keep_socket_meta(L);
    rl_tcp_push_error_meta(L);
    rl_compile_push(L, rl_script_main(host->script));

    lua_createtable(L, 0, 3); /* of environments */
    push_globals(L);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");

    lua_rotate(L, -3, -1); /* error meta, chunk, env meta: the order of the places */
}
