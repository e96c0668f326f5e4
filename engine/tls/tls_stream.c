/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_stream.h"

#include "tls/tls_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/status.h"
#include "tls/tls_sessions.h"
#include "tls/tls_stream_impl.h"

static struct rl_tls_stream *of_filter(void *filter)
{
    return rl_container_of((struct rl_filter *)filter, struct rl_tls_stream, filter);
}

void rl_tls_stream_free(struct rl_tls_stream *stream)
{
    rl_list_remove(&stream->link);
    rl_tls_worker_leave(stream->worker, stream);
    rl_tls_handshake_drop_recipe(stream);
    rl_tls_engine_fini(&stream->engine);
    rl_buf_fini(&stream->held);
    rl_buf_fini(&stream->marks);
    free(stream->session_key);
    free(stream);
}

static void tell_wire(struct rl_tls_stream *stream, size_t sent, size_t received)
{
    const struct rl_stream_events *events = stream->filter.events;

    if (events->wire != NULL)
        events->wire(stream->filter.owner, sent, received);
}

/* --- Bytes for the peer. --- */

void rl_tls_stream_out(void *ctx, struct rl_slice data)
{
    struct rl_tls_stream *stream = ctx;
    int rc = rl_conn_send_raw(stream->filter.conn, data);

    if (rc == 0)
        stream->cipher_queued += data.size;
    else if (stream->out_status == 0)
        stream->out_status = rc;
}

static int add_mark(struct rl_tls_stream *stream, size_t plain_bytes)
{
    const struct rl_tls_mark mark = {stream->cipher_queued, plain_bytes};

    if (!stream->wants_sent)
        return 0;
    if (!stream->has_first) {
        stream->first = mark;
        stream->has_first = true;
        return 0;
    }
    return rl_buf_append(&stream->marks, &mark, sizeof(mark));
}

static void next_mark(struct rl_tls_stream *stream)
{
    struct rl_slice view = rl_buf_view(&stream->marks);

    stream->has_first = view.size > 0;
    if (view.size == 0)
        return;
    memcpy(&stream->first, view.data, sizeof(stream->first));
    rl_buf_consume(&stream->marks, sizeof(stream->first));
    if (rl_buf_size(&stream->marks) == 0)
        rl_buf_fini(&stream->marks);
}

