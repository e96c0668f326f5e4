/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ring_rig - a ring and connections to a listener of the test, with no loop above. */
#ifndef RL_RING_RIG_H
#define RL_RING_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cases.h"
#include "ring/ring.h"

enum { RR_VARIANTS = 12, RR_CONNS = 8, RR_WAIT_MS = 2000 };

static struct {
    struct rl_ring *ring;
    int features, listen_fd;
    struct sockaddr_in sin;
    int file[RR_CONNS], peer[RR_CONNS];
} rr;

static inline int rr_features(int variant)
{
    int features = rl_probe();

    ck_assert_int_ge(features, 0);
    if (variant > 0)
        features &= ~(1 << (variant - 1));
    if ((features & RL_F_BUF_RING) == 0)
        features &= ~RL_F_BUF_INC;
    if ((features & RL_F_SETSOCKOPT) == 0 || (features & (RL_F_PORT_RANGE | RL_F_BIND)) == 0)
        features &= ~RL_F_DIRECT;
    return features;
}

static inline void rr_start_with(const struct rl_ring_config *config)
{
    uint64_t now_ns = rl_clock_ns();
    const char *advice;
    int rc = -1;

    rr.features = config->features;
    ck_assert_int_eq(rl_ring_new(&rr.ring, config, &advice), 0);
    rr.sin = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    rr.listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    for (int i = 0; i < 100 && rc < 0; i++) { /* below what load tests leave in TIME_WAIT */
        rr.sin.sin_port = htons((uint16_t)(10000 + (now_ns / 1000 + (unsigned)i * 37) % 20000));
        rc = bind(rr.listen_fd, (struct sockaddr *)&rr.sin, sizeof(rr.sin));
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(listen(rr.listen_fd, 64), 0);
    for (int i = 0; i < RR_CONNS; i++)
        rr.file[i] = rr.peer[i] = -1;
}

static inline void rr_start(int features, unsigned sq, unsigned cq)
{
    rr_start_with(&(struct rl_ring_config){
        .features = features, .sq_entries = sq, .cq_entries = cq, .slot_count = RR_CONNS});
}

/* The next completion; false when none came in time. */
static inline bool rr_next_within(struct rl_completion *c, uint64_t timeout_ns)
{
    uint64_t end_ns = rl_clock_ns() + timeout_ns;

    for (;;) {
        uint64_t now_ns = rl_clock_ns();

        if (rl_ring_reap(rr.ring, c, 1) == 1)
            return true;
        ck_assert_int_eq(rl_ring_enter(rr.ring, now_ns < end_ns ? end_ns - now_ns : 0), 0);
        if (rl_ring_reap(rr.ring, c, 1) == 1)
            return true;
        if (now_ns >= end_ns)
            return false;
    }
}

static inline struct rl_completion rr_next(void)
{
    struct rl_completion c;

    ck_assert(rr_next_within(&c, RR_WAIT_MS * RL_NS_PER_MS));
    return c;
}

/* The next one of that kind; those of others before it are dropped. */
static inline struct rl_completion rr_next_of(enum rl_op_kind kind)
{
    struct rl_completion c;

    do {
        c = rr_next();
    } while (rl_op_kind(c.user_data) != kind);
    return c;
}

/* Connection number i, as file where there are slots. */
static inline void rr_connect_as(int i, int file)
{
    struct rl_open open = {.peer = (struct sockaddr *)&rr.sin, .peer_bytes = sizeof(rr.sin)};
    struct rl_completion c;

    rr.file[i] = file;
    ck_assert_int_eq(
        rl_ring_open(rr.ring, &rr.file[i], &open, rl_op(RL_OP_CONNECT, (uint64_t)i)), 0);
    c = rr_next();
    ck_assert_int_eq(rl_op_kind(c.user_data), RL_OP_CONNECT);
    ck_assert_int_eq(c.res, 0);
    rr.peer[i] = accept(rr.listen_fd, NULL, NULL);
    ck_assert_int_ge(rr.peer[i], 0);
}

static inline void rr_connect(int i)
{
    rr_connect_as(i, i);
}

static inline void rr_stop(void)
{
    struct rl_completion c;

    for (int i = 0; i < RR_CONNS; i++) {
        if (rr.peer[i] >= 0)
            close(rr.peer[i]);
        if (rr.file[i] >= 0) {
            rl_ring_abort(rr.ring, rr.file[i]);
            rl_ring_close(rr.ring, rr.file[i]);
        }
    }
    while (rr_next_within(&c, 2 * RL_NS_PER_MS))
        ;
    rl_ring_free(rr.ring);
    close(rr.listen_fd);
}

#endif
