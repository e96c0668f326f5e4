/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The socket's life but for its connecting (dial.c) and its writing (write.c). */
#include "vu/socket.h"

#include <errno.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/prefetch.h"
#include "base/status.h"
#include "vu/queue.h"
#include "vu/socket_impl.h"
#include "vu/socket_tls.h"

static void idle_expired(struct rl_timer *timer);

void rl_socket_init(struct rl_socket *socket, struct rl_vu *vu, const struct rl_tagset *tags,
                    uint32_t read_size)
{
    *socket = (struct rl_socket){.vu = vu, .tags = tags};
    socket->read_size = read_size == 0 ? RL_READ_SIZE : read_size;
    rl_list_init(&socket->writes);
    rl_list_init(&socket->link);
    rl_timer_init(&socket->idle, idle_expired);
}

void rl_socket_retain(struct rl_socket *socket)
{
    if (socket->retains++ == 0)
        socket->vu->env->program->retain(socket);
}

void rl_socket_release(struct rl_socket *socket)
{
    RL_ASSERT(socket->retains > 0);
    if (--socket->retains == 0)
        socket->vu->env->program->release(socket);
}

/* --- Samples: base < proto < constructor < connect < host, port, ip (T-202). --- */

static struct rl_tcp_series *full_series(struct rl_socket *socket)
{
    struct rl_vu *vu = socket->vu;

    if (RL_UNLIKELY(socket->base != vu->tags || socket->series == NULL)) {
        const struct rl_tagset *over = socket->overlay != NULL ? socket->overlay : socket->tags;

        socket->series = rl_tcp_series_under(vu->env, vu->tags, over);
        socket->base = vu->tags;
    }
    return socket->series;
}

void rl_socket_sample(struct rl_socket *socket, enum rl_tcp_metric metric, double value)
{
    struct rl_vu_env *env = socket->vu->env;
    uint32_t number;

    if (RL_UNLIKELY(socket->vu->state != RL_VU_RUNNING)) /* T-193 */
        return;
    number = rl_tcp_series_number(env, full_series(socket), metric);
    if (metric <= RL_TCP_DURATION || metric >= RL_TCP_TLS_HANDSHAKING)
        rl_shard_add(env->shard, number, value);
    else
        rl_shard_count(env->shard, number, value);
}

/* T-196: an invalid connect knows no host, and has nothing of an earlier one. */
void rl_socket_sample_refusal(struct rl_socket *socket)
{
    const struct rl_tagset *overlay = socket->overlay;

    socket->overlay = NULL;
    socket->series = NULL;
    rl_socket_sample(socket, RL_TCP_ERRORS, 1);
    socket->overlay = overlay;
    socket->series = NULL;
}

/* --- Idle timeout: time without received data (T-163), repeating (T-164). --- */

static void idle_expired(struct rl_timer *timer)
{
    struct rl_socket *socket = rl_container_of(timer, struct rl_socket, idle);
    struct rl_loop *loop = socket->vu->env->loop;
    uint64_t due_ns = socket->idle_base_ns + socket->idle_ns;

    if (due_ns > loop->now_ns) { /* data came meanwhile: it did not touch the wheel */
        rl_loop_timer(loop, timer, due_ns);
        return;
    }
    if (!rl_list_empty(&socket->vu->queue)) { /* these handlers may switch it off (T-166) */
        rl_loop_timer(loop, timer, loop->now_ns);
        return;
    }
    socket->idle_base_ns = loop->now_ns;
    rl_loop_timer(loop, timer, loop->now_ns + socket->idle_ns);
    rl_socket_sample(socket, RL_TCP_TIMEOUTS, 1);
    rl_socket_debug(socket, "timeout occurred");
    rl_event_now(socket, RL_EVENT_TIMEOUT, rl_slice_of(NULL, 0), NULL);
}

static void restart_idle(struct rl_socket *socket, uint64_t now_ns)
{
    rl_timer_cancel(&socket->idle);
    if (socket->idle_ns == 0 || socket->state != RL_SOCKET_OPEN)
        return;
    socket->idle_base_ns = now_ns;
    rl_loop_timer(socket->vu->env->loop, &socket->idle, now_ns + socket->idle_ns);
}

