/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting: look up, dial, tell. Also what is refused before the network is asked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/status.h"
#include "vu/queue.h"
#include "vu/socket_impl.h"

#define DIAL_TIMEOUT_NS (30 * RL_NS_PER_S) /* T-043 */

void rl_dial_end(struct rl_socket *socket)
{
    struct rl_dial *dial = socket->dial;

    rl_timer_cancel(&dial->timeout);
    if (dial->query != NULL)
        rl_query_cancel(dial->query);
    rl_tls_context_release(dial->tls);
    free(dial);
    socket->dial = NULL;
}

static void set_overlay(struct rl_socket *socket, const struct rl_tagset *overlay)
{
    socket->overlay = overlay;
    socket->series = NULL;
}

/* --- The end of an attempt that failed (T-024). In the loop, or before the program went on. --- */

static void failure_message(struct rl_socket *socket, int status, struct rl_tcp_error *error)
{
    struct rl_dial *dial = socket->dial;
    char peer[RL_ADDR_TEXT];

    if (dial->peer.family == 0) {
        char why[160];

        rl_resolve_message(socket->vu->env->resolver, status, dial->host, dial->port, why,
                           sizeof(why));
        rl_tcp_error_set(error, RL_METHOD_CONNECT, status, "%s", why);
        return;
    }
    rl_addr_format(&dial->peer, peer);
    if (dial->tls_ns != 0 || rl_status_is_tls(status)) /* T-078 */
        rl_tcp_error_set(error, RL_METHOD_CONNECT, status, "TLS handshake failed: %s",
                         rl_status_text(status));
    else if (status == -ETIMEDOUT)
        rl_tcp_error_set(error, RL_METHOD_CONNECT, status, "dial tcp %s: i/o timeout", peer);
    else if (status == -EADDRNOTAVAIL)
        rl_tcp_error_set(error, RL_METHOD_CONNECT, status,
                         "dial tcp %s: connect: cannot assign requested address (out of source "
                         "ports)", peer);
    else
        rl_tcp_error_set(error, RL_METHOD_CONNECT, status, "dial tcp %s: connect: %s", peer,
                         rl_status_text(status));
}

/* The socket is disconnected again; who waits is the caller's to tell. */
static struct rl_waiter *end_failed(struct rl_socket *socket, int status,
                                    struct rl_tcp_error *error)
{
    struct rl_waiter *waiter = socket->dial->waiter;

    failure_message(socket, status, error);
    rl_tcp_error_note(socket->vu, error);
    rl_socket_sample(socket, RL_TCP_ERRORS, 1);
    rl_dial_end(socket);
    rl_list_remove(&socket->link);
    socket->state = RL_SOCKET_DISCONNECTED;
    return waiter;
}

/* Called from the loop. */
static void fail_now(struct rl_socket *socket, int status)
{
    struct rl_vu *vu = socket->vu;
    struct rl_tcp_error error;
    struct rl_waiter *waiter = end_failed(socket, status, &error);

    /* The handler first, then the raise (T-137). */
    if (rl_event_now(socket, RL_EVENT_ERROR, rl_slice_of(NULL, 0), &error))
        waiter->wake(waiter, status, &error);
    if (vu->state == RL_VU_RUNNING)
        rl_vu_release(vu);
    rl_socket_release(socket);
}

/* Called while the program runs. */
static void fail_later(struct rl_socket *socket, int status)
{
    struct rl_tcp_error error;
    struct rl_waiter *waiter = end_failed(socket, status, &error);

    rl_event_later(socket, RL_EVENT_ERROR, status, &error, waiter);
    rl_vu_release(socket->vu);
    rl_socket_release(socket);
}

/* --- Dialling. --- */

static void sample_since(struct rl_socket *socket, enum rl_tcp_metric metric, uint64_t since_ns)
{
    rl_socket_sample(socket, metric, (double)(rl_clock_ns() - since_ns) / 1e6);
}

