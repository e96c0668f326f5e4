/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * socket - the TCP socket of k6/x/tcp without its language: states, events, metrics, errors.
 *
 *      DISCONNECTED --connect--> OPENING --> OPEN --> DESTROYED
 *            ^______failure_________|
 *
 * The spec is tcp-socket.md; comments in socket.c cite its ids. A call gives 0 (done), RL_PENDING (the
 * waiter will be woken from the loop) or a negative status with *error filled in: then it failed
 * at once and no event was raised.
 *
 * Thread: the VU's worker. Memory: the program's; the engine says with program->retain and release
 * while it holds a pointer.
 */
#ifndef RL_VU_SOCKET_H
#define RL_VU_SOCKET_H

#include "base/assert.h"
#include "vu/vu.h"

enum { RL_PENDING = 1 };

enum rl_socket_state { RL_SOCKET_DISCONNECTED, RL_SOCKET_OPENING, RL_SOCKET_OPEN, RL_SOCKET_DESTROYED };

struct rl_tcp_series;
struct rl_socket_tls;
struct rl_dial;

/* All that a message touches is the last 80 bytes, so that a program's own record may follow them. */
struct rl_socket {
    const struct rl_tagset *overlay;    /* what the socket adds to base and proto */
    const struct rl_tagset *tags;       /* the constructor's; NULL: none */
    struct rl_dial *dial;               /* while opening, and while start_tls is under way */
    uint64_t opened_ns;
    struct rl_list link;                /* on vu->sockets while opening or open */
    struct rl_timer idle;               /* set_timeout */
    uint64_t idle_ns;                   /* its length; 0: off */

    struct rl_vu *vu;
    struct rl_conn *conn;               /* while opening or open */
    const struct rl_tagset *base;       /* the VU's tags for which series was looked up */
    struct rl_tcp_series *series;
    struct rl_list writes;              /* pending, oldest first: struct rl_write */
    uint64_t bytes_read, bytes_written; /* payload, whole life */
    uint64_t idle_base_ns;              /* the last thing that restarted idle */
    uint32_t read_size;                 /* largest data chunk */
    uint32_t retains : 24;              /* what keeps the engine interested */
    uint32_t state : 8;                 /* enum rl_socket_state */
};

static_assert(sizeof(struct rl_socket) - offsetof(struct rl_socket, vu) == 80, "as said above");

/* A write in progress. Memory: the program's, until woken or cancelled. */
struct rl_write {
    struct rl_waiter waiter;
    struct rl_list link;          /* on socket->writes, then on env->woken */
    struct rl_socket *socket;
    const struct rl_tagset *tags; /* of the call; NULL: none */
    uint64_t size_bytes, accepted_bytes;
    int status;                   /* RL_PENDING until its end is known */
};

enum { RL_READ_SIZE = 16384 };

/* tags: the constructor's, or NULL. read_size: 0 for the default. */
void rl_socket_init(struct rl_socket *socket, struct rl_vu *vu, const struct rl_tagset *tags,
                    uint32_t read_size);

/* The program's memory goes (finaliser): close the descriptor if there still is one. No events. */
void rl_socket_fini(struct rl_socket *socket);

/* Connect to host:port; port as given, also out of range. tags replace those of an earlier
 * connect. timeout_ns 0: 30 s, and 30 s more for a handshake (T-043, T-044). tls: see socket_tls.h, NULL
 * for none. Returns RL_PENDING or a failure without event (T-029: destroyed). */
int rl_socket_connect(struct rl_socket *socket, const char *host, int64_t port,
                      const struct rl_tagset *tags, uint64_t timeout_ns,
                      const struct rl_socket_tls *tls, struct rl_waiter *waiter,
                      struct rl_tcp_error *error);

/* Arguments that never reach the network (T-031, T-037, T-091...T-098): counts tcp_errors, raises
 * error, then wakes the waiter with the same error. On a destroyed socket: fails at once, no event
 * (T-176). message: without the "TCP error during ..." prefix; status is RL_... or -EINVAL. */
int rl_socket_refuse(struct rl_socket *socket, enum rl_method method, int status, const char *message,
                     const struct rl_tagset *tags, struct rl_waiter *waiter,
                     struct rl_tcp_error *error);

/* Send bytes (copied before this returns). The caller sets write's waiter and tags. 0 for empty data
 * (T-103). */
int rl_socket_write(struct rl_socket *socket, struct rl_slice data, struct rl_write *write,
                    struct rl_tcp_error *error);

/* A pending write has no more time: it ends with -ETIMEDOUT, and its waiter is woken. What the kernel has
 * not taken stays queued, in order. Nothing happens if its end is known already. */
void rl_socket_expire_write(struct rl_write *write);

/* 0 disables (T-160...T-168). */
void rl_socket_set_timeout(struct rl_socket *socket, uint64_t timeout_ns);

/* The program falls behind with its data: let the kernel slow the peer down (T-155), or go on. */
void rl_socket_pause(struct rl_socket *socket);
void rl_socket_resume(struct rl_socket *socket);

/* T-170...T-176. The close event comes later. */
void rl_socket_destroy(struct rl_socket *socket);

/* NULL unless a connection is held (T-012). */
const struct rl_addr *rl_socket_local(struct rl_socket *socket);
const struct rl_addr *rl_socket_remote(struct rl_socket *socket);

/* T-214: what happens, as debug lines with module=tcp; format without a newline. */
#define rl_socket_debug(socket, ...)                                                               \
    (RL_UNLIKELY((socket)->vu->env->debug) ? rl_socket_log_debug(socket, __VA_ARGS__) : (void)0)
void rl_socket_log_debug(const struct rl_socket *socket, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "TCP error during connect: message". */
void rl_tcp_error_format(const struct rl_tcp_error *error, char *out, size_t out_bytes);
const char *rl_method_name(enum rl_method method);
const char *rl_event_name(enum rl_event event);

#endif
