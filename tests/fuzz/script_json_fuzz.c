/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as JSON in Lua: refused, or a value whose text is read back to the same text. */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "script/json.h"
#include "script/sandbox.h"

static int decode(lua_State *L)
{
    size_t size;
    const char *text = lua_tolstring(L, 1, &size);

    rl_json_push(L, text, size);
    return 1;
}

static int encode(lua_State *L)
{
    rl_json_encode(L, 1);
    return 1;
}

/* Replaces what is on top; false if it raised. */
static bool call(lua_State *L, lua_CFunction function)
{
    lua_pushcfunction(L, function);
    lua_insert(L, -2);
    return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

static lua_State *new_state(void)
{
    lua_State *L = luaL_newstate();

    if (L == NULL)
        abort();
    rl_lib_json(L);
    lua_settop(L, 0);
    return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lua_State *L = new_state();

    lua_pushlstring(L, (const char *)data, size);
    if (call(L, decode)) {
        if (!call(L, encode))
            abort();
        lua_pushvalue(L, -1);
        if (!call(L, decode) || !call(L, encode) || !lua_rawequal(L, -1, -2))
            abort();
    }
    lua_close(L);
    return 0;
}
