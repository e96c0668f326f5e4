/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TLS below the language: what becomes of a socket whose handshake does not end well, and of all that it
 * holds; bounds; tags. What goes well is in tests/lua/tcp/tls.lua. */
#include "vu/socket_tls.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"
#include "net/listen.h"
#include "tls/tls_library.h"
#include "tls/tls_stream_impl.h"
#include "vu/socket_impl.h"
#include "vu_rig.h"

static struct rig_socket *a;
static struct rl_socket_tls tls;
static uint64_t timeout_ns;

static void start_with_features(int features)
{
    struct rl_ring_config config = {.features = features, .slot_count = 64};
    const struct rl_tls_config run = {.min_version = RL_TLS_ANY};
    const struct rl_tls_options options = {.verify = RL_TLS_NO, .resume = RL_TLS_YES};
    char why[200];

    ck_assert_int_eq(rl_tls_library_init(), 0);
    rig_start_with(&config, 64);
    a = NULL;
    timeout_ns = 0;
    tls = (struct rl_socket_tls){.resume = false};
    rig.env.tls_worker = rl_tls_worker_new(&rig.loop);
    rig.env.tls_contexts = rl_tls_contexts_new(&run, NULL);
    tls.context = rl_tls_contexts_get(rig.env.tls_contexts, "127.0.0.1", &options, why, sizeof(why));
    ck_assert_msg(tls.context != NULL, "%s", why);
}

static void set_up(void)
{
    start_with_features(rig_features(0));
}

static void tear_down(void)
{
    if (a != NULL)
        rig_drop(a);
    rig_drain();
    rl_tls_contexts_free(rig.env.tls_contexts);
    rl_tls_worker_free(rig.env.tls_worker);
    rig_stop();
    rl_tls_library_fini();
}

static void connect_a(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    ck_assert_int_eq(rig_connect_tls(a, "c", &tls, timeout_ns, NULL), RL_PENDING);
}

static void start_on_a(struct rl_vu *vu, int status)
{
    (void)vu;
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(rig_start_tls(a, "t", &tls, timeout_ns), RL_PENDING);
}

static void connect_and_start(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    ck_assert_int_eq(rig_connect(a, "c", start_on_a), RL_PENDING);
}

/* The peer has the hello. */
static int accept_hello(void)
{
    uint8_t type = 0;
    int fd = rig_accept();

    ck_assert_uint_eq(rig_peer_read(fd, &type, 1), 1);
    ck_assert_uint_eq(type, 22); /* a handshake record */
    return fd;
}

/* T-044: the handshake has 30 s of its own, from when TCP was up. */
START_TEST(t044_a_bound_of_its_own)
{
    uint64_t due_ns, tick_ns = UINT64_C(1) << 14;
    int fd;

    rig_begin(connect_a);
    fd = accept_hello();
    ck_assert_int_eq(a->socket.state, RL_SOCKET_OPENING);
    due_ns = a->socket.dial->timeout.due_tick * tick_ns;
    ck_assert_uint_ge(due_ns + tick_ns, a->socket.dial->handshake_ns + 30 * RL_NS_PER_S);
    ck_assert_uint_le(due_ns, rl_clock_ns() + 30 * RL_NS_PER_S + 2 * tick_ns);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    rig_expect("begin c:ECANCELED close end ");
    close(fd);
}
END_TEST

/* A time that the script gave is for all of connect. */
START_TEST(t044_the_script_s_time)
{
    int fd;

    timeout_ns = 50 * RL_NS_PER_MS;
    rig_begin(connect_a);
    fd = accept_hello();
    rig_until_done(1);
    rig_expect("begin error(ETIMEDOUT) c:ETIMEDOUT end ");
    ck_assert_str_eq(rig.error.message, "TLS handshake failed: i/o timeout");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DISCONNECTED);
    ck_assert_uint_eq(rig_count(RL_M_TCP_TLS_HANDSHAKING), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_CONNECTING), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKETS), 0);
    close(fd);
}
END_TEST

