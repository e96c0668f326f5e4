/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spawn, all, race: more than one thing at a time in a VU.
 *
 * Whatever is started runs soon, after the code that started it has ended or waits; first in, first
 * out. all and race wait in a join: a table that its fibers write to and that the parent
 * reads when it is woken,
 *
 *      { n = how many, left = unfinished, failed = true or nil, error = the first one's,
 *        [i] = first result of number i,  done = number that settled first }
 *
 * A parent that has been woken does not hear of the others any more: its join has another number.
 */
#include <lauxlib.h>

#include "script/host.h"
#include "script/sandbox.h"

/* A function, or a value with __call. [-0, +0, -] */
static bool is_callable(lua_State *L, int index)
{
    if (lua_isfunction(L, index))
        return true;
    if (luaL_getmetafield(L, index, "__call") == LUA_TNIL)
        return false;
    lua_pop(L, 1);
    return true;
}

static struct rl_fiber *start(lua_State *L, int nargs)
{
    struct rl_script_vu *svu = rl_svu_of(L);
    struct rl_fiber *fiber;

    if (svu->cancelling || svu->vu->state != RL_VU_RUNNING)
        luaL_error(L, "the iteration has ended");
    fiber = rl_fiber_take(svu->cell, svu);
    if (fiber == NULL)
        luaL_error(L, "this VU already has %d functions that wait", (int)RL_FIBERS_PER_VU);
    if (!lua_checkstack(fiber->co, nargs + 1)) {
        rl_fiber_give(fiber, true);
        luaL_error(L, "too many arguments");
    }
    lua_xmove(L, fiber->co, nargs + 1);
    rl_fiber_ready(fiber, nargs);
    return fiber;
}

static int k6_spawn(lua_State *L)
{
    luaL_argexpected(L, is_callable(L, 1), 1, "function");
    if (rl_svu_of(L)->initializing)
        return luaL_error(L, "spawn is not available in the init context");
    start(L, lua_gettop(L) - 1);
    return 0;
}

static lua_Integer count_down(lua_State *L)
{
    lua_Integer left;

    lua_getfield(L, 1, "left");
    left = lua_tointeger(L, -1) - 1;
    lua_pop(L, 1);
    lua_pushinteger(L, left);
    lua_setfield(L, 1, "left");
    return left;
}

static void wake_parent(struct rl_fiber *fiber)
{
    struct rl_fiber *parent = fiber->parent;

    if (parent == NULL || parent->svu != fiber->svu || parent->park != RL_PARK_JOIN ||
        parent->join != fiber->parent_join)
        return;
    parent->join = 0;
    rl_fiber_ready(parent, 0);
}

/* (join, number, is race, function's outcome ...) */
static int settle(lua_State *L, int status, lua_KContext ctx)
{
    bool failed = status != LUA_OK && status != LUA_YIELD;
    bool is_race = lua_toboolean(L, 3);
    lua_Integer left;

    (void)ctx;
    if (failed)
        rl_fiber_pass_stop(L);
    left = count_down(L);
    if (lua_getfield(L, 1, "done") != LUA_TNIL)
        return 0;
    lua_pop(L, 1);
    if (failed) {
        lua_setfield(L, 1, "error");
        lua_pushboolean(L, 1);
        lua_setfield(L, 1, "failed");
    } else {
        lua_pushvalue(L, 2);
        lua_insert(L, -2);
        lua_rawset(L, 1);
    }
    if (failed || is_race || left == 0) {
        lua_pushvalue(L, 2);
        lua_setfield(L, 1, "done");
        wake_parent(rl_fiber_of(L));
    }
    return 0;
}

/* (join, number, is race, function): the body of a fiber. */
static int run_one(lua_State *L)
{
    return settle(L, lua_pcallk(L, 0, 1, 0, 0, settle), 0);
}

/* (join) */
static int joined(lua_State *L, int status, lua_KContext is_race)
{
    (void)status;
    lua_settop(L, 1);
    lua_getfield(L, 1, "failed");
    if (lua_toboolean(L, -1)) {
        lua_getfield(L, 1, "error");
        return lua_error(L);
    }
    if (is_race) {
        lua_getfield(L, 1, "done");
        lua_rawget(L, 1);
        return 1;
    }
    lua_pushnil(L);
    lua_setfield(L, 1, "left");
    lua_pushnil(L);
    lua_setfield(L, 1, "done");
    lua_settop(L, 1);
    return 1;
}

static void check_functions(lua_State *L, lua_Integer count)
{
    for (lua_Integer i = 1; i <= count; i++) {
        lua_geti(L, 1, i);
        if (!is_callable(L, -1))
            luaL_error(L, "bad argument #1: item %d is a %s, but a function is expected", (int)i,
                       luaL_typename(L, -1));
        lua_pop(L, 1);
    }
}

static void start_all(lua_State *L, lua_Integer count, bool is_race)
{
    struct rl_fiber *parent = rl_fiber_of(L), *child;

    parent->join = ++parent->cell->joins;
    for (lua_Integer i = 1; i <= count; i++) {
        lua_pushcfunction(L, run_one);
        lua_pushvalue(L, 2);
        lua_pushinteger(L, i);
        lua_pushboolean(L, is_race);
        lua_geti(L, 1, i);
        child = start(L, 4);
        child->parent = parent;
        child->parent_join = parent->join;
    }
}

static int join(lua_State *L, bool is_race)
{
    lua_Integer count;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    count = luaL_len(L, 1);
    luaL_argcheck(L, !is_race || count > 0, 1, "an empty list never settles");
    check_functions(L, count);
    rl_fiber_check_park(L, is_race ? "race" : "all");
    lua_createtable(L, (int)count, 3);
    lua_pushinteger(L, count);
    lua_setfield(L, 2, "n");
    lua_pushinteger(L, count);
    lua_setfield(L, 2, "left");
    start_all(L, count, is_race);
    lua_remove(L, 1);
    if (count == 0)
        return joined(L, LUA_OK, 0);
    return rl_fiber_park(L, RL_PARK_JOIN, is_race, joined);
}

static int k6_all(lua_State *L)
{
    return join(L, false);
}

static int k6_race(lua_State *L)
{
    return join(L, true);
}

void rl_lib_tasks(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"spawn", k6_spawn}, {"all", k6_all}, {"race", k6_race}, {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
