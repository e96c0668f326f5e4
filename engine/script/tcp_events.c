/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the engine to handlers: the hot path of the room; and s:on, s:wait. */
#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/prefetch.h"
#include "script/host.h"
#include "script/tcp.h"

enum { CHUNK_BITS = 8, CHUNK = 1 << CHUNK_BITS };

static struct rl_script_socket *of(struct rl_socket *socket)
{
    return rl_container_of(socket, struct rl_script_socket, socket);
}

static struct rl_cell *cell_of(const struct rl_socket *socket)
{
    return ((struct rl_script_vu *)socket->vu->state_of_program)->cell;
}

/* --- Anchors --- */

static void grow_slots(struct rl_cell *cell)
{
    uint32_t capacity = cell->free_socket_capacity + CHUNK;
    uint32_t *slots = realloc(cell->free_sockets, capacity * sizeof(*slots));

    RL_CHECK(slots != NULL);
    cell->free_sockets = slots;
    cell->free_socket_capacity = capacity;
    for (uint32_t i = 0; i < CHUNK; i++)
        slots[i] = cell->socket_slots + CHUNK - i;
    cell->socket_slots += CHUNK;
    cell->free_socket_count = CHUNK;
    lua_createtable(cell->L, CHUNK, 0);
    lua_rawseti(cell->L, RL_AT_SOCKETS, cell->socket_slots >> CHUNK_BITS);
}

/* Anchor what is on top of the main thread. */
static void anchor(struct rl_cell *cell, uint32_t slot)
{
    lua_rawgeti(cell->L, RL_AT_SOCKETS, ((slot - 1) >> CHUNK_BITS) + 1);
    lua_insert(cell->L, -2);
    lua_rawseti(cell->L, -2, ((slot - 1) & (CHUNK - 1)) + 1);
    lua_pop(cell->L, 1);
}

/* Push the socket on the main thread. */
static void push_anchored(struct rl_cell *cell, uint32_t slot)
{
    lua_rawgeti(cell->L, RL_AT_SOCKETS, ((slot - 1) >> CHUNK_BITS) + 1);
    lua_rawgeti(cell->L, -1, ((slot - 1) & (CHUNK - 1)) + 1);
}

void rl_tcp_retain(struct rl_socket *socket)
{
    struct rl_cell *cell = cell_of(socket);
    struct rl_script_socket *s = of(socket);
    lua_State *L = atomic_load_explicit(&cell->host->running, memory_order_relaxed);
    size_t limit = cell->account.limit_bytes;

    RL_CHECK(L != NULL && lua_touserdata(L, 1) == s);
    cell->account.limit_bytes = SIZE_MAX;
    if (cell->free_socket_count == 0)
        grow_slots(cell);
    s->slot = cell->free_sockets[--cell->free_socket_count];
    lua_pushvalue(L, 1);
    lua_xmove(L, cell->L, 1);
    anchor(cell, s->slot);
    cell->account.limit_bytes = limit;
}

void rl_tcp_release(struct rl_socket *socket)
{
    struct rl_cell *cell = cell_of(socket);
    struct rl_script_socket *s = of(socket);

    lua_pushnil(cell->L);
    anchor(cell, s->slot);
    cell->free_sockets[cell->free_socket_count++] = s->slot;
    s->slot = 0;
}

/* --- Who gets an event that is delivered later: version and event of the handler. --- */

enum { TOKEN_HANDLED = 1 << 20 };

static int64_t token_of(const struct rl_script_socket *s, enum rl_event event)
{
    int64_t token = 1 + (s->version[event] << 3 | (int)event);

    return s->handlers >> event & 1 ? token | TOKEN_HANDLED : token;
}

int64_t rl_tcp_capture(struct rl_socket *socket, enum rl_event event)
{
    struct rl_script_socket *s = of(socket);

    if ((s->handlers >> event & 1) == 0 && rl_list_empty(&s->waiters))
        return 0;
    s->captured[event]++;
    return token_of(s, event);
}

void rl_tcp_forget(struct rl_socket *socket, int64_t token)
{
    of(socket)->captured[(token - 1) & 7]--;
}

