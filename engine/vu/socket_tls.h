/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * socket_tls - TLS on a VU's socket: inside connect, and put on an open one by start_tls.
 *
 *      connect    OPENING: TCP is up --handshake--> OPEN       (T-070; failure: DISCONNECTED, T-078)
 *      start_tls  OPEN ------------- handshake----> OPEN       (failure: error, close, DESTROYED)
 *
 * The env has what the streams of its worker share. A plain connection pays nothing: with TLS the
 * connection's events are others.
 */
#ifndef RL_VU_SOCKET_TLS_H
#define RL_VU_SOCKET_TLS_H

#include "tls/tls_stream.h"
#include "vu/socket.h"

/* What one call says; borrowed for it. */
struct rl_socket_tls {
    struct rl_tls_context *context; /* the socket holds it until the handshake has begun */
    const char *servername;         /* NULL: the host given to connect (T-071) */
    bool resume;                    /* take and keep sessions of the VU */
};

/* Put TLS on an open socket. RL_PENDING, or a failure without event (no connection, TLS already, a
 * destroyed socket). timeout_ns 0: 30 s (T-044). The waiter is woken like connect's. */
int rl_socket_start_tls(struct rl_socket *socket, const struct rl_socket_tls *tls,
                        uint64_t timeout_ns, struct rl_waiter *waiter, struct rl_tcp_error *error);

/* False: no TLS on it, or not yet, or no connection any more. */
bool rl_socket_tls_info(const struct rl_socket *socket, struct rl_tls_info *info);

/* "tls1.3" of "TLSv1.3": as options call it. NULL for NULL. */
const char *rl_tls_option_name(const char *version);

/* --- For the other files of the socket. --- */

/* TCP is up, and the dial wants TLS: 0, connected will be called again; else why not. */
int rl_socket_begin_tls(struct rl_socket *socket);

/* The handshake of connect is over, however it ended: its samples. */
void rl_socket_sample_tls(struct rl_socket *socket, int status);

/* The handshake of start_tls is over; called from the loop. */
void rl_socket_end_start_tls(struct rl_socket *socket, int status);

/* "TLS handshake failed: ...", code ETLS or ETIMEDOUT. */
void rl_tls_failure(struct rl_tcp_error *error, enum rl_method method, int status);

#endif
