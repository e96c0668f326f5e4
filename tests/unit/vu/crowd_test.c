/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many sockets at once: rings that are too small, buffers that run out, and random lives; nothing is
 * lost, nothing is counted twice, nothing is left.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"
#include "vu_rig.h"

enum { CROWD = 200, TURNS = 200, MESSAGE = 64, LIVES = 400 };

struct member {
    struct rig_socket *s;
    int fd;
    size_t sent, expected; /* bytes of the pattern, from our side and at the peer */
    uint8_t buffer[MESSAGE];
    size_t buffered;
};

static struct member crowd[CROWD];
static unsigned crowd_size;

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 >> 3);
}

static void next_bytes(struct member *m, uint8_t *out, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = byte_at(m->sent++);
}

static struct member *member_of(const struct rig_socket *s)
{
    for (unsigned i = 0; i < crowd_size; i++) {
        if (crowd[i].s == s)
            return &crowd[i];
    }
    return NULL;
}

static void connect_all(struct rl_vu *vu)
{
    for (unsigned i = 0; i < crowd_size; i++) {
        crowd[i].s = rig_socket(vu, "");
        crowd[i].s->quiet = true;
        crowd[i].s->handlers = 1U << RL_EVENT_DATA;
        rig_connect(crowd[i].s, "", NULL);
    }
}

/* The peer's ends, each with the socket that it belongs to. */
static void accept_all(void)
{
    for (unsigned n = 0; n < crowd_size; n++) {
        struct sockaddr_in sin;
        socklen_t size = sizeof(sin);
        int fd = rig_accept();
        bool found = false;

        ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&sin, &size), 0);
        for (unsigned i = 0; i < crowd_size && !found; i++) {
            rig_until(crowd[i].s->socket.state == RL_SOCKET_OPEN);
            found = rl_socket_local(&crowd[i].s->socket)->port == ntohs(sin.sin_port);
            if (found)
                crowd[i].fd = fd;
        }
        ck_assert(found);
    }
}

static void start_crowd(int variant, unsigned sq, unsigned cq, unsigned size)
{
    struct rl_ring_config config = {.features = rig_features(variant), .sq_entries = sq,
                                    .cq_entries = cq, .slot_count = CROWD};

    memset(crowd, 0, sizeof(crowd));
    crowd_size = size;
    rig_start_with(&config, CROWD);
    rig_begin(connect_all);
    accept_all();
}

static void end_crowd(void)
{
    for (unsigned i = 0; i < crowd_size; i++) {
        rl_socket_destroy(&crowd[i].s->socket);
        rig_drop(crowd[i].s);
    }
    rig_until_done(1);
    for (unsigned i = 0; i < crowd_size; i++)
        close(crowd[i].fd);
    rig_stop();
}

/* Two writes for each piece of data: the second lies behind the first, sent or not. */
static void write_twice(struct rig_socket *s, const struct rl_event_arg *arg)
{
    struct member *m = member_of(s);
    uint8_t bytes[MESSAGE];

    (void)arg;
    for (int i = 0; i < 2; i++) {
        next_bytes(m, bytes, MESSAGE / 2);
        rig_send(s, "", rl_slice_of(bytes, MESSAGE / 2), NULL, NULL);
    }
}

static void check_stream(struct member *m)
{
    uint8_t bytes[4096];
    ssize_t n = recv(m->fd, bytes, sizeof(bytes), 0);
    bool same = true;

    for (ssize_t i = 0; i < n; i++)
        same &= bytes[i] == byte_at(m->expected++);
    ck_assert(same);
}

/* Rings that overflow, turns that end unsettled: each byte still goes once and in order. */
START_TEST(a_ring_that_is_too_small)
{
    uint64_t sent = 0;

    start_crowd(_i, 16, 16, 64);
    for (unsigned i = 0; i < crowd_size; i++)
        crowd[i].s->on[RL_EVENT_DATA] = write_twice;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        for (unsigned i = 0; i < crowd_size; i++) {
            if ((turn + i) % 3 != 0)
                rig_peer_send(crowd[i].fd, "p");
            check_stream(&crowd[i]);
        }
        rig_turn();
    }
    ck_assert_uint_gt(rl_ring_overflows(rig.ring), 0);
    for (unsigned i = 0; i < crowd_size; i++)
        crowd[i].s->on[RL_EVENT_DATA] = NULL;
    for (unsigned i = 0; i < crowd_size; i++)
        rig_until((check_stream(&crowd[i]), crowd[i].expected == crowd[i].sent));
    rig_until(rl_list_empty(&rig.ops));
    for (unsigned i = 0; i < crowd_size; i++) {
        ck_assert_uint_eq(crowd[i].s->socket.bytes_written, crowd[i].sent);
        sent += crowd[i].sent;
    }
    ck_assert_uint_eq(rig.net.counts.bytes_sent, sent);
    end_crowd();
    ck_assert_uint_eq(rig.net.counts.bytes_sent, sent);
}
END_TEST

