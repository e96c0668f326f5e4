/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operations and their completions, with each feature of the kernel forced off in turn. */
#include "ring_rig.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>

enum { BIG = 12 << 20 };

/* Completions that nobody waits for do not show. */
static bool nothing_comes(uint64_t timeout_ns)
{
    struct rl_completion c;

    while (rr_next_within(&c, timeout_ns)) {
        if (rl_op_kind(c.user_data) != RL_OP_IGNORE)
            return false;
    }
    return true;
}

START_TEST(sizes)
{
    rr_start(rr_features(_i), 16, 32);
    ck_assert_uint_eq(rl_ring_capacity(rr.ring), 32);
    ck_assert_uint_eq(rl_ring_unsubmitted(rr.ring), 0);
    ck_assert(rl_ring_settled(rr.ring));
    ck_assert_int_eq(rl_ring_features(rr.ring), rr.features);
    ck_assert_uint_eq(rl_ring_overflows(rr.ring), 0);
    rr_stop();
}
END_TEST

START_TEST(a_timeout)
{
    uint64_t begin_ns;

    rr_start(rr_features(_i), 0, 0);
    begin_ns = rl_clock_ns();
    ck_assert_int_eq(rl_ring_enter(rr.ring, 10 * RL_NS_PER_MS), 0);
    ck_assert_uint_ge(rl_clock_ns() - begin_ns, 10 * RL_NS_PER_MS);
    begin_ns = rl_clock_ns();
    ck_assert_int_eq(rl_ring_enter(rr.ring, 0), 0);
    ck_assert_uint_lt(rl_clock_ns() - begin_ns, 500 * RL_NS_PER_MS);
    rr_stop();
}
END_TEST

/* Steps that succeed say nothing. */
START_TEST(a_refused_open)
{
    struct rl_open open = {.peer = (struct sockaddr *)&rr.sin, .peer_bytes = sizeof(rr.sin)};
    struct rl_completion c;
    int file = 0;

    rr_start(rr_features(_i), 0, 0);
    rr.sin.sin_port = htons(1);
    ck_assert_int_eq(rl_ring_open(rr.ring, &file, &open, rl_op(RL_OP_CONNECT, 5)), 0);
    c = rr_next();
    ck_assert_int_eq(c.res, -ECONNREFUSED);
    ck_assert_uint_eq(rl_op_handle(c.user_data), 5);
    rl_ring_close(rr.ring, file);
    ck_assert(nothing_comes(5 * RL_NS_PER_MS));
    rr_stop();
}
END_TEST

/* A local address that is not ours fails at once (descriptors), or is what connecting came to (slots):
 * the peer hears of no connection from another one. */
START_TEST(a_local_address_that_is_not_ours)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x01020304)};
    struct rl_open open = {.peer = (struct sockaddr *)&rr.sin,
                           .peer_bytes = sizeof(rr.sin),
                           .local = (struct sockaddr *)&local,
                           .local_bytes = sizeof(local)};
    struct pollfd peer = {.events = POLLIN};
    int file = 0, rc;

    rr_start(rr_features(_i), 0, 0);
    peer.fd = rr.listen_fd;
    rc = rl_ring_open(rr.ring, &file, &open, rl_op(RL_OP_CONNECT, 0));
    if ((rr.features & RL_F_DIRECT) != 0) {
        struct rl_completion c = rr_next();

        ck_assert_int_eq(rc, 0);
        ck_assert_int_eq(rl_op_kind(c.user_data), RL_OP_CONNECT);
        rc = c.res;
        rl_ring_close(rr.ring, file);
    }
    ck_assert_int_eq(rc, -EADDRNOTAVAIL);
    ck_assert_int_eq(poll(&peer, 1, 5), 0);
    ck_assert(nothing_comes(5 * RL_NS_PER_MS));
    rr_stop();
}
END_TEST

/* T-046 where it can be seen: keep-alive of an ordinary descriptor. */
/* One that is ours for certain is bound without a link: the connection leaves from it all the same, and if
 * it was not ours after all, that is told before the end of connecting. */
START_TEST(a_local_address_that_is_ours)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f030009)}, seen;
    struct rl_open open = {.peer = (struct sockaddr *)&rr.sin,
                           .peer_bytes = sizeof(rr.sin),
                           .local = (struct sockaddr *)&local,
                           .local_bytes = sizeof(local),
                           .local_is_ours = true};
    socklen_t size = sizeof(seen);
    struct rl_completion c;

    rr_start(rr_features(_i), 0, 0);
    rr.file[0] = 0;
    ck_assert_int_eq(rl_ring_open(rr.ring, &rr.file[0], &open, rl_op(RL_OP_CONNECT, 0)), 0);
    c = rr_next();
    ck_assert_int_eq(rl_op_kind(c.user_data), RL_OP_CONNECT);
    ck_assert_int_eq(c.res, 0);
    rr.peer[0] = accept(rr.listen_fd, (struct sockaddr *)&seen, &size);
    ck_assert_int_ge(rr.peer[0], 0);
    ck_assert_uint_eq(seen.sin_addr.s_addr, local.sin_addr.s_addr);
    if ((rr.features & RL_F_DIRECT) != 0) {
        local.sin_addr.s_addr = htonl(0x01020304);
        rr.file[1] = 1;
        ck_assert_int_eq(rl_ring_open(rr.ring, &rr.file[1], &open, rl_op(RL_OP_CONNECT, 1)), 0);
        c = rr_next();
        ck_assert_int_eq(rl_op_kind(c.user_data), RL_OP_OPEN);
        ck_assert_int_eq(c.res, -EADDRNOTAVAIL);
        c = rr_next();
        ck_assert_int_eq(rl_op_kind(c.user_data), RL_OP_CONNECT);
    }
    rr_stop();
}
END_TEST