void rl_socket_set_timeout(struct rl_socket *socket, uint64_t timeout_ns)
{
    socket->idle_ns = timeout_ns;
    restart_idle(socket, rl_clock_ns());
    if (timeout_ns == 0)
        rl_socket_debug(socket, "timeout disabled");
    else
        rl_socket_debug(socket, "timeout set to %g ms", (double)timeout_ns / 1e6);
}

/* --- From the connection. --- */

static inline __attribute__((always_inline)) void take_data(struct rl_socket *socket,
                                                            struct rl_slice view)
{
    struct rl_vu *vu = socket->vu;

    socket->idle_base_ns = vu->env->loop->now_ns;
    socket->bytes_read += view.size; /* all that arrived, before any handler (T-015) */
    rl_socket_debug(socket, "%zu bytes read", view.size);
    if (RL_LIKELY(view.size <= socket->read_size)) {
        rl_socket_sample(socket, RL_TCP_READS, 1);
        rl_event_now(socket, RL_EVENT_DATA, view, NULL);
        return;
    }
    /* A handler may destroy the socket: what arrived before is still delivered (T-140). */
    rl_socket_retain(socket);
    for (size_t at = 0, size; at < view.size; at += size) {
        struct rl_slice chunk;

        size = view.size - at < socket->read_size ? view.size - at : socket->read_size;
        chunk = rl_slice_of(view.data + at, size);
        rl_socket_sample(socket, RL_TCP_READS, 1);
        if (!(at == 0 ? rl_event_now : rl_event_next)(socket, RL_EVENT_DATA, chunk, NULL))
            break;
    }
    rl_socket_release(socket);
}

static void on_data(void *owner, struct rl_slice view)
{
    struct rl_socket *socket = owner;

    rl_vu_count_bytes(socket->vu, 0, view.size);
    take_data(socket, view);
}

/* With TLS, data_sent and data_received count what is on the wire, bytes_* what is in it (T-082). */
static void on_plain_data(void *owner, struct rl_slice view)
{
    take_data(owner, view);
}

static void on_wire(void *owner, size_t sent_bytes, size_t received_bytes)
{
    struct rl_socket *socket = owner;

    rl_vu_count_bytes(socket->vu, sent_bytes, received_bytes);
}

void rl_socket_detach(struct rl_socket *socket, bool abort)
{
    rl_timer_cancel(&socket->idle);
    if (socket->conn != NULL) {
        if (abort)
            rl_conn_abort(socket->conn);
        else
            rl_conn_close(socket->conn);
        socket->conn = NULL;
    }
    rl_list_remove(&socket->link);
}

static void sample_duration(struct rl_socket *socket)
{
    uint64_t now_ns = rl_clock_ns();

    rl_socket_sample(socket, RL_TCP_DURATION, (double)(now_ns - socket->opened_ns) / 1e6);
}

void rl_socket_end_open(struct rl_socket *socket, int status)
{
    sample_duration(socket);
    socket->state = RL_SOCKET_DESTROYED;
    rl_socket_detach(socket, false);
    rl_socket_fail_writes(socket, status);
}

/* The peer ended it: 0 for FIN (T-025), else a failure (T-026). */
static void on_ended(void *owner, int status)
{
    struct rl_socket *socket = owner;
    struct rl_vu *vu = socket->vu;
    struct rl_tcp_error error;

    if (status < 0) {
        char pair[RL_PAIR_TEXT];

        rl_conn_pair(socket->conn, pair);
        rl_tcp_error_set(&error, RL_METHOD_READ, status, "read tcp %s: read: %s", pair,
                         rl_status_text(status));
        rl_tcp_error_note(socket->vu, &error);
        rl_socket_sample(socket, RL_TCP_ERRORS, 1);
    }
    rl_socket_end_open(socket, status < 0 ? status : -ECANCELED);
    if ((status == 0 || rl_event_now(socket, RL_EVENT_ERROR, rl_slice_of(NULL, 0), &error)) &&
        rl_event_now(socket, RL_EVENT_CLOSE, rl_slice_of(NULL, 0), NULL))
        rl_vu_release(vu);
    rl_socket_release(socket);
}