/* T-070: tcp_socket_connecting is TCP's and TLS's together. */
static void sample_connecting(struct rl_socket *socket)
{
    sample_since(socket, RL_TCP_CONNECTING, socket->dial->resolved_ns);
    if (socket->dial->tls_ns != 0)
        sample_since(socket, RL_TCP_TLS_HANDSHAKING, socket->dial->tls_ns);
}

static void dial_expired(struct rl_timer *timer)
{
    struct rl_dial *dial = rl_container_of(timer, struct rl_dial, timeout);
    struct rl_socket *socket = dial->socket;

    if (dial->query == NULL)
        sample_connecting(socket);
    else
        sample_since(socket, RL_TCP_RESOLVING, dial->started_ns);
    if (socket->conn != NULL) {
        rl_conn_abort(socket->conn);
        socket->conn = NULL;
    }
    fail_now(socket, -ETIMEDOUT);
}

/* TCP is connected: the handshake has a bound of its own (T-044), unless the script gave one for all. */
static void tcp_is_up(void *owner)
{
    struct rl_socket *socket = owner;
    struct rl_dial *dial = socket->dial;

    dial->tls_ns = rl_clock_ns();
    if (!dial->has_timeout)
        rl_loop_timer(socket->vu->env->loop, &dial->timeout, dial->tls_ns + dial->timeout_ns);
}

static int attach_tls(struct rl_socket *socket)
{
    struct rl_vu *vu = socket->vu;
    struct rl_dial *dial = socket->dial;
    char key[RL_ADDR_TEXT + 300];
    struct rl_tls_attach how = {.worker = vu->env->tls_worker,
                                .context = dial->tls,
                                .servername = dial->servername,
                                .session_key = key,
                                .tcp_up = tcp_is_up};
    int rc;

    if (rl_tls_context_resumes(dial->tls)) {
        if (vu->tls_sessions == NULL)
            vu->tls_sessions = rl_tls_sessions_new();
        how.sessions = vu->tls_sessions;
        /* Of a context's own: another one may ask for what this session has not. */
        snprintf(key, sizeof(key), "%s:%u %p", dial->servername, (unsigned)dial->port,
                 (void *)dial->tls);
    }
    rc = rl_tls_attach(socket->conn, &how);
    if (rc < 0) {
        rl_conn_abort(socket->conn);
        socket->conn = NULL;
    }
    return rc;
}

static int start_dial(struct rl_socket *socket, const struct rl_addr *addr)
{
    struct rl_vu_env *env = socket->vu->env;
    struct rl_dial *dial = socket->dial;
    struct rl_addr local = {0};
    char ip[RL_ADDR_TEXT];
    int rc;

    if (env->local_ips != NULL && !rl_local_ips_is_auto(env->local_ips))
        local = rl_local_ips_at(env->local_ips, socket->vu->id); /* T-059 */
    dial->peer = *addr;
    dial->resolved_ns = rl_clock_ns();
    rl_addr_format_ip(addr, ip);
    rl_socket_debug(socket, "connecting to %s port %u", ip, (unsigned)addr->port);
    set_overlay(socket, rl_tags_with(env->shard->tags, socket->overlay, "ip", ip));
    rc = rl_conn_open(env->net, addr, local.family != 0 ? &local : NULL,
                      dial->tls == NULL ? &rl_socket_stream_events : &rl_socket_tls_events, socket,
                      &socket->conn);
    return rc == 0 && dial->tls != NULL ? attach_tls(socket) : rc;
}

static void on_resolved(void *ctx, int status, const struct rl_addr *addr)
{
    struct rl_socket *socket = ctx;

    socket->dial->query = NULL;
    sample_since(socket, RL_TCP_RESOLVING, socket->dial->started_ns);
    if (status == 0)
        status = start_dial(socket, addr);
    if (status < 0)
        fail_now(socket, status);
}

