/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_stream.h"

#include "tls/tls_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/status.h"
#include "tls/tls_sessions.h"
#include "tls/tls_stream_impl.h"

static struct rl_tls_stream *of_filter(void *filter)
{
    return rl_container_of((struct rl_filter *)filter, struct rl_tls_stream, filter);
}

/* What the engine is made of. */
static void drop_recipe(struct rl_tls_stream *stream)
{
    rl_tls_context_release(stream->context);
    free(stream->servername);
    stream->context = NULL;
    stream->servername = NULL;
}

static void free_stream(struct rl_tls_stream *stream)
{
    rl_list_remove(&stream->link);
    rl_tls_worker_leave(stream->worker, stream);
    drop_recipe(stream);
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

/* Whatever the library has to say goes at once behind what it has said. A connection that takes no more
 * makes no difference to the library: whoever sends is told. */
static void on_out(void *ctx, struct rl_slice data)
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

/* --- The handshake. --- */

/* The connection goes first, with the alert that the library has written (T-078). */
static void handshake_failed(struct rl_tls_stream *stream, int status)
{
    const struct rl_stream_events *events = stream->filter.events;
    void *owner = stream->filter.owner;

    stream->worker->counts.failed++;
    if (stream->sessions != NULL)
        rl_tls_sessions_drop(stream->sessions, stream->session_key);
    stream->stage = RL_TLS_ENDED;
    rl_conn_close(stream->filter.conn);
    events->connected(owner, status);
}

static void keep_session(struct rl_tls_stream *stream)
{
    size_t size = 0;
    uint8_t *blob;

    if (stream->sessions == NULL || !stream->engine.ticket)
        return;
    blob = rl_tls_engine_session(&stream->engine, &size);
    if (blob != NULL)
        rl_tls_sessions_take(stream->sessions, stream->session_key, blob, size);
}

/* Deliver what the fed bytes hold; all of them are used up. False: the stream is no more. */
static bool deliver(struct rl_tls_stream *stream)
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
        free_stream(stream);
        return false;
    }
    keep_session(stream);
    if (status == 0)
        return true;
    stream->stage = RL_TLS_ENDED;
    events->ended(stream->filter.owner, status == 1 ? 0 : status);
    return false;
}

static void tcp_ended(struct rl_tls_stream *stream, int status)
{
    if (status == 0)
        status = rl_tls_engine_end(&stream->engine);
    stream->stage = RL_TLS_ENDED;
    stream->filter.events->ended(stream->filter.owner, status);
}

static void handshake_done(struct rl_tls_stream *stream)
{
    struct rl_tls_worker *worker = stream->worker;

    stream->stage = RL_TLS_OPEN;
    stream->handshake_ns = rl_clock_ns() - stream->begun_ns;
    rl_tls_worker_leave(worker, stream);
    worker->counts.done++;
    worker->counts.resumed += rl_tls_engine_resumed(&stream->engine);
    keep_session(stream);
    stream->busy = true;
    stream->filter.events->connected(stream->filter.owner, 0);
    stream->busy = false;
    if (stream->gone) {
        free_stream(stream);
        return;
    }
    /* What came in behind the handshake's last message; and TCP's end, if that came while it waited. */
    if (deliver(stream) && stream->tcp_ended)
        tcp_ended(stream, stream->end_status);
}

static int make_engine(struct rl_tls_stream *stream)
{
    struct rl_slice session = rl_slice_of(NULL, 0);
    int rc;

    if (stream->sessions != NULL)
        session = rl_tls_sessions_get(stream->sessions, stream->session_key);
    rc = rl_tls_engine_init(&stream->engine, stream->context, stream->servername, session, on_out,
                            stream);
    drop_recipe(stream);
    return rc;
}

static int engine_step(struct rl_tls_stream *stream, struct rl_slice view)
{
    int rc = stream->engine.ssl == NULL ? make_engine(stream) : 0;

    if (rc < 0)
        return rc;
    rl_tls_engine_feed(&stream->engine, view);
    return rl_tls_engine_step(&stream->engine);
}