START_TEST(socket_options)
{
    static const struct {
        int level, name, value;
    } rows[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},   {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 30}, {IPPROTO_TCP, TCP_KEEPINTVL, 15},
        {IPPROTO_TCP, TCP_KEEPCNT, 9},
    };

    rr_start(rr_features(0) & ~RL_F_DIRECT, 0, 0);
    rr_connect(0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int value = -1;
        socklen_t size = sizeof(value);

        ck_assert_int_eq(getsockopt(rr.file[0], rows[i].level, rows[i].name, &value, &size), 0);
        ck_assert_int_eq(value, rows[i].value);
    }
    rr_stop();
}
END_TEST

START_TEST(the_port_that_was_asked_for)
{
    uint32_t range = 0;
    struct rl_open open = {
        .peer = (struct sockaddr *)&rr.sin, .peer_bytes = sizeof(rr.sin), .port_range = &range};
    struct sockaddr_in from;
    socklen_t size = sizeof(from);
    int file = 0, fd;

    rr_start(rr_features(_i), 0, 0);
    if ((rr.features & RL_F_PORT_RANGE) == 0) {
        rr_stop();
        return;
    }
    for (uint32_t port = 41000;; port += 7) { /* one that is free */
        struct rl_completion c;

        range = port << 16 | port;
        ck_assert_int_eq(rl_ring_open(rr.ring, &file, &open, rl_op(RL_OP_CONNECT, 0)), 0);
        c = rr_next();
        if (c.res == 0)
            break;
        ck_assert_int_eq(c.res, -EADDRNOTAVAIL);
        rl_ring_close(rr.ring, file);
        ck_assert_uint_lt(port, 60000);
    }
    fd = accept(rr.listen_fd, (struct sockaddr *)&from, &size);
    ck_assert_uint_eq(ntohs(from.sin_port), range & 0xffff);
    close(fd);
    rr.file[0] = file;
    rr_stop();
}
END_TEST

/* A send that fits is silent if the feature is there; else it says how much. */
START_TEST(a_send_that_fits)
{
    char back[5];

    rr_start(rr_features(_i), 0, 0);
    rr_connect(0);
    rl_ring_send(rr.ring, rr.file[0], rl_slice_of("hello", 5), RL_SEND_TRY, rl_op(RL_OP_SEND, 1));
    ck_assert_uint_gt(rl_ring_unsubmitted(rr.ring), 0);
    ck_assert(!rl_ring_settled(rr.ring));
    ck_assert_int_eq(rl_ring_enter(rr.ring, 0), 0);
    if ((rr.features & RL_F_SEND_SKIP) == 0) {
        struct rl_completion c = rr_next();

        ck_assert_int_eq(c.res, 5);
        ck_assert_int_eq(rl_op_kind(c.user_data), RL_OP_SEND);
    }
    ck_assert(rl_ring_settled(rr.ring));
    ck_assert_int_eq(recv(rr.peer[0], back, 5, MSG_WAITALL), 5);
    rr_stop();
}
END_TEST

/* One that does not fit takes what fits; a tracked one waits for the rest. */
START_TEST(a_send_that_does_not_fit)
{
    uint8_t *data = calloc(1, BIG), *back = malloc(1 << 20);
    struct rl_completion c;
    size_t got = 0, first;

    rr_start(rr_features(_i), 0, 0);
    rr_connect(0);
    rl_ring_send(rr.ring, rr.file[0], rl_slice_of(data, BIG), RL_SEND_TRY, rl_op(RL_OP_SEND, 1));
    c = rr_next();
    ck_assert_int_gt(c.res, 0);
    ck_assert_int_lt(c.res, BIG);
    first = (size_t)c.res;
    rl_ring_send(rr.ring, rr.file[0], rl_slice_of(data + first, BIG - first), RL_SEND_WHOLE,
                 rl_op(RL_OP_SEND, 2));
    ck_assert(nothing_comes(5 * RL_NS_PER_MS));
    while (got < BIG) {
        ssize_t n = recv(rr.peer[0], back, 1 << 20, MSG_DONTWAIT);

        if (n > 0)
            got += (size_t)n;
        else
            ck_assert_int_eq(rl_ring_enter(rr.ring, RL_NS_PER_MS), 0);
    }
    c = rr_next();
    ck_assert_uint_eq(rl_op_handle(c.user_data), 2);
    ck_assert_int_eq(c.res, (int)(BIG - first));
    free(data);
    free(back);
    rr_stop();
}
END_TEST

