/* SPDX-License-Identifier: GPL-3.0-or-later */
/* More handshakes than may be under way at once, over real loopback sockets: clients and their server in
 * one loop. The clients' worker has small limits. */
#include "tls/tls_stream.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/status.h"
#include "cases.h"
#include "net/listen.h"
#include "tls/tls_library.h"
#include "tls/tls_stream_impl.h"

enum { CLIENTS = 40, AT_ONCE = 3, STEPS = 2, WAIT_S = 20 };

struct client {
    struct rl_conn *conn; /* NULL: it has gone */
    int connected, status;
    bool begun;
};

static struct rl_ring *ring;
static struct rl_loop loop;
static struct rl_net net;
static struct rl_listener *listener;
static struct rl_addr addr;
static char *cert, *key;
static struct rl_tls_worker *worker, *server_worker;
static struct rl_tls_context *context, *server_context;
static struct client clients[CLIENTS];
static struct client *in_order[CLIENTS]; /* as TCP came up */
static size_t up_count;
static struct rl_conn *accepted[CLIENTS];
static size_t accepted_count;
static bool silent, closed; /* silent: the server takes no part in handshakes */

/* --- The server. --- */

static void server_connected(void *owner, int status)
{
    if (status < 0)
        *(struct rl_conn **)owner = NULL;
}

static void server_data(void *owner, struct rl_slice view)
{
    (void)owner;
    (void)view;
}

static void server_ended(void *owner, int status)
{
    struct rl_conn **place = owner;

    (void)status;
    rl_conn_close(*place);
    *place = NULL;
}

static void server_accepted(void *ctx, struct rl_conn *conn)
{
    const struct rl_tls_attach how = {.worker = server_worker, .context = server_context};

    (void)ctx;
    rl_require(accepted_count < CLIENTS);
    accepted[accepted_count] = conn;
    conn->owner = &accepted[accepted_count++];
    if (!silent)
        ck_assert_int_eq(rl_tls_attach(conn, &how), 0);
}

static void server_closed(void *ctx)
{
    (void)ctx;
    closed = true;
}

static const struct rl_listener_events server_events = {
    .accepted = server_accepted,
    .closed = server_closed,
    .stream = {.connected = server_connected, .data = server_data, .ended = server_ended}};

/* --- The clients. --- */

static void on_tcp_up(void *owner)
{
    in_order[up_count++] = owner;
}

static void on_connected(void *owner, int status)
{
    struct client *client = owner;

    client->connected++;
    client->status = status;
    if (status < 0)
        client->conn = NULL;
}

static void on_data(void *owner, struct rl_slice view)
{
    (void)owner;
    (void)view;
}

static void on_ended(void *owner, int status)
{
    struct client *client = owner;

    (void)status;
    rl_conn_close(client->conn);
    client->conn = NULL;
}

static const struct rl_stream_events client_events = {
    .connected = on_connected, .data = on_data, .ended = on_ended};

static void dial(struct client *client)
{
    const struct rl_tls_attach how = {
        .worker = worker, .context = context, .servername = "127.0.0.1", .tcp_up = on_tcp_up};

    ck_assert_int_eq(rl_conn_open(&net, &addr, NULL, &client_events, client, &client->conn), 0);
    ck_assert_int_eq(rl_tls_attach(client->conn, &how), 0);
}

/* --- Both. --- */

static void turn(void)
{
    loop.urgent = true;
    rl_require(rl_loop_turn(&loop) == 0);
}

