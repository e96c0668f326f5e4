/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "serve/worker.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/status.h"
#include "ring/probe.h"

#define QUIET_NS (5 * RL_NS_PER_MS)
#define DRAIN_MAX_NS (300 * RL_NS_PER_MS)
#define CLOSE_MAX_NS (2 * RL_NS_PER_S)

/* --- Between the server and the thread. --- */

void rl_serve_worker_started(struct rl_serve_worker *worker, int status, const char *problem)
{
    pthread_mutex_lock(&worker->mutex);
    worker->status = status;
    worker->problem = problem;
    worker->has_started = true;
    pthread_cond_signal(&worker->started);
    pthread_mutex_unlock(&worker->mutex);
}

static void serve(struct rl_serve_worker *worker);

static void *run(void *arg)
{
    struct rl_serve_worker *worker = arg;

    if (worker->mode->holds)
        rl_serve_hold(worker);
    else
        serve(worker);
    return NULL;
}

static int start_thread(struct rl_serve_worker *worker)
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    error = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

int rl_serve_worker_start(struct rl_serve_worker *worker, const struct rl_serve_mode *mode,
                          const struct rl_addr *addr, uint32_t max_conns,
                          const struct rl_tls_config *tls)
{
    int status;

    worker->mode = mode;
    worker->addr = *addr;
    worker->max_conns = max_conns;
    worker->tls_config = tls;
    worker->stop_fd = -1;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->started, NULL);
    status = start_thread(worker);
    if (status < 0) {
        worker->problem = "start a thread";
        return status;
    }
    pthread_mutex_lock(&worker->mutex);
    while (!worker->has_started)
        pthread_cond_wait(&worker->started, &worker->mutex);
    status = worker->status;
    pthread_mutex_unlock(&worker->mutex);
    worker->is_running = true;
    if (status < 0)
        rl_serve_worker_join(worker);
    return status;
}

void rl_serve_worker_stop(struct rl_serve_worker *worker)
{
    const uint64_t one = 1;

    if (!worker->is_running)
        return;
    if (!worker->mode->holds)
        rl_loop_post(&worker->loop, &worker->stop);
    else if (write(worker->stop_fd, &one, sizeof(one)) < 0)
        RL_UNREACHABLE();
}

void rl_serve_worker_join(struct rl_serve_worker *worker)
{
    if (!worker->is_running)
        return;
    pthread_join(worker->thread, NULL);
    /* Not by the thread itself: it may hear of the stop and end before its poster has returned. */
    if (worker->has_loop)
        rl_loop_fini(&worker->loop);
    if (worker->stop_fd >= 0)
        close(worker->stop_fd);
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->started);
    worker->is_running = false;
}

/* --- The thread. --- */

