/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ring.h's operations: what each puts in the queue, and what that does when it is submitted. */
#include <errno.h>
#include <netinet/in.h>

#include "fake_ring.h"
#include "peer.h"
#include "sim.h"

enum { FIRST_DESCRIPTOR = 1 << 20 }; /* no real one: what asks the real kernel about it fails */

static int first_file(const struct rl_ring *ring)
{
    return (ring->features & RL_F_DIRECT) != 0 ? 0 : FIRST_DESCRIPTOR;
}

uint32_t kernel_index(const struct rl_ring *ring, int file)
{
    int index = file - first_file(ring);

    sim_require(index >= 0 && (uint32_t)index < ring->file_count, "%d is no file", file);
    return (uint32_t)index;
}

/* The socket that a send or receive works on. */
static struct ksock *target(const struct rl_ring *ring, const struct sqe *sqe)
{
    struct ksock *sock = fake_ring_sock(ring, sqe->file);

    sim_require(sock != NULL, "operation %d on file %d, which is not open", sqe->type, sqe->file);
    sim_require(sock->owner == rl_op_handle(sqe->user_data),
                "operation %d on file %d, which is another connection's", sqe->type, sqe->file);
    return sock;
}

static struct op *find(const struct rl_ring *ring, uint64_t user_data)
{
    for (struct rl_list *node = ring->ops.next; node != &ring->ops; node = node->next) {
        struct op *op = rl_container_of(node, struct op, link);

        if (op->user_data == user_data)
            return op;
    }
    return NULL;
}

static void check_single(const struct rl_ring *ring, uint64_t user_data)
{
    sim_require(find(ring, user_data) == NULL, "a second operation of kind %d on one connection",
                (int)rl_op_kind(user_data));
}

static void put_socket(struct rl_ring *ring, int file, uint64_t user_data)
{
    struct ksock **place = &ring->files[kernel_index(ring, file)];

    sim_require(*place == NULL, "file %d is opened while it is open", file);
    *place = ksock_new(file);
    (*place)->owner = rl_op_handle(user_data);
}

static void open_step(struct rl_ring *ring, const struct sqe *sqe)
{
    static const int failures[] = {-ENOMEM, -ENFILE, -ENOBUFS};

    if (sim_chance(ring->faults.open_step)) {
        struct ksock *sock = fake_ring_sock(ring, sqe->file);

        if (sock != NULL)
            sock->is_lame = true;
        post(ring, rl_op(RL_OP_OPEN, rl_op_handle(sqe->user_data)), failures[sim_between(0, 2)], 0);
        return;
    }
    if (sqe->type == SQE_SOCKET)
        put_socket(ring, sqe->file, sqe->user_data);
}

static struct peer *peer_of(const struct rl_open *open)
{
    const struct sockaddr_in *sin = (const void *)open->peer;
    struct peer *peer;
    unsigned port;

    sim_require(open->peer_bytes == sizeof(*sin) && sin->sin_family == AF_INET, "a strange address");
    port = ntohs(sin->sin_port);
    peer = peer_at(port == PEER_TLS_PORT ? ntohl(sin->sin_addr.s_addr) >> 8 & 0xff : port);
    sim_require(peer != NULL, "a connect to nobody");
    return peer;
}

static bool asks_for_port(const struct rl_open *open)
{
    if (open->port_range != NULL)
        return *open->port_range != 0;
    return open->local != NULL && ((const struct sockaddr_in *)(const void *)open->local)->sin_port != 0;
}

/* The port that is asked for is taken: whoever asks for it hears so. */
static bool port_is_taken(const struct rl_open *open)
{
    struct peer *peer = peer_of(open);

    if (peer->ports_taken == 0 || !asks_for_port(open))
        return false;
    peer->ports_taken--;
    return true;
}

/* Linked: its failure is the only completion. */
static void bind_step(struct rl_ring *ring, const struct sqe *sqe)
{
    struct ksock *sock = fake_ring_sock(ring, sqe->file);
    int res = sock == NULL ? -EBADF : 0;

    if (res == 0 && sqe->open.port_range == NULL && port_is_taken(&sqe->open))
        res = -EADDRINUSE;
    if (res == 0)
        return;
    post(ring, sqe->user_data, res, 0);
    if (sock != NULL)
        sock->bind_failed = true;
}

