/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/listen.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/clock.h"

#define RETRY_NS (10 * RL_NS_PER_MS)

struct rl_listener {
    struct rl_net *net;
    const struct rl_listener_events *events;
    void *ctx;
    struct rl_timer retry;
    struct rl_listener_counts counts;
    int fd;
    bool armed, closing;
};

/* The listener outlives its last completion, so its address is as good as a handle. */
static uint64_t op_of(const struct rl_listener *listener)
{
    uint64_t handle = (uintptr_t)listener;

    RL_CHECK(handle <= RL_OP_HANDLE_MASK);
    return rl_op(RL_OP_ACCEPT, handle);
}

static void arm(struct rl_listener *listener)
{
    rl_ring_accept(listener->net->ring, listener->fd, op_of(listener));
    listener->armed = true;
}

static void finish(struct rl_listener *listener)
{
    const struct rl_listener_events *events = listener->events;
    void *ctx = listener->ctx;

    close(listener->fd);
    rl_timer_cancel(&listener->retry);
    free(listener);
    events->closed(ctx);
}

static void retry(struct rl_timer *timer)
{
    struct rl_listener *listener = rl_container_of(timer, struct rl_listener, retry);

    if (listener->closing)
        finish(listener);
    else
        arm(listener);
}

static void take(struct rl_listener *listener, int file)
{
    struct rl_conn *conn;

    if (listener->closing) {
        rl_ring_close(listener->net->ring, file);
        return;
    }
    conn = rl_conn_adopt(listener->net, file, &listener->events->stream, NULL);
    if (conn == NULL) {
        listener->counts.refused++;
        return;
    }
    listener->counts.accepted++;
    listener->events->accepted(listener->ctx, conn);
}

/* A peer that gave up in the backlog, or a signal: the next one may be fine. */
static bool is_passing(int status)
{
    return status >= 0 || status == -ECONNABORTED || status == -EINTR || status == -EAGAIN;
}

static bool is_direct(const struct rl_listener *listener)
{
    return (rl_ring_features(listener->net->ring) & RL_F_DIRECT) != 0;
}

static void on_accept(void *ctx, uint64_t handle, const struct rl_completion *c,
                      struct rl_slice view)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): see op_of */
    struct rl_listener *listener = (struct rl_listener *)(uintptr_t)handle;
    int status = c->res;

    (void)ctx;
    (void)view;
    if (status >= 0)
        take(listener, status);
    if (rl_completion_more(c))
        return;
    listener->armed = false;
    if (listener->closing) {
        finish(listener);
    } else if (is_passing(status)) {
        arm(listener);
    } else {
        /* With direct descriptors the kernel accepts before it looks for a slot, and drops the
         * connection when it finds none. */
        listener->counts.refused += status == -ENFILE && is_direct(listener);
        listener->counts.pauses++;
        rl_loop_timer(listener->net->loop, &listener->retry,
                      listener->net->loop->now_ns + RETRY_NS);
    }
}

/* A listening descriptor, its port filled in; or -errno. */
static int open_socket(struct rl_addr *addr)
{
    const int on = 1;
    struct sockaddr_storage sa;
    socklen_t size = rl_addr_to_sockaddr(addr, &sa);
    int fd = socket(addr->family, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;

    if (fd < 0)
        return -errno;
    /* TCP_NODELAY passes to the accepted ones. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)&sa, size) < 0 || listen(fd, RL_LISTEN_BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&sa, &size) < 0)
        status = -errno;
    if (status < 0) {
        close(fd);
        return status;
    }
    rl_addr_from_sockaddr((struct sockaddr *)&sa, addr);
    return fd;
}

struct rl_listener *rl_listener_open(struct rl_net *net, struct rl_addr *addr,
                                     const struct rl_listener_events *events, void *ctx,
                                     int *status)
{
    struct rl_listener *listener = calloc(1, sizeof(*listener));

    *status = listener == NULL ? -ENOMEM : open_socket(addr);
    if (*status < 0) {
        free(listener);
        return NULL;
    }
    listener->net = net;
    listener->events = events;
    listener->ctx = ctx;
    listener->fd = *status;
    rl_timer_init(&listener->retry, retry);
    rl_loop_on(net->loop, RL_OP_ACCEPT, on_accept, NULL);
    arm(listener);
    *status = 0;
    return listener;
}

const struct rl_listener_counts *rl_listener_counts(const struct rl_listener *listener)
{
    return &listener->counts;
}

void rl_listener_close(struct rl_listener *listener)
{
    RL_ASSERT(!listener->closing);
    listener->closing = true;
    if (listener->armed) {
        rl_ring_cancel(listener->net->ring, listener->fd, op_of(listener));
        return;
    }
    /* It pauses; the timer finishes it, so that closed is not called from inside this call. */
    rl_loop_timer(listener->net->loop, &listener->retry, listener->net->loop->now_ns);
}
