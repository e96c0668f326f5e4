/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting: look up, dial, tell. Also what is refused before the network is asked. */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/status.h"
#include "vu/queue.h"
#include "vu/route.h"
#include "vu/socket_impl.h"
#include "vu/socket_tls.h"

#define DIAL_TIMEOUT_NS (30 * RL_NS_PER_S) /* T-043 */

void rl_dial_end(struct rl_socket *socket)
{
    struct rl_dial *dial = socket->dial;

    rl_timer_cancel(&dial->timeout);
    if (dial->query != NULL)
        rl_query_cancel(dial->query);
    if (dial->tls_context != NULL)
        rl_tls_context_release(dial->tls_context);
    free(dial);
    socket->dial = NULL;
}

static void set_tags(struct rl_socket *socket, const struct rl_tagset *base,
                     const struct rl_route_tags *tags)
{
    socket->overlay = tags->overlay;
    socket->series = tags->series;
    socket->base = base;
}

/* --- The end of an attempt that failed (T-024). In the loop, or before the program went on. --- */

static void failure_message(struct rl_socket *socket, int status, struct rl_tcp_error *error)
{
    struct rl_dial *dial = socket->dial;
    char peer[RL_ADDR_TEXT];

    if (dial->handshaking) {
        rl_tls_failure(error, RL_METHOD_CONNECT, status);
        return;
    }
    if (dial->peer.family == 0) {
        char why[160];

        rl_resolve_message(socket->vu->env->resolver, status, dial->host, dial->port, why,
                           sizeof(why));
        rl_tcp_error_set(error, RL_METHOD_CONNECT, status, "%s", why);
        return;
    }
    rl_addr_format(&dial->peer, peer);
    if (status == -ETIMEDOUT)
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

static void sample_time(struct rl_socket *socket, enum rl_tcp_metric metric, uint64_t from_ns,
                        uint64_t to_ns)
{
    rl_socket_sample(socket, metric, (double)(to_ns - from_ns) / 1e6);
}

static void dial_expired(struct rl_timer *timer)
{
    struct rl_dial *dial = rl_container_of(timer, struct rl_dial, timeout);
    struct rl_socket *socket = dial->socket;

    if (dial->handshaking)
        rl_socket_sample_tls(socket, -ETIMEDOUT);
    if (dial->query == NULL)
        sample_time(socket, RL_TCP_CONNECTING, dial->resolved_ns, rl_clock_ns());
    else
        sample_time(socket, RL_TCP_RESOLVING, dial->started_ns, rl_clock_ns());
    if (socket->conn != NULL) {
        rl_conn_abort(socket->conn);
        socket->conn = NULL;
    }
    fail_now(socket, -ETIMEDOUT);
}

/* The end of looking up, well or not, and the beginning of connecting. */
static void resolved(struct rl_socket *socket)
{
    struct rl_dial *dial = socket->dial;

    dial->resolved_ns = rl_clock_ns();
    sample_time(socket, RL_TCP_RESOLVING, dial->started_ns, dial->resolved_ns);
}

static int start_dial(struct rl_socket *socket, const struct rl_addr *addr)
{
    struct rl_vu_env *env = socket->vu->env;
    struct rl_dial *dial = socket->dial;
    struct rl_addr local = {0};
    struct rl_route *route;

    if (env->local_ips != NULL && !rl_local_ips_is_auto(env->local_ips))
        local = rl_local_ips_at(env->local_ips, socket->vu->id); /* T-059 */
    dial->peer = *addr;
    route = rl_route_to(env, socket->vu->tags, dial->over, dial->host, dial->port);
    set_tags(socket, socket->vu->tags, rl_route_dialled(env, route, addr));
    rl_socket_debug(socket, "connecting to %s port %u", rl_tagset_get(socket->overlay, "ip"),
                    (unsigned)addr->port);
    rl_loop_connecting(env->loop);
    return rl_conn_open(env->net, addr, local.family != 0 ? &local : NULL,
                        &rl_socket_stream_events, socket, &socket->conn);
}

static void on_resolved(void *ctx, int status, const struct rl_addr *addr)
{
    struct rl_socket *socket = ctx;

    socket->dial->query = NULL;
    resolved(socket);
    if (status == 0)
        status = start_dial(socket, addr);
    if (status < 0)
        fail_now(socket, status);
}

/* TCP is up. False: TLS comes next, or has failed to begin. */
static bool is_open(struct rl_socket *socket, int *status)
{
    struct rl_dial *dial = socket->dial;

    if (*status < 0 || dial->tls_context == NULL || dial->handshaking)
        return true;
    *status = rl_socket_begin_tls(socket);
    if (*status == 0) {
        if (!dial->own_timeout) /* T-044: a bound of its own */
            rl_loop_timer(socket->vu->env->loop, &dial->timeout, rl_clock_ns() + dial->timeout_ns);
        return false;
    }
    rl_conn_abort(socket->conn);
    return true;
}

static void opened(struct rl_socket *socket)
{
    struct rl_waiter *waiter = socket->dial->waiter;

    rl_dial_end(socket);
    socket->state = RL_SOCKET_OPEN;
    socket->opened_ns = socket->vu->env->loop->now_ns;
    if (socket->idle_ns != 0)
        rl_socket_set_timeout(socket, socket->idle_ns);
    rl_socket_debug(socket, "connected");
    rl_socket_sample(socket, RL_TCP_SOCKETS, 1);
    /* The handler's first run comes before connect returns (T-136). */
    if (rl_event_now(socket, RL_EVENT_CONNECT, rl_slice_of(NULL, 0), NULL))
        waiter->wake(waiter, 0, NULL);
}

/* When the kernel's answer was reaped: what else the turn had to do before it is not the peer's time. An
 * answer within the turn of the question has come just now; a handshake ends with our own work. */
static uint64_t answered_ns(const struct rl_socket *socket)
{
    uint64_t now_ns = socket->vu->env->loop->now_ns;

    if (socket->dial->handshaking || now_ns <= socket->dial->resolved_ns)
        return rl_clock_ns();
    return now_ns;
}

void rl_socket_on_connected(void *owner, int status)
{
    struct rl_socket *socket = owner;

    if (socket->state == RL_SOCKET_OPEN) {
        rl_socket_end_start_tls(socket, status);
        return;
    }
    if (!is_open(socket, &status))
        return;
    if (socket->dial->handshaking)
        rl_socket_sample_tls(socket, status);
    sample_time(socket, RL_TCP_CONNECTING, socket->dial->resolved_ns, answered_ns(socket));
    if (status < 0) {
        socket->conn = NULL;
        fail_now(socket, status);
        return;
    }
    opened(socket);
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
    if (method != RL_METHOD_CONNECT)
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

struct rl_dial *rl_dial_new(struct rl_socket *socket, const char *host, uint16_t port,
                            uint64_t timeout_ns, const struct rl_socket_tls *tls,
                            struct rl_waiter *waiter)
{
    size_t size = strlen(host) + 1;
    const char *name = tls == NULL || tls->servername == NULL ? NULL : tls->servername;
    size_t name_size = name == NULL ? 0 : strlen(name) + 1;
    struct rl_dial *dial = malloc(sizeof(*dial) + size + name_size);

    RL_CHECK(dial != NULL);
    *dial = (struct rl_dial){
        .port = port, .socket = socket, .waiter = waiter, .own_timeout = timeout_ns != 0};
    memcpy(dial->host, host, size);
    if (name != NULL)
        memcpy(dial->host + size, name, name_size);
    dial->servername = name == NULL ? dial->host : dial->host + size;
    dial->timeout_ns = timeout_ns == 0 ? DIAL_TIMEOUT_NS : timeout_ns;
    dial->started_ns = rl_clock_ns();
    if (tls != NULL) {
        dial->tls_context = rl_tls_context_hold(tls->context);
        dial->resume = tls->resume;
    }
    rl_timer_init(&dial->timeout, dial_expired);
    return dial;
}

/* Constructor < connect < host, port (T-202); no stale ip (T-194). */
static void start_overlay(struct rl_socket *socket, const char *host, uint16_t port,
                          const struct rl_tagset *tags)
{
    struct rl_vu *vu = socket->vu;
    struct rl_tags *interner = vu->env->shard->tags;
    const struct rl_tagset *over = socket->tags;

    if (over == NULL)
        over = rl_tags_empty(interner);
    if (tags != NULL)
        over = rl_tags_over(interner, over, tags);
    socket->dial->over = over;
    set_tags(socket, vu->tags, &rl_route_to(vu->env, vu->tags, over, host, port)->named);
}

int rl_socket_connect(struct rl_socket *socket, const char *host, int64_t port,
                      const struct rl_tagset *tags, uint64_t timeout_ns,
                      const struct rl_socket_tls *tls, struct rl_waiter *waiter,
                      struct rl_tcp_error *error)
{
    struct rl_vu *vu = socket->vu;
    struct rl_vu_env *env = vu->env;
    const char *message;
    struct rl_addr addr;
    int status = check_connect(socket, port, &message);

    if (status < 0)
        return rl_socket_refuse(socket, RL_METHOD_CONNECT, status, message, NULL, waiter, error);
    socket->dial = rl_dial_new(socket, host, (uint16_t)port, timeout_ns, tls, waiter);
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
    resolved(socket);
    if (status == 0)
        status = start_dial(socket, &addr);
    if (status < 0)
        fail_later(socket, status);
    return RL_PENDING;
}