static void publish(void *ctx)
{
    struct rl_serve_worker *worker = ctx;
    const struct rl_net_counts *net = &worker->net.counts;
    const struct rl_listener_counts *listener;

    /* The connection's own figures: they include what it sent after its session had let go. */
    atomic_store_explicit(&worker->counts.bytes_in, net->bytes_received, memory_order_relaxed);
    atomic_store_explicit(&worker->counts.bytes_out, net->bytes_sent, memory_order_relaxed);
    if (worker->listener == NULL)
        return;
    listener = rl_listener_counts(worker->listener);
    atomic_store_explicit(&worker->counts.pauses, listener->pauses, memory_order_relaxed);
    atomic_store_explicit(&worker->counts.refused, listener->refused, memory_order_relaxed);
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void begin_closing(struct rl_serve_worker *worker)
{
    worker->closing = true;
    publish(worker);
    rl_listener_close(worker->listener);
    while (!rl_list_empty(&worker->open))
        rl_session_close(rl_container_of(worker->open.next, struct rl_session, link));
}

static void check_quiet(struct rl_timer *timer)
{
    struct rl_serve_worker *worker = rl_container_of(timer, struct rl_serve_worker, quiet);
    struct rl_loop *loop = &worker->loop;

    if (loop->completions == worker->completions_seen ||
        loop->now_ns >= worker->stop_ns + DRAIN_MAX_NS) {
        begin_closing(worker);
        return;
    }
    worker->completions_seen = loop->completions;
    rl_loop_timer(loop, timer, loop->now_ns + QUIET_NS);
}

static void stop_mail(struct rl_mail *mail)
{
    struct rl_serve_worker *worker = rl_container_of(mail, struct rl_serve_worker, stop);

    worker->stop_ns = worker->loop.now_ns;
    worker->completions_seen = UINT64_MAX;
    rl_loop_timer(&worker->loop, &worker->quiet, worker->stop_ns + QUIET_NS);
}

static void on_accept(void *ctx, struct rl_conn *conn)
{
    rl_session_on_accept(ctx, conn);
}

static void on_closed(void *ctx)
{
    struct rl_serve_worker *worker = ctx;

    worker->listener = NULL;
}

/* Two faces: sent events cost a turn, so only modes that ask for more get them. */
static const struct rl_listener_events plain_events = {
    .accepted = on_accept,
    .closed = on_closed,
    .stream = {.connected = rl_session_on_connected,
               .data = rl_session_on_data,
               .ended = rl_session_on_ended},
};

static const struct rl_listener_events sent_events = {
    .accepted = on_accept,
    .closed = on_closed,
    .stream = {.connected = rl_session_on_connected,
               .data = rl_session_on_data,
               .sent = rl_session_on_sent,
               .ended = rl_session_on_ended},
};

static int open_ring(struct rl_serve_worker *worker, const char **problem)
{
    const struct rl_ring_config config = {
        .features = rl_probe(), .slot_count = worker->max_conns, .accepts = true};
    const char *advice = NULL;
    int status = rl_ring_new(&worker->ring, &config, &advice);

    *problem = advice != NULL ? advice : "set up io_uring";
    return status;
}

static int open_net(struct rl_serve_worker *worker, const char **problem)
{
    /* A slot is free for the next one before its old connection has heard its last completion. */
    const struct rl_net_config config = {.max_conns = 2 * worker->max_conns, .accepts = true};
    const struct rl_loop_hooks hooks = {.flush = publish, .sent = nothing, .ctx = worker};
    int status = rl_loop_init(&worker->loop, worker->ring);

    *problem = "set up the loop";
    if (status < 0)
        return status;
    worker->has_loop = true;
    status = rl_net_init(&worker->net, &worker->loop, &config);
    if (status < 0)
        return status;
    rl_loop_hook(&worker->loop, &hooks);
    *problem = "listen";
    worker->listener = rl_listener_open(&worker->net, &worker->addr,
                                        worker->mode->more != NULL ? &sent_events : &plain_events,
                                        worker, &status);
    if (worker->listener == NULL)
        rl_net_fini(&worker->net);
    return status;
}

static int open_tls(struct rl_serve_worker *worker, const char **problem)
{
    char why[256];

    if (worker->tls_config == NULL)
        return 0;
    *problem = "set up TLS";
    worker->tls = rl_tls_worker_new(&worker->loop);
    worker->tls_context =
        rl_tls_context_new(worker->tls_config, RL_TLS_SERVER, NULL, why, sizeof(why));
    return worker->tls != NULL && worker->tls_context != NULL ? 0 : RL_ETLS_CONFIG;
}

static void close_tls(struct rl_serve_worker *worker)
{
    rl_tls_context_release(worker->tls_context);
    rl_tls_worker_free(worker->tls);
}

static bool is_done(const struct rl_serve_worker *worker)
{
    return worker->closing &&
           ((worker->listener == NULL && rl_net_idle(&worker->net)) ||
            worker->loop.now_ns >= worker->stop_ns + DRAIN_MAX_NS + CLOSE_MAX_NS);
}

static void serve(struct rl_serve_worker *worker)
{
    const char *problem = NULL;
    int status = open_ring(worker, &problem);

    if (status < 0) {
        rl_serve_worker_started(worker, status, problem);
        return;
    }
    rl_list_init(&worker->open);
    rl_pool_init(&worker->sessions, sizeof(struct rl_session), 2 * worker->max_conns);
    rl_timer_init(&worker->quiet, check_quiet);
    worker->stop.deliver = stop_mail;
    status = open_tls(worker, &problem);
    if (status == 0)
        status = open_net(worker, &problem);
    if (status < 0)
        goto no_net;
    rl_serve_worker_started(worker, 0, NULL);

    while (status == 0 && !is_done(worker))
        status = rl_loop_turn(&worker->loop);
    publish(worker);
    RL_CHECK(status == 0);
    RL_CHECK(worker->listener == NULL && rl_net_idle(&worker->net));
    rl_net_fini(&worker->net);
no_net:
    close_tls(worker);
    rl_pool_fini(&worker->sessions);
    rl_ring_free(worker->ring);
    if (status < 0)
        rl_serve_worker_started(worker, status, problem);
}
