/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server with TLS, and with it the filter on connections, against a client that blocks. */
#include "serve/serve_tls.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/status.h"
#include "cases.h"
#include "serve/serve.h"
#include "tls/tls_engine.h"
#include "tls/tls_library.h"

struct client {
    int fd;
    size_t piece; /* bytes a send; 0: all at once */
    struct rl_tls_engine engine;
    bool cut;     /* the server takes no more */
};

static struct rl_server *server;
static struct rl_serve_tls tls;
static struct rl_addr bound;
static struct rl_tls_context *context;

static void start(const char *mode, const char *version)
{
    const struct rl_serve_tls_request request = {.version = version};
    struct rl_server_config config = {.mode = mode, .workers = 1, .max_conns = 1000};
    struct rl_tls_config trust = {0};
    char why[256] = "";

    ck_assert_int_eq(rl_tls_library_init(), 0);
    ck_assert_int_eq(rl_addr_parse_endpoint("127.0.0.1:0", &config.listen), 0);
    ck_assert_msg(rl_serve_tls_init(&tls, &request, &config.listen, why, sizeof(why)) == 0, "%s", why);
    config.tls = &tls.config;
    server = rl_server_start(&config, &bound, why, sizeof(why));
    ck_assert_msg(server != NULL, "%s", why);
    trust.ca = rl_slice_str(tls.cert);
    context = rl_tls_context_new(&trust, RL_TLS_CLIENT, NULL, why, sizeof(why));
    ck_assert_msg(context != NULL, "%s", why);
}

static struct rl_server_counts stop(void)
{
    struct rl_server_counts counts;

    rl_server_stop(server);
    rl_server_counts(server, &counts);
    rl_server_free(server);
    rl_tls_context_release(context);
    rl_serve_tls_fini(&tls);
    rl_tls_library_fini();
    ck_assert_uint_eq(counts.accepted, counts.closed);
    ck_assert_uint_eq(counts.open, 0);
    return counts;
}

static void send_all(void *ctx, struct rl_slice data)
{
    struct client *client = ctx;

    while (data.size > 0 && !client->cut) {
        size_t size = client->piece != 0 && client->piece < data.size ? client->piece : data.size;
        ssize_t rc = send(client->fd, data.data, size, MSG_NOSIGNAL);

        if (rc < 0 && errno == EINTR)
            continue;
        client->cut = rc < 0;
        if (rc > 0)
            data = rl_slice_of(data.data + rc, data.size - (size_t)rc);
    }
}