/* More data at once than there are receive buffers: multishots stop, are armed again, nothing is lost. */
START_TEST(buffers_run_out)
{
    static uint8_t block[64 * 1024];
    size_t want = 256 * 1024;
    uint64_t received = 0;

    start_crowd(_i, 0, 0, 40);
    for (unsigned i = 0; i < crowd_size; i++) {
        int size = 1 << 20;

        setsockopt(crowd[i].fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    for (bool more = true; more;) {
        more = false;
        for (unsigned i = 0; i < crowd_size; i++) {
            ssize_t n;

            if (crowd[i].sent == want)
                continue;
            more = true;
            n = send(crowd[i].fd, block,
                     want - crowd[i].sent < sizeof(block) ? want - crowd[i].sent : sizeof(block),
                     MSG_NOSIGNAL);
            crowd[i].sent += n > 0 ? (size_t)n : 0;
        }
        rig_turn();
    }
    for (unsigned i = 0; i < crowd_size; i++) {
        rig_until(crowd[i].s->received == want);
        ck_assert_uint_eq(crowd[i].s->socket.bytes_read, want);
        received += want;
    }
    ck_assert_uint_eq(rig.net.counts.bytes_received, received);
    end_crowd();
}
END_TEST

/* Runs that only connect: the memory of the addresses goes in rounds. */
static unsigned connects_left;

static void connect_once_more(struct rl_vu *vu, int status)
{
    struct rig_socket *s;

    (void)status;
    if (connects_left-- == 0)
        return;
    s = rig_socket(vu, "");
    s->handlers = 0;
    rig_connect_to(s, "", "127.0.0.1", 1, NULL, 0, connect_once_more);
    rig_drop(s);
}

static void connect_in_vain(struct rl_vu *vu)
{
    connect_once_more(vu, 0);
}

/* A block begins with the pointer to the next one. */
static unsigned blocks_of(const struct rl_arena *arena)
{
    const void *block = arena->first;
    unsigned count = 0;

    for (; block != NULL; block = *(const void *const *)block)
        count++;
    return count;
}

START_TEST(connecting_takes_no_lasting_memory)
{
    rig_start(0);
    connects_left = 6000;
    rig_begin(connect_in_vain);
    rig_until_done(1);
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 6000);
    ck_assert_uint_le(blocks_of(&rig.net.arenas[0]) + blocks_of(&rig.net.arenas[1]), 2);
    rig_stop();
}
END_TEST

/* --- Random lives --- */

struct life {
    struct rig_socket *s; /* NULL: dropped */
    struct rl_vu *vu;
};

static struct rl_rng rng;
static struct life lives[LIVES];
static int peers[LIVES];
static unsigned life_count, peer_count;
static size_t peer_got, peer_put;

static bool is_open(const struct life *life)
{
    return life->s != NULL && life->s->socket.state == RL_SOCKET_OPEN &&
           life->vu->state == RL_VU_RUNNING;
}

static void wild_handler(struct rig_socket *s, const struct rl_event_arg *arg);

static void bear(struct rl_vu *vu)
{
    struct life *life = &lives[life_count];

    if (life_count == LIVES)
        return;
    life_count++;
    *life = (struct life){rig_socket_of(vu, "", NULL, rl_rng_below(&rng, 2) ? 3 : 0), vu};
    life->s->quiet = true;
    life->s->handlers = (unsigned)rl_rng_below(&rng, 1 << RL_EVENT_COUNT);
    for (int i = 0; i < RL_EVENT_COUNT; i++)
        life->s->on[i] = wild_handler;
    if (rl_rng_below(&rng, 3) == 0)
        rl_socket_set_timeout(&life->s->socket, 1 + rl_rng_below(&rng, 4 * RL_NS_PER_MS));
    rig_connect_to(life->s, "", "127.0.0.1", rl_rng_below(&rng, 8) == 0 ? 1 : rig.port, NULL,
                   rl_rng_below(&rng, 10) == 0 ? 50000 : 0, NULL);
}

static void drop(struct life *life)
{
    if (life->s != NULL)
        rig_drop(life->s);
    life->s = NULL;
}

/* Do something to one of the sockets of vu, or of any (NULL). */
static void act(struct rl_vu *vu)
{
    static uint8_t bytes[2 << 20];
    struct life *life = life_count == 0 ? NULL : &lives[rl_rng_below(&rng, life_count)];

    if (life == NULL || (vu != NULL && life->vu != vu) || life->vu->state != RL_VU_RUNNING)
        return;
    switch (rl_rng_below(&rng, 8)) {
    case 0:
        bear(life->vu);
        break;
    case 1:
        if (life->s != NULL)
            rl_socket_destroy(&life->s->socket);
        break;
    case 2:
        if (life->s != NULL && life->s->socket.state == RL_SOCKET_DESTROYED)
            drop(life);
        break;
    case 3:
        if (is_open(life))
            rig_send(life->s, "", rl_slice_of(bytes, 1 + rl_rng_below(&rng, sizeof(bytes) - 1)), NULL, NULL);
        break;
    case 4:
    case 5:
        if (life->s != NULL)
            rig_send(life->s, "", rl_slice_of(bytes, rl_rng_below(&rng, 300)), NULL, NULL);
        break;
    case 6:
        if (life->s != NULL)
            rig_refuse(life->s, "", RL_METHOD_WRITE, "invalid type");
        break;
    case 7:
        if (life->s != NULL)
            rl_socket_set_timeout(&life->s->socket, rl_rng_below(&rng, 3 * RL_NS_PER_MS));
        break;
    }
}

static void wild_handler(struct rig_socket *s, const struct rl_event_arg *arg)
{
    struct rl_vu *vu = s->socket.vu;

    (void)arg;
    if (rl_rng_below(&rng, 60) == 0) {
        rl_vu_abort(vu);
        return;
    }
    if (rl_rng_below(&rng, 3) == 0)
        act(vu);
}

static void peer_acts(void)
{
    char bytes[8192] = {0};

    for (unsigned i = 0; i < peer_count; i++) {
        ssize_t n;

        if (peers[i] < 0)
            continue;
        if (rl_rng_below(&rng, 3) != 0 && (n = recv(peers[i], bytes, sizeof(bytes), 0)) > 0)
            peer_got += (size_t)n;
        if (rl_rng_below(&rng, 4) == 0 &&
            (n = send(peers[i], bytes, 1 + rl_rng_below(&rng, sizeof(bytes)), MSG_NOSIGNAL)) > 0)
            peer_put += (size_t)n;
        if (rl_rng_below(&rng, 60) == 0) {
            if (rl_rng_below(&rng, 2))
                rig_reset(peers[i]);
            else
                close(peers[i]);
            peers[i] = -1;
        }
    }
}

static void begin_wild(struct rl_vu *vu)
{
    for (uint64_t n = rl_rng_below(&rng, 4); n > 0; n--)
        bear(vu);
}

START_TEST(random_lives)
{
    uint64_t seed = rl_clock_ns() ^ (uint64_t)_i << 40, end_ns;
    unsigned begun = 0;

    printf("seed %llu variant %d\n", (unsigned long long)seed, _i);
    rl_rng_init(&rng, seed);
    life_count = peer_count = 0;
    peer_got = peer_put = 0;
    rig_start(_i % RIG_VARIANTS);
    rig.main = begin_wild;
    end_ns = rl_clock_ns() + 150 * RL_NS_PER_MS;
    while (rl_clock_ns() < end_ns && life_count < LIVES) {
        struct rl_vu *vu = &rig.vus[1 + rl_rng_below(&rng, RIG_VUS)];
        int fd;

        rig_forget_diary();
        if (vu->state == RL_VU_IDLE) {
            begun++;
            rl_vu_begin(vu);
        } else if (rl_rng_below(&rng, 200) == 0) {
            rl_vu_interrupt(vu);
        }
        act(NULL);
        rig_turn();
        while (peer_count < LIVES && (fd = accept(rig.listen_fd, NULL, NULL)) >= 0) {
            fcntl(fd, F_SETFL, O_NONBLOCK);
            peers[peer_count++] = fd;
        }
        peer_acts();
    }
    for (unsigned id = 1; id <= RIG_VUS; id++)
        rl_vu_interrupt(&rig.vus[id]);
    rig_until(rl_net_idle(&rig.net));
    ck_assert_uint_eq(rig.done, begun);
    ck_assert_double_eq(rig_sum(RL_M_DATA_RECEIVED), (double)rig.net.counts.bytes_received);
    ck_assert_double_le(rig_sum(RL_M_DATA_SENT), (double)rig.net.counts.bytes_sent);
    ck_assert_uint_eq(rig.net.counts.opened, rig.net.counts.closed);
    ck_assert_uint_ge(rig.net.counts.opened, rig.net.counts.connected + rig.net.counts.failed);
    ck_assert_double_le(rig_sum(RL_M_TCP_SOCKETS), (double)rig.net.counts.connected);
    ck_assert_uint_le(rig_count(RL_M_TCP_SOCKET_DURATION), rig_count(RL_M_TCP_SOCKETS));
    ck_assert_double_le((double)peer_got, (double)rig.net.counts.bytes_sent);
    ck_assert_double_ge((double)peer_put, (double)rig.net.counts.bytes_received);
    for (unsigned i = 0; i < life_count; i++)
        drop(&lives[i]);
    for (unsigned i = 0; i < peer_count; i++) {
        if (peers[i] >= 0)
            close(peers[i]);
    }
    rig_stop();
}
END_TEST

static Suite *crowd_suite(void)
{
    Suite *suite = suite_create("crowd");

    rl_case_loop(suite, a_ring_that_is_too_small, NULL, NULL, 0, RIG_VARIANTS);
    rl_case_loop(suite, buffers_run_out, NULL, NULL, 0, RIG_VARIANTS);
    rl_case(suite, connecting_takes_no_lasting_memory, NULL, NULL);
    rl_case_loop(suite, random_lives, NULL, NULL, 0, 2 * RIG_VARIANTS);
    return suite;
}

RL_TEST_MAIN(crowd_suite)
