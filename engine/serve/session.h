/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session - one connection that the server holds, and what a mode may do with it.
 *
 * A mode's handlers are called from the loop. One that ends the session must not touch it again: the
 * functions that may do so say so.
 *
 * Thread: its worker's.
 */
#ifndef RL_SERVE_SESSION_H
#define RL_SERVE_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/pool.h"
#include "net/conn.h"
#include "serve/http_head.h"

struct rl_serve_worker;
struct rl_session;

/* Any handler may end the session, and may be NULL. */
struct rl_serve_mode {
    const char *name, *help;
    void (*opened)(struct rl_session *session);
    void (*data)(struct rl_session *session, struct rl_slice view);
    void (*more)(struct rl_session *session); /* the kernel took something */
    bool holds; /* connections are never read: served by rl_serve_hold, without sessions */
};

struct rl_session {
    struct rl_pooled pooled;
    struct rl_serve_worker *worker;
    struct rl_conn *conn;
    struct rl_list link;  /* all of the worker */
    struct rl_task more;  /* tell the mode that the kernel took something */
    struct rl_timer look; /* how much has been sent meanwhile */
    bool paused;          /* nothing is received until the peer has read */
    bool finishing;       /* ends when all is sent */
    struct rl_http_head http;
};

/* Of one worker, written by it alone, read by anybody; named as in rl_server_counts. */
struct rl_serve_counts {
    atomic_uint_fast64_t accepted, closed, resets, aborted, refused, pauses, bytes_in, bytes_out,
        messages, requests, handshakes, tls_failed;
};

/* One writer: no locked instruction is needed. */
static inline void rl_serve_count(atomic_uint_fast64_t *counter, uint64_t amount)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + amount,
                          memory_order_relaxed);
}

struct rl_serve_counts *rl_session_counts(const struct rl_session *session);

/* Nothing more is received while too much of what was sent waits for the peer. */
void rl_session_send(struct rl_session *session, struct rl_slice data);

/* FIN once all is sent, at the soonest a millisecond later; what comes in meanwhile is counted and dropped. */
void rl_session_finish(struct rl_session *session);

/* FIN, RST: ends the session. */
void rl_session_close(struct rl_session *session);
void rl_session_abort(struct rl_session *session);

/* What the worker's listener and connections call. */
void rl_session_on_accept(struct rl_serve_worker *worker, struct rl_conn *conn);
void rl_session_on_connected(void *owner, int status);
void rl_session_on_data(void *owner, struct rl_slice view);
void rl_session_on_sent(void *owner, size_t size_bytes, int status);
void rl_session_on_ended(void *owner, int status);

#endif
