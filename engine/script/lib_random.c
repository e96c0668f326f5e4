/* SPDX-License-Identifier: GPL-3.0-or-later */
/* math.random and math.randomseed with a generator for each VU (E-010, E-046). */
#include <lauxlib.h>

#include "script/host.h"
#include "script/random.h"
#include "script/sandbox.h"

static int math_random(lua_State *L)
{
    struct rl_rng *rng = &rl_svu_of(L)->rng;
    lua_Integer low = 1, high;
    lua_Unsigned span;

    switch (lua_gettop(L)) {
    case 0:
        lua_pushnumber(L, rl_rng_double(rng));
        return 1;
    case 1:
        high = luaL_checkinteger(L, 1);
        if (high == 0) {
            lua_pushinteger(L, (lua_Integer)rl_rng_next(rng));
            return 1;
        }
        break;
    case 2:
        low = luaL_checkinteger(L, 1);
        high = luaL_checkinteger(L, 2);
        break;
    default:
        return luaL_error(L, "wrong number of arguments");
    }
    luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
    span = (lua_Unsigned)high - (lua_Unsigned)low + 1; /* 0: all there are */
    span = span == 0 ? rl_rng_next(rng) : rl_rng_below(rng, span);
    lua_pushinteger(L, (lua_Integer)(span + (lua_Unsigned)low));
    return 1;
}

int rl_random_seed(lua_State *L)
{
    lua_Integer seed = lua_isinteger(L, 1) ? lua_tointeger(L, 1) : 0;

    if (!lua_isinteger(L, 1))
        seed = (lua_Integer)(int64_t)luaL_checknumber(L, 1);
    rl_rng_init(&rl_svu_of(L)->rng, (uint64_t)seed);
    return 0;
}

void rl_lib_random(lua_State *L)
{
    lua_pushcfunction(L, math_random);
    lua_setfield(L, -2, "random");
    lua_pushcfunction(L, rl_random_seed);
    lua_setfield(L, -2, "randomseed");
}
