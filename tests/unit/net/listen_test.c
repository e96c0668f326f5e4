/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The accepting side over real loopback sockets, with and without direct descriptors. */
#include "net/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cases.h"

enum { FEW = 4, WAIT_S = 3 };

static struct rl_ring *ring;
static struct rl_loop loop;
static struct rl_net net;
static struct rl_listener *listener;
static struct rl_addr addr;
static struct rl_conn *conns[64];
static unsigned conn_count, ended_count;
static bool closed;

static void on_accepted(void *ctx, struct rl_conn *conn)
{
    ck_assert_ptr_eq(ctx, &net);
    conn->owner = conn;
    conns[conn_count++] = conn;
}

static void on_closed(void *ctx)
{
    ck_assert_ptr_eq(ctx, &net);
    closed = true;
}

static void on_data(void *owner, struct rl_slice view)
{
    ck_assert_int_eq(rl_conn_send(owner, view), 0);
}

static void on_ended(void *owner, int status)
{
    (void)status;
    ended_count++;
    rl_conn_close(owner);
}

static const struct rl_listener_events events = {
    .accepted = on_accepted,
    .closed = on_closed,
    .stream = {.data = on_data, .ended = on_ended},
};

/* max_conns: of the ring's table and of the net. Even variants have direct descriptors. */
static void begin(int variant, uint32_t slots, uint32_t max_conns)
{
    int features = rl_probe(), status;
    struct rl_ring_config ring_config = {.slot_count = slots, .accepts = true};
    struct rl_net_config net_config = {.max_conns = max_conns, .accepts = true};
    const char *advice;

    ring_config.features = variant % 2 == 0 ? features : features & ~RL_F_DIRECT;
    ck_assert_int_eq(rl_ring_new(&ring, &ring_config, &advice), 0);
    ck_assert_int_eq(rl_loop_init(&loop, ring), 0);
    ck_assert_int_eq(rl_net_init(&net, &loop, &net_config), 0);
    ck_assert_int_eq(rl_addr_parse_endpoint("127.0.0.1:0", &addr), 0);
    listener = rl_listener_open(&net, &addr, &events, &net, &status);
    ck_assert_ptr_nonnull(listener);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_ne(addr.port, 0);
}

static void end(void)
{
    rl_net_fini(&net);
    rl_loop_fini(&loop);
    rl_ring_free(ring);
}

static void turn_once(void)
{
    loop.urgent = true;
    ck_assert_int_eq(rl_loop_turn(&loop), 0);
}

#define TURNS_UNTIL(condition)                                                                     \
    do {                                                                                           \
        uint64_t until_ns = rl_clock_ns() + WAIT_S * RL_NS_PER_S;                                  \
        while (!(condition)) {                                                                     \
            ck_assert_msg(rl_clock_ns() < until_ns, "waited in vain: " #condition);                \
            turn_once();                                                                           \
        }                                                                                          \
    } while (0)

static int dial(void)
{
    struct sockaddr_storage sa;
    socklen_t size = rl_addr_to_sockaddr(&addr, &sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, size), 0);
    return fd;
}

static void shut(void)
{
    rl_listener_close(listener);
    ck_assert(!closed); /* never from inside the call */
    TURNS_UNTIL(closed);
}

START_TEST(accepts_many_and_echoes)
{
    char got;
    int fds[50];

    begin(_i, 100, 100);
    for (int i = 0; i < 50; i++) {
        fds[i] = dial();
        ck_assert_int_eq(send(fds[i], "x", 1, 0), 1);
    }
    TURNS_UNTIL(conn_count == 50);
    ck_assert_uint_eq(rl_listener_counts(listener)->accepted, 50);
    for (int i = 0; i < 50; i++) {
        TURNS_UNTIL(recv(fds[i], &got, 1, MSG_DONTWAIT) == 1);
        close(fds[i]);
    }
    TURNS_UNTIL(ended_count == 50);
    shut();
    TURNS_UNTIL(rl_net_idle(&net));
    end();
}
END_TEST

