/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * coroutine.*: a script's own coroutines, inside a fiber.
 *
 * What waits in one of them must suspend the whole fiber, not return to the script's resume. So
 * where a resumed coroutine has parked its fiber, resume parks too, up to the fiber's own thread;
 * when that is resumed, each resumes the one below it again.
 *
 * A thread's extra space says whose it is: the fiber it runs or waits in, or NULL while it is the
 * script's to resume.
 */
#include <lauxlib.h>

#include "script/host.h"
#include "script/sandbox.h"

static int finish_resume(lua_State *L, int status, lua_KContext is_wrap);

static lua_State *check_co(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);

    luaL_argexpected(L, co != NULL, 1, "coroutine");
    return co;
}

static void set_owner(lua_State *co, struct rl_fiber *fiber)
{
    *(struct rl_fiber **)lua_getextraspace(co) = fiber;
}

static const char *status_name(lua_State *L, lua_State *co)
{
    lua_Debug frame;

    if (L == co)
        return "running";
    switch (lua_status(co)) {
    case LUA_YIELD:
        return "suspended";
    case LUA_OK:
        if (lua_getstack(co, 0, &frame))
            return "normal";
        return lua_gettop(co) == 0 ? "dead" : "suspended";
    default:
        return "dead";
    }
}

static bool is_resumable(lua_State *L, lua_State *co)
{
    return rl_fiber_of(co) == NULL && status_name(L, co)[0] == 's';
}

/* Run its to-be-closed variables. An error value is then on its stack. */
static int close_thread(lua_State *L, lua_State *co)
{
    struct rl_fiber *fiber = rl_fiber_of(L);
    struct rl_script_host *host = fiber->cell->host;
    int status;

    set_owner(co, fiber);
    atomic_store_explicit(&host->running, co, memory_order_relaxed);
#if LUA_VERSION_RELEASE_NUM >= 504 * 100 + 6
    status = lua_closethread(co, L);
#else
    status = lua_resetthread(co);
#endif
    atomic_store_explicit(&host->running, L, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    set_owner(co, NULL);
    rl_fiber_pass_stop(L);
    return status;
}

/* Outcome of a resume that did not park: as coroutine.resume has it, or as wrap does. */
static int deliver(lua_State *L, lua_State *co, int status, int nresults, bool is_wrap)
{
    set_owner(co, NULL);
    if (status == LUA_OK || status == LUA_YIELD) {
        if (!lua_checkstack(L, nresults + 1)) {
            lua_pop(co, nresults);
            return luaL_error(L, "too many results to resume");
        }
        lua_pushboolean(L, 1);
        lua_xmove(co, L, nresults);
        if (is_wrap)
            lua_remove(L, -1 - nresults);
        return is_wrap ? nresults : nresults + 1;
    }
    if (is_wrap)
        (void)close_thread(L, co);
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    if (!is_wrap)
        return 2;
    if (lua_type(L, -1) == LUA_TSTRING) { /* as stock Lua: say where */
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* Resume co with the nargs values on top of its stack. */
static int resume(lua_State *L, lua_State *co, int nargs, bool is_wrap)
{
    struct rl_fiber *fiber = rl_fiber_of(L);
    struct rl_script_host *host = fiber->cell->host;
    bool blocks = !lua_isyieldable(L);
    int status, nresults;

    set_owner(co, fiber);
    fiber->blocked = (uint16_t)(fiber->blocked + blocks);
    atomic_store_explicit(&host->running, co, memory_order_relaxed);
    status = lua_resume(co, L, nargs, &nresults);
    atomic_store_explicit(&host->running, L, memory_order_relaxed);
    fiber->blocked = (uint16_t)(fiber->blocked - blocks);
    atomic_signal_fence(memory_order_seq_cst);
    if (status == LUA_YIELD && fiber->park != RL_PARK_NONE) {
        lua_settop(L, 1);
        return lua_yieldk(L, 0, is_wrap, finish_resume);
    }
    rl_fiber_pass_stop(L);
    return deliver(L, co, status, nresults, is_wrap);
}

/* The fiber was woken: what it was given goes to the coroutine that parked it. */
static int finish_resume(lua_State *L, int status, lua_KContext is_wrap)
{
    lua_State *co = lua_tothread(L, 1);
    int nargs = lua_gettop(L) - 1;

    (void)status;
    lua_xmove(L, co, nargs);
    return resume(L, co, nargs, is_wrap != 0);
}

static int co_resume(lua_State *L)
{
    lua_State *co = check_co(L);
    int nargs = lua_gettop(L) - 1;

    if (!is_resumable(L, co) || !lua_checkstack(co, nargs)) {
        const char *name = status_name(L, co);

        lua_pushboolean(L, 0);
        lua_pushfstring(L, "cannot resume %s coroutine", name[0] == 'd' ? "dead" : "non-suspended");
        return 2;
    }
    lua_xmove(L, co, nargs);
    return resume(L, co, nargs, false);
}

static int co_create(lua_State *L)
{
    lua_State *co;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    co = lua_newthread(L);
    set_owner(co, NULL);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

/* The thread goes first, so that resume finds it where it is told to. */
static int call_wrapped(lua_State *L)
{
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int nargs = lua_gettop(L);

    if (!is_resumable(L, co) || !lua_checkstack(co, nargs))
        return luaL_error(L, "cannot resume %s coroutine",
                          status_name(L, co)[0] == 'd' ? "dead" : "non-suspended");
    lua_xmove(L, co, nargs);
    lua_pushvalue(L, lua_upvalueindex(1));
    return resume(L, co, nargs, true);
}

static int co_wrap(lua_State *L)
{
    co_create(L);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

static int co_suspend(lua_State *L)
{
    if (rl_fiber_of(L)->co == L)
        return luaL_error(L, "attempt to yield from outside a coroutine");
    return lua_yield(L, lua_gettop(L));
}

static int co_status(lua_State *L)
{
    lua_pushstring(L, status_name(L, check_co(L)));
    return 1;
}

static int co_isyieldable(lua_State *L)
{
    lua_State *co = lua_isthread(L, 1) ? lua_tothread(L, 1) : L;

    lua_pushboolean(L,
                    lua_isyieldable(co) && (rl_fiber_of(co) == NULL || rl_fiber_of(co)->co != co));
    return 1;
}

static int co_running(lua_State *L)
{
    lua_pushthread(L);
    lua_pushboolean(L, rl_fiber_of(L)->co == L);
    return 2;
}

static int close_co(lua_State *L, lua_State *co)
{
    if (close_thread(L, co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

static int co_close(lua_State *L)
{
    lua_State *co = check_co(L);
    const char *name = status_name(L, co);

    if (rl_fiber_of(co) != NULL || (name[0] != 's' && name[0] != 'd'))
        return luaL_error(L, "cannot close a %s coroutine", name[0] == 's' ? "waiting" : name);
    return close_co(L, co);
}

int rl_lib_coroutine(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"create", co_create}, {"resume", co_resume},           {"wrap", co_wrap},
        {"yield", co_suspend}, {"status", co_status},           {"running", co_running},
        {"close", co_close},   {"isyieldable", co_isyieldable}, {NULL, NULL}};

    luaL_newlib(L, functions);
    rl_sandbox_lock(L, "coroutine");
    return 1;
}
