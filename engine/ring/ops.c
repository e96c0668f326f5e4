/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operations: each fills one submission, but for opening, which is several. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "base/assert.h"
#include "ring/ring_impl.h"

#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif

static const int on = 1, keep_idle_s = 30, keep_interval_s = 15, keep_count = 9; /* T-046 */

static const struct rl_ring_option default_options[] = {
    {0, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)},
    {0, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)},
    {0, IPPROTO_TCP, TCP_KEEPIDLE, &keep_idle_s, sizeof(keep_idle_s)},
    {0, IPPROTO_TCP, TCP_KEEPINTVL, &keep_interval_s, sizeof(keep_interval_s)},
    {0, IPPROTO_TCP, TCP_KEEPCNT, &keep_count, sizeof(keep_count)},
};

enum { MAX_OPTIONS = RL_RING_OPTIONS + 2 }; /* and the two that a local address wants */

const struct rl_ring_option *rl_ring_default_options(unsigned *count)
{
    *count = sizeof(default_options) / sizeof(default_options[0]);
    return default_options;
}

static bool has_port(const struct sockaddr *sa)
{
    /* sin_port and sin6_port lie at the same place. */
    return ((const struct sockaddr_in *)(const void *)sa)->sin_port != 0;
}

/* All options of a socket, those before bind first; how many, and how many before bind. */
static unsigned list_options(const struct rl_ring *ring, const struct rl_open *open,
                             struct rl_ring_option *out, unsigned *before_bind)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ring->option_count; i++) {
        if (ring->options[i].family == 0 || ring->options[i].family == open->peer->sa_family)
            out[count++] = ring->options[i];
    }
    if (open->local != NULL && has_port(open->local))
        out[count++] = (struct rl_ring_option){0, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)};
    else if (open->local != NULL)
        out[count++] = (struct rl_ring_option){0, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)};
    *before_bind = count;
    if (open->port_range != NULL)
        out[count++] = (struct rl_ring_option){0, IPPROTO_IP, IP_LOCAL_PORT_RANGE, open->port_range,
                                               sizeof(*open->port_range)};
    return count;
}

/* A step that runs as it is submitted, and is heard of only if it fails. */
static void set_step(struct rl_ring *ring, struct io_uring_sqe *sqe, uint64_t user_data)
{
    rl_ring_target(ring, sqe);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, rl_op(RL_OP_OPEN, rl_op_handle(user_data)));
}

static void prep_connect(struct rl_ring *ring, int file, const struct rl_open *open,
                         uint64_t user_data)
{
    struct io_uring_sqe *sqe = rl_lane_sqe(rl_ring_lane(ring, file), 1);

    io_uring_prep_connect(sqe, rl_ring_slot(file), open->peer, open->peer_bytes);
    rl_ring_target(ring, sqe);
    io_uring_sqe_set_data64(sqe, user_data);
}

static void prep_option(struct io_uring_sqe *sqe, int file, const struct rl_ring_option *option)
{
    io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SETSOCKOPT, file, option->level, option->name,
                           (void *)(uintptr_t)option->value, (int)option->bytes);
}

/* A step without which the peer must not hear of us: its failure is the only completion. */
static void link_step(struct rl_ring *ring, struct io_uring_sqe *sqe, uint64_t user_data)
{
    rl_ring_target(ring, sqe);
    sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, user_data);
}

/* None of these steps waits, so they run in order as they are submitted, without links, each of which
 * costs a round of deferred work, of which the kernel does a limited number a turn. Only a bind that
 * may fail is linked to what follows: connect would then leave from another place. */
static void open_direct(struct rl_ring *ring, int file, const struct rl_open *open,
                        uint64_t user_data)
{
    struct rl_ring_option options[MAX_OPTIONS];
    unsigned before_bind, count = list_options(ring, open, options, &before_bind);
    bool linked = open->local != NULL && !open->local_is_ours;
    unsigned free_steps = linked ? before_bind : count;
    struct rl_lane *lane = rl_ring_lane(ring, file);
    int slot = rl_ring_slot(file);
    struct io_uring_sqe *sqe = rl_lane_sqe(lane, 1);

    io_uring_prep_socket_direct(sqe, open->peer->sa_family, SOCK_STREAM, 0, (unsigned)slot, 0);
    set_step(ring, sqe, user_data);
    sqe->flags &= (uint8_t)~IOSQE_FIXED_FILE; /* the slot is what it makes, not what it works on */
    for (unsigned i = 0; i < free_steps; i++) {
        sqe = rl_lane_sqe(lane, 1);
        prep_option(sqe, slot, &options[i]);
        set_step(ring, sqe, user_data);
    }
    if (open->local != NULL && !linked) {
        sqe = rl_lane_sqe(lane, 1);
        io_uring_prep_bind(sqe, slot, (struct sockaddr *)(uintptr_t)open->local, open->local_bytes);
        set_step(ring, sqe, user_data);
    }
    if (linked) {
        sqe = rl_lane_sqe(lane, count - before_bind + 2); /* to connect: a chain is submitted whole */
        io_uring_prep_bind(sqe, slot, (struct sockaddr *)(uintptr_t)open->local, open->local_bytes);
        link_step(ring, sqe, user_data);
        for (unsigned i = before_bind; i < count; i++) {
            sqe = rl_lane_sqe(lane, 1);
            prep_option(sqe, slot, &options[i]);
            link_step(ring, sqe, user_data);
        }
    }
    prep_connect(ring, file, open, user_data);
}