/* One step, with view as input. */
static void step(struct rl_tls_stream *stream, struct rl_slice view)
{
    int rc;

    if (stream->stage == RL_TLS_QUEUED) {
        stream->stage = RL_TLS_SHAKING;
        rl_tls_worker_enter(stream->worker, stream);
    }
    rc = engine_step(stream, view);
    if (rc == RL_TLS_DONE)
        handshake_done(stream);
    else if (rc < 0)
        handshake_failed(stream, rc);
}

/* The bytes are the stack's for the step: the stream may end in it. */
void rl_tls_stream_resume(struct rl_tls_stream *stream)
{
    struct rl_buf input = stream->held;

    rl_buf_init(&stream->held, 0);
    step(stream, rl_buf_view(&input));
    rl_buf_fini(&input);
}

static void begin(struct rl_tls_stream *stream)
{
    bool speaks_first = stream->context->role == RL_TLS_CLIENT;

    stream->begun_ns = rl_clock_ns();
    stream->stage = speaks_first ? RL_TLS_QUEUED : RL_TLS_SHAKING;
}

/* --- From the connection. --- */

static void on_connected(void *owner, int status)
{
    struct rl_tls_stream *stream = of_filter(owner);
    const struct rl_stream_events *events = stream->filter.events;

    owner = stream->filter.owner;
    if (status < 0) {
        free_stream(stream);
        events->connected(owner, status);
        return;
    }
    if (stream->tcp_up != NULL)
        stream->tcp_up(owner);
    begin(stream);
    if (stream->stage == RL_TLS_SHAKING)
        return;
    if (rl_tls_worker_may_begin(stream->worker))
        step(stream, rl_slice_of(NULL, 0));
    else
        rl_tls_worker_queue(stream->worker, stream);
}

/* The view is the kernel's again when this returns. */
static void hold(struct rl_tls_stream *stream, struct rl_slice view)
{
    if (rl_buf_append(&stream->held, view.data, view.size) < 0)
        handshake_failed(stream, -ENOMEM);
    else if (stream->stage == RL_TLS_SHAKING)
        rl_tls_worker_queue(stream->worker, stream);
}

static void on_data(void *owner, struct rl_slice view)
{
    struct rl_tls_stream *stream = of_filter(owner);

    tell_wire(stream, 0, view.size);
    if (RL_LIKELY(stream->stage == RL_TLS_OPEN)) {
        rl_tls_engine_feed(&stream->engine, view);
        deliver(stream);
    } else if (stream->stage == RL_TLS_QUEUED ||
               (stream->stage == RL_TLS_SHAKING && (rl_buf_size(&stream->held) > 0 ||
                                                    !rl_tls_worker_step(stream->worker)))) {
        hold(stream, view);
    } else if (stream->stage == RL_TLS_SHAKING) {
        step(stream, view);
    }
}

/* What waits for its step comes first: an alert, perhaps, that says why. */
static void on_ended(void *owner, int status)
{
    struct rl_tls_stream *stream = of_filter(owner);

    if (stream->stage == RL_TLS_SHAKING && rl_buf_size(&stream->held) > 0 && !stream->tcp_ended) {
        struct rl_buf input = stream->held;
        int rc;

        stream->tcp_ended = true;
        stream->end_status = status;
        rl_buf_init(&stream->held, 0);
        rl_list_remove(&stream->link);
        rc = engine_step(stream, rl_buf_view(&input));
        if (rc == RL_TLS_DONE)
            handshake_done(stream);
        else
            handshake_failed(stream, rc < 0 ? rc : status == 0 ? RL_ETLS_CLOSED : RL_ETLS_RESET);
        rl_buf_fini(&input);
    } else if (stream->stage < RL_TLS_OPEN) {
        handshake_failed(stream, status == 0 ? RL_ETLS_CLOSED : RL_ETLS_RESET);
    } else if (stream->stage == RL_TLS_OPEN) {
        tcp_ended(stream, status);
    }
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
        free_stream(stream);
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
        free_stream(stream);
        return rc;
    }
    stream->wants_sent = conn->events->sent != NULL;
    rl_filter_attach(&stream->filter, conn, &ops,
                     conn->events->sent != NULL || conn->events->wire != NULL ? &own_events
                                                                              : &own_quiet_events);
    if (is_open)
        begin(stream);
    if (stream->stage == RL_TLS_QUEUED) /* not from here: its owner is calling */
        rl_tls_worker_queue(stream->worker, stream);
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
