/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ring/preflight.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "ring/ring.h"

enum { SLOTS = 4, WAIT_MS = 500, BIG_BYTES = 8 << 20 };

/* The client ends are files 0 and 1 of the ring; the server ends are blocking descriptors. */
struct rig {
    struct rl_ring *ring;
    int listen_fd;
    int file[2], server[2];
};

/* The next completion, or -ETIMEDOUT. */
static int next(struct rig *rig, struct rl_completion *c, uint64_t timeout_ns)
{
    uint64_t end = rl_clock_ns() + timeout_ns;

    for (;;) {
        uint64_t now = rl_clock_ns();

        if (rl_ring_reap(rig->ring, c, 1) == 1)
            return 0;
        if (rl_ring_enter(rig->ring, now < end ? end - now : 0) < 0)
            return -EIO;
        if (rl_ring_reap(rig->ring, c, 1) == 1)
            return 0;
        if (now >= end)
            return -ETIMEDOUT;
    }
}

static int connect_pair(struct rig *rig, int index)
{
    struct sockaddr_in sin = {.sin_family = AF_INET};
    socklen_t size = sizeof(sin);
    struct rl_open open = {.peer = (struct sockaddr *)&sin, .peer_bytes = sizeof(sin)};
    struct timeval tv = {.tv_usec = WAIT_MS * 1000};
    struct rl_completion c;

    if (getsockname(rig->listen_fd, (struct sockaddr *)&sin, &size) < 0)
        return -errno;
    rig->file[index] = index;
    if (rl_ring_open(rig->ring, &rig->file[index], &open, rl_op(RL_OP_CONNECT, (uint64_t)index)) < 0)
        return -EIO;
    if (next(rig, &c, WAIT_MS * RL_NS_PER_MS) < 0 || c.res < 0)
        return -EIO;
    rig->server[index] = accept(rig->listen_fd, NULL, NULL);
    if (rig->server[index] < 0)
        return -errno;
    setsockopt(rig->server[index], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    return 0;
}

static void close_rig(struct rig *rig)
{
    for (int i = 0; i < 2; i++) {
        if (rig->server[i] >= 0)
            close(rig->server[i]);
        if (rig->file[i] >= 0) {
            rl_ring_abort(rig->ring, rig->file[i]);
            rl_ring_close(rig->ring, rig->file[i]);
        }
    }
    if (rig->ring != NULL) {
        rl_ring_enter(rig->ring, 0);
        rl_ring_free(rig->ring);
    }
    if (rig->listen_fd >= 0)
        close(rig->listen_fd);
}

static int open_rig(struct rig *rig, int features)
{
    struct rl_ring_config config = {.features = features, .sq_entries = 64, .cq_entries = 256,
                                    .slot_count = SLOTS};
    struct sockaddr_in sin = {.sin_family = AF_INET};
    const char *advice;
    int rc;

    /* Anywhere in 127.0.0.0/8: after a run all ports of 127.0.0.1 may be in TIME_WAIT. */
    sin.sin_addr.s_addr = htonl(0x7f000000 | (0x10000 + (uint32_t)rl_clock_ns() % 0xf00000));

    *rig = (struct rig){.listen_fd = -1, .file = {-1, -1}, .server = {-1, -1}};
    rc = rl_ring_new(&rig->ring, &config, &advice);
    if (rc < 0)
        return rc;
    rig->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (rig->listen_fd < 0 || bind(rig->listen_fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
        listen(rig->listen_fd, 4) < 0)
        return -errno;
    rc = connect_pair(rig, 0);
    return rc < 0 ? rc : connect_pair(rig, 1);
}

/* With a receive armed on one slot, closing another must send its FIN (fails before 6.13). */
static bool slots_close_at_once(struct rig *rig)
{
    char byte;

    rl_ring_recv(rig->ring, rig->file[0], rl_op(RL_OP_RECV, 0));
    rl_ring_enter(rig->ring, 0);
    rl_ring_close(rig->ring, rig->file[1]);
    rig->file[1] = -1;
    rl_ring_enter(rig->ring, 0);
    return recv(rig->server[1], &byte, 1, 0) == 0;
}

/* What the armed receive delivers must be what was sent, twice. */
static bool receives_arrive(struct rig *rig)
{
    static const char *const parts[] = {"abc", "defgh"};
    struct rl_completion c;

    for (int i = 0; i < 2; i++) {
        size_t size = strlen(parts[i]);
        struct rl_slice view;
        bool same;

        if (send(rig->server[0], parts[i], size, MSG_NOSIGNAL) != (ssize_t)size)
            return false;
        if (next(rig, &c, WAIT_MS * RL_NS_PER_MS) < 0 || c.res != (int)size)
            return false;
        view = rl_ring_view(rig->ring, &c);
        same = view.size == size && memcmp(view.data, parts[i], size) == 0;
        rl_ring_return(rig->ring, &c);
        if (!same)
            return false;
        if (!rl_completion_more(&c))
            rl_ring_recv(rig->ring, rig->file[0], rl_op(RL_OP_RECV, 0));
    }
    return true;
}

static int try_send(struct rig *rig, const void *data, size_t size, struct rl_completion *c)
{
    rl_ring_send(rig->ring, rig->file[0], rl_slice_of(data, size), RL_SEND_TRY,
                 rl_op(RL_OP_SEND, 0));
    rl_ring_enter(rig->ring, 0);
    return (int)rl_ring_reap(rig->ring, c, 1);
}

/* Success is silent; a short or refused send is not. */
static bool skipped_sends_are_honest(struct rig *rig)
{
    struct rl_completion c;
    char text[8] = "12345678", echo[8];
    void *big = calloc(1, BIG_BYTES);
    bool honest;

    if (big == NULL)
        return false;
    honest = try_send(rig, text, sizeof(text), &c) == 0 &&
             recv(rig->server[0], echo, sizeof(echo), MSG_WAITALL) == sizeof(echo) &&
             memcmp(text, echo, sizeof(text)) == 0 && try_send(rig, big, BIG_BYTES, &c) == 1 &&
             c.res > 0 && c.res < BIG_BYTES && try_send(rig, big, BIG_BYTES, &c) == 1 &&
             (c.res == -EAGAIN || (c.res > 0 && c.res < BIG_BYTES));
    free(big);
    return honest;
}

int rl_preflight(int features)
{
    const int proven = RL_F_DIRECT | RL_F_BUF_INC | RL_F_SEND_SKIP;
    struct rig rig;
    int failed = 0;

    if (open_rig(&rig, features) < 0) {
        close_rig(&rig);
        /* Perhaps only the direct slots are at fault; otherwise trust none of the three. */
        return (features & RL_F_DIRECT) != 0 ? rl_preflight(features & ~RL_F_DIRECT)
                                             : features & ~proven;
    }
    if ((features & RL_F_DIRECT) != 0 && !slots_close_at_once(&rig))
        failed = RL_F_DIRECT;
    else if ((features & RL_F_DIRECT) == 0)
        rl_ring_recv(rig.ring, rig.file[0], rl_op(RL_OP_RECV, 0));
    if (failed == 0 && !receives_arrive(&rig))
        failed = RL_F_BUF_INC;
    if (failed == 0 && (features & RL_F_SEND_SKIP) != 0 && !skipped_sends_are_honest(&rig))
        failed = RL_F_SEND_SKIP;
    close_rig(&rig);
    return failed != 0 && (features & failed) != 0 ? rl_preflight(features & ~failed) : features;
}
