/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * k6/data: SharedArray, one copy for all VUs (E-043).
 *
 * The function runs in the probe; elements are kept as JSON, each read makes a fresh value of it.
 */
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "script/host.h"
#include "script/json.h"
#include "script/sandbox.h"
#include "script/script_impl.h"

static const char meta_key;

static const struct rl_shared_array *array_of(lua_State *L, int index)
{
    const struct rl_shared_array **slot = lua_touserdata(L, index);

    RL_CHECK(slot != NULL && *slot != NULL); /* only metamethods call, and nobody can reach them */
    return *slot;
}

static int array_index(lua_State *L)
{
    const struct rl_shared_array *array = array_of(L, 1);
    lua_Integer i = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : 0;

    if (lua_isnumber(L, 2) && !lua_isinteger(L, 2))
        i = (lua_Integer)lua_tonumber(L, 2);
    if (i < 1 || (size_t)i > array->count)
        return 0;
    rl_json_push(L, (const char *)array->items[i - 1].data, array->items[i - 1].size);
    return 1;
}

static int array_length(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)array_of(L, 1)->count);
    return 1;
}

static int array_newindex(lua_State *L)
{
    return luaL_error(L, "SharedArray '%s' is read-only", array_of(L, 1)->name);
}

static int array_next(lua_State *L)
{
    lua_Integer i = lua_tointeger(L, 2) + 1;

    lua_settop(L, 1);
    lua_pushinteger(L, i);
    if (array_index(L) == 0)
        return 0;
    return 2;
}

static int array_pairs(lua_State *L)
{
    lua_settop(L, 1);
    lua_pushcfunction(L, array_next);
    lua_insert(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

/* Add the element on top as JSON. */
static void add_item(lua_State *L, struct rl_shared_array *array)
{
    const char *text;
    size_t size;
    char *copy;

    rl_json_encode(L, lua_gettop(L));
    text = lua_tolstring(L, -1, &size);
    copy = malloc(size + 1);
    if (copy == NULL)
        luaL_error(L, "out of memory");
    memcpy(copy, text, size);
    array->items[array->count++] = rl_slice_of(copy, size);
    lua_pop(L, 2);
}

/* From the list that the function returned, on top. */
static const struct rl_shared_array *make_array(lua_State *L, const char *name)
{
    struct rl_shared_array *array;
    lua_Integer count;

    if (!lua_istable(L, -1))
        luaL_error(L, "SharedArray '%s': its function must return a list, not a %s", name,
                   luaL_typename(L, -1));
    count = luaL_len(L, -1);
    array = rl_script_add_array(rl_host_of(L)->script, name, (size_t)count);
    if (array == NULL)
        luaL_error(L, "out of memory");
    for (lua_Integer i = 1; i <= count; i++) {
        lua_geti(L, -1, i);
        add_item(L, array);
    }
    return array;
}

static int data_shared_array(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    struct rl_script_host *host = rl_host_of(L);
    const struct rl_shared_array *array = rl_script_array(host->script, name), **slot;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    if (!rl_svu_of(L)->initializing)
        return luaL_error(L, "SharedArray is available in the init context only");
    if (array == NULL && host->probing) {
        lua_pushvalue(L, 2);
        lua_call(L, 0, 1);
        array = make_array(L, name);
    }
    if (array == NULL)
        return luaL_error(L,
                          "SharedArray '%s' was not made when the script was first run, with __VU "
                          "== 0",
                          name);
    slot = lua_newuserdatauv(L, sizeof(*slot), 0);
    *slot = array;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key);
    lua_setmetatable(L, -2);
    return 1;
}

int rl_lib_data(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__index", array_index},
                                    {"__len", array_length},
                                    {"__newindex", array_newindex},
                                    {"__pairs", array_pairs},
                                    {NULL, NULL}};

    luaL_newlib(L, meta);
    rl_sandbox_hide(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
    lua_newtable(L);
    lua_pushcfunction(L, data_shared_array);
    lua_setfield(L, -2, "SharedArray");
    rl_sandbox_lock(L, "k6/data");
    return 1;
}