/* T-078: one code, the TCP connection is closed, and what was sent is counted (T-082). */
START_TEST(t078_the_peer_leaves)
{
    int fd;

    rig_begin(connect_a);
    fd = accept_hello();
    if (_i == 0)
        close(fd);
    else
        rig_reset(fd);
    rig_until_done(1);
    rig_expect("begin error(ETLS) c:ETLS end ");
    ck_assert_int_eq(strncmp(rig.error.message, "TLS handshake failed: ", 22), 0);
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKETS), 0);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 0);
    ck_assert_double_gt(rig_sum(RL_M_DATA_SENT), 100);
}
END_TEST

/* T-044: also for one that waits for its turn, which then has no place to give back: tls_stream.h. */
START_TEST(t044_while_it_waits)
{
    const struct rl_tls_counts *counts = rl_tls_worker_counts(rig.env.tls_worker);
    struct rig_socket *waiting;
    int fd;

    rig.env.tls_worker->handshakes_max = 1;
    rig_begin(connect_a);
    fd = accept_hello();
    waiting = rig_socket(a->socket.vu, "b:");
    ck_assert_int_eq(rig_connect_tls(waiting, "b", &tls, 100 * RL_NS_PER_MS, NULL), RL_PENDING);
    rig_until(waiting->socket.state != RL_SOCKET_OPENING);
    rig_expect("begin b:error(ETIMEDOUT) b:ETIMEDOUT ");
    ck_assert_str_eq(rig.error.message, "TLS handshake failed: i/o timeout");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_OPENING);
    ck_assert_uint_eq(counts->started, 1);
    ck_assert_uint_eq(rig.env.tls_worker->under_way, 1);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    ck_assert_uint_eq(rig.env.tls_worker->under_way, 0);
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 1);
    rig_drop(waiting);
    close(fd);
}
END_TEST

/* T-185: in the middle of a handshake; rig_stop looks for what is left. */
START_TEST(t185_interrupted)
{
    int fd;

    rig_begin(_i == 0 ? connect_a : connect_and_start);
    fd = accept_hello();
    rl_vu_interrupt(&rig.vus[1]);
    rig_until_done(1);
    rig_expect(_i == 0 ? "begin interrupted " : "begin connect c:ok interrupted ");
    ck_assert_uint_eq(rig_count(RL_M_TCP_TLS_HANDSHAKING), 0);
    close(fd);
}
END_TEST

START_TEST(start_tls_that_fails)
{
    int fd;

    rig_begin(connect_and_start);
    fd = accept_hello();
    ck_assert_int_eq(a->socket.state, RL_SOCKET_OPEN);
    rig_peer_send(fd, "no TLS here\r\n");
    rig_until_done(1);
    rig_expect("begin connect c:ok error(ETLS) t:ETLS close end ");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DESTROYED);
    ck_assert_str_eq(rl_method_name(rig.error.method), "start_tls");
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 1);
    close(fd);
}
END_TEST

START_TEST(start_tls_runs_into_its_time)
{
    int fd;

    timeout_ns = 50 * RL_NS_PER_MS;
    rig_begin(connect_and_start);
    fd = accept_hello();
    rig_until_done(1);
    rig_expect("begin connect c:ok error(ETIMEDOUT) t:ETIMEDOUT close end ");
    close(fd);
}
END_TEST

START_TEST(start_tls_is_cancelled_by_destroy)
{
    int fd;

    rig_begin(connect_and_start);
    fd = accept_hello();
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    rig_expect("begin connect c:ok t:ECANCELED close end ");
    close(fd);
}
END_TEST

static void start_and_destroy(struct rl_vu *vu, int status)
{
    start_on_a(vu, status);
    rl_socket_destroy(&a->socket);
}

static void connect_start_and_destroy(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    ck_assert_int_eq(rig_connect(a, "c", start_and_destroy), RL_PENDING);
}

/* Before its first step there is no session: nothing was said. */
START_TEST(start_tls_is_cancelled_before_its_turn)
{
    uint8_t byte;
    int fd;

    rig_begin(connect_start_and_destroy);
    fd = rig_accept();
    rig_until_done(1);
    rig_expect("begin connect c:ok t:ECANCELED close end ");
    ck_assert_uint_eq(rig_peer_read(fd, &byte, 1), 0);
    close(fd);
}
END_TEST