/* Cancelling: the target's own final completion still comes; of a target that has gone nothing does. */
START_TEST(cancelling)
{
    struct rl_completion c;

    rr_start(rr_features(_i), 0, 0);
    rr_connect(0);
    rl_ring_recv(rr.ring, rr.file[0], rl_op(RL_OP_RECV, 0));
    ck_assert_int_eq(rl_ring_enter(rr.ring, 0), 0);
    rl_ring_cancel(rr.ring, rr.file[0], rl_op(RL_OP_RECV, 0));
    c = rr_next_of(RL_OP_RECV);
    ck_assert_int_eq(c.res, -ECANCELED);
    ck_assert(!rl_completion_more(&c));
    rl_ring_cancel(rr.ring, rr.file[0], rl_op(RL_OP_RECV, 0));
    ck_assert(nothing_comes(5 * RL_NS_PER_MS));
    rr_stop();
}
END_TEST

/* FIN with receives armed elsewhere; RST, and the armed receive ends. */
START_TEST(closing_and_aborting)
{
    struct rl_completion c;
    char byte;

    rr_start(rr_features(_i), 0, 0);
    for (int i = 0; i < 3; i++) {
        rr_connect(i);
        rl_ring_recv(rr.ring, rr.file[i], rl_op(RL_OP_RECV, (uint64_t)i));
    }
    ck_assert_int_eq(rl_ring_enter(rr.ring, 0), 0);
    rl_ring_cancel(rr.ring, rr.file[0], rl_op(RL_OP_RECV, 0));
    rl_ring_close(rr.ring, rr.file[0]);
    rr.file[0] = -1;
    c = rr_next_of(RL_OP_RECV);
    ck_assert_uint_eq(rl_op_handle(c.user_data), 0);
    ck_assert_int_eq(recv(rr.peer[0], &byte, 1, 0), 0);
    rl_ring_abort(rr.ring, rr.file[1]);
    rl_ring_close(rr.ring, rr.file[1]);
    rr.file[1] = -1;
    c = rr_next_of(RL_OP_RECV);
    ck_assert_uint_eq(rl_op_handle(c.user_data), 1);
    ck_assert_int_le(c.res, 0);
    ck_assert_int_eq(recv(rr.peer[1], &byte, 1, 0), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    ck_assert(nothing_comes(2 * RL_NS_PER_MS)); /* the third is not touched */
    rr_connect(0);                              /* the slot is free again */
    rr_stop();
}
END_TEST

/* More submissions than the queue holds: handed over in the middle. More completions than fit: counted,
 * not lost. */
START_TEST(small_queues)
{
    enum { POLLS = 100 };
    bool seen[POLLS] = {false};
    unsigned count = 0;
    int fd = eventfd(1, EFD_NONBLOCK);
    uint64_t end_ns = rl_clock_ns() + RL_NS_PER_S;

    rr_start(rr_features(_i), 16, 16);
    for (uint64_t i = 0; i < POLLS; i++)
        rl_ring_poll(rr.ring, fd, rl_op(RL_OP_WAKE, i));
    while (count < POLLS && rl_clock_ns() < end_ns) {
        struct rl_completion batch[16];
        unsigned n;

        ck_assert_int_eq(rl_ring_enter(rr.ring, RL_NS_PER_MS), 0);
        n = rl_ring_reap(rr.ring, batch, 16);
        for (unsigned k = 0; k < n; k++) {
            uint64_t i = rl_op_handle(batch[k].user_data);

            ck_assert_int_gt(batch[k].res, 0);
            count += !seen[i];
            seen[i] = true;
        }
    }
    ck_assert_uint_eq(count, POLLS);
    ck_assert_uint_gt(rl_ring_overflows(rr.ring), 0);
    rr_stop();
    close(fd);
}
END_TEST

/* A table larger than the limit of files is refused with advice. */
START_TEST(too_many_slots)
{
    struct rl_ring_config config = {.features = rr_features(0), .slot_count = 1U << 30};
    struct rl_ring *ring;
    const char *advice = NULL;

    if ((config.features & RL_F_DIRECT) == 0)
        return;
    ck_assert_int_lt(rl_ring_new(&ring, &config, &advice), 0);
    ck_assert_ptr_nonnull(strstr(advice, "ulimit -n"));
}
END_TEST

static Suite *ring_suite(void)
{
    static const TTest *const *const variants[] = {
        &sizes,
        &a_timeout,
        &a_refused_open,
        &a_local_address_that_is_not_ours,
        &a_local_address_that_is_ours,
        &the_port_that_was_asked_for,
        &a_send_that_fits,
        &a_send_that_does_not_fit,
        &cancelling,
        &closing_and_aborting,
        &small_queues,
    };
    Suite *suite = suite_create("ring");

    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
        rl_case_loop(suite, *variants[i], NULL, NULL, 0, RR_VARIANTS);
    rl_case(suite, socket_options, NULL, NULL);
    rl_case(suite, too_many_slots, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(ring_suite)
