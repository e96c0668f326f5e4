/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/cell.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "script/host.h"
#include "script/sandbox.h"
#include "script/tcp_tls.h"

/* Push each place of enum rl_cell_place in order. Nothing here may be refused, see the header. */
static int set_up(lua_State *L)
{
    struct rl_cell *cell = lua_touserdata(L, 1);

    lua_settop(L, 0);
    luaL_checkstack(L, 2 * LUA_MINSTACK, NULL);
    lua_createtable(L, (int)cell->vu_capacity, 0);
    lua_newtable(L);
    lua_newtable(L);
    rl_sandbox_open(L, cell->host);
    RL_CHECK(lua_gettop(L) == RL_AT_TOP);
    return RL_AT_TOP;
}

static int out_of_luck(lua_State *L)
{
    const char *text = lua_tostring(L, -1);

    fprintf(stderr, "ringload: Lua failed outside of any script: %s\n", text == NULL ? "?" : text);
    return 0; /* Lua aborts */
}

static bool never_refused(struct rl_heap_account *account, size_t more)
{
    (void)account;
    (void)more;
    return true;
}

struct rl_cell *rl_cell_new(struct rl_script_host *host, uint32_t vu_capacity)
{
    struct rl_cell *cell = calloc(1, sizeof(*cell));

    if (cell == NULL)
        return NULL;
    cell->host = host;
    cell->vu_capacity = vu_capacity;
    cell->main.cell = cell;
    cell->account = (struct rl_heap_account){
        .heap = &host->heap, .limit_bytes = SIZE_MAX, .refused = never_refused};
    rl_list_init(&cell->free_fibers);
    cell->L = lua_newstate(rl_heap_alloc, &cell->account);
    if (cell->L == NULL) {
        free(cell);
        return NULL;
    }
    lua_atpanic(cell->L, out_of_luck);
    *(struct rl_fiber **)lua_getextraspace(cell->L) = &cell->main;
    lua_gc(cell->L, LUA_GCGEN, 20, 100);
    rl_list_push(&host->cells, &cell->link);
    lua_pushcfunction(cell->L, set_up);
    lua_pushlightuserdata(cell->L, cell);
    if (lua_pcall(cell->L, 1, LUA_MULTRET, 0) != LUA_OK || !lua_checkstack(cell->L, LUA_MINSTACK)) {
        out_of_luck(cell->L);
        rl_cell_free(cell);
        return NULL;
    }
    return cell;
}

void rl_cell_free(struct rl_cell *cell)
{
    struct rl_fiber *fiber, *next;

    if (cell->host->filling == cell)
        cell->host->filling = NULL;
    rl_list_remove(&cell->link);
    lua_close(cell->L);
    rl_tls_memory_free(cell->tls);
    for (fiber = cell->fibers; fiber != NULL; fiber = next) {
        next = fiber->next;
        free(fiber);
    }
    free(cell->free_sockets);
    free(cell);
}

static void run_ready(struct rl_task *task)
{
    struct rl_script_vu *svu = rl_container_of(task, struct rl_script_vu, task);
    struct rl_list batch, *node;

    /* What becomes ready meanwhile waits for the next turn: a VU must not starve the ring. */
    rl_list_init(&batch);
    rl_list_splice(&batch, &svu->ready);
    while ((node = rl_list_pop(&batch)) != NULL) {
        struct rl_fiber *fiber = rl_container_of(node, struct rl_fiber, ready_link);

        fiber->park = RL_PARK_NONE;
        rl_fiber_run(fiber, fiber->ready_args);
    }
}

struct rl_script_vu *rl_cell_add_vu(struct rl_cell *cell, struct rl_vu *vu)
{
    lua_State *L = cell->L;
    struct rl_script_vu *svu;

    lua_settop(L, RL_AT_TOP);
    svu = lua_newuserdatauv(L, sizeof(*svu), RL_VU_VALUES);
    *svu = (struct rl_script_vu){.vu = vu, .cell = cell, .slot = ++cell->vu_slots};
    rl_list_init(&svu->fibers);
    rl_list_init(&svu->ready);
    rl_task_init(&svu->task, run_ready);
    lua_newtable(L);
    lua_pushvalue(L, RL_AT_ENV_META);
    lua_setmetatable(L, -2);
    lua_setiuservalue(L, -2, RL_VU_ENV);
    lua_rawseti(L, RL_AT_VUS, svu->slot);
    cell->vu_count++;
    return svu;
}

void rl_cell_remove_vu(struct rl_script_vu *svu)
{
    struct rl_cell *cell = svu->cell;

    RL_ASSERT(rl_list_empty(&svu->fibers));
    rl_task_cancel(&svu->task);
    lua_pushnil(cell->L);
    lua_rawseti(cell->L, RL_AT_VUS, svu->slot);
    cell->vu_count--;
}

void rl_vu_push_value(lua_State *L, const struct rl_script_vu *svu, enum rl_vu_value which)
{
    lua_State *home = svu->cell->L;

    lua_rawgeti(home, RL_AT_VUS, svu->slot);
    lua_getiuservalue(home, -1, (int)which);
    if (L == home) {
        lua_replace(home, -2);
    } else {
        lua_xmove(home, L, 1);
        lua_pop(home, 1);
    }
}

void rl_vu_pop_value(lua_State *L, const struct rl_script_vu *svu, enum rl_vu_value which)
{
    lua_State *home = svu->cell->L;

    lua_rawgeti(home, RL_AT_VUS, svu->slot);
    if (L == home)
        lua_insert(home, -2);
    else
        lua_xmove(L, home, 1);
    lua_setiuservalue(home, -2, (int)which);
    lua_pop(home, 1);
}

void rl_cell_push(lua_State *L, struct rl_cell *cell, enum rl_cell_place place)
{
    lua_pushvalue(cell->L, (int)place);
    lua_xmove(cell->L, L, 1);
}
