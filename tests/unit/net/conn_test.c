/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections over real loopback sockets. Each test runs with all features of the kernel and with each
 * one forced off. */
#include "net/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cases.h"

enum { VARIANTS = 13, BIG = 12 << 20, WAIT_MS = 3000 };

/* What a connection told its owner. */
struct owner {
    struct rl_conn *conn;
    int connected, status, ended, ended_status, sent_status;
    size_t received, sent;
    uint8_t last;
    bool wrong_order, close_on_data, echo;
};

static struct rl_ring *ring;
static struct rl_loop loop;
static struct rl_net net;
static int listen_fd;
static struct rl_addr server, own;
static const struct rl_addr *local; /* NULL: the kernel's choice */

static void on_connected(void *ctx, int status)
{
    struct owner *owner = ctx;

    owner->connected++;
    owner->status = status;
    if (status < 0)
        owner->conn = NULL;
}

static void on_data(void *ctx, struct rl_slice view)
{
    struct owner *owner = ctx;

    for (size_t i = 0; i < view.size; i++)
        owner->wrong_order |= view.data[i] != (uint8_t)((owner->received + i) * 31 >> 8);
    owner->received += view.size;
    if (owner->echo)
        ck_assert_int_eq(rl_conn_send(owner->conn, view), 0);
    if (owner->close_on_data) {
        rl_conn_close(owner->conn);
        owner->conn = NULL;
    }
}

static void on_sent(void *ctx, size_t size, int status)
{
    struct owner *owner = ctx;

    owner->sent += size;
    if (status < 0)
        owner->sent_status = status;
}

static void on_ended(void *ctx, int status)
{
    struct owner *owner = ctx;

    owner->ended++;
    owner->ended_status = status;
    rl_conn_close(owner->conn);
    owner->conn = NULL;
}

static const struct rl_stream_events events = {
    .connected = on_connected, .data = on_data, .sent = on_sent, .ended = on_ended};

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 >> 8);
}

/* An address of 127.0.0.0/8 for this test alone: ports of 127.0.0.1 may all be in TIME_WAIT. */
static uint32_t own_address(void)
{
    return 0x7f000000 | (0x10000 + (uint32_t)(rl_clock_ns() ^ (uint64_t)getpid() << 8) % 0xf00000);
}

/* Variant 0: all features; n: without feature number n - 1; the last one: in tables of one slot. */
static void set_up_variant(int variant, uint32_t max_conns)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(own_address())};
    socklen_t size = sizeof(sin);
    int features = rl_probe();
    const char *advice;

    ck_assert_int_ge(features, 0);
    if (variant > 0)
        features &= ~(1 << (variant - 1));
    if ((features & RL_F_BUF_RING) == 0)
        features &= ~RL_F_BUF_INC;
    if ((features & RL_F_SETSOCKOPT) == 0 || (features & (RL_F_PORT_RANGE | RL_F_BIND)) == 0)
        features &= ~RL_F_DIRECT;
    struct rl_ring_config config = {.features = features, .slot_count = max_conns};
    if (variant == VARIANTS - 1)
        config.slot_count = config.more_slots = 1;
    struct rl_net_config net_config = {.max_conns = max_conns, .share_count = 1,
                                       .seed = rl_clock_ns()};
    ck_assert_int_eq(rl_ring_new(&ring, &config, &advice), 0);
    ck_assert_int_eq(rl_loop_init(&loop, ring), 0);
    ck_assert_int_eq(rl_net_init(&net, &loop, &net_config), 0);
    listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listen_fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
    ck_assert_int_eq(listen(listen_fd, 128), 0);
    ck_assert_int_eq(getsockname(listen_fd, (struct sockaddr *)&sin, &size), 0);
    rl_addr_from_sockaddr((struct sockaddr *)&sin, &server);
    own = server;
    own.port = 0;
    local = (features & RL_F_PORT_RANGE) == 0 ? &own : NULL;
}

static void turns_until(bool (*over)(struct owner *owner), struct owner *owner)
{
    uint64_t until_ns = rl_clock_ns() + WAIT_MS * RL_NS_PER_MS;

    while (!over(owner)) {
        ck_assert_msg(rl_clock_ns() < until_ns, "timed out");
        loop.urgent = true;
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    }
}

static bool answered(struct owner *owner)
{
    return owner->connected > 0;
}

static bool has_ended(struct owner *owner)
{
    return owner->ended > 0;
}

static bool all_gone(struct owner *owner)
{
    (void)owner;
    return rl_net_idle(&net);
}

static void tear_down(struct owner *owner)
{
    if (owner->conn != NULL)
        rl_conn_close(owner->conn);
    turns_until(all_gone, owner);
    rl_net_fini(&net);
    rl_loop_fini(&loop);
    rl_ring_free(ring);
    close(listen_fd);
}

