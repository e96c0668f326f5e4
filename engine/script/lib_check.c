/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check and group (E-340, E-341). What they call may wait. */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "script/host.h"
#include "script/sandbox.h"
#include "script/tag_table.h"

/* check's frame. */
enum { VALUE = 1, SET, TAGS, ENTRIES, ALL_PASSED };

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_running(lua_State *L, const char *what)
{
    if (rl_svu_of(L)->initializing)
        luaL_error(L, "%s is not available in the init context", what);
}

static void check_name(lua_State *L, const char *what)
{
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "the name of a %s must be a string, not a %s", what, luaL_typename(L, -1));
    if (strstr(lua_tostring(L, -1), "::") != NULL)
        luaL_error(L, "the name of a %s may not contain '::': %s", what, lua_tostring(L, -1));
}

/* { name, test, name, test, ... } from a list of pairs. [-0, +0, v] */
static void entries_of_list(lua_State *L, lua_Integer count)
{
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_geti(L, SET, i) != LUA_TTABLE)
            luaL_error(L, "bad argument #2 to 'check' (item %d is no pair of name and test)",
                       (int)i);
        lua_geti(L, -1, 1);
        check_name(L, "check");
        lua_rawseti(L, ENTRIES, 2 * i - 1);
        lua_geti(L, -1, 2);
        lua_rawseti(L, ENTRIES, 2 * i);
        lua_pop(L, 1);
    }
}

/* From a map, in byte order: the same in each run. [-0, +0, v] */
static void entries_of_map(lua_State *L)
{
    lua_Integer count = 0, i = 0;
    const char **names;

    lua_pushnil(L);
    while (lua_next(L, SET)) {
        lua_pop(L, 1);
        check_name(L, "check");
        count++;
    }
    names = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof(*names), 0);
    lua_pushnil(L);
    while (lua_next(L, SET)) {
        lua_pop(L, 1);
        names[i++] = lua_tostring(L, -1);
    }
    qsort(names, (size_t)count, sizeof(*names), by_text);
    for (i = 0; i < count; i++) {
        lua_pushstring(L, names[i]);
        lua_pushvalue(L, -1);
        lua_rawget(L, SET);
        lua_rawseti(L, ENTRIES, 2 * i + 2);
        lua_rawseti(L, ENTRIES, 2 * i + 1);
    }
    lua_pop(L, 1);
}

/* The outcome of entry number i. [-0, +0, v] */
static void emit_check(lua_State *L, lua_Integer i, bool passed)
{
    struct rl_vu *vu = rl_svu_of(L)->vu;
    struct rl_tags *tags = vu->env->shard->tags;
    const struct rl_tagset *more = rl_tag_argument(L, TAGS, "check");

    if (more == NULL)
        more = rl_tags_empty(tags);
    lua_rawgeti(L, ENTRIES, 2 * i - 1);
    more = rl_tags_with(tags, more, "check", lua_tostring(L, -1));
    lua_pop(L, 1);
    rl_vu_sample(vu, RL_M_CHECKS, more, passed ? 1 : 0);
    if (!passed) {
        lua_pushboolean(L, 0);
        lua_replace(L, ALL_PASSED);
    }
}

static int check_from(lua_State *L, lua_Integer i);

/* The test of entry i, a function, has returned or failed. */
static int tested(lua_State *L, int status, lua_KContext i)
{
    if (status != LUA_OK && status != LUA_YIELD) {
        rl_fiber_pass_stop(L);
        emit_check(L, i, false);
        return lua_error(L);
    }
    emit_check(L, i, lua_toboolean(L, -1));
    return check_from(L, i + 1);
}

static int check_from(lua_State *L, lua_Integer i)
{
    lua_Integer count = (lua_Integer)lua_rawlen(L, ENTRIES) / 2;

    for (; i <= count; i++) {
        lua_settop(L, ALL_PASSED);
        if (lua_rawgeti(L, ENTRIES, 2 * i) != LUA_TFUNCTION) {
            emit_check(L, i, lua_toboolean(L, -1));
            continue;
        }
        lua_pushvalue(L, VALUE);
        return tested(L, lua_pcallk(L, 1, 1, 0, i, tested), i);
    }
    lua_settop(L, ALL_PASSED);
    return 1;
}

static int k6_check(lua_State *L)
{
    lua_Integer count;

    luaL_checktype(L, SET, LUA_TTABLE);
    lua_settop(L, TAGS);
    check_running(L, "check");
    lua_newtable(L);
    count = luaL_len(L, SET);
    if (count > 0)
        entries_of_list(L, count);
    else
        entries_of_map(L);
    lua_pushboolean(L, 1);
    return check_from(L, 1);
}

/* --- group --- */

/* group's frame. */
enum { NAME = 1, FUNCTION, OUTER, STARTED };

static int grouped(lua_State *L, int status, lua_KContext ctx)
{
    struct rl_script_vu *svu = rl_svu_of(L);
    uint64_t ns = rl_clock_ns() - (uint64_t)lua_tointeger(L, STARTED);

    (void)ctx;
    if (status != LUA_OK && status != LUA_YIELD)
        rl_fiber_pass_stop(L);
    rl_vu_sample(svu->vu, RL_M_GROUP_DURATION, NULL, (double)ns / (double)RL_NS_PER_MS);
    rl_vu_tag(svu->vu, "group", lua_tostring(L, OUTER));
    svu->group_depth--;
    if (status != LUA_OK && status != LUA_YIELD)
        return lua_error(L);
    return lua_gettop(L) - STARTED;
}

static int k6_group(lua_State *L)
{
    struct rl_script_vu *svu = rl_svu_of(L);
    const char *outer;

    lua_settop(L, FUNCTION);
    lua_pushvalue(L, NAME);
    check_name(L, "group");
    lua_pop(L, 1);
    luaL_checktype(L, FUNCTION, LUA_TFUNCTION);
    check_running(L, "group");
    outer = rl_tagset_get(svu->vu->tags, "group");
    if (svu->group_depth++ == 0)
        svu->outer_group = outer;
    lua_pushstring(L, outer); /* OUTER; nil if there is none */
    lua_pushinteger(L, (lua_Integer)rl_clock_ns());
    lua_pushfstring(L, "%s::%s", outer == NULL ? "" : outer, lua_tostring(L, NAME));
    rl_vu_tag(svu->vu, "group", lua_tostring(L, -1));
    lua_pop(L, 1);
    lua_pushvalue(L, FUNCTION);
    return grouped(L, lua_pcallk(L, 0, LUA_MULTRET, 0, 0, grouped), 0);
}

void rl_lib_check(lua_State *L)
{
    static const luaL_Reg functions[] = {{"check", k6_check}, {"group", k6_group}, {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