static int dial(void)
{
    struct sockaddr_storage sa;
    socklen_t size = rl_addr_to_sockaddr(&bound, &sa);
    const struct timeval limit = {.tv_sec = 30};
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

/* What comes, into the engine's hands: false at the end. */
static bool receive(struct client *client, uint8_t *buffer, size_t size)
{
    ssize_t rc;

    do {
        rc = recv(client->fd, buffer, size, 0);
    } while (rc < 0 && errno == EINTR);
    rl_require(rc >= 0);
    rl_tls_engine_feed(&client->engine, rl_slice_of(buffer, (size_t)rc));
    return rc > 0;
}

static void hello(struct client *client, size_t piece)
{
    *client = (struct client){.fd = dial(), .piece = piece};
    ck_assert_int_eq(rl_tls_engine_init(&client->engine, context, "127.0.0.1",
                                        rl_slice_of(NULL, 0), send_all, client), 0);
    ck_assert_int_eq(rl_tls_engine_step(&client->engine), RL_TLS_MORE);
}

/* The rest of the first bytes, if they are more than the handshake, stays fed. */
static void shake(struct client *client, uint8_t *buffer, size_t size)
{
    int rc = RL_TLS_MORE;

    while (rc == RL_TLS_MORE) {
        ck_assert(receive(client, buffer, size));
        rc = rl_tls_engine_step(&client->engine);
    }
    ck_assert_msg(rc == RL_TLS_DONE, "%s", rl_status_text(rc));
}

static void hang_up(struct client *client)
{
    rl_tls_engine_fini(&client->engine);
    close(client->fd);
}

/* Read want bytes of plaintext, and check them against data if that is given. */
static void hear(struct client *client, uint8_t *buffer, size_t buffer_bytes, const uint8_t *data,
                 size_t want)
{
    static uint8_t plain[16384];
    size_t got = 0;
    int status;

    for (;;) {
        size_t size = rl_tls_engine_read(&client->engine, plain, sizeof(plain), &status);

        rl_require(status == 0);
        rl_require(data == NULL || size == 0 || memcmp(plain, data + got, size) == 0);
        got += size;
        if (got >= want && size == 0)
            return;
        if (size == 0)
            rl_require(receive(client, buffer, buffer_bytes));
    }
}

static uint8_t buffer[65536];

/* T-074: either version, in sends of a byte, of odd sizes, and whole. */
START_TEST(echo)
{
    static const size_t pieces[] = {1, 7, 0};
    struct rl_server_counts counts;
    struct client client;

    start("echo", _i % 2 == 0 ? "tls1.2" : "tls1.3");
    hello(&client, pieces[_i / 2]);
    shake(&client, buffer, sizeof(buffer));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(rl_tls_engine_write(&client.engine, rl_slice_str("hello")), 0);
        hear(&client, buffer, sizeof(buffer), (const uint8_t *)"hello", 5);
    }
    hang_up(&client);
    counts = stop();
    ck_assert_uint_eq(counts.accepted, 1);
    ck_assert_uint_eq(counts.handshakes, 1);
    ck_assert_uint_eq(counts.tls_failed, 0);
}
END_TEST

/* More than the kernel holds, back while it is still coming: nothing is lost or mixed up. */
START_TEST(a_large_echo)
{
    enum { SIZE = 1000 * 1000 };
    uint8_t *data = malloc(SIZE);
    struct client client;

    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7 + (i >> 9));
    start("echo", NULL);
    hello(&client, 0);
    shake(&client, buffer, sizeof(buffer));
    for (size_t at = 0; at < SIZE; at += 100000) {
        ck_assert_int_eq(rl_tls_engine_write(&client.engine, rl_slice_of(data + at, 100000)), 0);
        hear(&client, buffer, _i == 0 ? sizeof(buffer) : 999, data + at, 100000);
    }
    hang_up(&client);
    stop();
    free(data);
}
END_TEST

/* It sends for as long as we read: the queue, and with it the order of records. */
START_TEST(source)
{
    struct client client;
    struct rl_server_counts counts;

    start("source", NULL);
    hello(&client, 0);
    shake(&client, buffer, sizeof(buffer));
    hear(&client, buffer, sizeof(buffer), NULL, 2000 * 1000);
    hang_up(&client);
    counts = stop();
    ck_assert_uint_ge(counts.bytes_out, 2000 * 1000);
}
END_TEST

/* T-081: close_notify comes before the end of TCP. */
START_TEST(close_notify_is_sent)
{
    static const char *const modes[] = {"fin-after-reply", "fin"};
    struct client client;
    uint8_t plain[64];
    size_t size, got = 0;
    int status;

    start(modes[_i], NULL);
    hello(&client, 0);
    shake(&client, buffer, sizeof(buffer));
    if (_i == 0)
        ck_assert_int_eq(rl_tls_engine_write(&client.engine, rl_slice_str("last")), 0);
    for (;;) {
        while ((size = rl_tls_engine_read(&client.engine, plain, sizeof(plain), &status)) > 0)
            got += size;
        if (status != 0)
            break;
        ck_assert_msg(receive(&client, buffer, sizeof(buffer)), "TCP ended first");
    }
    ck_assert_int_eq(status, 1);
    ck_assert_uint_eq(got, _i == 0 ? 4 : 0);
    hang_up(&client);
    stop();
}
END_TEST

