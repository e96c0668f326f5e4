/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vu/socket_tls.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/status.h"
#include "vu/queue.h"
#include "vu/socket_impl.h"

/* --- The handshake, of either call. --- */

static struct rl_tls_sessions *sessions_of(struct rl_vu *vu)
{
    if (vu->tls_sessions == NULL)
        vu->tls_sessions = rl_tls_sessions_new();
    return vu->tls_sessions;
}

int rl_socket_begin_tls(struct rl_socket *socket)
{
    struct rl_dial *dial = socket->dial;
    struct rl_conn *conn = socket->conn;
    char key[320]; /* names of DNS have at most 253 bytes */
    struct rl_tls_attach how = {.worker = socket->vu->env->tls_worker,
                                .context = dial->tls_context,
                                .servername = dial->servername};
    int rc;

    if (dial->resume) { /* without memory for them it is a full handshake */
        /* A context's own: another one may ask for what this session was not asked for. */
        snprintf(key, sizeof(key), "%" PRIu64 ":%u %s", rl_tls_context_id(dial->tls_context),
                 (unsigned)dial->port, dial->servername);
        how.sessions = sessions_of(socket->vu);
        how.session_key = key;
    }
    conn->events = &rl_socket_tls_events;
    rc = rl_tls_attach(conn, &how);
    if (rc < 0) {
        conn->events = &rl_socket_stream_events;
        return rc;
    }
    dial->handshaking = true;
    dial->handshake_ns = rl_clock_ns();
    rl_socket_debug(socket, "TLS handshake with %s", dial->servername);
    return 0;
}

/* tls_version is the only system tag of these two, which k6 does not have (E-320). */
static void sample_with_version(struct rl_socket *socket, enum rl_tcp_metric metric, double value,
                                const struct rl_tls_info *info)
{
    struct rl_vu_env *env = socket->vu->env;
    struct rl_tags *tags = env->shard->tags;
    const struct rl_tagset *overlay = socket->overlay;

    if (env->tag_tls_version && info != NULL && info->version != NULL) {
        socket->overlay = rl_tags_with(tags, overlay, "tls_version", rl_tls_option_name(info->version));
        socket->series = NULL;
    }
    rl_socket_sample(socket, metric, value);
    if (socket->overlay != overlay) {
        socket->overlay = overlay;
        socket->series = NULL;
    }
}

void rl_socket_sample_tls(struct rl_socket *socket, int status)
{
    const struct rl_dial *dial = socket->dial;
    struct rl_tls_info known;
    const struct rl_tls_info *info =
        status == 0 && rl_tls_info(socket->conn, &known) ? &known : NULL;

    sample_with_version(socket, RL_TCP_TLS_HANDSHAKING,
                        (double)(rl_clock_ns() - dial->handshake_ns) / 1e6, info);
    if (info != NULL && dial->resume)
        sample_with_version(socket, RL_TCP_TLS_RESUMED, info->resumed, info);
    if (info != NULL)
        rl_socket_debug(socket, "TLS done: %s %s%s", info->version, info->cipher,
                        info->resumed ? ", resumed" : "");
}

void rl_tls_failure(struct rl_tcp_error *error, enum rl_method method, int status)
{
    const char *why = status == -ETIMEDOUT ? "i/o timeout" : rl_status_text(status);

    /* T-078: one code for whatever goes wrong in it, but for time (T-044). */
    if (status != -ETIMEDOUT && !rl_status_is_tls(status))
        status = RL_ETLS;
    rl_tcp_error_set(error, method, status, "TLS handshake failed: %s", why);
}

/* --- start_tls --- */

static const char *tag_of(const struct rl_socket *socket, const char *name)
{
    const char *value = socket->overlay == NULL ? NULL : rl_tagset_get(socket->overlay, name);

    return value == NULL ? "" : value;
}

static int check_start(const struct rl_socket *socket, const char **message)
{
    if (socket->state != RL_SOCKET_OPEN || socket->vu->state != RL_VU_RUNNING) {
        *message = "no active connection";
        return RL_ENOTCONN;
    }
    if (socket->dial != NULL) {
        *message = "a TLS handshake is under way";
        return -EALREADY;
    }
    if (socket->conn->filter != NULL) {
        *message = "the connection has TLS already";
        return -EISCONN;
    }
    return 0;
}

static void start_expired(struct rl_timer *timer)
{
    struct rl_dial *dial = rl_container_of(timer, struct rl_dial, timeout);
    struct rl_socket *socket = dial->socket;

    rl_conn_abort(socket->conn);
    socket->conn = NULL;
    rl_socket_end_start_tls(socket, -ETIMEDOUT);
}

int rl_socket_start_tls(struct rl_socket *socket, const struct rl_socket_tls *tls,
                        uint64_t timeout_ns, struct rl_waiter *waiter, struct rl_tcp_error *error)
{
    const char *message;
    int status = check_start(socket, &message);

    if (status < 0) {
        rl_tcp_error_set(error, RL_METHOD_START_TLS, status, "%s", message);
        return status;
    }
    socket->dial = rl_dial_new(socket, tag_of(socket, "host"), socket->conn->peer.port, timeout_ns,
                               tls, waiter);
    rl_timer_init(&socket->dial->timeout, start_expired);
    status = rl_socket_begin_tls(socket);
    if (status < 0) {
        rl_dial_end(socket);
        rl_tcp_error_set(error, RL_METHOD_START_TLS, status, "TLS handshake failed: %s",
                         status == -EBUSY ? "what was written before has not been sent yet"
                                          : rl_status_text(status));
        return status;
    }
    rl_loop_timer(socket->vu->env->loop, &socket->dial->timeout,
                  socket->dial->handshake_ns + socket->dial->timeout_ns);
    return RL_PENDING;
}

/* The connection has gone already. */
static void end_failed(struct rl_socket *socket, int status)
{
    struct rl_vu *vu = socket->vu;
    struct rl_waiter *waiter = socket->dial->waiter;
    struct rl_tcp_error error;

    rl_tls_failure(&error, RL_METHOD_START_TLS, status);
    rl_tcp_error_note(vu, &error);
    rl_socket_sample(socket, RL_TCP_ERRORS, 1);
    rl_dial_end(socket);
    socket->conn = NULL;
    rl_socket_end_open(socket, error.status);
    /* As after a failed read (T-026), and the call raises between the two (T-137). */
    if (rl_event_now(socket, RL_EVENT_ERROR, rl_slice_of(NULL, 0), &error)) {
        waiter->wake(waiter, error.status, &error);
        if (vu->state == RL_VU_RUNNING &&
            rl_event_now(socket, RL_EVENT_CLOSE, rl_slice_of(NULL, 0), NULL))
            rl_vu_release(vu);
    }
    rl_socket_release(socket);
}

void rl_socket_end_start_tls(struct rl_socket *socket, int status)
{
    struct rl_waiter *waiter = socket->dial->waiter;

    rl_socket_sample_tls(socket, status);
    if (status < 0) {
        end_failed(socket, status);
        return;
    }
    rl_dial_end(socket);
    waiter->wake(waiter, 0, NULL);
}

/* --- What it has. --- */

bool rl_socket_tls_info(const struct rl_socket *socket, struct rl_tls_info *info)
{
    return socket->state == RL_SOCKET_OPEN && socket->conn->filter != NULL &&
           rl_tls_info(socket->conn, info);
}

const char *rl_tls_option_name(const char *version)
{
    if (version == NULL)
        return NULL;
    return strcmp(version, "TLSv1.3") == 0 ? "tls1.3" : strcmp(version, "TLSv1.2") == 0 ? "tls1.2" : version;
}
