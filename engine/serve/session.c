/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serve/session.h"

#include "base/assert.h"
#include "base/clock.h"
#include "serve/serve.h"
#include "serve/worker.h"

#define LOOK_NS (1 * RL_NS_PER_MS)

enum { PAUSE_ABOVE = 1024 * 1024, RESUME_BELOW = 256 * 1024 }; /* bytes that wait for the peer */

struct rl_serve_counts *rl_session_counts(const struct rl_session *session)
{
    return &session->worker->counts;
}

static void release(struct rl_session *session)
{
    rl_serve_count(&session->worker->counts.closed, 1);
    rl_list_remove(&session->link);
    rl_task_cancel(&session->more);
    rl_timer_cancel(&session->look);
    rl_pool_release(&session->worker->sessions, session);
}

void rl_session_close(struct rl_session *session)
{
    rl_conn_close(session->conn);
    release(session);
}

void rl_session_abort(struct rl_session *session)
{
    rl_serve_count(&session->worker->counts.aborted, 1);
    rl_conn_abort(session->conn);
    release(session);
}

static void look_later(struct rl_session *session)
{
    struct rl_loop *loop = &session->worker->loop;

    rl_loop_timer(loop, &session->look, loop->now_ns + LOOK_NS);
}

/* Nobody waits for this but the peer, so it may be slow: modes that need no more than it do
 * without sent events, which cost a turn. */
static void look(struct rl_timer *timer)
{
    struct rl_session *session = rl_container_of(timer, struct rl_session, look);
    size_t pending = rl_conn_pending(session->conn);

    if (session->finishing && pending == 0) {
        rl_session_close(session);
        return;
    }
    if (session->paused && pending < RESUME_BELOW) {
        session->paused = false;
        rl_conn_resume(session->conn);
    }
    if (session->paused || session->finishing)
        look_later(session);
}

void rl_session_send(struct rl_session *session, struct rl_slice data)
{
    if (rl_conn_send(session->conn, data) < 0)
        return; /* the peer is gone; its end is on its way to us */
    if (session->paused || rl_conn_pending(session->conn) <= PAUSE_ABOVE)
        return;
    session->paused = true;
    rl_conn_pause(session->conn);
    look_later(session);
}

void rl_session_finish(struct rl_session *session)
{
    session->finishing = true;
    look_later(session);
}

static void tell_more(struct rl_task *task)
{
    struct rl_session *session = rl_container_of(task, struct rl_session, more);

    if (!session->finishing)
        session->worker->mode->more(session);
}

static void begin_tls(struct rl_session *session)
{
    const struct rl_tls_attach how = {.worker = session->worker->tls,
                                      .context = session->worker->tls_context};

    if (rl_tls_attach(session->conn, &how) < 0) /* memory is out */
        rl_session_abort(session);
}

void rl_session_on_accept(struct rl_serve_worker *worker, struct rl_conn *conn)
{
    struct rl_session *session = rl_pool_acquire(&worker->sessions);

    rl_serve_count(&worker->counts.accepted, 1);
    if (session == NULL) { /* memory is out: there are as many as connections */
        rl_serve_count(&worker->counts.closed, 1);
        rl_serve_count(&worker->counts.aborted, 1);
        rl_conn_abort(conn);
        return;
    }
    session->worker = worker;
    session->conn = conn;
    conn->owner = session;
    rl_list_push(&worker->open, &session->link);
    rl_task_init(&session->more, tell_more);
    rl_timer_init(&session->look, look);
    if (worker->tls_context != NULL)
        begin_tls(session);
    else if (worker->mode->opened != NULL)
        worker->mode->opened(session);
}

void rl_session_on_connected(void *owner, int status)
{
    struct rl_session *session = owner;
    struct rl_serve_worker *worker = session->worker;

    if (status < 0) { /* the connection has gone already */
        rl_serve_count(&worker->counts.tls_failed, 1);
        release(session);
        return;
    }
    rl_serve_count(&worker->counts.handshakes, 1);
    if (worker->mode->opened != NULL)
        worker->mode->opened(session);
}

void rl_session_on_data(void *owner, struct rl_slice view)
{
    struct rl_session *session = owner;
    const struct rl_serve_mode *mode = session->worker->mode;

    rl_serve_count(&session->worker->counts.messages, 1);
    if (mode->data != NULL && !session->finishing)
        mode->data(session, view);
}

/* Not from here: the connection is in the middle of its books. */
void rl_session_on_sent(void *owner, size_t size_bytes, int status)
{
    struct rl_session *session = owner;

    (void)size_bytes;
    if (status == 0)
        rl_loop_ready(&session->worker->loop, &session->more);
}

void rl_session_on_ended(void *owner, int status)
{
    struct rl_session *session = owner;

    if (status < 0) {
        rl_serve_count(&session->worker->counts.resets, 1);
        rl_session_close(session);
    } else if (rl_conn_pending(session->conn) > 0) {
        rl_session_finish(session); /* half closed: it may still read */
    } else {
        rl_session_close(session);
    }
}