static int open_pair(struct owner *owner)
{
    int fd;

    ck_assert_int_eq(rl_conn_open(&net, &server, local, &events, owner, &owner->conn), 0);
    turns_until(answered, owner);
    ck_assert_int_eq(owner->status, 0);
    fd = accept(listen_fd, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(it_connects_and_knows_both_endpoints)
{
    struct owner owner = {0};
    struct sockaddr_in sin;
    socklen_t size = sizeof(sin);
    struct rl_addr peer;
    int fd;

    set_up_variant(_i, 16);
    fd = open_pair(&owner);
    ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&sin, &size), 0);
    rl_addr_from_sockaddr((struct sockaddr *)&sin, &peer);
    ck_assert_uint_eq(rl_conn_local(owner.conn)->port, peer.port);
    ck_assert(rl_addr_same_ip(rl_conn_local(owner.conn), &peer));
    ck_assert_uint_eq(owner.conn->peer.port, server.port);
    close(fd);
    turns_until(has_ended, &owner);
    ck_assert_int_eq(owner.ended_status, 0);
    tear_down(&owner);
}
END_TEST

START_TEST(a_refused_connect_says_so)
{
    struct owner owner = {0};

    set_up_variant(_i, 16);
    close(listen_fd);
    ck_assert_int_eq(rl_conn_open(&net, &server, local, &events, &owner, &owner.conn), 0);
    turns_until(answered, &owner);
    ck_assert_int_eq(owner.status, -ECONNREFUSED);
    ck_assert_uint_eq(net.counts.failed, 1);
    tear_down(&owner);
}
END_TEST

static bool sent_all(struct owner *owner)
{
    return owner->sent >= BIG;
}

/* A peer that does not read: the kernel takes a part, the rest waits in order, and arrives whole. */
START_TEST(order_survives_a_peer_that_reads_late)
{
    struct owner owner = {0};
    uint8_t *data = malloc(BIG), *back = malloc(BIG);
    size_t got = 0, cut = BIG / 3;
    int fd;

    for (size_t i = 0; i < BIG; i++)
        data[i] = byte_at(i);
    set_up_variant(_i, 16);
    fd = open_pair(&owner);
    ck_assert_int_eq(rl_conn_send(owner.conn, rl_slice_of(data, 10)), 0);
    ck_assert_int_eq(rl_conn_send(owner.conn, rl_slice_of(data + 10, cut - 10)), 0);
    for (int i = 0; i < 20; i++) {
        loop.urgent = true;
        rl_loop_turn(&loop);
    }
    ck_assert_uint_lt(owner.sent, BIG);
    ck_assert_int_eq(rl_conn_send(owner.conn, rl_slice_of(data + cut, BIG - cut)), 0);
    ck_assert_uint_gt(rl_conn_pending(owner.conn), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (got < BIG) {
        ssize_t n = recv(fd, back + got, BIG - got, 0);

        if (n > 0)
            got += (size_t)n;
        loop.urgent = true;
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    }
    ck_assert_int_eq(memcmp(data, back, BIG), 0);
    turns_until(sent_all, &owner);
    ck_assert_uint_eq(owner.sent, BIG);
    ck_assert_uint_eq(net.counts.bytes_sent, BIG);
    ck_assert_uint_eq(rl_conn_pending(owner.conn), 0);
    close(fd);
    tear_down(&owner);
    free(data);
    free(back);
}
END_TEST

START_TEST(a_stream_arrives_in_order_and_then_its_fin)
{
    struct owner owner = {0};
    uint8_t *data = malloc(BIG);
    size_t put = 0;
    int fd;

    for (size_t i = 0; i < BIG; i++)
        data[i] = byte_at(i);
    set_up_variant(_i, 16);
    fd = open_pair(&owner);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (put < BIG) {
        ssize_t n = send(fd, data + put, BIG - put, MSG_NOSIGNAL);

        if (n > 0)
            put += (size_t)n;
        loop.urgent = true;
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
    }
    close(fd);
    turns_until(has_ended, &owner);
    ck_assert_uint_eq(owner.received, BIG);
    ck_assert(!owner.wrong_order);
    ck_assert_int_eq(owner.ended_status, 0);
    tear_down(&owner);
    free(data);
}
END_TEST

START_TEST(a_reset_ends_with_its_cause)
{
    struct linger linger = {1, 0};
    struct owner owner = {0};
    int fd;

    set_up_variant(_i, 16);
    fd = open_pair(&owner);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
    turns_until(has_ended, &owner);
    ck_assert_int_eq(owner.ended_status, -ECONNRESET);
    tear_down(&owner);
}
END_TEST

/* Closing sends FIN though other connections have receives armed, and gives the memory back. */
START_TEST(close_sends_fin_and_abort_sends_rst)
{
    struct owner stays = {0}, closes = {0}, aborts = {0};
    int stays_fd, fd;
    char byte;

    set_up_variant(_i, 16);
    stays_fd = open_pair(&stays);
    fd = open_pair(&closes);
    rl_conn_close(closes.conn);
    closes.conn = NULL;
    for (int i = 0; i < 4; i++) {
        loop.urgent = true;
        rl_loop_turn(&loop);
    }
    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
    close(fd);
    fd = open_pair(&aborts);
    rl_conn_abort(aborts.conn);
    aborts.conn = NULL;
    for (int i = 0; i < 4; i++) {
        loop.urgent = true;
        rl_loop_turn(&loop);
    }
    ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    close(fd);
    ck_assert_uint_eq(net.conns.used_count, 1);
    ck_assert_int_eq(closes.ended + aborts.ended, 0);
    close(stays_fd);
    tear_down(&stays);
}
END_TEST

START_TEST(closing_while_it_connects_leaves_nothing)
{
    struct owner owner = {0};

    set_up_variant(_i, 16);
    ck_assert_int_eq(rl_conn_open(&net, &server, local, &events, &owner, &owner.conn), 0);
    rl_conn_close(owner.conn);
    owner.conn = NULL;
    turns_until(all_gone, &owner);
    ck_assert_int_eq(owner.connected, 0);
    tear_down(&owner);
}
END_TEST

/* A full backlog: the SYN gets no answer, and the attempt can still be given up. */
START_TEST(giving_up_a_connect_that_hangs)
{
    struct owner owner = {0};
    struct sockaddr_storage sin;
    socklen_t sin_bytes;
    int fillers[4];

    set_up_variant(_i, 16);
    listen(listen_fd, 0);
    sin_bytes = rl_addr_to_sockaddr(&server, &sin);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&sin, sin_bytes);
    }
    usleep(20000);
    ck_assert_int_eq(rl_conn_open(&net, &server, local, &events, &owner, &owner.conn), 0);
    for (int i = 0; i < 10; i++) {
        loop.urgent = true;
        rl_loop_turn(&loop);
    }
    ck_assert_int_eq(owner.connected, 0);
    rl_conn_close(owner.conn);
    owner.conn = NULL;
    turns_until(all_gone, &owner);
    ck_assert_int_eq(owner.connected, 0);
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
    tear_down(&owner);
}
END_TEST