/* Each stage reads only what the one before has asked for. */
static void ask_ahead(void *owner, unsigned stage)
{
    struct rl_socket *socket = owner;

    if (stage == 0) { /* the program's record follows in the second line */
        rl_prefetch_line(&socket->vu);
        rl_prefetch_line((const char *)&socket->vu + RL_CACHE_LINE);
    } else if (stage == 1) {
        rl_prefetch_line(socket->vu);
    } else if (socket->vu->env->program->prefetch != NULL) {
        socket->vu->env->program->prefetch(socket);
    }
}

const struct rl_stream_events rl_socket_stream_events = {
    .connected = rl_socket_on_connected,
    .data = on_data,
    .sent = rl_socket_on_sent,
    .ended = on_ended,
    .prefetch = ask_ahead,
};

const struct rl_stream_events rl_socket_tls_events = {
    .connected = rl_socket_on_connected,
    .data = on_plain_data,
    .sent = rl_socket_on_plain_sent,
    .ended = on_ended,
    .wire = on_wire,
};

void rl_socket_pause(struct rl_socket *socket)
{
    if (socket->state == RL_SOCKET_OPEN)
        rl_conn_pause(socket->conn);
}

void rl_socket_resume(struct rl_socket *socket)
{
    if (socket->state == RL_SOCKET_OPEN)
        rl_conn_resume(socket->conn);
}

/* --- Ending it from this side. --- */

void rl_socket_destroy(struct rl_socket *socket)
{
    struct rl_vu *vu = socket->vu;
    int before = socket->state;
    struct rl_waiter *waiter = NULL;
    struct rl_tcp_error error;

    if (before == RL_SOCKET_DESTROYED)
        return;
    if (before == RL_SOCKET_OPEN)
        sample_duration(socket);
    socket->state = RL_SOCKET_DESTROYED;
    if (socket->dial != NULL) {
        waiter = socket->dial->waiter;
        rl_dial_end(socket);
    }
    rl_socket_detach(socket, false);
    rl_socket_fail_writes(socket, -ECANCELED);
    if (waiter != NULL) { /* T-028: the attempt is cancelled, without event or sample */
        rl_tcp_error_set(&error, before == RL_SOCKET_OPEN ? RL_METHOD_START_TLS : RL_METHOD_CONNECT,
                         -ECANCELED, "dial tcp: operation was canceled");
        rl_event_later(socket, RL_EVENT_COUNT, -ECANCELED, &error, waiter);
    }
    rl_event_later(socket, RL_EVENT_CLOSE, 0, NULL, NULL);
    if (before == RL_SOCKET_OPENING || before == RL_SOCKET_OPEN) {
        rl_vu_release(vu);
        rl_socket_release(socket);
    }
}

void rl_socket_cancel(struct rl_socket *socket)
{
    socket->state = RL_SOCKET_DESTROYED;
    if (socket->dial != NULL)
        rl_dial_end(socket);
    rl_socket_forget_writes(socket); /* their memory goes with the program's coroutines */
    rl_socket_detach(socket, true);
    rl_socket_release(socket);
}

void rl_socket_fini(struct rl_socket *socket)
{
    RL_ASSERT(socket->retains == 0);
    rl_timer_cancel(&socket->idle);
    if (socket->dial != NULL)
        rl_dial_end(socket);
    rl_socket_detach(socket, true);
}

const struct rl_addr *rl_socket_local(struct rl_socket *socket)
{
    return socket->state == RL_SOCKET_OPEN ? rl_conn_local(socket->conn) : NULL;
}

const struct rl_addr *rl_socket_remote(struct rl_socket *socket)
{
    return socket->state == RL_SOCKET_OPEN ? &socket->conn->peer : NULL;
}
