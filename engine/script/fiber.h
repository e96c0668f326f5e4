/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fiber - a coroutine of the engine: one run of a handler, of an iteration's function, of what
 * k6.spawn was given. Scripts cannot tell; those that they make themselves run inside one.
 *
 *      take --resume--> done ---------------------------> free (the thread is used again as it is)
 *             |  ^      error, stopped -> logged, abort -> free (the thread is thrown away)
 *             v  | wake
 *           parked -------- cancel: close -------------> free
 *
 * A parked fiber waits for one thing, whose record is part of it. Each live fiber that outlasts a
 * call holds its VU's iteration (T-180).
 */
#ifndef RL_SCRIPT_FIBER_H
#define RL_SCRIPT_FIBER_H

#include <lua.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "loop/timer_wheel.h"
#include "vu/socket.h"

struct rl_cell;
struct rl_script_vu;
struct rl_script_host;

enum rl_park {
    RL_PARK_NONE,
    RL_PARK_OPERATION, /* connect, write: op will be woken */
    RL_PARK_SLEEP,     /* timer */
    RL_PARK_EVENT,     /* s:wait: link on the socket's waiters, perhaps timer */
    RL_PARK_EXCHANGE,  /* s:exchange: the same, for data */
    RL_PARK_JOIN,      /* k6.all, k6.race: other fibers */
};

struct rl_fiber {
    lua_State *co; /* NULL: to be made */
    struct rl_script_vu *svu;
    struct rl_cell *cell;
    struct rl_list link;       /* svu->fibers, or cell->free_fibers */
    struct rl_list ready_link; /* svu->ready */
    struct rl_list event_link; /* waiters of a socket */
    struct rl_fiber *next;     /* cell->fibers */
    uint8_t park;              /* enum rl_park */
    uint8_t event;             /* RL_PARK_EVENT, RL_PARK_EXCHANGE: which */
    uint8_t exchange;          /* of s:exchange, while its write goes on; else 0 */
    bool held;                 /* has one of the VU's holds */
    uint16_t blocked;          /* resumed by script code that cannot yield, so deep */
    uint32_t slot;             /* in FIBERS */
    int ready_args;            /* on top of co's stack, for when it is resumed */
    int status;                /* of op, when it was woken */
    const struct rl_tcp_error *error;
    union {
        struct rl_waiter waiter;
        struct rl_write write; /* begins with its waiter */
    } op;
    struct rl_timer timer;
    struct rl_slice likely;  /* RL_PARK_EXCHANGE: a string that co's stack has, or none */
    uint64_t join;           /* RL_PARK_JOIN: which one */
    struct rl_fiber *parent; /* of a fiber that k6.all or k6.race started */
    uint64_t parent_join;
};

/* A fiber for the VU with an empty stack; NULL: the VU has too many. */
struct rl_fiber *rl_fiber_take(struct rl_cell *cell, struct rl_script_vu *svu);

/* Resume it, with the function (when it is new) and nargs arguments on its stack, from the loop.
 * Whatever comes of it is dealt with: the fiber, the VU's iteration may be gone afterwards. */
void rl_fiber_run(struct rl_fiber *fiber, int nargs);

/* The same, only that the caller deals with it: a status of Lua, results on the fiber's stack,
 * and in stop why it was stopped (0: it was not). Then rl_fiber_give. */
int rl_fiber_resume(struct rl_fiber *fiber, int nargs, int *nresults, int *stop);

/* Back to the pool. keep: its thread has ended well and may run again. */
void rl_fiber_give(struct rl_fiber *fiber, bool keep);

/* Run it soon, after what is ready already. It holds the iteration. */
void rl_fiber_ready(struct rl_fiber *fiber, int nargs);

/* Forget what it waits for, close its to-be-closed variables, back to the pool. */
void rl_fiber_close(struct rl_fiber *fiber);

/* The log line for a failed fiber: the error value is on top of its stack. */
void rl_fiber_log(struct rl_fiber *fiber, int status, int stop);

/* Raise a plain error where L cannot wait: the main chunk, a comparison of table.sort, ... Before
 * anything is started. [-0, +0, v] */
void rl_fiber_check_park(lua_State *L, const char *what);

/* Wait. Use as: return rl_fiber_park(...). In k the stack has what L had, then the arguments of
 * rl_fiber_run. */
int rl_fiber_park(lua_State *L, enum rl_park park, lua_KContext ctx, lua_KFunction k);

/* For op.waiter: note the outcome and resume. */
void rl_fiber_wake(struct rl_waiter *waiter, int status, const struct rl_tcp_error *error);

/* Run f on a thread of its own, in the VU's name, with the nargs values on top of the cell's main
 * thread as arguments: for what the engine does with a script's values, where it may fail. The
 * results, or the error value, are then on top of that thread, which is returned, and the cell's
 * main thread has it on top: drop it with lua_settop(L, RL_AT_TOP). */
lua_State *rl_fiber_apart(struct rl_cell *cell, struct rl_script_vu *svu, lua_CFunction f,
                          int nargs, int *status);

/* Stop all of the Lua that runs in L, so that no pcall helps: for the reasons of script.h and
 * those below. [-0, +0, v] */
enum {
    RL_STOP_HANDLER_MEMORY = 16,
    RL_STOP_CELL_MEMORY,
    RL_STOP_TEST_ABORT,
};
_Noreturn void rl_fiber_stop(lua_State *L, int reason);

/* Inside a C function that caught an error: raise it again if it was a stop. [-0, +0, v] */
void rl_fiber_pass_stop(lua_State *L);

/* The hook that stops. */
void rl_fiber_stop_hook(lua_State *L, lua_Debug *ar);

/* How many may live; from how many on sockets stop receiving, and at how many they go on (T-155). In
 * between lies what had arrived before. */
enum { RL_FIBERS_PER_VU = 5000, RL_FIBERS_PAUSE = 256, RL_FIBERS_RESUME = 64 };

#endif