START_TEST(more_than_the_limit_fails_with_emfile)
{
    struct owner owners[3] = {{0}};
    int fds[2];

    set_up_variant(_i, 2);
    fds[0] = open_pair(&owners[0]);
    fds[1] = open_pair(&owners[1]);
    ck_assert_int_eq(rl_conn_open(&net, &server, local, &events, &owners[2], &owners[2].conn), -EMFILE);
    ck_assert_uint_eq(net.counts.out_of_files, 1);
    close(fds[0]);
    turns_until(has_ended, &owners[0]);
    fds[0] = open_pair(&owners[2]); /* the slot is free again */
    close(fds[0]);
    close(fds[1]);
    turns_until(has_ended, &owners[2]);
    tear_down(&owners[1]);
}
END_TEST

/* Closed from inside its own data event, with more to come. */
START_TEST(closing_in_the_data_event)
{
    struct owner owner = {.close_on_data = true};
    uint8_t data[64];
    int fd;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = byte_at(i);
    set_up_variant(_i, 16);
    fd = open_pair(&owner);
    ck_assert_int_eq(send(fd, data, sizeof(data), MSG_NOSIGNAL), sizeof(data));
    turns_until(all_gone, &owner);
    ck_assert_uint_eq(owner.received, sizeof(data));
    ck_assert_int_eq(owner.ended, 0);
    close(fd);
    tear_down(&owner);
}
END_TEST

static bool echoed(struct owner *owner)
{
    return owner->sent == owner->received && owner->received >= 64 * 1024;
}

START_TEST(echo_of_many_small_messages)
{
    struct owner owner = {.echo = true};
    size_t put = 0, got = 0;
    uint8_t byte[64], back[64];
    int fd;

    set_up_variant(_i, 16);
    fd = open_pair(&owner);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (got < 64 * 1024) {
        if (put == got) {
            for (size_t i = 0; i < sizeof(byte); i++)
                byte[i] = byte_at(put + i);
            ck_assert_int_eq(send(fd, byte, sizeof(byte), 0), sizeof(byte));
            put += sizeof(byte);
        }
        loop.urgent = true;
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
        ssize_t n = recv(fd, back, sizeof(back), 0);
        for (ssize_t i = 0; i < n; i++)
            ck_assert_uint_eq(back[i], byte_at(got + (size_t)i));
        got += n > 0 ? (size_t)n : 0;
    }
    turns_until(echoed, &owner);
    close(fd);
    tear_down(&owner);
}
END_TEST

