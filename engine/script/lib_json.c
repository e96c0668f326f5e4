/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json: encode, decode, null, array, object. */
#include <lauxlib.h>

#include "script/json.h"
#include "script/sandbox.h"

static const char array_key, object_key, null_key;

void rl_json_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, (void *)(uintptr_t)&null_key);
}

bool rl_json_is_null(lua_State *L, int index)
{
    return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == &null_key;
}

void rl_json_mark(lua_State *L, enum rl_json_mark mark)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, mark == RL_JSON_ARRAY ? &array_key : &object_key);
    lua_setmetatable(L, -2);
}

enum rl_json_mark rl_json_mark_of(lua_State *L, int index)
{
    enum rl_json_mark mark = RL_JSON_UNMARKED;

    if (!lua_getmetatable(L, index))
        return mark;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &object_key);
    if (lua_rawequal(L, -3, -2))
        mark = RL_JSON_ARRAY;
    else if (lua_rawequal(L, -3, -1))
        mark = RL_JSON_OBJECT;
    lua_pop(L, 3);
    return mark;
}

static int lib_encode(lua_State *L)
{
    luaL_checkany(L, 1);
    rl_json_encode(L, 1);
    return 1;
}

static int lib_decode(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);

    rl_json_push(L, text, size);
    return 1;
}

static int mark_argument(lua_State *L, enum rl_json_mark mark)
{
    if (lua_isnoneornil(L, 1)) {
        lua_settop(L, 0);
        lua_newtable(L);
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argcheck(L, !lua_getmetatable(L, 1) || rl_json_mark_of(L, 1) != RL_JSON_UNMARKED, 1,
                  "a table with a metatable of its own");
    lua_settop(L, 1);
    rl_json_mark(L, mark);
    return 1;
}

static int lib_array(lua_State *L)
{
    return mark_argument(L, RL_JSON_ARRAY);
}

static int lib_object(lua_State *L)
{
    return mark_argument(L, RL_JSON_OBJECT);
}

static int null_text(lua_State *L)
{
    lua_pushstring(L, rl_json_is_null(L, 1) ? "null" : "light userdata");
    return 1;
}

static void keep_marker(lua_State *L, const void *key)
{
    lua_createtable(L, 0, 1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

int rl_lib_json(lua_State *L)
{
    static const luaL_Reg functions[] = {{"encode", lib_encode},
                                         {"decode", lib_decode},
                                         {"array", lib_array},
                                         {"object", lib_object},
                                         {NULL, NULL}};

    keep_marker(L, &array_key);
    keep_marker(L, &object_key);
    rl_json_push_null(L);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, null_text);
    lua_setfield(L, -2, "__tostring");
    rl_sandbox_hide(L);
    lua_setmetatable(L, -2); /* of all light userdata; scripts have no other */
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    rl_json_push_null(L);
    lua_setfield(L, -2, "null");
    rl_sandbox_lock(L, "json");
    return 1;
}
