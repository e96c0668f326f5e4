/* SPDX-License-Identifier: GPL-3.0-or-later */
/* socket_impl - what the files of the socket share. Not for other rooms. */
#ifndef RL_VU_SOCKET_IMPL_H
#define RL_VU_SOCKET_IMPL_H

#include "vu/socket.h"
#include "vu/tcp_series.h"

/* A connection attempt: cold, and only while there is one. */
struct rl_dial {
    struct rl_waiter *waiter;
    struct rl_query *query;
    struct rl_timer timeout;
    struct rl_socket *socket;
    uint64_t started_ns, resolved_ns, timeout_ns;
    const struct rl_tagset *over; /* what was given to the constructor and to connect */
    struct rl_addr peer;
    uint16_t port;
    struct rl_tls_context *tls_context; /* held; NULL: no TLS, or its handshake has begun */
    uint64_t handshake_ns;              /* when that was */
    const char *servername;             /* behind host */
    bool handshaking, resume, own_timeout;
    char host[];
};

struct rl_socket_tls;

/* tls: NULL for none; its context is held. timeout_ns 0: 30 s. */
struct rl_dial *rl_dial_new(struct rl_socket *socket, const char *host, uint16_t port,
                            uint64_t timeout_ns, const struct rl_socket_tls *tls,
                            struct rl_waiter *waiter);

/* Keep the program's memory of socket. */
void rl_socket_retain(struct rl_socket *socket);
void rl_socket_release(struct rl_socket *socket);

/* No network any more: end timers, close or abort the connection, leave the VU's list. The state is
 * the caller's to set. */
void rl_socket_detach(struct rl_socket *socket, bool abort);

/* End an attempt: its query, its timer, its memory. The connection is the caller's. */
void rl_dial_end(struct rl_socket *socket);

/* An open socket is destroyed: its duration, its timers, its connection, its writes with status. What is
 * raised is the caller's. */
void rl_socket_end_open(struct rl_socket *socket, int status);

/* The iteration ended by force (T-185): nothing is raised, woken or counted. */
void rl_socket_cancel(struct rl_socket *socket);

/* What the connection tells a socket. */
extern const struct rl_stream_events rl_socket_stream_events, rl_socket_tls_events;
void rl_socket_on_connected(void *owner, int status);
void rl_socket_on_sent(void *owner, size_t size_bytes, int status);
void rl_socket_on_plain_sent(void *owner, size_t size_bytes, int status);

/* All writes that are pending end with status. */
void rl_socket_fail_writes(struct rl_socket *socket, int status);

/* Nobody is to be woken. */
void rl_socket_forget_writes(struct rl_socket *socket);

/* The error of a write that was woken with a failure. */
void rl_write_error(const struct rl_write *write, struct rl_tcp_error *error);

/* Forget all writes of vu, also those already on env->woken: their waiters go. */
void rl_writes_forget(struct rl_vu *vu);

/* A sample of one of the tcp metrics, with the socket's full tags. */
void rl_socket_sample(struct rl_socket *socket, enum rl_tcp_metric metric, double value);

/* tcp_errors of a connect with invalid arguments. */
void rl_socket_sample_refusal(struct rl_socket *socket);

/* One sample of a write's metric, with the call's tags (NULL: none) among the socket's. */
void rl_socket_write_sample(struct rl_socket *socket, enum rl_tcp_metric metric,
                            const struct rl_tagset *tags);

/* Fill in error; format: the message. */
void rl_tcp_error_set(struct rl_tcp_error *error, enum rl_method method, int status,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "127.0.0.1:4000->127.0.0.1:80" of an open connection. */
enum { RL_PAIR_TEXT = 2 * RL_ADDR_TEXT + 2 };
void rl_conn_pair(struct rl_conn *conn, char out[RL_PAIR_TEXT]);

/* A failure that counts in tcp_errors: note its cause, log a line (T-210), rate-limited by method and
 * code. */
void rl_tcp_error_note(struct rl_vu *vu, const struct rl_tcp_error *error);

/* Bytes moved; emitted at the iteration's end or within a second. */
static inline void rl_vu_count_bytes(struct rl_vu *vu, uint64_t sent, uint64_t received)
{
    vu->bytes_sent += sent;
    vu->bytes_received += received;
    if (RL_UNLIKELY(!vu->dirty)) {
        vu->dirty = true;
        rl_list_push(&vu->env->dirty, &vu->link);
    }
}

#endif
