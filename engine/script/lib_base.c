/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The basic functions that the stock ones would let out of the sandbox. */
#include <lauxlib.h>
#include <string.h>

#include "base/assert.h"
#include "script/host.h"
#include "script/sandbox.h"

/* The stock load binds the state's globals, not the VU's, and loads bytecode. */
static int finish_load(lua_State *L, int status, int env)
{
    if (status != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (env != 0)
        lua_pushvalue(L, env);
    else
        rl_vu_push_value(L, rl_svu_of(L), RL_VU_ENV);
    if (lua_setupvalue(L, -2, 1) == NULL)
        lua_pop(L, 1);
    return 1;
}

/* A piece from the script's function, kept at index 5 while Lua reads it. */
static const char *read_piece(lua_State *L, void *ctx, size_t *size)
{
    (void)ctx;
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        *size = 0;
        return NULL;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "reader function must return a string");
    lua_replace(L, 5);
    return lua_tolstring(L, 5, size);
}

static int base_load(lua_State *L)
{
    const char *text = lua_tostring(L, 1);
    const char *mode = luaL_optstring(L, 3, "t");
    int env = lua_isnone(L, 4) ? 0 : 4, status;
    const char *name;
    size_t size;

    name = luaL_optstring(L, 2, text == NULL ? "=(load)" : text);
    if (strchr(mode, 't') == NULL) {
        lua_pushnil(L);
        lua_pushfstring(L, "attempt to load a text chunk (mode is '%s')", mode);
        return 2;
    }
    if (text != NULL) {
        text = lua_tolstring(L, 1, &size);
        status = luaL_loadbufferx(L, text, size, name, "t");
    } else {
        luaL_checktype(L, 1, LUA_TFUNCTION);
        lua_settop(L, 5);
        status = lua_load(L, read_piece, NULL, name, "t");
    }
    return finish_load(L, status, env);
}

static int base_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    if (rl_sandbox_is_locked(L, 1))
        return luaL_argerror(L, 1, "a table that is read-only");
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

/* No finalisers: they would run in the middle of another VU, where nothing can stop them. Upvalue 1 is
 * the name of theirs: this is what each object of a script costs. */
static int base_setmetatable(lua_State *L)
{
    int type = lua_type(L, 2);

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    if (type == LUA_TTABLE) {
        lua_pushvalue(L, lua_upvalueindex(1));
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "__gc is not available; use __close");
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int base_collectgarbage(lua_State *L)
{
    const char *what = luaL_optstring(L, 1, "collect");

    if (strcmp(what, "count") != 0)
        return luaL_error(L,
                          "only collectgarbage(\"count\") is available: the collector is shared");
    lua_pushnumber(L, (lua_Number)rl_fiber_of(L)->cell->account.used_bytes / 1024.0);
    return 1;
}

void rl_lib_base(lua_State *L)
{
    static const luaL_Reg functions[] = {{"load", base_load},
                                         {"rawset", base_rawset},
                                         {"collectgarbage", base_collectgarbage},
                                         {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
    lua_pushliteral(L, "__gc");
    lua_pushcclosure(L, base_setmetatable, 1);
    lua_setfield(L, -2, "setmetatable");
}
