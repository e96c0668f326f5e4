/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * program - what a user runs: Lua (the script room), or a test's own callbacks.
 *
 * The engine calls down these functions on the worker's thread, from the loop, never from inside
 * a call that the program made. The program calls back with rl_vu_..., rl_socket_...
 *
 *      start   -> the program runs the iteration's function; it ends with rl_vu_release
 *      event   -> a handler runs, in its own coroutine; whatever parks takes rl_vu_hold
 *      wake    -> a parked operation of the program ended (struct rl_waiter)
 *      cancel  -> forget everything of this iteration: close coroutines, drop waiters
 */
#ifndef RL_VU_PROGRAM_H
#define RL_VU_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/list.h"

struct rl_vu;
struct rl_socket;

enum rl_event {
    RL_EVENT_DATA, /* the first, as the most frequent: what belongs to it lies in front */
    RL_EVENT_CONNECT,
    RL_EVENT_TIMEOUT,
    RL_EVENT_ERROR,
    RL_EVENT_CLOSE,
    RL_EVENT_COUNT
};

enum rl_method { RL_METHOD_CONNECT, RL_METHOD_READ, RL_METHOD_WRITE, RL_METHOD_START_TLS };

/* The object of tcp-socket.md section 11, before it becomes one of the program's. */
struct rl_tcp_error {
    enum rl_method method;
    int status;        /* rl_status_code(status) is the code */
    char message[200]; /* NUL-terminated */
};

/* A parked operation of the program. status 0, or negative with error set (error may be NULL for a
 * status that is no network failure). Memory: the program's; valid until woken or cancelled. */
struct rl_waiter {
    void (*wake)(struct rl_waiter *waiter, int status, const struct rl_tcp_error *error);
};

struct rl_event_arg {
    struct rl_slice data;             /* RL_EVENT_DATA: 1 ... read_size bytes, good for the call */
    const struct rl_tcp_error *error; /* RL_EVENT_ERROR */
    int64_t token;                    /* from capture; 0: the handler registered now */
};

struct rl_program {
    void *ctx; /* the worker's own program state */

    /* Make the VU's state (for a script: run its main chunk). 0, or negative after logging why. */
    int (*create)(struct rl_vu *vu);
    void (*destroy)(struct rl_vu *vu);

    /* Run function number exec (an index the plan and the program agree on) of the VU. The VU is
     * held once for it; the program calls rl_vu_release when that function has returned. */
    void (*start)(struct rl_vu *vu);

    /* Deliver an event now. */
    void (*event)(struct rl_socket *socket, enum rl_event event, const struct rl_event_arg *arg);

    /* Data for socket will be delivered soon: ask the cache for what that reads, without waiting. NULL:
     * nothing. */
    void (*prefetch)(struct rl_socket *socket);

    /* An event is raised that is delivered later: choose who gets it now. 0: nobody listens, it is
     * dropped. Otherwise the token comes back in event, or in forget. */
    int64_t (*capture)(struct rl_socket *socket, enum rl_event event);
    void (*forget)(struct rl_socket *socket, int64_t token);

    /* The iteration has ended by force (abort or interruption): no waiter is woken any more, close
     * all coroutines of this VU. Sockets are already closed. Never called from inside the program's
     * own running code of this VU. */
    void (*cancel)(struct rl_vu *vu);

    /* The engine begins / ends to hold a pointer to socket: keep its memory in between. */
    void (*retain)(struct rl_socket *socket);
    void (*release)(struct rl_socket *socket);
};

#endif
