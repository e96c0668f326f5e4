/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operations that wait, and when they complete. What a submission does is kernel_submit.c's. */
#include <errno.h>
#include <stdlib.h>

#include "fake_ring.h"
#include "peer.h"
#include "sim.h"

enum { READY_MOST = 4096, BATCH_MOST = 8 };

/* --- Operations that wait. --- */

struct op *kernel_op(struct rl_ring *ring, const struct sqe *sqe, struct ksock *sock)
{
    struct op *op = calloc(1, sizeof(*op));

    sim_require(op != NULL, "no memory");
    op->sock = sock;
    op->type = sqe->type;
    op->user_data = sqe->user_data;
    op->data = sqe->data;
    rl_list_push(&ring->ops, &op->link);
    ksock_ref(sock);
    return op;
}

static void end_op(struct op *op)
{
    rl_list_remove(&op->link);
    ksock_unref(op->sock);
    free(op);
}

bool kernel_ready(const struct op *op)
{
    if (op->cancelled)
        return true;
    if (op->deaf)
        return op->sock->disconnected;
    if (op->type == SQE_CONNECT)
        return op->sock->disconnected || op->due_ns <= sim.now_ns;
    return op->type == SQE_RECV ? ksock_readable(op->sock) : ksock_writable(op->sock);
}

static void run_connect(struct rl_ring *ring, struct op *op)
{
    int res = op->res;

    if (op->sock->disconnected)
        res = -ECONNRESET;
    else if (op->cancelled && (op->due_ns > sim.now_ns || sim_chance(500)))
        res = -ECANCELED;
    else if (res == 0)
        peer_accept(op->sock->peer, op->sock);
    sim_trace("peer %u: connect gives %d", op->sock->peer->id, res);
    post(ring, op->user_data, res, 0);
    end_op(op);
}

static void finish_send(struct rl_ring *ring, struct op *op, int64_t res)
{
    if (op->done > 0)
        res = (int64_t)op->done; /* what else it heard is lost */
    sim_trace("peer %u: tracked send of %zu gives %lld", op->sock->peer->id, op->data.size,
              (long long)res);
    post_sent(ring, op->user_data, res, op->sock);
    end_op(op);
}

static void run_send(struct rl_ring *ring, struct op *op)
{
    int64_t res;

    if (op->cancelled) {
        finish_send(ring, op, sim_chance(100) ? -EINTR : -ECANCELED);
        return;
    }
    res = ksock_take(op->sock, rl_slice_of(op->data.data + op->done, op->data.size - op->done));
    if (res == -EAGAIN)
        return;
    if (res > 0)
        op->done += (size_t)res;
    if (res <= 0 || op->done == op->data.size || sim_chance(ring->faults.short_send))
        finish_send(ring, op, res);
}

static void finish_recv(struct rl_ring *ring, struct op *op, int64_t res, uint32_t flags)
{
    sim_trace("peer %u: receive ends with %lld", op->sock->peer->id, (long long)res);
    post(ring, op->user_data, res, flags);
    end_op(op);
}

/* Data and a reset that both come while a receive is being armed are one event, and Linux 6.18 forgets the reset. */
static bool misses_reset(struct op *op)
{
    const struct ksock *sock = op->sock;
    bool first = !op->has_data;

    op->has_data = true;
    return first && sock->dead && !sock->disconnected && !sock->fin_arrived && sock->in_used == 0 && sim_chance(500);
}

/* One completion of a receive; false: no more now. */
static bool receive(struct rl_ring *ring, struct op *op)
{
    bool last = ring->bufs.count == 0 || sim_chance(ring->faults.end_multishot);
    uint32_t flags;
    size_t room;
    uint8_t *out = bufs_room(&ring->bufs, (uint32_t)rl_op_handle(op->user_data), &room);
    int64_t res;

    if (out == NULL) {
        finish_recv(ring, op, -ENOBUFS, 0);
        return false;
    }
    if (sim_chance(ring->faults.short_read))
        room = (size_t)sim_between(1, room);
    res = ksock_read(op->sock, out, room);
    if (res == -EAGAIN)
        return false;
    if (res <= 0) {
        finish_recv(ring, op, res, 0);
        return false;
    }
    flags = bufs_fill(&ring->bufs, (size_t)res);
    if (last || cq_is_full(ring)) {
        finish_recv(ring, op, res, flags);
        return false;
    }
    sim_trace("peer %u: %lld bytes received", op->sock->peer->id, (long long)res);
    post(ring, op->user_data, res, flags | F_MORE);
    op->deaf = misses_reset(op);
    return !op->deaf;
}

/* Bytes that race with a cancel are read, or left. */
static void run_recv(struct rl_ring *ring, struct op *op)
{
    bool was_cancelled = op->cancelled;
    unsigned most = (unsigned)sim_between(1, BATCH_MOST), count = 0;

    if (was_cancelled && (!ksock_readable(op->sock) || sim_chance(500))) {
        finish_recv(ring, op, -ECANCELED, 0);
        return;
    }
    while (count++ < most) {
        if (!receive(ring, op))
            return;
    }
}

void kernel_run_op(struct rl_ring *ring, struct op *op)
{
    if (op->type == SQE_CONNECT)
        run_connect(ring, op);
    else if (op->type == SQE_SEND)
        run_send(ring, op);
    else
        run_recv(ring, op);
}

void kernel_complete(struct rl_ring *ring, bool all)
{
    struct op *ready[READY_MOST];
    unsigned count = 0;

    for (struct rl_list *node = ring->ops.next; node != &ring->ops; node = node->next) {
        struct op *op = rl_container_of(node, struct op, link);

        if (count < READY_MOST && kernel_ready(op))
            ready[count++] = op;
    }
    for (; count > 0; count--) {
        unsigned which = (unsigned)sim_between(0, count - 1);
        struct op *op = ready[which];

        ready[which] = ready[count - 1];
        if (all || !sim_chance(ring->faults.late))
            kernel_run_op(ring, op);
    }
}

/* --- Time. --- */

uint64_t kernel_next_ns(const struct rl_ring *ring)
{
    uint64_t next_ns = UINT64_MAX;

    for (struct rl_list *node = ring->ops.next; node != &ring->ops; node = node->next) {
        const struct op *op = rl_container_of(node, struct op, link);

        if (kernel_ready(op))
            return sim.now_ns;
        if (op->type == SQE_CONNECT && op->due_ns < next_ns)
            next_ns = op->due_ns;
    }
    for (uint32_t id = 1; id <= peer_count(); id++) {
        uint64_t due_ns = peer_due_ns(peer_at(id));

        next_ns = due_ns < next_ns ? due_ns : next_ns;
    }
    return next_ns;
}

void kernel_act(void)
{
    for (uint32_t id = 1; id <= peer_count(); id++) {
        if (peer_due_ns(peer_at(id)) <= sim.now_ns)
            peer_act(peer_at(id));
    }
}