/* Handshakes that never are: counted, closed, and told by an alert where there is something to tell. */
START_TEST(failed_handshakes)
{
    static const char *const said[] = {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff",
                                       "\x16\x03\x01\x00\x04\x01\x00\x00\x00", ""};
    struct rl_server_counts counts;
    int fd;

    start("echo", NULL);
    fd = dial();
    ck_assert_int_ge(send(fd, said[_i], _i == 2 ? 9 : strlen(said[_i]), MSG_NOSIGNAL), 0);
    shutdown(fd, SHUT_WR);
    while (recv(fd, buffer, sizeof(buffer), 0) > 0)
        ;
    close(fd);
    counts = stop();
    ck_assert_uint_eq(counts.accepted, 1);
    ck_assert_uint_eq(counts.handshakes, 0);
    ck_assert_uint_eq(counts.tls_failed, 1);
}
END_TEST

/* More hellos at once than a turn takes steps: all are served. */
START_TEST(a_crowd_of_handshakes)
{
    enum { CROWD = 100 };
    static struct client clients[CROWD];
    struct rl_server_counts counts;

    start("echo", NULL);
    for (int i = 0; i < CROWD; i++)
        hello(&clients[i], 0);
    for (int i = CROWD - 1; i >= 0; i--) {
        shake(&clients[i], buffer, sizeof(buffer));
        ck_assert_int_eq(rl_tls_engine_write(&clients[i].engine, rl_slice_str("x")), 0);
        hear(&clients[i], buffer, sizeof(buffer), (const uint8_t *)"x", 1);
    }
    for (int i = 0; i < CROWD; i++)
        hang_up(&clients[i]);
    counts = stop();
    ck_assert_uint_eq(counts.handshakes, CROWD);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    const struct rl_serve_tls_request no_key = {.cert_file = "/dev/null"};
    const struct rl_serve_tls_request no_file = {.cert_file = "/nowhere", .key_file = "/nowhere"};
    const struct rl_serve_tls_request bad_version = {.version = "ssl3.0"};
    const struct rl_serve_tls_request fine = {.version = NULL};
    struct rl_server_config config = {.mode = "never-read"};
    struct rl_addr addr;
    char why[256];

    ck_assert_int_eq(rl_tls_library_init(), 0);
    ck_assert_int_eq(rl_addr_parse_endpoint("127.0.0.1:0", &addr), 0);
    ck_assert_int_lt(rl_serve_tls_init(&tls, &no_key, &addr, why, sizeof(why)), 0);
    ck_assert_ptr_nonnull(strstr(why, "--tls-key"));
    ck_assert_int_lt(rl_serve_tls_init(&tls, &no_file, &addr, why, sizeof(why)), 0);
    ck_assert_ptr_nonnull(strstr(why, "/nowhere"));
    ck_assert_int_lt(rl_serve_tls_init(&tls, &bad_version, &addr, why, sizeof(why)), 0);
    ck_assert_ptr_nonnull(strstr(why, "tls1.2"));
    ck_assert_int_eq(rl_serve_tls_init(&tls, &fine, &addr, why, sizeof(why)), 0);
    config.listen = addr;
    config.tls = &tls.config;
    ck_assert_ptr_null(rl_server_start(&config, &bound, why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "TLS"));
    rl_serve_tls_fini(&tls);
    rl_tls_library_fini();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("serve/tls");

    rl_case_loop(s, echo, NULL, NULL, 0, 6);
    rl_case_loop(s, a_large_echo, NULL, NULL, 0, 2);
    rl_case(s, source, NULL, NULL);
    rl_case_loop(s, close_notify_is_sent, NULL, NULL, 0, 2);
    rl_case_loop(s, failed_handshakes, NULL, NULL, 0, 4);
    rl_case(s, a_crowd_of_handshakes, NULL, NULL);
    rl_case(s, what_cannot_be_is_refused, NULL, NULL);
    return s;
}

RL_TEST_MAIN(suite)
