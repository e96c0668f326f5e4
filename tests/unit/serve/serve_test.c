/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The whole server, over loopback; tests/system/serve_test.py goes further. */
#include "serve/serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cases.h"

static struct rl_server *server;
static struct rl_addr bound;

static void start(const char *mode, uint32_t workers)
{
    struct rl_server_config config = {.mode = mode, .workers = workers, .max_conns = 1000};
    char why[256] = "";

    ck_assert_int_eq(rl_addr_parse_endpoint("127.0.0.1:0", &config.listen), 0);
    server = rl_server_start(&config, &bound, why, sizeof(why));
    ck_assert_msg(server != NULL, "%s", why);
    ck_assert_uint_ne(bound.port, 0);
}

static struct rl_server_counts stop(void)
{
    struct rl_server_counts counts;

    rl_server_stop(server);
    rl_server_stop(server);
    rl_server_counts(server, &counts);
    rl_server_free(server);
    ck_assert_uint_eq(counts.accepted, counts.closed);
    ck_assert_uint_eq(counts.open, 0);
    return counts;
}

static int dial(void)
{
    struct sockaddr_storage sa;
    socklen_t size = rl_addr_to_sockaddr(&bound, &sa);
    struct timeval limit = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM, 0), rc;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)), 0);
    do {
        rc = connect(fd, (struct sockaddr *)&sa, size);
    } while (rc < 0 && (errno == EINTR || errno == EALREADY));
    ck_assert_msg(rc == 0 || errno == EISCONN, "%s", strerror(errno));
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* The ring of the feature probe goes late, and its going interrupts whatever this thread waits in. */
static ssize_t receive(int fd, void *out, size_t size)
{
    ssize_t rc;

    do {
        rc = recv(fd, out, size, 0);
    } while (rc < 0 && errno == EINTR);
    return rc;
}

/* Exactly text comes. */
static void hear(int fd, const char *text)
{
    char got[4096];
    size_t size = strlen(text);

    for (size_t at = 0; at < size;) {
        ssize_t rc = receive(fd, got + at, size - at);

        ck_assert_msg(rc > 0, "%s", rc == 0 ? "FIN" : strerror(errno));
        at += (size_t)rc;
    }
    ck_assert_mem_eq(got, text, size);
}

/* Read until the end: 0 for FIN, or the errno. *total: bytes before it. */
static int read_to_end(int fd, size_t *total)
{
    static char got[65536];
    ssize_t rc;

    *total = 0;
    while ((rc = receive(fd, got, sizeof(got))) > 0)
        *total += (size_t)rc;
    return rc < 0 ? errno : 0;
}

START_TEST(echo)
{
    struct rl_server_counts counts;
    size_t rest;
    int fds[50];

    start("echo", 2);
    for (int i = 0; i < 50; i++) {
        fds[i] = dial();
        say(fds[i], "hello");
    }
    for (int i = 0; i < 50; i++)
        hear(fds[i], "hello");
    rl_server_counts(server, &counts);
    ck_assert_uint_eq(counts.open, 50);
    for (int i = 0; i < 50; i++) {
        shutdown(fds[i], SHUT_WR);
        ck_assert_int_eq(read_to_end(fds[i], &rest), 0);
        ck_assert_uint_eq(rest, 0);
        close(fds[i]);
    }
    counts = stop();
    ck_assert_uint_eq(counts.accepted, 50);
    ck_assert_uint_eq(counts.bytes_in, 250);
    ck_assert_uint_eq(counts.bytes_out, 250);
    ck_assert_uint_eq(counts.messages, 50);
    ck_assert_uint_eq(counts.resets, 0);
}
END_TEST

/* A client that says all, half closes, and only then reads gets all back. */
START_TEST(echo_to_a_half_closed_peer)
{
    enum { SIZE = 4 << 20 };
    char *data = calloc(1, SIZE);
    struct rl_server_counts counts;
    size_t sent = 0, total = 0;
    int fd;

    start("echo", 1);
    fd = dial();
    while (sent < SIZE) {
        ssize_t rc = send(fd, data + sent, SIZE - sent, MSG_NOSIGNAL);

        ck_assert_int_gt(rc, 0);
        sent += (size_t)rc;
    }
    shutdown(fd, SHUT_WR);
    usleep(50 * 1000);
    ck_assert_int_eq(read_to_end(fd, &total), 0);
    ck_assert_uint_eq(total, SIZE);
    close(fd);
    free(data);
    counts = stop();
    ck_assert_uint_eq(counts.bytes_in, SIZE);
    ck_assert_uint_eq(counts.bytes_out, SIZE);
}
END_TEST