/* A queue that moves on in every turn is no reason to leave another's send unanswered. */
START_TEST(a_stream_beside_it_does_not_delay_what_was_sent)
{
    struct owner stream = {0}, small = {0};
    static uint8_t data[BIG];
    int stream_fd, small_fd, moved = 0;

    set_up_variant(_i, 16);
    stream_fd = open_pair(&stream);
    small_fd = open_pair(&small);
    ck_assert_int_eq(fcntl(stream_fd, F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(rl_conn_send(stream.conn, rl_slice_of(data, sizeof(data))), 0);
    for (size_t turns = 1; stream.sent < BIG; turns++) {
        size_t before = stream.sent;
        static uint8_t sunk[1 << 20];

        ck_assert_uint_lt(turns, 1000000);
        ck_assert_int_eq(rl_conn_send(small.conn, rl_slice_of("x", 1)), 0);
        loop.urgent = true;
        ck_assert_int_eq(rl_loop_turn(&loop), 0);
        ck_assert_uint_eq(small.sent, turns);
        moved += stream.sent > before;
        while (recv(stream_fd, sunk, sizeof(sunk), 0) > 0)
            ;
        while (recv(small_fd, sunk, sizeof(sunk), MSG_DONTWAIT) > 0)
            ;
    }
    ck_assert_int_gt(moved, 2);
    close(stream_fd);
    close(small_fd);
    turns_until(has_ended, &stream);
    turns_until(has_ended, &small);
    tear_down(&small);
}
END_TEST

static struct owner pair[2];
static uint64_t turn_of[2];
static size_t others_sent[2]; /* as each of them heard of its byte */

static void answer_byte(void *ctx, struct rl_slice view)
{
    struct owner *owner = ctx;
    size_t i = (size_t)(owner - pair);

    ck_assert_uint_eq(view.size, 1);
    owner->received++;
    turn_of[i] = loop.turns;
    others_sent[i] = pair[1 - i].sent;
    ck_assert_int_eq(rl_conn_send(owner->conn, view), 0);
}

static bool both_answered(struct owner *owner)
{
    (void)owner;
    return pair[0].sent > 0 && pair[1].sent > 0;
}

/* One byte to each of two, until both hear of it in the same turn; how much of the first one's answer had been
 * taken when the second one heard. */
static size_t sent_when_the_second_hears(const int fd[2])
{
    for (int i = 0; i < 1000; i++) {
        uint8_t byte = 0;

        pair[0].sent = pair[1].sent = 0;
        for (int k = 0; k < 2; k++)
            ck_assert_int_eq(send(fd[k], &byte, 1, 0), 1);
        turns_until(both_answered, NULL);
        for (int k = 0; k < 2; k++)
            ck_assert_int_eq(recv(fd[k], &byte, 1, 0), 1);
        if (turn_of[0] == turn_of[1])
            return others_sent[0] + others_sent[1];
    }
    ck_abort_msg("never in the same turn");
}

/* In a turn that receives much, what was written is submitted, and its taking told, in between. */
START_TEST(much_that_is_received_is_answered_in_parts)
{
    static const struct rl_stream_events answering = {
        .connected = on_connected, .data = answer_byte, .sent = on_sent, .ended = on_ended};
    int fd[2];

    memset(pair, 0, sizeof(pair));
    set_up_variant(_i, 16);
    for (int k = 0; k < 2; k++) {
        fd[k] = open_pair(&pair[k]);
        pair[k].conn->events = &answering;
    }
    ck_assert_uint_eq(sent_when_the_second_hears(fd), 0);
    loop.part_bytes = 1;
    ck_assert_uint_eq(sent_when_the_second_hears(fd), 1);
    for (int k = 0; k < 2; k++) {
        close(fd[k]);
        turns_until(has_ended, &pair[k]);
    }
    tear_down(&pair[1]);
}
END_TEST

static Suite *conn_suite(void)
{
    static const TTest *const *const tests[] = {
        &it_connects_and_knows_both_endpoints,
        &a_refused_connect_says_so,
        &order_survives_a_peer_that_reads_late,
        &a_stream_arrives_in_order_and_then_its_fin,
        &a_reset_ends_with_its_cause,
        &close_sends_fin_and_abort_sends_rst,
        &closing_while_it_connects_leaves_nothing,
        &giving_up_a_connect_that_hangs,
        &more_than_the_limit_fails_with_emfile,
        &closing_in_the_data_event,
        &echo_of_many_small_messages,
        &a_stream_beside_it_does_not_delay_what_was_sent,
        &much_that_is_received_is_answered_in_parts,
    };
    Suite *suite = suite_create("conn");

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        rl_case_loop(suite, *tests[i], NULL, NULL, 0, VARIANTS);
    return suite;
}

RL_TEST_MAIN(conn_suite)
