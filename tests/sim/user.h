/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * user - the program that the simulated VUs run: a few sockets each, and what comes to its mind.
 *
 * user.c is the program's face to the engine. user_check.c watches each call for what must not be (an event
 * after close, bytes out of order, a writer told of bytes that nobody took). user_acts.c decides, by
 * the seed, what to do next: from the main function, from handlers, after each operation. Its memory is
 * as short-lived as a program's may be, so that AddressSanitizer sees what the engine keeps too long.
 */
#ifndef RL_SIM_USER_H
#define RL_SIM_USER_H

#include "base/list.h"
#include "vu/socket.h"
#include "vu/socket_tls.h"

struct peer;

struct user {
    struct rl_vu vu;
    struct rl_list sockets, ops;
    struct rl_timer actor;   /* the main function, asleep */
    unsigned acts_left, iterations_left, next_socket;
    bool in_main;            /* it has not returned */
    bool forced;             /* the iteration ended by force */
    bool ended;              /* an iteration was over since the last look */
};

struct user_socket {
    struct rl_socket socket;
    struct user *user;
    struct rl_list link;     /* the program has it */
    struct peer *peer;       /* the last attempt's */
    unsigned id, handlers, captured, ops; /* ops: its parked calls, which need it */
    bool retained, dropped, paused;
    bool own_end;            /* destroyed by the program, or by force */
    bool past;               /* of an earlier iteration */
    bool connected, read_failed, tls_failed;
    bool upgrading;          /* start_tls is under way ... */
    uint64_t upgraded_by_ns; /* ... and has no more time then */
    unsigned closes_raised, closes_seen;
    uint64_t written;        /* handed to the socket, of its stream */
    uint64_t accepted;       /* told to writers */
    uint64_t read;           /* came as data */
    uint64_t quiet_since_ns; /* what restarts the idle timer: T-163 */
    unsigned timeouts, expired;
};

/* A call that is parked. */
struct user_op {
    struct rl_write write;   /* or only its waiter */
    struct rl_list link;
    struct user *user;
    struct user_socket *socket;
    const struct peer *peer; /* of a connect */
    struct rl_timer timer;   /* a write's timeout */
    bool is_write, dials, upgrades, expired;
    uint64_t end;            /* of a write, in its stream */
};

extern const struct rl_program user_program;

void user_init(struct user *user, struct rl_vu_env *env, uint32_t id);
void user_fini(struct user *user);

/* env->done. */
void user_done(struct rl_vu *vu, enum rl_outcome outcome);

/* --- user.c for user_acts.c. --- */

static inline struct user *user_of(struct rl_vu *vu)
{
    return rl_container_of(vu, struct user, vu);
}

struct user_socket *user_socket_new(struct user *user);
void user_socket_drop(struct user_socket *s);
struct user_op *user_op_new(struct user_socket *s);

/* result: what the call gave. */
void user_op_settle(struct user_op *op, int result);

/* --- user_check.c for user.c. --- */

extern const char *const user_event_names[RL_EVENT_COUNT];

void user_check_event(struct user_socket *s, enum rl_event event, const struct rl_event_arg *arg);
void user_check_connected(const struct user_op *op, int status); /* or what start_tls gave */
void user_check_written(struct user_op *op, int status);
void user_check_done(const struct user *user, const struct user_socket *s);

/* TLS may fail on it, for a reason that its peer knows. */
bool user_socket_has_excuse(const struct user_socket *s);

/* --- user_acts.c for user.c. --- */

void user_act_main(struct user *user);  /* an iteration begins */
void user_act_wake(struct rl_timer *timer);  /* the main function goes on */
void user_act_event(struct user_socket *s, enum rl_event event);
void user_act_op(struct user_socket *s, bool is_write, int status); /* an operation ended */

#endif