/* What was said before the stop is counted, though nobody waits for an answer. */
START_TEST(stop_serves_what_has_arrived)
{
    struct rl_server_counts counts;
    int fds[100];

    start("sink", 2);
    for (int i = 0; i < 100; i++) {
        fds[i] = dial();
        say(fds[i], "0123456789");
        if (i % 2 == 0)
            close(fds[i]);
    }
    counts = stop();
    ck_assert_uint_eq(counts.accepted, 100);
    ck_assert_uint_eq(counts.bytes_in, 1000);
    ck_assert_uint_eq(counts.resets, 0);
    for (int i = 1; i < 100; i += 2)
        close(fds[i]);
}
END_TEST

START_TEST(resets_are_counted)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    struct rl_server_counts counts;

    start("echo", 1);
    for (int i = 0; i < 20; i++) {
        int fd = dial();

        say(fd, "x");
        hear(fd, "x");
        if (i % 4 == 0)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        close(fd);
    }
    counts = stop();
    ck_assert_uint_eq(counts.accepted, 20);
    ck_assert_uint_eq(counts.resets, 5);
}
END_TEST

/* What waits for a peer that does not read is bounded; when it reads at last it gets all. */
START_TEST(a_peer_that_does_not_read_is_slowed_down)
{
    static char block[65536];
    struct rl_server_counts counts;
    size_t sent = 0, total;
    int fd;

    start("echo", 1);
    fd = dial();
    for (struct pollfd room = {.fd = fd, .events = POLLOUT}; poll(&room, 1, 500) == 1;) {
        ssize_t rc = send(fd, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT);

        ck_assert(rc > 0 || errno == EAGAIN);
        sent += rc > 0 ? (size_t)rc : 0;
        ck_assert_uint_lt(sent, 100 << 20);
    }
    shutdown(fd, SHUT_WR);
    ck_assert_int_eq(read_to_end(fd, &total), 0);
    ck_assert_uint_eq(total, sent);
    close(fd);
    counts = stop();
    ck_assert_uint_eq(counts.bytes_in, sent);
    ck_assert_uint_eq(counts.bytes_out, sent);
}
END_TEST

/* The reset of a peer that is not read from at the time does no harm. */
START_TEST(a_peer_that_does_not_read_may_reset)
{
    static char block[65536];
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    struct rl_server_counts counts;
    int fd, other;

    start("echo", 1);
    fd = dial();
    for (struct pollfd room = {.fd = fd, .events = POLLOUT}; poll(&room, 1, 300) == 1;)
        ck_assert(send(fd, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT) > 0 ||
                  errno == EAGAIN);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
    other = dial();
    say(other, "still there?");
    hear(other, "still there?");
    close(other);
    counts = stop();
    ck_assert_uint_eq(counts.accepted, 2);
}
END_TEST

/* Sends that wait for room, also for peers that have said FIN, do not hold up the end. */
START_TEST(stop_with_peers_that_do_not_read)
{
    struct rl_server_counts counts;
    uint64_t begin_ns;
    int fds[10];

    start("source", 2);
    for (int i = 0; i < 10; i++) {
        fds[i] = dial();
        if (i % 2 == 0)
            shutdown(fds[i], SHUT_WR);
    }
    usleep(100 * 1000);
    begin_ns = rl_clock_ns();
    counts = stop();
    ck_assert_uint_lt(rl_clock_ns() - begin_ns, 2 * RL_NS_PER_S);
    ck_assert_uint_eq(counts.accepted, 10);
    for (int i = 0; i < 10; i++)
        close(fds[i]);
}
END_TEST

START_TEST(source_sends_as_long_as_the_peer_reads)
{
    struct rl_server_counts counts;
    static char got[65536];
    uint64_t total = 0, end_ns = rl_clock_ns() + 200 * RL_NS_PER_MS;
    size_t rest;
    int fd;

    start("source", 1);
    fd = dial();
    while (rl_clock_ns() < end_ns) {
        ssize_t rc = receive(fd, got, sizeof(got));

        ck_assert_int_gt(rc, 0);
        total += (uint64_t)rc;
    }
    ck_assert_uint_gt(total, 1 << 20);
    shutdown(fd, SHUT_WR); /* it has heard enough; what waits is still sent */
    read_to_end(fd, &rest);
    total += rest;
    close(fd);
    counts = stop();
    ck_assert_uint_eq(counts.bytes_out, total);
}
END_TEST

