/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The options table of each VU, which nearly no script reads after its first run: where all VUs of a
 * cell make the same one, the cell keeps one and a VU gets its own copy when it asks for the global.
 */
#include <lauxlib.h>

#include "script/sandbox.h"
#include "script/shared_options.h"

enum { DEPTH_MAX = 16, STACK_PER_LEVEL = 8 };

static const char options_key;

/* Text, numbers and booleans, in tables without metatables. */
static bool is_plain(lua_State *L, int index)
{
    int type = lua_type(L, index);

    return type == LUA_TSTRING || type == LUA_TNUMBER || type == LUA_TBOOLEAN;
}

static bool same(lua_State *L, int a, int b, int depth);

/* The value on top, of a, and that of the same key, below it, in b. Pops nothing. */
static bool same_field(lua_State *L, int b, int depth)
{
    int value = lua_gettop(L);

    if (!is_plain(L, value - 1))
        return false;
    lua_pushvalue(L, value - 1);
    lua_rawget(L, b);
    return same(L, value, value + 1, depth);
}

static int count_fields(lua_State *L, int table)
{
    int count = 0;

    lua_pushnil(L);
    while (lua_next(L, table)) {
        lua_pop(L, 1);
        count++;
    }
    return count;
}

static bool same_table(lua_State *L, int a, int b, int depth)
{
    int count = 0;

    if (depth >= DEPTH_MAX || !lua_istable(L, b) || lua_getmetatable(L, a) ||
        !lua_checkstack(L, STACK_PER_LEVEL))
        return false;
    lua_pushnil(L);
    while (lua_next(L, a)) {
        if (!same_field(L, b, depth + 1))
            return false;
        lua_pop(L, 2);
        count++;
    }
    return count == count_fields(L, b);
}

/* Absolute indices. Leaves what it pushed. */
static bool same(lua_State *L, int a, int b, int depth)
{
    if (lua_istable(L, a))
        return same_table(L, a, b, depth);
    return is_plain(L, a) && lua_type(L, a) == lua_type(L, b) && lua_rawequal(L, a, b) &&
           lua_isinteger(L, a) == lua_isinteger(L, b);
}

/* Push a copy of the table at index, which is known to be plain. [-0, +1, m] */
static void push_copy(lua_State *L, int index)
{
    int copy;

    luaL_checkstack(L, STACK_PER_LEVEL, NULL);
    lua_newtable(L);
    copy = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pushvalue(L, -2);
        if (lua_istable(L, -2))
            push_copy(L, copy + 2);
        else
            lua_pushvalue(L, -2);
        lua_rawset(L, copy);
        lua_pop(L, 1);
    }
}

static bool is_shared(lua_State *L, int table)
{
    int top = lua_gettop(L);
    bool shared;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &options_key) == LUA_TTABLE) {
        shared = same(L, table, top + 1, 0);
    } else {
        lua_pushvalue(L, table); /* it is plain if it is the same as itself */
        shared = same(L, table, top + 2, 0);
        lua_settop(L, top);
        if (shared) {
            push_copy(L, table);
            lua_rawsetp(L, LUA_REGISTRYINDEX, &options_key);
        }
    }
    lua_settop(L, top);
    return shared;
}

void rl_shared_options_take(struct rl_script_vu *svu)
{
    lua_State *L = svu->cell->L;
    int env;

    lua_settop(L, RL_AT_TOP);
    rl_vu_push_value(L, svu, RL_VU_ENV);
    env = lua_gettop(L);
    lua_pushliteral(L, "options");
    if (lua_rawget(L, env) == LUA_TTABLE && is_shared(L, env + 1)) {
        lua_pushliteral(L, "options");
        lua_pushnil(L);
        lua_rawset(L, env);
        svu->options_shared = true;
    }
    lua_settop(L, RL_AT_TOP);
}

int rl_shared_options_push(lua_State *L, struct rl_script_vu *svu)
{
    if (!svu->options_shared)
        return 0;
    rl_vu_push_value(L, svu, RL_VU_ENV);
    lua_pushliteral(L, "options");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &options_key);
    push_copy(L, lua_gettop(L));
    lua_replace(L, -2);
    lua_pushvalue(L, -1);
    lua_insert(L, -4);
    lua_rawset(L, -3);
    lua_pop(L, 1);
    svu->options_shared = false;
    return 1;
}