static void start_connect(struct rl_ring *ring, const struct sqe *sqe)
{
    struct ksock *sock = fake_ring_sock(ring, sqe->file);
    struct peer *peer = peer_of(&sqe->open);
    struct op *op;

    if (sock == NULL) {
        if (sqe->open.local == NULL || (ring->features & RL_F_DIRECT) == 0)
            post(ring, sqe->user_data, -EBADF, 0);
        return;
    }
    if (sock->bind_failed)
        return;
    if (sqe->open.port_range != NULL && port_is_taken(&sqe->open)) {
        post(ring, sqe->user_data, -EADDRNOTAVAIL, 0);
        return;
    }
    check_single(ring, sqe->user_data);
    sock->peer = peer;
    peer->sock = sock;
    op = kernel_op(ring, sqe, sock);
    op->res = peer->connect_res;
    op->due_ns = peer->connect_delay_ns == PEER_NEVER ? PEER_NEVER : sim.now_ns + peer->connect_delay_ns;
    if (kernel_ready(op))
        kernel_run_op(ring, op);
}

static void start_recv(struct rl_ring *ring, const struct sqe *sqe)
{
    struct ksock *sock = target(ring, sqe);
    struct op *op;

    check_single(ring, sqe->user_data);
    op = kernel_op(ring, sqe, sock);
    /* Without a buffer it fails at once, even if there is nothing to receive. */
    if (ksock_readable(sock) || bufs_out(&ring->bufs))
        kernel_run_op(ring, op);
}

static void try_send(struct rl_ring *ring, const struct sqe *sqe, struct ksock *sock)
{
    int64_t res = ksock_take(sock, sqe->data);
    bool silent = sqe->mode == RL_SEND_TRY && (ring->features & RL_F_SEND_SKIP) != 0;

    sim_trace("peer %u: send of %zu gives %lld", sock->peer->id, sqe->data.size, (long long)res);
    if (sqe->mode == RL_SEND_LAST)
        sock->last_cut = res != (int64_t)sqe->data.size;
    if (silent && res > 0)
        sock->told += (uint64_t)res;
    if (!silent)
        post_sent(ring, sqe->user_data, res, sock);
    else if (res != (int64_t)sqe->data.size)
        post(ring, sqe->user_data, res, 0);
}

static void start_send(struct rl_ring *ring, const struct sqe *sqe)
{
    struct ksock *sock = target(ring, sqe);

    if (sqe->mode != RL_SEND_WHOLE) {
        try_send(ring, sqe, sock);
        return;
    }
    check_single(ring, sqe->user_data);
    kernel_run_op(ring, kernel_op(ring, sqe, sock));
}

static void ignored(struct rl_ring *ring, int res)
{
    if (res < 0)
        post(ring, rl_op(RL_OP_IGNORE, 0), res, 0);
}

/* It names the file, too, since that says in which io_uring the operation is. */
static int cancel(struct rl_ring *ring, const struct sqe *sqe)
{
    struct op *op = find(ring, sqe->user_data);

    if (op == NULL)
        return -ENOENT;
    sim_require(op->sock->file == sqe->file, "a cancel of %d names %d", op->sock->file, sqe->file);
    op->cancelled = true;
    return sim_chance(100) ? -EALREADY : 0;
}

static int close_file(struct rl_ring *ring, int file)
{
    struct ksock *sock = fake_ring_sock(ring, file);

    if (sock == NULL)
        return -EBADF;
    ring->files[kernel_index(ring, file)] = NULL;
    ksock_close(sock);
    return 0;
}

static int abort_file(struct rl_ring *ring, int file)
{
    struct ksock *sock = fake_ring_sock(ring, file);

    if (sock == NULL)
        return -EBADF;
    ksock_disconnect(sock);
    return 0;
}

