/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * worker - one thread of the server.
 *
 *      start ─> LISTENING ─stop─> DRAINING ──quiet, or long enough──> CLOSING ─last one gone─> end
 *
 * Draining serves what had arrived when the stop came: so that a server that is stopped after its
 * clients has counted all that they did.
 *
 * Thread: rl_serve_worker_start, _stop and _join are the server's; the rest is the thread's own.
 */
#ifndef RL_SERVE_WORKER_H
#define RL_SERVE_WORKER_H

#include <pthread.h>

#include "net/listen.h"
#include "serve/session.h"
#include "tls/tls_stream.h"

struct rl_serve_worker {
    /* Given. */
    const struct rl_serve_mode *mode;
    uint32_t max_conns;
    const struct rl_tls_config *tls_config; /* NULL: no TLS */

    struct rl_serve_counts counts;

    /* Between the threads: the outcome of the start, under the mutex. */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t started;
    bool has_started, is_running;
    int status;
    const char *problem; /* what failed, if status < 0; static memory */
    struct rl_addr addr; /* in: where to listen; out: where it does */
    int stop_fd;         /* of a holding worker, or -1; closed by the joiner */

    /* The thread's own. */
    struct rl_ring *ring;
    struct rl_loop loop;
    bool has_loop;
    struct rl_net net;
    struct rl_pool sessions;
    struct rl_tls_worker *tls;          /* NULL: no TLS */
    struct rl_tls_context *tls_context;
    struct rl_list open;
    struct rl_listener *listener;
    struct rl_mail stop;
    struct rl_timer quiet;
    uint64_t stop_ns, completions_seen;
    bool closing;
};

/* Fills in addr's port. Negative: it does not run, and problem says what failed. */
int rl_serve_worker_start(struct rl_serve_worker *worker, const struct rl_serve_mode *mode,
                          const struct rl_addr *addr, uint32_t max_conns,
                          const struct rl_tls_config *tls);

/* Ask, then wait; a worker that did not start needs neither. */
void rl_serve_worker_stop(struct rl_serve_worker *worker);
void rl_serve_worker_join(struct rl_serve_worker *worker);

/* For the thread: tell the starter how it went. */
void rl_serve_worker_started(struct rl_serve_worker *worker, int status, const char *problem);

/* The thread of a mode that holds its connections: see hold.c. */
void rl_serve_hold(struct rl_serve_worker *worker);

#endif