/* Push the handler on the main thread, on top of more that the caller drops. */
static void push_handler(struct rl_cell *cell, const struct rl_script_socket *s,
                         enum rl_event event, int64_t token)
{
    push_anchored(cell, s->slot);
    if (token == 0 || token == token_of(s, event)) {
        lua_getiuservalue(cell->L, -1, RL_SOCKET_HANDLER + (int)event);
        return;
    }
    lua_getiuservalue(cell->L, -1, RL_SOCKET_REPLACED);
    lua_rawgeti(cell->L, -1, token);
}

/* --- Delivery --- */

static int push_argument(lua_State *L, struct rl_cell *cell, enum rl_event event,
                         const struct rl_event_arg *arg)
{
    if (event == RL_EVENT_DATA) {
        lua_pushlstring(L, (const char *)arg->data.data, arg->data.size);
        return 1;
    }
    if (event == RL_EVENT_ERROR) {
        rl_tcp_push_error(L, cell, arg->error);
        return 1;
    }
    return 0;
}

static void give_up(struct rl_vu *vu)
{
    rl_log_limited(RL_LOG_ERROR, "too many fibers", NULL,
                   "VU %u: more than %d handlers wait at the same time; the iteration is aborted",
                   vu->id, (int)RL_FIBERS_PER_VU);
    rl_vu_abort(vu);
}

static void run_handler(struct rl_script_vu *svu, struct rl_script_socket *s, enum rl_event event,
                        const struct rl_event_arg *arg)
{
    struct rl_cell *cell = svu->cell;
    struct rl_fiber *fiber = rl_fiber_take(cell, svu);

    if (RL_UNLIKELY(fiber == NULL)) {
        give_up(svu->vu);
        return;
    }
    push_handler(cell, s, event, arg->token);
    lua_xmove(cell->L, fiber->co, 1);
    lua_settop(cell->L, RL_AT_TOP);
    rl_fiber_run(fiber, push_argument(fiber->co, cell, event, arg));
}

/* Move those that wait for event to woken; all of them when it is close. */
static void take_waiters(struct rl_script_socket *s, enum rl_event event, struct rl_list *woken)
{
    struct rl_list *node, *next;

    rl_list_init(woken);
    for (node = s->waiters.next; node != &s->waiters; node = next) {
        struct rl_fiber *fiber = rl_container_of(node, struct rl_fiber, event_link);

        next = node->next;
        if (fiber->event == event || event == RL_EVENT_CLOSE) {
            rl_list_remove(node);
            rl_list_push(woken, node);
        }
    }
}

static void wake_waiter(struct rl_script_socket *s, struct rl_fiber *fiber, enum rl_event event,
                        const struct rl_event_arg *arg)
{
    int nargs = 2;

    if (fiber->park == RL_PARK_EXCHANGE) {
        rl_tcp_exchange_event(fiber, s, event, arg);
        return;
    }
    rl_timer_cancel(&fiber->timer);
    fiber->park = RL_PARK_NONE;
    if (fiber->event == event) {
        lua_pushboolean(fiber->co, 1);
        nargs = 1 + push_argument(fiber->co, fiber->cell, event, arg);
    } else {
        lua_pushnil(fiber->co);
        lua_pushliteral(fiber->co, "closed");
    }
    rl_fiber_run(fiber, nargs);
}

/* The handler's first run comes before those who wait (T-136); each may end the iteration, and then
 * the rest of woken is taken off it. */
static void run_both(struct rl_script_vu *svu, struct rl_script_socket *s, enum rl_event event,
                     const struct rl_event_arg *arg, bool handled)
{
    struct rl_list woken, *node = s->waiters.next;
    struct rl_fiber *first = rl_container_of(node, struct rl_fiber, event_link);

    if (!handled && node->next == &s->waiters && first->event == event) {
        rl_list_remove(node);
        wake_waiter(s, first, event, arg);
        return;
    }
    take_waiters(s, event, &woken);
    if (handled)
        run_handler(svu, s, event, arg);
    while ((node = rl_list_pop(&woken)) != NULL)
        wake_waiter(s, rl_container_of(node, struct rl_fiber, event_link), event, arg);
}

void rl_tcp_event(struct rl_socket *socket, enum rl_event event, const struct rl_event_arg *arg)
{
    struct rl_script_socket *s = of(socket);
    struct rl_script_vu *svu = socket->vu->state_of_program;
    bool handled = s->handlers >> event & 1;

    if (arg->token != 0) {
        s->captured[event]--;
        handled = (arg->token & TOKEN_HANDLED) != 0;
    }
    if (RL_UNLIKELY(svu->fiber_count >= RL_FIBERS_PAUSE) && event == RL_EVENT_DATA) {
        svu->paused = true;
        rl_socket_pause(socket);
    }
    if (!rl_list_empty(&s->waiters))
        run_both(svu, s, event, arg, handled);
    else if (handled)
        run_handler(svu, s, event, arg);
}

