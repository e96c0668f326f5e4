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
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "script/host.h"
#include "script/tcp.h"

enum { WRITING = 1, EARLY = 2, CLOSED = 4, EXPIRED = 8 };

/* On the stack while it waits: the socket, what was written if it is short, the time, the likely
 * string; on top of them what it is resumed with. */
enum { LIKELY = 4, KEPT = 4, SHORT_BYTES = 4096 };

/* Resume with the string on top; with nil and why; or with nothing: the write failed. */
static void resume(struct rl_fiber *fiber, unsigned flags, int status)
{
    int nargs = 1;

    fiber->park = RL_PARK_NONE;
    rl_timer_cancel(&fiber->timer);
    rl_list_remove(&fiber->event_link);
    if ((flags & EARLY) == 0 && status < 0) {
        nargs = 0;
    } else if ((flags & EARLY) == 0) {
        lua_pushnil(fiber->co);
        lua_pushstring(fiber->co, flags & CLOSED ? "closed" : "timeout");
        nargs = 2;
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

static void wait_on(struct rl_fiber *fiber, struct rl_script_socket *s, enum rl_event event,
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

/* The string that was likely is the same as another one with its bytes, and costs nothing. */
void rl_tcp_exchange_event(struct rl_fiber *fiber, struct rl_script_socket *s, enum rl_event event,
                           const struct rl_event_arg *arg)
{
    lua_State *co = fiber->co;

    if (RL_UNLIKELY(fiber->exchange != 0)) {
        wait_on(fiber, s, event, arg);
        return;
    }
    rl_timer_cancel(&fiber->timer);
    fiber->park = RL_PARK_NONE;
    if (RL_UNLIKELY(event != RL_EVENT_DATA)) {
        lua_pushnil(co);
        lua_pushliteral(co, "closed");
        rl_fiber_run(fiber, 2);
        return;
    }
    if (arg->data.size == fiber->likely.size &&
        memcmp(arg->data.data, fiber->likely.data, fiber->likely.size) == 0)
        lua_pushvalue(co, LIKELY);
    else
        lua_pushlstring(co, (const char *)arg->data.data, arg->data.size);
    rl_fiber_run(fiber, 1);
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

static int exchanged(lua_State *L, int status, lua_KContext started_ns)
{
    struct rl_fiber *fiber = rl_fiber_of(L);
    int top = lua_gettop(L);

    (void)status;
    if (RL_LIKELY(top == KEPT + 1)) {
        uint64_t ns = fiber->svu->vu->env->loop->now_ns - (uint64_t)started_ns;

        lua_pushnumber(L, (lua_Number)ns / 1e6);
    } else if (top == KEPT) {
        return failed(L, fiber->error);
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

/* In a script's own coroutine the answer is pushed elsewhere, and is a string of its own. */
static void keep(lua_State *L, struct rl_fiber *fiber, size_t size)
{
    if (RL_UNLIKELY(size > SHORT_BYTES)) {
        lua_pushnil(L);
        lua_replace(L, 2);
    }
    lua_settop(L, KEPT);
    if (lua_type(L, LIKELY) == LUA_TSTRING && L == fiber->co)
        fiber->likely.data = (const uint8_t *)lua_tolstring(L, LIKELY, &fiber->likely.size);
    else
        fiber->likely = rl_slice_of(NULL, SIZE_MAX);
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
    keep(L, fiber, data.size);
    return rl_fiber_park(L, RL_PARK_EXCHANGE, (lua_KContext)loop->now_ns, exchanged);
}
