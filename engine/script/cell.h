/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cell - a Lua state for some 1,000 VUs.
 *
 * Nothing ever runs on the state's main thread: its stack holds what the engine reaches for, at
 * fixed places, so that no event needs the registry. Scripts run in fibers (fiber.h).
 *
 *      main thread   VUS | SOCKETS | FIBERS | CHUNK | ENV_META | ...
 *      VUS[slot]     userdata of a VU; its user values: environment, exports, setup data, modules
 *      SOCKETS[i][j] the sockets that the engine holds, in tables of 256
 *      FIBERS[slot]  threads
 *
 * Memory: while the engine works in a cell nothing is refused, since nobody could catch it; a
 * fiber's run is bounded by what the cell and the run may have.
 */
#ifndef RL_SCRIPT_CELL_H
#define RL_SCRIPT_CELL_H

#include <assert.h>
#include <lauxlib.h>
#include <lua.h>

#include "base/list.h"
#include "base/rng.h"
#include "script/fiber.h"
#include "script/heap.h"
#include "vu/vu.h"

struct rl_script_host;
struct rl_tls_memory;

enum rl_cell_place {
    RL_AT_VUS = 1,
    RL_AT_SOCKETS,
    RL_AT_FIBERS,
    RL_AT_CHUNK,
    RL_AT_ENV_META,
    RL_AT_ERROR_META,
    RL_AT_TOP = RL_AT_ERROR_META
};

enum rl_vu_value { RL_VU_ENV = 1, RL_VU_EXPORTS, RL_VU_DATA, RL_VU_MODULES, RL_VU_VALUES = 4 };

struct rl_cell {
    lua_State *L;
    struct rl_script_host *host;
    struct rl_heap_account account;
    size_t asked_limit, asked_used; /* since memory was refused, until Lua asks again; else 0 */
    uint32_t poor_collections;      /* that gained little, in this run of a fiber */
    struct rl_list free_fibers;
    struct rl_list link;
    struct rl_fiber main;    /* of the main thread; runs nothing */
    struct rl_fiber *fibers; /* all of them */
    uint32_t *free_sockets;  /* slots of SOCKETS that are free */
    uint32_t free_socket_count, free_socket_capacity, socket_slots;
    uint32_t fiber_slots, vu_slots, vu_count, vu_capacity;
    struct rl_tls_memory *tls; /* NULL until a script asks for TLS */
    uint64_t joins; /* serial number of the last k6.all or k6.race */
};

/* What Lua has of a userdata before its block. */
#define RL_UDATA_BYTES(user_values) (40 + 16 * (user_values))

/* The record of a VU; lies in its userdata. A message touches the line from vu on. */
struct rl_script_vu {
    struct rl_task task; /* resumes what is ready */
    struct rl_vu *vu;
    struct rl_cell *cell;
    struct rl_list fibers; /* all that live, parked or ready */
    struct rl_list ready;  /* to be resumed soon, first in first out */
    uint32_t slot, fiber_count;
    bool initializing; /* its main chunk runs */
    bool data_decoded;
    bool options_shared; /* its global is the cell's until it is read */
    bool cancelling; /* its fibers are being closed */
    bool random_seeded;
    bool paused; /* some of its sockets do not receive: too many handlers wait */
    uint32_t group_depth;
    struct rl_rng rng;
    const char *outer_group; /* the group tag outside of k6.group; while group_depth > 0 */
    uint64_t rest_of_line[2];
};

static_assert((RL_UDATA_BYTES(RL_VU_VALUES) + offsetof(struct rl_script_vu, vu)) % RL_CACHE_LINE == 0 &&
                  (RL_UDATA_BYTES(RL_VU_VALUES) + sizeof(struct rl_script_vu)) % RL_CACHE_LINE == 0,
              "a message touches one line of it");

/* NULL when memory is out. */
struct rl_cell *rl_cell_new(struct rl_script_host *host, uint32_t vu_capacity);
void rl_cell_free(struct rl_cell *cell);

/* Anchor a new VU with an empty environment in the cell. */
struct rl_script_vu *rl_cell_add_vu(struct rl_cell *cell, struct rl_vu *vu);

/* Its fibers must be gone. */
void rl_cell_remove_vu(struct rl_script_vu *svu);

/* Push one of the VU's values on any thread of its cell, or pop it from there.
 * [-0, +1, -] [-1, +0, -] */
void rl_vu_push_value(lua_State *L, const struct rl_script_vu *svu, enum rl_vu_value which);
void rl_vu_pop_value(lua_State *L, const struct rl_script_vu *svu, enum rl_vu_value which);

/* Push what lies at a place of the main thread's stack on another thread. [-0, +1, -] */
void rl_cell_push(lua_State *L, struct rl_cell *cell, enum rl_cell_place place);

static inline struct rl_fiber *rl_fiber_of(lua_State *L)
{
    return *(struct rl_fiber **)lua_getextraspace(L);
}

/* Whose code runs in L. */
static inline struct rl_script_vu *rl_svu_of(lua_State *L)
{
    return rl_fiber_of(L)->svu;
}

static inline struct rl_script_host *rl_host_of(lua_State *L)
{
    return rl_fiber_of(L)->cell->host;
}

#endif
