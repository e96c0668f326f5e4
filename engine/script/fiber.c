/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/fiber.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/assert.h"
#include "script/host.h"
#include "script/tcp.h"

enum { RESERVE_BYTES = 1 << 20, POOR_COLLECTIONS_A_RUN = 8 };

static void fire(struct rl_timer *timer);

static struct rl_fiber *new_fiber(struct rl_cell *cell)
{
    struct rl_fiber *fiber = calloc(1, sizeof(*fiber));

    RL_CHECK(fiber != NULL);
    fiber->cell = cell;
    fiber->slot = ++cell->fiber_slots;
    fiber->next = cell->fibers;
    cell->fibers = fiber;
    rl_list_init(&fiber->link);
    rl_list_init(&fiber->ready_link);
    rl_list_init(&fiber->event_link);
    rl_timer_init(&fiber->timer, fire);
    return fiber;
}

/* Perhaps in the middle of a script (k6.spawn), whose limits must not reach the main thread. */
static void new_thread(struct rl_fiber *fiber)
{
    struct rl_heap_account *account = &fiber->cell->account;
    size_t limit = account->limit_bytes;
    lua_State *L = fiber->cell->L;

    account->limit_bytes = SIZE_MAX;
    fiber->co = lua_newthread(L);
    *(struct rl_fiber **)lua_getextraspace(fiber->co) = fiber;
    lua_rawseti(L, RL_AT_FIBERS, fiber->slot);
    account->limit_bytes = limit;
}

static void drop_thread(struct rl_fiber *fiber)
{
    lua_State *L = fiber->cell->L;

    lua_pushnil(L);
    lua_rawseti(L, RL_AT_FIBERS, fiber->slot);
    fiber->co = NULL;
}

struct rl_fiber *rl_fiber_take(struct rl_cell *cell, struct rl_script_vu *svu)
{
    struct rl_fiber *fiber;

    if (RL_UNLIKELY(svu->fiber_count >= RL_FIBERS_PER_VU))
        return NULL;
    if (RL_LIKELY(!rl_list_empty(&cell->free_fibers))) {
        fiber = rl_container_of(cell->free_fibers.next, struct rl_fiber, link);
        rl_list_remove(&fiber->link);
    } else {
        fiber = new_fiber(cell);
    }
    if (RL_UNLIKELY(fiber->co == NULL))
        new_thread(fiber);
    svu->fiber_count++;
    fiber->svu = svu;
    rl_list_push(&svu->fibers, &fiber->link);
    return fiber;
}

static void resume_sockets(struct rl_script_vu *svu)
{
    struct rl_list *head = &svu->vu->sockets;

    svu->paused = false;
    for (struct rl_list *node = head->next; node != head; node = node->next)
        rl_socket_resume(rl_container_of(node, struct rl_socket, link));
}

void rl_fiber_give(struct rl_fiber *fiber, bool keep)
{
    struct rl_cell *cell = fiber->cell;

    if (RL_UNLIKELY(!keep))
        drop_thread(fiber);
    else if (RL_UNLIKELY(lua_gettop(fiber->co) > 0)) /* what it returned */
        lua_settop(fiber->co, 0);
    fiber->svu->fiber_count--;
    if (RL_UNLIKELY(fiber->svu->paused) && fiber->svu->fiber_count <= RL_FIBERS_RESUME)
        resume_sockets(fiber->svu);
    fiber->svu = NULL;
    fiber->park = RL_PARK_NONE;
    fiber->held = false;
    fiber->blocked = 0;
    fiber->parent = NULL;
    rl_list_remove(&fiber->link);
    /* The last one used is the first to be used again: its stack is in the cache. */
    rl_list_push(cell->free_fibers.next, &fiber->link);
}

/* --- Running --- */

static size_t above(size_t used, uint64_t budget)
{
    return budget > SIZE_MAX - used ? SIZE_MAX : used + (size_t)budget;
}

static void arm(lua_State *L)
{
    lua_sethook(L, rl_fiber_stop_hook, LUA_MASKCOUNT, 1);
}

static void stop_for_memory(struct rl_cell *cell)
{
    struct rl_script_host *host = cell->host;
    bool whole = cell->account.limit_bytes >= host->config.cell_memory_bytes;

    atomic_store_explicit(&host->stop, whole ? RL_STOP_CELL_MEMORY : RL_STOP_HANDLER_MEMORY,
                          memory_order_relaxed);
    arm(atomic_load_explicit(&host->running, memory_order_relaxed));
}

/* A no makes Lua collect everything and ask again; limit 0 brings that question here. The run
 * goes on if there is room then, unless its collections gain so little that it would go on for
 * long. */
