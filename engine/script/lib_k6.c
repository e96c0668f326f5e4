/* SPDX-License-Identifier: GPL-3.0-or-later */
/* k6: sleep, fail, now, randomSeed; check and group; spawn, all, race. */
#include <lauxlib.h>
#include <math.h>

#include "base/clock.h"
#include "script/host.h"
#include "script/random.h"
#include "script/sandbox.h"

static const double sleep_max_s = 1e9;

static int slept(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

/* Zero lets everything else that is ready run first. */
static int k6_sleep(lua_State *L)
{
    double seconds = luaL_checknumber(L, 1);
    struct rl_fiber *fiber = rl_fiber_of(L);

    luaL_argcheck(L, !isnan(seconds), 1, "not a number of seconds");
    rl_fiber_check_park(L, "sleep");
    lua_settop(L, 0);
    if (seconds > 0) {
        uint64_t ns = (uint64_t)(fmin(seconds, sleep_max_s) * (double)RL_NS_PER_S);

        rl_loop_timer(fiber->svu->vu->env->loop, &fiber->timer, rl_clock_ns() + ns);
    } else {
        rl_fiber_ready(fiber, 0);
    }
    return rl_fiber_park(L, RL_PARK_SLEEP, 0, slept);
}

static int k6_fail(lua_State *L)
{
    if (lua_isnoneornil(L, 1))
        return luaL_error(L, "fail");
    luaL_where(L, 1);
    luaL_tolstring(L, 1, NULL);
    lua_concat(L, 2);
    return lua_error(L);
}

/* The time of the loop's turn, as all that the engine measures; in init the clock's. */
static int k6_now(lua_State *L)
{
    const struct rl_script_vu *svu = rl_svu_of(L);
    uint64_t ns = svu->initializing ? rl_clock_ns() : svu->vu->env->loop->now_ns;

    lua_pushnumber(L, (lua_Number)ns / 1e6);
    return 1;
}

int rl_lib_k6(lua_State *L)
{
    static const luaL_Reg functions[] = {{"sleep", k6_sleep},
                                         {"fail", k6_fail},
                                         {"now", k6_now},
                                         {"randomSeed", rl_random_seed},
                                         {"random_seed", rl_random_seed},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    rl_lib_check(L);
    rl_lib_tasks(L);
    rl_sandbox_lock(L, "k6");
    return 1;
}
