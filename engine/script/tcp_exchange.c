/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * s:exchange: write, then wait for what arrives next, in one park. What request and answer
 * protocols do all the time, at the price of one yield instead of two.
 *
 * The fiber is among the socket's waiters from the start, and its write's end does not resume it. If
 * data comes before the write has ended (the peer answers early), it is kept on the fiber's stack
 * until then, since the write's record is part of the fiber.
 */
#include <lauxlib.h>
#include <math.h>

#include "base/assert.h"
#include "base/clock.h"
#include "script/host.h"
#include "script/tcp.h"

enum { WRITING = 1, EARLY = 2, CLOSED = 4, EXPIRED = 8 };

/* Resume with true and the string on top; with nil and why; or with nothing: the write failed. */
static void resume(struct rl_fiber *fiber, unsigned flags, int status)
{
    int nargs = 2;

    fiber->park = RL_PARK_NONE;
    rl_timer_cancel(&fiber->timer);
    rl_list_remove(&fiber->event_link);
    if (flags & EARLY) {
        lua_pushboolean(fiber->co, 1);
        lua_insert(fiber->co, -2);
    } else if (status < 0) {
        nargs = 0;
    } else {
        lua_pushnil(fiber->co);
        lua_pushstring(fiber->co, flags & CLOSED ? "closed" : "timeout");
    }
    rl_fiber_run(fiber, nargs);
}

static void written(struct rl_waiter *waiter, int status, const struct rl_tcp_error *error)
{
    struct rl_fiber *fiber = rl_container_of(waiter, struct rl_fiber, op.waiter);
    unsigned flags = fiber->exchange;

    fiber->exchange = 0;
    if (RL_LIKELY(status >= 0 && flags == WRITING))
        return;
    fiber->status = status;
    fiber->error = error;
    resume(fiber, flags, status);
}

void rl_tcp_exchange_event(struct rl_fiber *fiber, struct rl_script_socket *s, enum rl_event event,
                           const struct rl_event_arg *arg)
{
    if (event != RL_EVENT_DATA) { /* the write ends with the socket, and that resumes it */
        fiber->exchange |= CLOSED;
        return;
    }
    lua_pushlstring(fiber->co, (const char *)arg->data.data, arg->data.size);
    if (fiber->exchange & EARLY)
        lua_concat(fiber->co, 2);
    fiber->exchange |= EARLY;
    rl_list_push(&s->waiters, &fiber->event_link);
}

void rl_tcp_exchange_expire(struct rl_fiber *fiber)
{
    fiber->exchange |= EXPIRED;
    rl_socket_expire_write(&fiber->op.write);
}

static int failed(lua_State *L, const struct rl_tcp_error *error)
{
    lua_pushnil(L);
    rl_tcp_push_error(L, rl_fiber_of(L)->cell, error);
    return 2;
}

/* The socket, then what resume says. */
static int exchanged(lua_State *L, int status, lua_KContext started_ns)
{
    struct rl_fiber *fiber = rl_fiber_of(L);

    (void)status;
    if (RL_UNLIKELY(lua_gettop(L) == 1))
        return failed(L, fiber->error);
    if (RL_LIKELY(lua_toboolean(L, 2))) {
        uint64_t ns = fiber->svu->vu->env->loop->now_ns - (uint64_t)started_ns;

        lua_pushnumber(L, (lua_Number)ns / 1e6);
    }
    return 2;
}

/* Of nil or a number of milliseconds; negative: no limit. */
static void arm(lua_State *L, struct rl_fiber *fiber, struct rl_loop *loop)
{
    lua_Number ms = luaL_optnumber(L, 3, -1);

    luaL_argcheck(L, !isnan(ms), 3, "not a number of milliseconds");
    if (ms >= 0)
        rl_loop_timer(loop, &fiber->timer,
                      loop->now_ns + (uint64_t)(fmin(ms, 1e12) * (lua_Number)RL_NS_PER_MS));
}

int rl_tcp_exchange(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);
    struct rl_fiber *fiber = rl_fiber_of(L);
    struct rl_loop *loop = s->socket.vu->env->loop;
    struct rl_tcp_error error;
    struct rl_slice data;
    int result;

    luaL_checktype(L, 2, LUA_TSTRING);
    data.data = (const uint8_t *)lua_tolstring(L, 2, &data.size);
    rl_fiber_check_park(L, "exchange");
    if (RL_UNLIKELY(!rl_list_empty(&s->waiters)) && s->socket.state == RL_SOCKET_OPEN)
        return luaL_error(L, "exchange: another coroutine waits for this socket already");
    arm(L, fiber, loop);
    fiber->op.write.waiter.wake = written;
    fiber->op.write.tags = NULL;
    result = rl_socket_write(&s->socket, data, &fiber->op.write, &error);
    if (RL_UNLIKELY(result < 0)) {
        rl_timer_cancel(&fiber->timer);
        return failed(L, &error);
    }
    fiber->exchange = result == RL_PENDING ? WRITING : 0;
    fiber->event = RL_EVENT_DATA;
    rl_list_push(&s->waiters, &fiber->event_link);
    lua_settop(L, 1); /* the socket stays while it is waited for */
    return rl_fiber_park(L, RL_PARK_EVENT, (lua_KContext)loop->now_ns, exchanged);
}
