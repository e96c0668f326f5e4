/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_stream - TLS on a connection, as a filter (net/filter.h): whoever holds the rl_conn goes on using
 * rl_conn_send, _close, _pause as before, and its events keep the meaning of net/stream.h:
 *
 *      connected   after the handshake, or why it failed (then the connection has gone already)
 *      data        plaintext
 *      sent        plaintext bytes whose records the kernel has taken
 *      ended       0: close_notify, or the end of TCP between records (T-080); else the failure
 *      wire        bytes of TCP, both ways, with records and handshakes (T-082)
 *
 * Failures are statuses of base/status.h: RL_ETLS and the RL_ETLS_... causes, all with the code ETLS.
 *
 *      TCP open --> [ waits its turn ] --> handshake --> open --> ended
 *
 * At most RL_TLS_STEPS_A_TURN steps of handshakes are taken in a turn of the loop, those under way before
 * new ones, and at most RL_TLS_HANDSHAKES_MAX are under way at once: the others wait, connected.
 *
 * Thread: the connection's worker. Memory: the stream goes with the connection.
 */
#ifndef RL_TLS_TLS_STREAM_H
#define RL_TLS_TLS_STREAM_H

#include "net/conn.h"
#include "tls/tls_context.h"

enum { RL_TLS_STEPS_A_TURN = 16, RL_TLS_HANDSHAKES_MAX = 1024 };

struct rl_tls_worker;
struct rl_tls_sessions;

/* What a worker counts of its handshakes. */
struct rl_tls_counts {
    uint64_t started, done, failed, resumed, waited; /* waited: for their turn, connected */
};

/* What the streams of a worker share: the queue of handshake steps, the buffer for plaintext. */
struct rl_tls_worker *rl_tls_worker_new(struct rl_loop *loop);
void rl_tls_worker_free(struct rl_tls_worker *worker);
const struct rl_tls_counts *rl_tls_worker_counts(const struct rl_tls_worker *worker);

/* How one stream is to be. */
struct rl_tls_attach {
    struct rl_tls_worker *worker;
    struct rl_tls_context *context;   /* the stream holds it */
    const char *servername;           /* of clients: what SNI says and what is verified; an address: no
                                       * SNI; copied */
    struct rl_tls_sessions *sessions; /* of clients: where tickets come from and go to; NULL: nowhere */
    const char *session_key;          /* with sessions: context, host and port; copied */
    void (*tcp_up)(void *owner);      /* TCP is connected, the handshake begins; or NULL */
};

/* Put TLS on a connection: one that is opening (its handshake begins when TCP is up), or one that is open
 * (it begins now; STARTTLS, or one that was accepted). connected is called in either case, later. 0, or
 * -EBUSY (it has TLS already, or bytes of the plain connection are still unsent), -ENOTCONN or -ENOMEM:
 * nothing has changed. What the library refuses is told as a handshake that failed. */
int rl_tls_attach(struct rl_conn *conn, const struct rl_tls_attach *how);

/* After the handshake. Texts are static or good until the stream goes; NULL: there is none, or this
 * library cannot say. */
struct rl_tls_info {
    const char *version;      /* "TLSv1.3" */
    const char *cipher;       /* IANA name */
    const char *alpn;         /* what the server selected */
    const char *peer_subject; /* "CN=localhost,O=..." */
    bool resumed;
    uint64_t handshake_ns;    /* from the first byte to the last step, waiting its turn included */
};

/* False: no TLS on it, or not yet. */
bool rl_tls_info(const struct rl_conn *conn, struct rl_tls_info *info);

/* The sessions that one VU may resume, by session_key. NULL: memory is out. */
struct rl_tls_sessions *rl_tls_sessions_new(void);
void rl_tls_sessions_free(struct rl_tls_sessions *sessions);

#endif