/* T-078: the library is asked when it is the handshake's turn: here for a name longer than one can be. */
START_TEST(t078_the_library_refuses)
{
    char name[300];

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    tls.servername = name;
    rig_begin(_i == 0 ? connect_a : connect_and_start);
    rig_until_done(1);
    rig_expect(_i == 0 ? "begin error(ETLS) c:ETLS end "
                       : "begin connect c:ok error(ETLS) t:ETLS close end ");
    ck_assert_str_eq(rig.error.message, "TLS handshake failed: bad TLS option");
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_TLS_HANDSHAKING), 1);
}
END_TEST

/* --- With a server that speaks TLS, in the same loop. --- */

static struct {
    struct rl_tls_worker *worker;
    struct rl_tls_context *context;
    struct rl_listener *listener;
    struct rl_conn *conns[8];
    size_t count;
    bool closed;
} server;

static void nothing_connected(void *owner, int status)
{
    (void)owner;
    (void)status;
}

static void nothing_data(void *owner, struct rl_slice view)
{
    (void)owner;
    (void)view;
}

static void server_ended(void *owner, int status)
{
    (void)owner;
    (void)status;
}

static void server_accepted(void *ctx, struct rl_conn *conn)
{
    const struct rl_tls_attach how = {.worker = server.worker, .context = server.context};

    (void)ctx;
    ck_assert_uint_lt(server.count, 8);
    server.conns[server.count++] = conn;
    ck_assert_int_eq(rl_tls_attach(conn, &how), 0);
}

static void server_closed(void *ctx)
{
    (void)ctx;
    server.closed = true;
}

static void start_server(void)
{
    static const struct rl_listener_events events = {
        .accepted = server_accepted,
        .closed = server_closed,
        .stream = {.connected = nothing_connected, .data = nothing_data, .ended = server_ended}};
    struct rl_tls_certificate certificate = {.password = NULL};
    struct rl_tls_config config = {.certificates = &certificate, .certificate_count = 1, .resume = true};
    char *cert, *key, why[200];
    struct rl_addr addr;
    int status;

    start_with_features(rig_features(0) & ~RL_F_DIRECT);
    rig.env.tag_tls_version = true;
    memset(&server, 0, sizeof(server));
    ck_assert_int_eq(rl_tls_self_signed(NULL, 0, &cert, &key), 0);
    certificate.cert = rl_slice_str(cert);
    certificate.key = rl_slice_str(key);
    server.worker = rl_tls_worker_new(&rig.loop);
    server.context = rl_tls_context_new(&config, RL_TLS_SERVER, NULL, why, sizeof(why));
    ck_assert_msg(server.context != NULL, "%s", why);
    free(cert);
    free(key);
    ck_assert_int_eq(rl_addr_parse_ip("127.0.0.1", &addr), 0);
    server.listener = rl_listener_open(&rig.net, &addr, &events, NULL, &status);
    ck_assert_ptr_nonnull(server.listener);
    rig.port = addr.port;
}

static void stop_server(void)
{
    rl_listener_close(server.listener);
    for (size_t i = 0; i < server.count; i++)
        rl_conn_close(server.conns[i]);
    rig_until(server.closed && rl_net_idle(&rig.net));
    rl_tls_context_release(server.context);
    rl_tls_worker_free(server.worker);
    tear_down();
}

static void destroy_a(struct rl_vu *vu, int status)
{
    struct rl_tls_info info;

    (void)vu;
    ck_assert_int_eq(status, 0);
    ck_assert(rl_socket_tls_info(&a->socket, &info));
    ck_assert_str_eq(rl_tls_option_name(info.version), "tls1.3");
    rl_socket_destroy(&a->socket);
    ck_assert(!rl_socket_tls_info(&a->socket, &info));
}

static void connect_and_destroy(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    ck_assert_int_eq(rig_connect_tls(a, "c", &tls, 0, destroy_a), RL_PENDING);
}

/* E-320: the tag is that of the two metrics that k6 does not have; T-204: the others have none. */
START_TEST(e320_tls_version)
{
    static const char full[] = "host=127.0.0.1,ip=127.0.0.1,port=PORT,proto=TCP,scenario=s";
    static const char versioned[] =
        "host=127.0.0.1,ip=127.0.0.1,port=PORT,proto=TCP,scenario=s,tls_version=tls1.3";

    tls.resume = true;
    rig_begin(connect_and_destroy);
    rig_until_done(1);
    rig_expect("begin connect c:ok close end ");
    ck_assert_str_eq(rig_tags(RL_M_TCP_TLS_HANDSHAKING), versioned);
    ck_assert_str_eq(rig_tags(RL_M_TCP_TLS_RESUMED), versioned);
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKET_CONNECTING), full);
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKETS), full);
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKET_DURATION), full);
}
END_TEST