static bool refuse(struct rl_heap_account *account, size_t more)
{
    struct rl_cell *cell = rl_container_of(account, struct rl_cell, account);

    if (cell->asked_limit == 0) {
        cell->asked_limit = account->limit_bytes;
        cell->asked_used = account->used_bytes;
        account->limit_bytes = 0;
        return false;
    }
    account->limit_bytes = cell->asked_limit;
    cell->asked_limit = 0;
    if (cell->asked_used < account->used_bytes + cell->host->config.handler_memory_bytes / 8)
        cell->poor_collections++;
    if (account->used_bytes + more <= account->limit_bytes &&
        cell->poor_collections < POOR_COLLECTIONS_A_RUN)
        return true;
    stop_for_memory(cell);
    return false;
}

static inline void enter(struct rl_script_host *host, struct rl_fiber *fiber, lua_State *co)
{
    struct rl_heap_account *account = &fiber->cell->account;
    size_t limit = above(account->used_bytes, host->config.handler_memory_bytes);
    uint64_t sequence = atomic_load_explicit(&host->sequence, memory_order_relaxed);

    RL_ASSERT(atomic_load(&host->running) == NULL);
    if (limit > host->config.cell_memory_bytes)
        limit = host->config.cell_memory_bytes;
    if (fiber->blocked != 0) /* apart: telling that memory is out takes some */
        limit = above(account->used_bytes, RESERVE_BYTES);
    account->limit_bytes = limit;
    account->refused = refuse;
    fiber->cell->asked_limit = 0;
    fiber->cell->poor_collections = 0;
    atomic_store_explicit(&host->current, fiber, memory_order_relaxed);
    atomic_store_explicit(&host->running, co, memory_order_relaxed);
    atomic_store_explicit(&host->sequence, sequence + 1, memory_order_relaxed);
}