void kernel_run(struct rl_ring *ring, const struct sqe *sqe)
{
    switch (sqe->type) {
    case SQE_SOCKET:
    case SQE_OPTION:
        open_step(ring, sqe);
        break;
    case SQE_BIND:
        bind_step(ring, sqe);
        break;
    case SQE_CONNECT:
        start_connect(ring, sqe);
        break;
    case SQE_RECV:
        start_recv(ring, sqe);
        break;
    case SQE_SEND:
        start_send(ring, sqe);
        break;
    case SQE_CANCEL:
        ignored(ring, cancel(ring, sqe));
        break;
    case SQE_CLOSE:
        ignored(ring, close_file(ring, sqe->file));
        break;
    case SQE_ABORT:
        ignored(ring, abort_file(ring, sqe->file));
        break;
    }
}

/* --- ring.h: fill a submission. --- */

/* As socket(2), bind(2): at once. */
static int open_descriptor(struct rl_ring *ring, int *file, const struct rl_open *open,
                           uint64_t user_data)
{
    int index = 0;

    if (sim_chance(ring->faults.open_step))
        return -EMFILE;
    while ((uint32_t)index < ring->file_count && ring->files[index] != NULL)
        index++;
    if ((uint32_t)index == ring->file_count)
        return -EMFILE;
    if (open->local != NULL && open->port_range == NULL && port_is_taken(open))
        return -EADDRINUSE;
    *file = FIRST_DESCRIPTOR + index;
    put_socket(ring, *file, user_data);
    return 0;
}

int rl_ring_open(struct rl_ring *ring, int *file, const struct rl_open *open, uint64_t user_data)
{
    struct sqe sqe = {.open = *open, .user_data = user_data};
    bool direct = (ring->features & RL_F_DIRECT) != 0;

    if (!direct) {
        int rc = open_descriptor(ring, file, open, user_data);

        if (rc < 0)
            return rc;
    }
    sqe.file = *file;
    if (direct) {
        sqe.type = SQE_SOCKET;
        sq_push(ring, &sqe, 1);
        sqe.type = SQE_OPTION;
        sq_push(ring, &sqe, 1);
        sqe.type = SQE_BIND;
        if (open->local != NULL)
            sq_push(ring, &sqe, 2);
    }
    sqe.type = SQE_CONNECT;
    sq_push(ring, &sqe, 1);
    return 0;
}

void rl_ring_recv(struct rl_ring *ring, int file, uint64_t user_data)
{
    struct sqe sqe = {.type = SQE_RECV, .file = file, .user_data = user_data};

    bufs_arm(&ring->bufs, (uint32_t)rl_op_handle(user_data));
    sq_push(ring, &sqe, 1);
}

void rl_ring_send(struct rl_ring *ring, int file, struct rl_slice data, enum rl_send_mode mode,
                  uint64_t user_data)
{
    struct sqe sqe = {
        .type = SQE_SEND, .file = file, .data = data, .mode = mode, .user_data = user_data};

    sq_push(ring, &sqe, 1);
}

void rl_ring_cancel(struct rl_ring *ring, int file, uint64_t user_data)
{
    struct sqe sqe = {.type = SQE_CANCEL, .file = file, .user_data = user_data};

    sq_push(ring, &sqe, 1);
}

void rl_ring_close(struct rl_ring *ring, int file)
{
    struct sqe sqe = {.type = SQE_CLOSE, .file = file};

    sq_push(ring, &sqe, 1);
}

void rl_ring_abort(struct rl_ring *ring, int file)
{
    struct sqe sqe = {.type = SQE_ABORT, .file = file};

    sq_push(ring, &sqe, 1);
}

/* Nobody posts from another thread here. */
void rl_ring_poll(struct rl_ring *ring, int fd, uint64_t user_data)
{
    (void)ring;
    (void)fd;
    (void)user_data;
}

void rl_ring_accept(struct rl_ring *ring, int listen_fd, uint64_t user_data)
{
    (void)ring;
    (void)listen_fd;
    (void)user_data;
    sim_fail("nothing here accepts");
}