/* Accepting goes on when connections have gone. */
START_TEST(out_of_slots_is_a_pause)
{
    int fds[FEW + 1];

    begin(0, FEW, 100);
    for (int i = 0; i <= FEW; i++)
        fds[i] = dial();
    TURNS_UNTIL(rl_listener_counts(listener)->pauses > 0);
    ck_assert_uint_eq(conn_count, FEW);
    ck_assert_uint_eq(rl_listener_counts(listener)->refused, 1); /* the kernel let it go */
    for (int i = 0; i <= FEW; i++)
        close(fds[i]);
    TURNS_UNTIL(rl_net_idle(&net));
    fds[0] = dial();
    TURNS_UNTIL(conn_count == FEW + 1);
    close(fds[0]);
    shut();
    TURNS_UNTIL(rl_net_idle(&net));
    end();
}
END_TEST

START_TEST(closed_during_a_pause)
{
    int fds[FEW + 1];

    begin(0, FEW, 100);
    for (int i = 0; i <= FEW; i++)
        fds[i] = dial();
    TURNS_UNTIL(rl_listener_counts(listener)->pauses > 0);
    shut();
    for (int i = 0; i <= FEW; i++)
        close(fds[i]);
    TURNS_UNTIL(rl_net_idle(&net));
    end();
}
END_TEST

START_TEST(more_than_the_net_holds_are_refused)
{
    int fds[FEW + 2];
    char got;

    begin(_i, 100, FEW);
    for (int i = 0; i < FEW + 2; i++)
        fds[i] = dial();
    TURNS_UNTIL(rl_listener_counts(listener)->refused == 2);
    turn_once(); /* they are closed with the next turn */
    ck_assert_uint_eq(rl_listener_counts(listener)->accepted, FEW);
    for (int i = 0; i < FEW + 2; i++) {
        if (i >= FEW)
            ck_assert_int_le(recv(fds[i], &got, 1, 0), 0);
        close(fds[i]);
    }
    shut();
    TURNS_UNTIL(rl_net_idle(&net));
    end();
}
END_TEST

/* What waits in the backlog when the listener closes is not served, and does not hold it up. */
START_TEST(closed_with_connections_waiting)
{
    int fds[10];

    begin(_i, 100, 100);
    for (int i = 0; i < 10; i++)
        fds[i] = dial();
    shut();
    for (int i = 0; i < 10; i++)
        close(fds[i]);
    TURNS_UNTIL(rl_net_idle(&net));
    end();
}
END_TEST

START_TEST(several_share_an_endpoint)
{
    struct rl_listener *first;
    int fds[40], status;

    begin(_i, 100, 100);
    first = listener;
    listener = rl_listener_open(&net, &addr, &events, &net, &status);
    ck_assert_ptr_nonnull(listener);
    for (int i = 0; i < 40; i++)
        fds[i] = dial();
    TURNS_UNTIL(conn_count == 40);
    ck_assert_uint_gt(rl_listener_counts(first)->accepted, 0);
    ck_assert_uint_gt(rl_listener_counts(listener)->accepted, 0);
    for (int i = 0; i < 40; i++)
        close(fds[i]);
    shut();
    closed = false;
    listener = first;
    shut();
    TURNS_UNTIL(rl_net_idle(&net));
    end();
}
END_TEST

START_TEST(an_address_that_is_not_ours)
{
    int status;

    begin(_i, 100, 100);
    ck_assert_int_eq(rl_addr_parse_endpoint("192.0.2.1:80", &addr), 0);
    ck_assert_ptr_null(rl_listener_open(&net, &addr, &events, &net, &status));
    ck_assert_int_eq(status, -EADDRNOTAVAIL);
    shut();
    end();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("net/listen");

    rl_case_loop(s, accepts_many_and_echoes, NULL, NULL, 0, 2);
    rl_case(s, out_of_slots_is_a_pause, NULL, NULL);
    rl_case(s, closed_during_a_pause, NULL, NULL);
    rl_case_loop(s, more_than_the_net_holds_are_refused, NULL, NULL, 0, 2);
    rl_case_loop(s, closed_with_connections_waiting, NULL, NULL, 0, 2);
    rl_case_loop(s, several_share_an_endpoint, NULL, NULL, 0, 2);
    rl_case_loop(s, an_address_that_is_not_ours, NULL, NULL, 0, 2);
    return s;
}

RL_TEST_MAIN(suite)