/* Why the run was stopped, 0: it was not. */
static inline int leave(struct rl_script_host *host, struct rl_fiber *fiber, lua_State *co)
{
    uint64_t sequence = atomic_load_explicit(&host->sequence, memory_order_relaxed);
    int stop;

    fiber->cell->account.limit_bytes = SIZE_MAX;
    atomic_store_explicit(&host->running, NULL, memory_order_relaxed);
    atomic_store_explicit(&host->current, NULL, memory_order_relaxed);
    atomic_store_explicit(&host->sequence, sequence + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    stop = atomic_load_explicit(&host->stop, memory_order_relaxed);
    if (RL_UNLIKELY(stop != 0)) {
        atomic_store_explicit(&host->stop, 0, memory_order_relaxed);
        lua_sethook(co, NULL, 0, 0);
    }
    return stop;
}

int rl_fiber_resume(struct rl_fiber *fiber, int nargs, int *nresults, int *stop)
{
    struct rl_script_host *host = fiber->cell->host;
    int status;

    enter(host, fiber, fiber->co);
    status = lua_resume(fiber->co, fiber->cell->L, nargs, nresults);
    *stop = leave(host, fiber, fiber->co);
    return status;
}

/* Close the variables of a thread that waited or failed. False: one of them had to be stopped. */
static bool close_thread(struct rl_fiber *fiber)
{
    struct rl_script_host *host = fiber->cell->host;

    enter(host, fiber, fiber->co);
#if LUA_VERSION_RELEASE_NUM >= 504 * 100 + 6
    (void)lua_closethread(fiber->co, fiber->cell->L);
#else
    (void)lua_resetthread(fiber->co);
#endif
    return leave(host, fiber, fiber->co) == 0;
}

/* It failed: log, end the iteration. Who was stopped from outside says nothing, and keeps its hold:
 * rl_vu_interrupt is on its way. */
static void fail(struct rl_fiber *fiber, int status, int stop)
{
    struct rl_cell *cell = fiber->cell;
    struct rl_vu *vu = fiber->svu->vu;
    bool told = stop == RL_STOP_INTERRUPTED || stop == RL_STOP_TEST_ABORT;

    if (!told)
        rl_fiber_log(fiber, status, stop);
    if (stop == 0)
        (void)close_thread(fiber);
    rl_fiber_give(fiber, false);
    /* Or the next run would begin with this one's garbage, and gain by collecting it. */
    if (stop == RL_STOP_HANDLER_MEMORY || stop == RL_STOP_CELL_MEMORY)
        lua_gc(cell->L, LUA_GCCOLLECT);
    if (!told)
        rl_vu_abort(vu);
}

void rl_fiber_run(struct rl_fiber *fiber, int nargs)
{
    struct rl_vu *vu = fiber->svu->vu;
    int nresults, stop, status;
    bool held;

    status = rl_fiber_resume(fiber, nargs, &nresults, &stop);
    if (RL_LIKELY(status == LUA_OK)) {
        held = fiber->held;
        rl_fiber_give(fiber, true);
        if (held)
            rl_vu_release(vu);
    } else if (status == LUA_YIELD) {
        if (!fiber->held) {
            fiber->held = true;
            rl_vu_hold(vu);
        }
    } else {
        fail(fiber, status, stop);
    }
}

void rl_fiber_ready(struct rl_fiber *fiber, int nargs)
{
    struct rl_script_vu *svu = fiber->svu;

    if (!fiber->held) {
        fiber->held = true;
        rl_vu_hold(svu->vu);
    }
    fiber->ready_args = nargs;
    rl_list_push(&svu->ready, &fiber->ready_link);
    rl_loop_ready(svu->vu->env->loop, &svu->task);
}

/* --- Waiting --- */

void rl_fiber_check_park(lua_State *L, const char *what)
{
    struct rl_fiber *fiber = rl_fiber_of(L);

    if (RL_LIKELY(fiber->svu != NULL && !fiber->svu->initializing && fiber->blocked == 0 &&
                  lua_isyieldable(L)))
        return;
    if (fiber->svu != NULL && fiber->svu->initializing)
        luaL_error(L, "%s is not available in the init context", what);
    luaL_error(
        L,
        "%s must wait, which is not possible here (in a __close, __gc or __tostring metamethod, "
        "or in a function called by table.sort or string.gsub)",
        what);
}

int rl_fiber_park(lua_State *L, enum rl_park park, lua_KContext ctx, lua_KFunction k)
{
    rl_fiber_of(L)->park = (uint8_t)park;
    return lua_yieldk(L, 0, ctx, k);
}

static void unpark(struct rl_fiber *fiber)
{
    fiber->park = RL_PARK_NONE;
    fiber->exchange = 0;
    rl_timer_cancel(&fiber->timer);
    rl_list_remove(&fiber->event_link);
    rl_list_remove(&fiber->ready_link);
}

void rl_fiber_wake(struct rl_waiter *waiter, int status, const struct rl_tcp_error *error)
{
    struct rl_fiber *fiber = rl_container_of(waiter, struct rl_fiber, op.waiter);

    fiber->park = RL_PARK_NONE;
    rl_timer_cancel(&fiber->timer);
    fiber->status = status;
    fiber->error = error;
    rl_fiber_run(fiber, 0);
}

static void fire(struct rl_timer *timer)
{
    struct rl_fiber *fiber = rl_container_of(timer, struct rl_fiber, timer);
    int nargs = 0;

    if (fiber->park == RL_PARK_OPERATION) { /* a write's own timeout; the engine wakes it */
        rl_socket_expire_write(&fiber->op.write);
        return;
    }
    if (fiber->exchange != 0) {
        rl_tcp_exchange_expire(fiber);
        return;
    }
    if (fiber->park == RL_PARK_EVENT || fiber->park == RL_PARK_EXCHANGE) {
        lua_pushnil(fiber->co);
        lua_pushliteral(fiber->co, "timeout");
        nargs = 2;
    }
    unpark(fiber);
    rl_fiber_run(fiber, nargs);
}

void rl_fiber_close(struct rl_fiber *fiber)
{
    unpark(fiber);
    rl_fiber_give(fiber, close_thread(fiber));
}

/* --- Stopping --- */

/* The text of a memory error makes it one (lua_error), and these call no message handler: the one
 * of an xpcall would run with hooks disabled, for as long as it likes. */
static _Noreturn void raise_stop(lua_State *L)
{
    lua_pushliteral(L, "not enough memory");
    lua_error(L);
    RL_UNREACHABLE();
}

void rl_fiber_stop_hook(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    if (atomic_load_explicit(&rl_host_of(L)->stop, memory_order_relaxed) == 0)
        lua_sethook(L, NULL, 0, 0); /* left over from a run that ended just then */
    else
        raise_stop(L);
}

void rl_fiber_stop(lua_State *L, int reason)
{
    atomic_store_explicit(&rl_host_of(L)->stop, reason, memory_order_relaxed);
    arm(L);
    raise_stop(L);
}

void rl_fiber_pass_stop(lua_State *L)
{
    if (RL_UNLIKELY(atomic_load_explicit(&rl_host_of(L)->stop, memory_order_relaxed) != 0)) {
        arm(L);
        raise_stop(L);
    }
}

lua_State *rl_fiber_apart(struct rl_cell *cell, struct rl_script_vu *svu, lua_CFunction f,
                          int nargs, int *status)
{
    struct rl_fiber fiber = {.cell = cell, .svu = svu, .blocked = 1};
    lua_State *L = cell->L, *co;
    int nresults, stop;

    co = lua_newthread(L);
    *(struct rl_fiber **)lua_getextraspace(co) = &fiber;
    lua_insert(L, -1 - nargs);
    lua_pushcfunction(co, f);
    lua_xmove(L, co, nargs);
    fiber.co = co;
    *status = rl_fiber_resume(&fiber, nargs, &nresults, &stop);
    *(struct rl_fiber **)lua_getextraspace(co) = &cell->main;
    return co;
}