static int open_descriptor(struct rl_ring *ring, int *file, const struct rl_open *open,
                           uint64_t user_data)
{
    struct rl_ring_option options[MAX_OPTIONS];
    unsigned before_bind, count = list_options(ring, open, options, &before_bind);
    int fd = socket(open->peer->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;

    if (fd < 0)
        return -errno;
    for (unsigned i = 0; i <= count && rc == 0; i++) {
        if (i == before_bind && open->local != NULL)
            rc = bind(fd, open->local, open->local_bytes);
        if (i < count && rc == 0)
            rc = setsockopt(fd, options[i].level, options[i].name, options[i].value,
                            options[i].bytes);
    }
    if (rc < 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    *file = fd;
    prep_connect(ring, fd, open, user_data);
    return 0;
}

int rl_ring_open(struct rl_ring *ring, int *file, const struct rl_open *open, uint64_t user_data)
{
    if ((ring->features & RL_F_DIRECT) == 0)
        return open_descriptor(ring, file, open, user_data);
    open_direct(ring, *file, open, user_data);
    return 0;
}

void rl_ring_send(struct rl_ring *ring, int file, struct rl_slice data, enum rl_send_mode mode,
                  uint64_t user_data)
{
    struct io_uring_sqe *sqe = rl_lane_sqe(rl_ring_lane(ring, file), 1);
    int flags = MSG_WAITALL | MSG_NOSIGNAL;

    if (mode != RL_SEND_WHOLE)
        flags |= MSG_DONTWAIT;
    io_uring_prep_send(sqe, rl_ring_slot(file), data.data, data.size, flags);
    rl_ring_target(ring, sqe);
    if (mode == RL_SEND_TRY && (ring->features & RL_F_SEND_SKIP) != 0)
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, user_data);
}

/* Nobody waits for it; a failure posts a completion that is ignored. */
static void set_ignored(struct io_uring_sqe *sqe)
{
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, rl_op(RL_OP_IGNORE, 0));
}

void rl_ring_cancel(struct rl_ring *ring, int file, uint64_t user_data)
{
    struct io_uring_sqe *sqe = rl_lane_sqe(rl_ring_lane(ring, file), 1);

    io_uring_prep_cancel64(sqe, user_data, 0);
    set_ignored(sqe);
}

void rl_ring_close(struct rl_ring *ring, int file)
{
    struct io_uring_sqe *sqe = rl_lane_sqe(rl_ring_lane(ring, file), 1);

    if ((ring->features & RL_F_DIRECT) != 0)
        io_uring_prep_close_direct(sqe, (unsigned)rl_ring_slot(file)); /* must not carry IOSQE_FIXED_FILE */
    else
        io_uring_prep_close(sqe, file);
    set_ignored(sqe);
}

void rl_ring_abort(struct rl_ring *ring, int file)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct io_uring_sqe *sqe = rl_lane_sqe(rl_ring_lane(ring, file), 1);

    io_uring_prep_connect(sqe, rl_ring_slot(file), &nowhere, sizeof(nowhere));
    rl_ring_target(ring, sqe);
    set_ignored(sqe);
}

void rl_ring_accept(struct rl_ring *ring, int listen_fd, uint64_t user_data)
{
    struct io_uring_sqe *sqe = rl_lane_sqe(&ring->first, 1);

    if ((ring->features & RL_F_DIRECT) != 0)
        io_uring_prep_multishot_accept_direct(sqe, listen_fd, NULL, NULL, 0);
    else
        io_uring_prep_multishot_accept(sqe, listen_fd, NULL, NULL, SOCK_CLOEXEC);
    io_uring_sqe_set_data64(sqe, user_data);
}

void rl_ring_poll(struct rl_ring *ring, int fd, uint64_t user_data)
{
    struct io_uring_sqe *sqe = rl_lane_sqe(&ring->first, 1);

    io_uring_prep_poll_multishot(sqe, fd, POLLIN);
    io_uring_sqe_set_data64(sqe, user_data);
}