void rl_tcp_prefetch(struct rl_socket *socket)
{
    const struct rl_script_socket *s = of(socket);
    const struct rl_script_vu *svu = socket->vu->state_of_program;

    rl_prefetch_line((const char *)s - RL_UDATA_BYTES(RL_SOCKET_VALUES));
    rl_prefetch_line(s->on_data);
    rl_prefetch_line(&svu->vu);
}

/* --- on, wait --- */

static int find_event(const char *name)
{
    for (int event = 0; event < RL_EVENT_COUNT; event++) {
        const char *other = rl_event_name((enum rl_event)event);

        if (*name == *other && strcmp(name, other) == 0)
            return event;
    }
    return -1;
}

static void warn(const char *kind, const char *text, const char *event)
{
    const struct rl_log_field fields[] = {{"module", "tcp"}, {"event", event}, {NULL, NULL}};

    rl_log_limited(RL_LOG_WARN, kind, fields, "%s", text);
}

/* The handler that is replaced is still to get an event that was raised before. */
static void keep_replaced(lua_State *L, struct rl_script_socket *s, int event)
{
    if (lua_getiuservalue(L, 1, RL_SOCKET_REPLACED) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, RL_SOCKET_REPLACED);
    }
    lua_getiuservalue(L, 1, RL_SOCKET_HANDLER + event);
    lua_rawseti(L, -2, token_of(s, (enum rl_event)event));
    lua_pop(L, 1);
    s->version[event]++;
}

int rl_tcp_on(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);
    const char *name;
    int event;

    luaL_checktype(L, 2, LUA_TSTRING);
    name = lua_tostring(L, 2);
    if (!lua_isfunction(L, 3)) {
        luaL_argexpected(L, luaL_getmetafield(L, 3, "__call") != LUA_TNIL, 3, "function");
        lua_pop(L, 1);
    }
    event = find_event(name);
    if (event < 0) {
        warn("tcp unknown event", "there is no such event; its handler is ignored", name);
        return 0;
    }
    if (s->handlers >> event & 1)
        warn("tcp handler replaced", "the event had a handler, which is replaced", name);
    if (s->captured[event] > 0)
        keep_replaced(L, s, event);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 1, RL_SOCKET_HANDLER + event);
    s->handlers = (uint8_t)(s->handlers | 1U << event);
    if (event == RL_EVENT_DATA)
        s->on_data = lua_topointer(L, 3);
    rl_socket_debug(&s->socket, "handler of %s registered", name);
    return 0;
}

static int waited(lua_State *L, int status, lua_KContext ctx)
{
    (void)status;
    (void)ctx;
    return lua_gettop(L) - 1;
}

int rl_tcp_wait(lua_State *L)
{
    struct rl_script_socket *s = rl_tcp_check(L);
    int event = find_event(luaL_checkstring(L, 2));
    struct rl_fiber *fiber = rl_fiber_of(L);
    double ms = luaL_optnumber(L, 3, -1);

    luaL_argcheck(L, event >= 0, 2, "there is no such event");
    luaL_argcheck(L, !isnan(ms), 3, "not a number of milliseconds");
    if (s->socket.state == RL_SOCKET_DESTROYED && s->captured[RL_EVENT_CLOSE] == 0 &&
        s->captured[event] == 0) {
        if (event == RL_EVENT_CLOSE) {
            lua_pushboolean(L, 1);
            return 1;
        }
        lua_pushnil(L);
        lua_pushliteral(L, "closed");
        return 2;
    }
    rl_fiber_check_park(L, "wait");
    lua_settop(L, 1); /* the socket stays while it is waited for */
    fiber->event = (uint8_t)event;
    rl_list_push(&s->waiters, &fiber->event_link);
    if (ms >= 0) {
        uint64_t ns = (uint64_t)(fmin(ms, 1e12) * (double)RL_NS_PER_MS);

        rl_loop_timer(fiber->svu->vu->env->loop, &fiber->timer, rl_clock_ns() + ns);
    }
    return rl_fiber_park(L, RL_PARK_EVENT, 0, waited);
}