/* The share of handshakes that were resumed, of those that could have been. */
static void sample_resumed(struct rl_socket *socket)
{
    const struct rl_tls_context *tls = socket->dial->tls;
    struct rl_tls_info info;

    if (tls != NULL && rl_tls_context_resumes(tls) && rl_tls_info(socket->conn, &info))
        rl_socket_sample(socket, RL_TCP_TLS_RESUMED, info.resumed);
}

void rl_socket_on_connected(void *owner, int status)
{
    struct rl_socket *socket = owner;
    struct rl_vu *vu = socket->vu;
    struct rl_waiter *waiter;

    sample_connecting(socket);
    if (status < 0) {
        socket->conn = NULL;
        fail_now(socket, status);
        return;
    }
    waiter = socket->dial->waiter;
    sample_resumed(socket);
    rl_dial_end(socket);
    socket->state = RL_SOCKET_OPEN;
    socket->opened_ns = vu->env->loop->now_ns;
    if (socket->idle_ns != 0)
        rl_socket_set_timeout(socket, socket->idle_ns);
    rl_socket_debug(socket, "connected");
    rl_socket_sample(socket, RL_TCP_SOCKETS, 1);
    /* The handler's first run comes before connect returns (T-136). */
    if (rl_event_now(socket, RL_EVENT_CONNECT, rl_slice_of(NULL, 0), NULL))
        waiter->wake(waiter, 0, NULL);
}

/* --- Refusals: what never reaches the network. --- */

int rl_socket_refuse(struct rl_socket *socket, enum rl_method method, int status,
                     const char *message, const struct rl_tagset *tags, struct rl_waiter *waiter,
                     struct rl_tcp_error *error)
{
    rl_tcp_error_set(error, method, status, "%s", message);
    if (socket->vu->state != RL_VU_RUNNING) /* nobody would be woken (T-185) */
        return status;
    rl_tcp_error_note(socket->vu, error);
    if (method == RL_METHOD_WRITE)
        rl_socket_write_sample(socket, RL_TCP_ERRORS, tags);
    else
        rl_socket_sample_refusal(socket);
    if (socket->state == RL_SOCKET_DESTROYED) /* T-176, T-029 */
        return status;
    rl_event_later(socket, RL_EVENT_ERROR, status, error, waiter);
    return RL_PENDING;
}

/* T-029, T-038, T-047, T-048: 0, or why this connect cannot begin. */
static int check_connect(const struct rl_socket *socket, int64_t port, const char **message)
{
    if (socket->vu->state != RL_VU_RUNNING) {
        *message = "dial tcp: the iteration has ended";
        return -ECANCELED;
    }
    switch ((enum rl_socket_state)socket->state) {
    case RL_SOCKET_DESTROYED:
        *message = "the socket was destroyed and cannot connect again";
        return RL_EDESTROYED;
    case RL_SOCKET_OPEN:
        *message = "the socket is already connected";
        return -EISCONN;
    case RL_SOCKET_OPENING:
        *message = "the socket is already connecting";
        return -EALREADY;
    case RL_SOCKET_DISCONNECTED:
        break;
    }
    if (port < 0 || port > UINT16_MAX) {
        *message = "invalid port: it must be from 0 to 65535";
        return RL_EINVALIDPORT;
    }
    return 0;
}

static struct rl_dial *new_dial(struct rl_socket *socket, const char *host, uint16_t port,
                                uint64_t timeout_ns, const struct rl_tls_options *tls,
                                struct rl_waiter *waiter)
{
    size_t size = strlen(host) + 1;
    const char *name = tls == NULL || tls->servername == NULL ? "" : tls->servername;
    size_t name_bytes = strlen(name) + 1;
    struct rl_dial *dial = calloc(1, sizeof(*dial) + size + name_bytes);