/* Only where the system tag is on; the rate only where resumption was asked for. */
START_TEST(e320_not_asked_for)
{
    rig.env.tag_tls_version = false;
    rig_begin(connect_and_destroy);
    rig_until_done(1);
    ck_assert_str_eq(rig_tags(RL_M_TCP_TLS_HANDSHAKING),
                     "host=127.0.0.1,ip=127.0.0.1,port=PORT,proto=TCP,scenario=s");
    ck_assert_uint_eq(rig_count(RL_M_TCP_TLS_RESUMED), 0);
}
END_TEST

/* One connection that has taken what may be resumed. */
static void connect_and_take(void)
{
    size_t before = server.count;

    rig_begin(connect_a);
    rig_until(rl_tls_worker_counts(server.worker)->done == before + 1);
    ck_assert_int_eq(rl_conn_send(server.conns[before], rl_slice_str("x")), 0);
    rig_until(a->received == 1);
    rl_socket_destroy(&a->socket);
    rig_until_done((unsigned)before + 1);
    rig_drop(a);
    a = NULL;
}

/* Another context at the address of ours, as when that was forgotten and its memory given out again: no
 * allocator can be relied on to do that, so what they hold changes places. */
static struct rl_tls_context *replace_context(void)
{
    const struct rl_tls_config run = {.insecure_skip_verify = true, .resume = true};
    uint8_t bytes[512];
    char why[200];
    struct rl_tls_context *other =
        rl_tls_context_new(&run, RL_TLS_CLIENT, NULL, why, sizeof(why));
    size_t ours = malloc_usable_size(tls.context), size = malloc_usable_size(other);

    ck_assert_msg(other != NULL, "%s", why);
    if (size > ours) /* the lesser holds both: they are equally large */
        size = ours;
    ck_assert_uint_le(size, sizeof(bytes));
    memcpy(bytes, other, size);
    memcpy(other, tls.context, size);
    memcpy(tls.context, bytes, size);
    return other;
}

/* A session is of its context, and no other has it: not even one that is made at its address when it has
 * been forgotten, and that may trust others. */
START_TEST(sessions_are_a_context_s_own)
{
    struct rl_tls_context *first;

    tls.resume = true;
    connect_and_take();
    connect_and_take();
    ck_assert_double_eq(rig_sum(RL_M_TCP_TLS_RESUMED), 1);
    first = replace_context();
    connect_and_take();
    ck_assert_uint_eq(rig_count(RL_M_TCP_TLS_RESUMED), 3);
    ck_assert_double_eq(rig_sum(RL_M_TCP_TLS_RESUMED), 1);
    rl_tls_context_release(first);
}
END_TEST

static Suite *socket_tls_suite(void)
{
    Suite *suite = suite_create("vu/socket_tls");

    rl_case(suite, t044_a_bound_of_its_own, set_up, tear_down);
    rl_case(suite, t044_the_script_s_time, set_up, tear_down);
    rl_case(suite, t044_while_it_waits, set_up, tear_down);
    rl_case_loop(suite, t078_the_peer_leaves, set_up, tear_down, 0, 2);
    rl_case_loop(suite, t185_interrupted, set_up, tear_down, 0, 2);
    rl_case(suite, start_tls_that_fails, set_up, tear_down);
    rl_case(suite, start_tls_runs_into_its_time, set_up, tear_down);
    rl_case(suite, start_tls_is_cancelled_by_destroy, set_up, tear_down);
    rl_case(suite, start_tls_is_cancelled_before_its_turn, set_up, tear_down);
    rl_case_loop(suite, t078_the_library_refuses, set_up, tear_down, 0, 2);
    rl_case(suite, e320_tls_version, start_server, stop_server);
    rl_case(suite, e320_not_asked_for, start_server, stop_server);
    rl_case(suite, sessions_are_a_context_s_own, start_server, stop_server);
    return suite;
}

RL_TEST_MAIN(socket_tls_suite)