START_TEST(http)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                             "Content-Length: 3\r\n\r\nok\n";
    static const char last[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 3\r\nConnection: close\r\n\r\nok\n";
    struct rl_server_counts counts;
    size_t rest;
    int fd;

    start("http", 1);
    fd = dial();
    for (int i = 0; i < 3; i++) {
        say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        hear(fd, ok);
    }
    say(fd, "GET / HT"); /* split, then two at once */
    usleep(20 * 1000);
    say(fd, "TP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    hear(fd, ok);
    hear(fd, ok);
    say(fd, "GET / HTTP/1.1\r\nConnection: close\r\n\r\nGET /ignored HTTP/1.1\r\n\r\n");
    hear(fd, last);
    ck_assert_int_eq(read_to_end(fd, &rest), 0);
    ck_assert_uint_eq(rest, 0);
    close(fd);
    fd = dial();
    say(fd, "nonsense\r\n");
    hear(fd, "HTTP/1.1 400 Bad Request\r\n");
    ck_assert_int_eq(read_to_end(fd, &rest), 0);
    close(fd);
    counts = stop();
    ck_assert_uint_eq(counts.requests, 6);
}
END_TEST

START_TEST(manners)
{
    static const struct {
        const char *mode;
        bool speaks;
        size_t bytes;
        int end; /* 0: FIN; an errno; -1: nothing comes */
        uint64_t aborted;
    } rows[] = {
        {"fin", false, 0, 0, 0},         {"fin-after-reply", true, 5, 0, 0},
        {"rst", true, 0, ECONNRESET, 1}, {"rst-at-once", false, 0, ECONNRESET, 1},
        {"burst", false, 10000, -1, 0},  {"silent", true, 0, -1, 0},
        {"sink", true, 0, -1, 0},        {"never-read", true, 0, -1, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rl_server_counts counts;
        struct timeval limit = {.tv_usec = 200 * 1000};
        size_t bytes;
        int fd, end;

        start(rows[i].mode, 1);
        fd = dial();
        if (rows[i].speaks)
            say(fd, "hello");
        if (rows[i].end == -1)
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
        end = read_to_end(fd, &bytes);
        ck_assert_msg(end == (rows[i].end == -1 ? EAGAIN : rows[i].end), "%s: %d", rows[i].mode,
                      end);
        ck_assert_msg(bytes == rows[i].bytes, "%s: %zu", rows[i].mode, bytes);
        close(fd);
        counts = stop();
        ck_assert_msg(counts.accepted == 1, "%s", rows[i].mode);
        ck_assert_msg(counts.aborted == rows[i].aborted, "%s", rows[i].mode);
    }
}
END_TEST

START_TEST(start_says_what_is_wrong)
{
    struct rl_server_config config = {.mode = "ech"};
    char why[256] = "";

    ck_assert_int_eq(rl_addr_parse_endpoint("127.0.0.1:0", &config.listen), 0);
    ck_assert_ptr_null(rl_server_start(&config, &bound, why, sizeof(why)));
    ck_assert_msg(strstr(why, "\"ech\" is not a mode") != NULL, "%s", why);

    start("echo", 1); /* another one on its port would share its connections */
    config.mode = "echo";
    config.listen = bound;
    ck_assert_ptr_null(rl_server_start(&config, &bound, why, sizeof(why)));
    ck_assert_msg(strstr(why, "another program does") != NULL, "%s", why);
    stop();

    ck_assert_int_eq(rl_addr_parse_endpoint("192.0.2.1:0", &config.listen), 0);
    ck_assert_ptr_null(rl_server_start(&config, &bound, why, sizeof(why)));
    ck_assert_msg(strstr(why, "cannot serve on 192.0.2.1:0") != NULL, "%s", why);
}
END_TEST

START_TEST(modes_are_listed)
{
    const char *name, *help;
    size_t count = 0;

    for (; rl_serve_mode_at(count, &name, &help); count++)
        ck_assert(strlen(name) > 0 && strlen(help) > 0);
    ck_assert_uint_ge(count, 11);
}
END_TEST

START_TEST(ipv6)
{
    struct rl_server_config config = {.mode = "echo", .max_conns = 10};
    char why[256];

    ck_assert_int_eq(rl_addr_parse_endpoint("[::1]:0", &config.listen), 0);
    server = rl_server_start(&config, &bound, why, sizeof(why));
    ck_assert_ptr_nonnull(server);
    ck_assert_uint_eq(bound.family, AF_INET6);
    stop();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("serve/serve");

    rl_case(s, echo, NULL, NULL);
    rl_case(s, echo_to_a_half_closed_peer, NULL, NULL);
    rl_case(s, stop_serves_what_has_arrived, NULL, NULL);
    rl_case(s, resets_are_counted, NULL, NULL);
    rl_case(s, a_peer_that_does_not_read_is_slowed_down, NULL, NULL);
    rl_case(s, a_peer_that_does_not_read_may_reset, NULL, NULL);
    rl_case(s, stop_with_peers_that_do_not_read, NULL, NULL);
    rl_case(s, source_sends_as_long_as_the_peer_reads, NULL, NULL);
    rl_case(s, http, NULL, NULL);
    rl_case(s, manners, NULL, NULL);
    rl_case(s, start_says_what_is_wrong, NULL, NULL);
    rl_case(s, modes_are_listed, NULL, NULL);
    rl_case(s, ipv6, NULL, NULL);
    return s;
}

RL_TEST_MAIN(suite)
