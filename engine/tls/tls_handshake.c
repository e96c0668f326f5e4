/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The handshake of a stream: from TCP's connection to the first plaintext, step by step as its worker lets it. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/status.h"
#include "tls/tls_impl.h"
#include "tls/tls_sessions.h"
#include "tls/tls_stream_impl.h"

void rl_tls_handshake_drop_recipe(struct rl_tls_stream *stream)
{
    rl_tls_context_release(stream->context);
    free(stream->servername);
    stream->context = NULL;
    stream->servername = NULL;
}

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

static void handshake_done(struct rl_tls_stream *stream)
{
    struct rl_tls_worker *worker = stream->worker;

    stream->stage = RL_TLS_OPEN;
    stream->handshake_ns = rl_clock_ns() - stream->begun_ns;
    rl_tls_worker_leave(worker, stream);
    worker->counts.done++;
    worker->counts.resumed += rl_tls_engine_resumed(&stream->engine);
    rl_tls_stream_keep_session(stream);
    stream->busy = true;
    stream->filter.events->connected(stream->filter.owner, 0);
    stream->busy = false;
    if (stream->gone) {
        rl_tls_stream_free(stream);
        return;
    }
    /* What came in behind the handshake's last message; and TCP's end, if that came while it waited. */
    if (rl_tls_stream_deliver(stream) && stream->tcp_ended)
        rl_tls_stream_tcp_ended(stream, stream->end_status);
}

static int make_engine(struct rl_tls_stream *stream)
{
    struct rl_slice session = rl_slice_of(NULL, 0);
    int rc;

    if (stream->sessions != NULL)
        session = rl_tls_sessions_get(stream->sessions, stream->session_key);
    rc = rl_tls_engine_init(&stream->engine, stream->context, stream->servername, session,
                            rl_tls_stream_out, stream);
    rl_tls_handshake_drop_recipe(stream);
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

/* A server waits for the client's hello. */
static void prepare(struct rl_tls_stream *stream)
{
    bool speaks_first = stream->context->role == RL_TLS_CLIENT;

    stream->begun_ns = rl_clock_ns();
    stream->stage = speaks_first ? RL_TLS_QUEUED : RL_TLS_SHAKING;
}

void rl_tls_handshake_begin(struct rl_tls_stream *stream)
{
    prepare(stream);
    if (stream->stage == RL_TLS_SHAKING)
        return;
    if (rl_tls_worker_may_begin(stream->worker))
        step(stream, rl_slice_of(NULL, 0));
    else
        rl_tls_worker_queue(stream->worker, stream);
}

void rl_tls_handshake_begin_later(struct rl_tls_stream *stream)
{
    prepare(stream);
    if (stream->stage == RL_TLS_QUEUED)
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

void rl_tls_handshake_input(struct rl_tls_stream *stream, struct rl_slice view)
{
    if (stream->stage == RL_TLS_DIALLING)
        return;
    if (stream->stage == RL_TLS_QUEUED || rl_buf_size(&stream->held) > 0 ||
        !rl_tls_worker_step(stream->worker))
        hold(stream, view);
    else
        step(stream, view);
}

/* What waits for its step comes first: an alert, perhaps, that says why. */
void rl_tls_handshake_cut(struct rl_tls_stream *stream, int status)
{
    struct rl_buf input = stream->held;
    int rc;

    if (stream->stage != RL_TLS_SHAKING || rl_buf_size(&stream->held) == 0 || stream->tcp_ended) {
        handshake_failed(stream, status == 0 ? RL_ETLS_CLOSED : RL_ETLS_RESET);
        return;
    }
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
}