    RL_CHECK(dial != NULL);
    memcpy(dial->host, host, size);
    memcpy(dial->host + size, name, name_bytes);
    dial->servername = name[0] == '\0' ? dial->host : dial->host + size;
    dial->has_timeout = timeout_ns != 0;
    dial->port = port;
    dial->socket = socket;
    dial->waiter = waiter;
    dial->timeout_ns = timeout_ns == 0 ? DIAL_TIMEOUT_NS : timeout_ns;
    dial->started_ns = rl_clock_ns();
    rl_timer_init(&dial->timeout, dial_expired);
    return dial;
}

/* Constructor < connect < host, port (T-202); no stale ip (T-194). */
static void start_overlay(struct rl_socket *socket, const char *host, uint16_t port,
                          const struct rl_tagset *tags)
{
    struct rl_tags *interner = socket->vu->env->shard->tags;
    const struct rl_tagset *overlay = socket->tags;
    char text[8];

    if (overlay == NULL)
        overlay = rl_tags_empty(interner);
    if (tags != NULL)
        overlay = rl_tags_over(interner, overlay, tags);
    snprintf(text, sizeof(text), "%u", (unsigned)port);
    overlay = rl_tags_with(interner, overlay, "host", host);
    set_overlay(socket, rl_tags_with(interner, overlay, "port", text));
}

/* What TLS needs is made before the network is asked: it may not be possible. */
static int choose_tls(struct rl_vu_env *env, const char *host, const struct rl_tls_options *options,
                      struct rl_tls_context **context, char *why, size_t why_bytes)
{
    static const char prefix[] = "TLS handshake failed: ";
    size_t length = sizeof(prefix) - 1;

    memcpy(why, prefix, sizeof(prefix));
    if (env->tls_contexts == NULL || env->tls_worker == NULL) {
        snprintf(why + length, why_bytes - length, "this run has no TLS");
        return RL_ETLS_CONFIG;
    }
    *context = rl_tls_contexts_get(env->tls_contexts, host, options, why + length, why_bytes - length);
    if (*context == NULL)
        return RL_ETLS_CONFIG;
    rl_tls_context_hold(*context);
    return 0;
}

int rl_socket_connect(struct rl_socket *socket, const char *host, int64_t port,
                      const struct rl_tagset *tags, uint64_t timeout_ns,
                      const struct rl_tls_options *tls, struct rl_waiter *waiter,
                      struct rl_tcp_error *error)
{
    struct rl_vu *vu = socket->vu;
    struct rl_vu_env *env = vu->env;
    struct rl_tls_context *context = NULL;
    const char *message;
    char why[200];
    struct rl_addr addr;
    int status = check_connect(socket, port, &message);

    if (status == 0 && tls != NULL) {
        status = choose_tls(env, host, tls, &context, why, sizeof(why));
        message = why;
    }
    if (status < 0)
        return rl_socket_refuse(socket, RL_METHOD_CONNECT, status, message, NULL, waiter, error);
    socket->dial = new_dial(socket, host, (uint16_t)port, timeout_ns, tls, waiter);
    socket->dial->tls = context;
    start_overlay(socket, host, (uint16_t)port, tags);
    socket->state = RL_SOCKET_OPENING;
    rl_list_push(&vu->sockets, &socket->link);
    rl_socket_retain(socket);
    rl_vu_hold(vu);
    rl_loop_timer(env->loop, &socket->dial->timeout,
                  socket->dial->started_ns + socket->dial->timeout_ns);
    status = rl_resolve(env->resolver, env->loop, socket->dial->host, (uint16_t)port, &addr,
                        &socket->dial->query, on_resolved, socket);
    if (status == -EINPROGRESS)
        return RL_PENDING;
    socket->dial->query = NULL;
    sample_since(socket, RL_TCP_RESOLVING, socket->dial->started_ns);
    if (status == 0)
        status = start_dial(socket, &addr);
    if (status < 0)
        fail_later(socket, status);
    return RL_PENDING;
}