#define TURNS_UNTIL(condition)                                                                     \
    do {                                                                                           \
        uint64_t end_ns = rl_clock_ns() + WAIT_S * RL_NS_PER_S;                                    \
        while (!(condition)) {                                                                     \
            ck_assert_msg(rl_clock_ns() < end_ns, "waited in vain: " #condition);                \
            turn();                                                                                \
        }                                                                                          \
    } while (0)

static struct rl_tls_context *make_context(const struct rl_tls_config *config, enum rl_tls_role role)
{
    char why[256];
    struct rl_tls_context *made = rl_tls_context_new(config, role, NULL, why, sizeof(why));

    ck_assert_msg(made != NULL, "%s", why);
    return made;
}

static void make_contexts(void)
{
    static const char *const names[] = {"127.0.0.1"};
    struct rl_tls_certificate certificate = {.password = NULL};
    const struct rl_tls_config config = {.certificates = &certificate, .certificate_count = 1};
    struct rl_tls_config trust = {.min_version = RL_TLS_ANY};

    ck_assert_int_eq(rl_tls_self_signed(names, 1, &cert, &key), 0);
    certificate.cert = trust.ca = rl_slice_str(cert);
    certificate.key = rl_slice_str(key);
    server_context = make_context(&config, RL_TLS_SERVER);
    context = make_context(&trust, RL_TLS_CLIENT);
}

static void setup(void)
{
    const struct rl_ring_config ring_config = {
        .features = rl_probe() & ~RL_F_DIRECT, .slot_count = 4 * CLIENTS};
    const struct rl_net_config net_config = {
        .max_conns = 4 * CLIENTS, .share_count = 1, .seed = rl_clock_ns()};
    const char *advice;
    int status;

    ck_assert_int_eq(rl_tls_library_init(), 0);
    make_contexts();
    ck_assert_int_eq(rl_ring_new(&ring, &ring_config, &advice), 0);
    ck_assert_int_eq(rl_loop_init(&loop, ring), 0);
    ck_assert_int_eq(rl_net_init(&net, &loop, &net_config), 0);
    worker = rl_tls_worker_new(&loop);
    server_worker = rl_tls_worker_new(&loop);
    ck_assert(worker != NULL && server_worker != NULL);
    worker->handshakes_max = AT_ONCE;
    worker->steps_a_turn = STEPS;
    ck_assert_int_eq(rl_addr_parse_ip("127.0.0.1", &addr), 0);
    listener = rl_listener_open(&net, &addr, &server_events, NULL, &status);
    ck_assert_msg(listener != NULL, "%s", rl_status_text(status));
}

/* Nobody is under way or waits any more when all have gone. */
static void teardown(void)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients[i].conn != NULL)
            rl_conn_close(clients[i].conn);
        if (accepted[i] != NULL)
            rl_conn_close(accepted[i]);
    }
    rl_listener_close(listener);
    TURNS_UNTIL(closed && rl_net_idle(&net));
    ck_assert_uint_eq(worker->under_way, 0);
    ck_assert(rl_list_empty(&worker->fresh) && rl_list_empty(&worker->ongoing));
    rl_net_fini(&net);
    rl_tls_worker_free(worker);
    rl_tls_worker_free(server_worker);
    rl_loop_fini(&loop);
    rl_ring_free(ring);
    rl_tls_context_release(context);
    rl_tls_context_release(server_context);
    free(cert);
    free(key);
    rl_tls_library_fini();
}

/* --- What must hold at any time. --- */

static enum rl_tls_stage stage_of(const struct client *client)
{
    if (client->conn == NULL || client->connected > 0)
        return RL_TLS_ENDED;
    return rl_container_of(client->conn->filter, struct rl_tls_stream, filter)->stage;
}

/* At most so many at once, and in the order in which TCP came up. */
static void check_fairness(void)
{
    uint32_t under_way = 0;
    bool waits = false;

    for (size_t i = 0; i < up_count; i++) {
        enum rl_tls_stage stage = stage_of(in_order[i]);

        in_order[i]->begun = stage != RL_TLS_QUEUED;
        under_way += stage == RL_TLS_SHAKING;
        rl_require(!in_order[i]->begun || !waits);
        waits = waits || !in_order[i]->begun;
    }
    rl_require(under_way == worker->under_way);
    rl_require(under_way <= AT_ONCE);
}

/* A start and an end are steps of their own. */
static void turn_and_check(void)
{
    const struct rl_tls_counts *counts = rl_tls_worker_counts(worker);
    uint64_t before = counts->started + counts->done;

    turn();
    rl_require(counts->started + counts->done - before <= STEPS);
    check_fairness();
}