/* A record at a time, so that what was accepted is known as finely as the peer can use it. */
static int stream_send(struct rl_filter *filter, struct rl_slice data)
{
    struct rl_tls_stream *stream = of_filter(filter);

    if (stream->stage != RL_TLS_OPEN || filter->conn->state != RL_CONN_OPEN)
        return -ENOTCONN;
    if (filter->conn->send_failed)
        return -EPIPE;
    for (size_t at = 0; at < data.size; at += RL_TLS_RECORD) {
        size_t size = data.size - at < RL_TLS_RECORD ? data.size - at : RL_TLS_RECORD;
        int rc = rl_tls_engine_write(&stream->engine, rl_slice_of(data.data + at, size));

        if (rc == 0)
            rc = stream->out_status;
        if (rc == 0)
            rc = add_mark(stream, size);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static size_t stream_pending(const struct rl_filter *filter)
{
    return rl_conn_pending_raw(filter->conn);
}

/* The kernel took some: of which plaintext is that the end? */
static void on_sent(void *owner, size_t size_bytes, int status)
{
    struct rl_tls_stream *stream = of_filter(owner);
    uint64_t plain = 0;

    stream->cipher_sent += size_bytes;
    if (size_bytes > 0)
        tell_wire(stream, size_bytes, 0);
    while (stream->has_first && stream->first.cipher_end <= stream->cipher_sent) {
        plain += stream->first.plain_bytes;
        next_mark(stream);
    }
    if (stream->wants_sent && stream->stage >= RL_TLS_OPEN && (plain > 0 || status < 0))
        stream->filter.events->sent(stream->filter.owner, plain, status);
}

void rl_tls_stream_keep_session(struct rl_tls_stream *stream)
{
    size_t size = 0;
    uint8_t *blob;

    if (stream->sessions == NULL || !stream->engine.ticket)
        return;
    blob = rl_tls_engine_session(&stream->engine, &size);
    if (blob != NULL)
        rl_tls_sessions_take(stream->sessions, stream->session_key, blob, size);
}

bool rl_tls_stream_deliver(struct rl_tls_stream *stream)
{
    const struct rl_stream_events *events = stream->filter.events;
    struct rl_tls_worker *worker = stream->worker;
    int status = 0;
    size_t size;

    stream->busy = true;
    do {
        size = rl_tls_engine_read(&stream->engine, worker->plain, sizeof(worker->plain), &status);
        if (size > 0)
            events->data(stream->filter.owner, rl_slice_of(worker->plain, size));
    } while (size > 0 && !stream->gone && !rl_tls_engine_drained(&stream->engine));
    stream->busy = false;
    if (stream->gone) {
        rl_tls_stream_free(stream);
        return false;
    }
    rl_tls_stream_keep_session(stream);
    if (status == 0)
        return true;
    stream->stage = RL_TLS_ENDED;
    events->ended(stream->filter.owner, status == 1 ? 0 : status);
    return false;
}

void rl_tls_stream_tcp_ended(struct rl_tls_stream *stream, int status)
{
    if (status == 0)
        status = rl_tls_engine_end(&stream->engine);
    stream->stage = RL_TLS_ENDED;
    stream->filter.events->ended(stream->filter.owner, status);
}

/* --- From the connection. --- */

static void on_connected(void *owner, int status)
{
    struct rl_tls_stream *stream = of_filter(owner);
    const struct rl_stream_events *events = stream->filter.events;

    owner = stream->filter.owner;
    if (status < 0) {
        rl_tls_stream_free(stream);
        events->connected(owner, status);
        return;
    }
    if (stream->tcp_up != NULL)
        stream->tcp_up(owner);
    rl_tls_handshake_begin(stream);
}

static void on_data(void *owner, struct rl_slice view)
{
    struct rl_tls_stream *stream = of_filter(owner);

    tell_wire(stream, 0, view.size);
    if (RL_LIKELY(stream->stage == RL_TLS_OPEN)) {
        rl_tls_engine_feed(&stream->engine, view);
        rl_tls_stream_deliver(stream);
    } else if (stream->stage < RL_TLS_OPEN) {
        rl_tls_handshake_input(stream, view);
    }
}

static void on_ended(void *owner, int status)
{
    struct rl_tls_stream *stream = of_filter(owner);

    if (stream->stage < RL_TLS_OPEN)
        rl_tls_handshake_cut(stream, status);
    else if (stream->stage == RL_TLS_OPEN)
        rl_tls_stream_tcp_ended(stream, status);
}

/* The kernel's sends are heard of only where somebody wants to know: that costs a turn. */
static const struct rl_stream_events own_events = {
    .connected = on_connected, .data = on_data, .sent = on_sent, .ended = on_ended};
static const struct rl_stream_events own_quiet_events = {
    .connected = on_connected, .data = on_data, .ended = on_ended};

/* --- The end. --- */

/* T-081: close_notify, unless bytes before it are still to be taken: those will be dropped. What was
 * written in this very turn goes with it. After a failure it is the library's alert that goes. */
static void stream_leave(struct rl_filter *filter, bool abort)
{
    struct rl_tls_stream *stream = of_filter(filter);

    if (!abort && rl_conn_may_send_last(filter->conn)) {
        if (stream->stage >= RL_TLS_OPEN)
            rl_tls_engine_farewell(&stream->engine); /* nothing, after a failure */
        rl_conn_send_last(filter->conn);
    }
    rl_list_remove(&stream->link);
    rl_tls_worker_leave(stream->worker, stream);
    if (stream->busy)
        stream->gone = true;
    else
        rl_tls_stream_free(stream);
}

static const struct rl_filter_ops ops = {
    .send = stream_send, .pending = stream_pending, .leave = stream_leave};

/* --- Attaching. --- */

static int copy_text(char **copy, const char *text)
{
    if (text == NULL)
        return 0;
    *copy = strdup(text);
    return *copy == NULL ? -ENOMEM : 0;
}

static int init_stream(struct rl_tls_stream *stream, const struct rl_tls_attach *how)
{
    rl_list_init(&stream->link);
    rl_buf_init(&stream->held, 0);
    rl_buf_init(&stream->marks, 0);
    stream->worker = how->worker;
    stream->tcp_up = how->tcp_up;
    stream->context = rl_tls_context_hold(how->context);
    if (how->context->resumes)
        stream->sessions = how->sessions;
    if (stream->sessions != NULL && copy_text(&stream->session_key, how->session_key) < 0)
        return -ENOMEM;
    return copy_text(&stream->servername, how->servername);
}

int rl_tls_attach(struct rl_conn *conn, const struct rl_tls_attach *how)
{
    struct rl_tls_stream *stream;
    bool is_open = conn->state == RL_CONN_OPEN;
    int rc;

    if (!is_open && conn->state != RL_CONN_OPENING)
        return -ENOTCONN;
    if (conn->filter != NULL || (is_open && (conn->submitted || rl_conn_pending_raw(conn) > 0)))
        return -EBUSY;
    stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        return -ENOMEM;
    rc = init_stream(stream, how);
    if (rc < 0) {
        rl_tls_stream_free(stream);
        return rc;
    }
    stream->wants_sent = conn->events->sent != NULL;
    rl_filter_attach(&stream->filter, conn, &ops,
                     conn->events->sent != NULL || conn->events->wire != NULL ? &own_events
                                                                              : &own_quiet_events);
    if (is_open)
        rl_tls_handshake_begin_later(stream); /* not from here: its owner is calling */
    return 0;
}

bool rl_tls_info(const struct rl_conn *conn, struct rl_tls_info *info)
{
    struct rl_tls_stream *stream;

    if (conn == NULL || conn->filter == NULL || conn->filter->ops != &ops)
        return false;
    stream = of_filter(conn->filter);
    if (stream->stage < RL_TLS_OPEN || stream->engine.ssl == NULL)
        return false;
    *info = (struct rl_tls_info){.version = rl_tls_engine_version(&stream->engine),
                                 .cipher = rl_tls_engine_cipher(&stream->engine),
                                 .alpn = rl_tls_engine_alpn(&stream->engine),
                                 .peer_subject = stream->engine.subject,
                                 .resumed = rl_tls_engine_resumed(&stream->engine),
                                 .handshake_ns = stream->handshake_ns};
    return true;
}