START_TEST(more_than_may_be_under_way)
{
    const struct rl_tls_counts *counts = rl_tls_worker_counts(worker);
    uint64_t until_ns = rl_clock_ns() + WAIT_S * RL_NS_PER_S;

    for (size_t i = 0; i < CLIENTS; i++)
        dial(&clients[i]);
    while (counts->done + counts->failed < CLIENTS) {
        ck_assert_msg(rl_clock_ns() < until_ns, "done: %d", (int)counts->done);
        turn_and_check();
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        ck_assert_int_eq(clients[i].connected, 1);
        ck_assert_int_eq(clients[i].status, 0);
    }
    ck_assert_uint_eq(counts->started, CLIENTS);
    ck_assert_uint_eq(counts->done, CLIENTS);
    ck_assert_uint_gt(counts->waited, 0);
    ck_assert_uint_le(counts->waited, CLIENTS);
    TURNS_UNTIL(rl_tls_worker_counts(server_worker)->done == CLIENTS);
}
END_TEST

/* Where no handshake ends: those that wait do so until one of those under way goes, and no longer. */
static void fill(void)
{
    silent = true;
    for (size_t i = 0; i < AT_ONCE + 4; i++) {
        dial(&clients[i]);
        TURNS_UNTIL(up_count == i + 1 && accepted_count == i + 1); /* so they are in order */
    }
    TURNS_UNTIL(worker->under_way == AT_ONCE);
    for (int i = 0; i < 20; i++)
        turn_and_check();
    ck_assert_uint_eq(rl_tls_worker_counts(worker)->started, AT_ONCE);
    ck_assert_uint_eq(rl_tls_worker_counts(worker)->waited, 4);
}

static void leave(struct client *client, bool abort)
{
    if (abort)
        rl_conn_abort(client->conn);
    else
        rl_conn_close(client->conn);
    client->conn = NULL;
}

START_TEST(who_waits_may_leave)
{
    const struct rl_tls_counts *counts = rl_tls_worker_counts(worker);
    struct client *waiting = &clients[AT_ONCE];

    fill();
    leave(&waiting[0], false);
    leave(&waiting[1], true);
    rl_conn_close(accepted[AT_ONCE + 2]); /* of waiting[2] */
    accepted[AT_ONCE + 2] = NULL;
    TURNS_UNTIL(waiting[2].connected == 1);
    ck_assert_msg(rl_status_is_tls(waiting[2].status), "%s", rl_status_text(waiting[2].status));
    ck_assert_uint_eq(counts->failed, 1);
    ck_assert_uint_eq(counts->started, AT_ONCE); /* none of them had a place to leave */
    ck_assert_uint_eq(worker->under_way, AT_ONCE);
    ck_assert_int_eq(stage_of(&waiting[3]), RL_TLS_QUEUED);
}
END_TEST

/* Each way to go gives the place to the one who waits longest. */
START_TEST(a_place_is_given_on)
{
    const struct rl_tls_counts *counts = rl_tls_worker_counts(worker);

    fill();
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(stage_of(&clients[AT_ONCE + i]), RL_TLS_QUEUED);
        if (_i < 2) {
            leave(&clients[i], _i == 1);
        } else {
            rl_conn_close(accepted[i]);
            accepted[i] = NULL;
        }
        TURNS_UNTIL(counts->started == AT_ONCE + i + 1);
        ck_assert_int_eq(stage_of(&clients[AT_ONCE + i]), RL_TLS_SHAKING);
        check_fairness();
        ck_assert_uint_eq(worker->under_way, AT_ONCE);
    }
    ck_assert_uint_eq(counts->failed, _i < 2 ? 0 : 4);
    ck_assert_uint_eq(counts->done, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tls_stream");

    rl_case(s, more_than_may_be_under_way, setup, teardown);
    rl_case(s, who_waits_may_leave, setup, teardown);
    rl_case_loop(s, a_place_is_given_on, setup, teardown, 0, 3);
    return s;
}

RL_TEST_MAIN(suite)
