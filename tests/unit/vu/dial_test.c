/* SPDX-License-Identifier: GPL-3.0-or-later */
/* connect: tcp-socket.md sections 2, 3 and 13, below the language. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "vu_rig.h"

static struct rig_socket *a, *b;

static void start_variant(int variant)
{
    rig_start(variant);
    a = b = NULL;
}

static void finish(void)
{
    if (a != NULL)
        rig_drop(a);
    if (b != NULL)
        rig_drop(b);
    rig_stop();
}

static void destroy_a(struct rl_vu *vu, int status)
{
    (void)vu;
    (void)status;
    rl_socket_destroy(&a->socket);
}

static void connect_a(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DISCONNECTED);
    ck_assert_int_eq(rig_connect(a, "c", NULL), RL_PENDING);
    ck_assert_int_eq(a->socket.state, RL_SOCKET_OPENING); /* T-013, T-022 */
    ck_assert_ptr_null(rl_socket_local(&a->socket));
}

static void connect_and_destroy(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect(a, "c", destroy_a);
}

/* T-023, T-136, T-192: the connect handler, then connect returns. T-012: addresses while open. */
START_TEST(it_connects)
{
    struct rl_addr peer;
    struct sockaddr_in sin;
    socklen_t size = sizeof(sin);
    int fd;

    start_variant(_i);
    rig_begin(connect_a);
    fd = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_expect("begin connect c:ok ");
    ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&sin, &size), 0);
    rl_addr_from_sockaddr((struct sockaddr *)&sin, &peer);
    ck_assert_uint_eq(rl_socket_local(&a->socket)->port, peer.port);
    ck_assert(rl_addr_same_ip(rl_socket_local(&a->socket), &peer));
    ck_assert_uint_eq(rl_socket_remote(&a->socket)->port, rig.port);
    rl_socket_destroy(&a->socket);
    ck_assert_ptr_null(rl_socket_local(&a->socket)); /* T-171 */
    ck_assert_ptr_null(rl_socket_remote(&a->socket));
    rig_until_done(1);
    rig_expect("close end ");
    ck_assert(rig_peer_sees_fin(fd));
    close(fd);
    finish();
}
END_TEST

/* T-191, T-194, T-202, T-203: what a connection samples, tags to the letter. */
START_TEST(samples_of_a_connection)
{
    static const char full[] = "host=127.0.0.1,ip=127.0.0.1,port=PORT,proto=TCP,scenario=s";
    int fd;

    start_variant(0);
    rig_begin(connect_and_destroy);
    fd = rig_accept();
    rig_until_done(1);
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKET_RESOLVING),
                     "host=127.0.0.1,port=PORT,proto=TCP,scenario=s");
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKET_CONNECTING), full);
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKETS), full);
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKET_DURATION), full);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_RESOLVING), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_CONNECTING), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 1);
    ck_assert_double_eq(rig_sum(RL_M_TCP_SOCKETS), 1);
    ck_assert_double_gt(rig_sum(RL_M_TCP_SOCKET_CONNECTING), 0);
    ck_assert_double_lt(rig_sum(RL_M_TCP_SOCKET_CONNECTING), 1000);
    ck_assert_uint_eq(rig_count(RL_M_TCP_ERRORS), 0);
    ck_assert_str_eq(rig_tags(RL_M_DATA_SENT), "scenario=s"); /* T-201, T-187: also when 0 */
    ck_assert_double_eq(rig_sum(RL_M_DATA_SENT), 0);
    ck_assert_uint_eq(rig_count(RL_M_ITERATIONS), 1);
    close(fd);
    finish();
}
END_TEST

/* All that users may tag, at once. */
static void connect_tagged(struct rl_vu *vu)
{
    struct rl_tags *tags = rig.shard.tags;
    const struct rl_tagset *own = rig_tag("who", "constructor");
    const struct rl_tagset *call = rig_tag("call", "connect");

    own = rl_tags_with(tags, own, "proto", "mine");
    own = rl_tags_with(tags, own, "scenario", "other");
    own = rl_tags_with(tags, own, "call", "constructor");
    call = rl_tags_with(tags, call, "host", "forged");
    call = rl_tags_with(tags, call, "port", "1");
    call = rl_tags_with(tags, call, "ip", "forged");
    a = rig_socket_of(vu, "", own, 0);
    rig_connect_to(a, "c", "up.test", rig.port, call, 0, destroy_a);
}

START_TEST(precedence_of_tags)
{
    int fd;

    start_variant(0);
    rig_begin(connect_tagged);
    fd = rig_accept();
    rig_until_done(1);
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKETS), "call=connect,host=up.test,ip=127.0.0.1,port=PORT,"
                                                 "proto=mine,scenario=other,who=constructor");
    close(fd);
    finish();
}
END_TEST

/* T-024, T-137, T-138, T-049: error, then the raise; no close; the iteration is not held. */
START_TEST(a_refused_connection)
{
    static const char full[] = "host=127.0.0.1,ip=127.0.0.1,port=PORT,proto=TCP,scenario=s";
    unsigned long lines;
    char text[300];

    start_variant(_i);
    lines = rl_log_count(RL_LOG_ERROR);
    close(rig.listen_fd);
    rig.listen_fd = -1;
    rig_begin(connect_a);
    rig_until_done(1);
    rig_expect("begin error(ECONNREFUSED) c:ECONNREFUSED end ");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DISCONNECTED);
    ck_assert_int_eq(a->error.method, RL_METHOD_CONNECT);
    snprintf(text, sizeof(text), "dial tcp 127.0.0.1:%u: connect: connection refused", rig.port);
    ck_assert_str_eq(a->error.message, text);
    ck_assert_str_eq(rig.error.message, text);
    rl_tcp_error_format(&rig.error, text, sizeof(text)); /* T-178 */
    ck_assert_ptr_nonnull(strstr(text, "TCP error during connect: dial tcp 127.0.0.1:"));
    ck_assert_str_eq(rig_tags(RL_M_TCP_ERRORS), full);
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKET_CONNECTING), full);
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKETS), 0);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 0);
    ck_assert_uint_eq(rl_log_count(RL_LOG_ERROR) - lines, 1); /* T-210 */
    finish();
}
END_TEST

static void retry(struct rl_vu *vu, int status)
{
    (void)vu;
    ck_assert_int_eq(status, -ECONNREFUSED);
    rig_connect(a, "again", destroy_a);
}

static void connect_to_nobody(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect_to(a, "c", "127.0.0.1", 1, NULL, 0, retry);
}

/* T-024: it may connect again; T-194: nothing of the first attempt sticks. */
START_TEST(a_second_attempt)
{
    int fd;

    start_variant(_i);
    rig_begin(connect_to_nobody);
    fd = rig_accept();
    rig_until_done(1);
    rig_expect("begin error(ECONNREFUSED) c:ECONNREFUSED connect again:ok close end ");
    ck_assert_str_eq(rig_tags(RL_M_TCP_SOCKET_RESOLVING),
                     "host=127.0.0.1,port=1,proto=TCP,scenario=s;"
                     "host=127.0.0.1,port=PORT,proto=TCP,scenario=s");
    close(fd);
    finish();
}
END_TEST

static void on_error_again(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)arg;
    s->on[RL_EVENT_ERROR] = NULL;
    rig_connect(s, "again", destroy_a);
}

static void connect_again_in_the_handler(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    a->on[RL_EVENT_ERROR] = on_error_again;
    rig_connect_to(a, "c", "127.0.0.1", 1, NULL, 0, NULL);
}

START_TEST(a_second_attempt_from_the_handler)
{
    int fd;

    start_variant(_i);
    rig_begin(connect_again_in_the_handler);
    fd = rig_accept();
    rig_until_done(1);
    rig_expect("begin error(ECONNREFUSED) c:ECONNREFUSED connect again:ok close end ");
    close(fd);
    finish();
}
END_TEST

static void on_error_destroy(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)arg;
    rl_socket_destroy(&s->socket);
}

static void destroy_in_the_handler(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    a->on[RL_EVENT_ERROR] = on_error_destroy;
    rig_connect_to(a, "c", "127.0.0.1", 1, NULL, 0, NULL);
    rig_drop(a);
    a = NULL;
}

/* T-049, T-175. */
START_TEST(destroy_after_a_failed_connect)
{
    start_variant(0);
    rig_begin(destroy_in_the_handler);
    rig_until_done(1);
    rig_expect("begin error(ECONNREFUSED) c:ECONNREFUSED close end ");
    finish();
}
END_TEST

/* --- What never reaches the network --- */

static void connect_to_bad_ports(struct rl_vu *vu)
{
    a = rig_socket_of(vu, "", rig_tag("own", "1"), 0);
    rig_connect_to(a, "low", "127.0.0.1", -1, NULL, 0, NULL);
    rig_connect_to(a, "high", "127.0.0.1", 65536, rig_tag("call", "1"), 0, NULL);
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DISCONNECTED); /* T-021 */
}

/* T-021, T-038, T-196. */
START_TEST(invalid_ports)
{
    start_variant(0);
    rig_begin(connect_to_bad_ports);
    rig_expect("begin ");
    rig_until_done(1);
    rig_expect("error(EINVAL) low:EINVAL error(EINVAL) high:EINVAL end ");
    ck_assert_ptr_nonnull(strstr(rig.error.message, "invalid port"));
    ck_assert_str_eq(rig_tags(RL_M_TCP_ERRORS), "own=1,proto=TCP,scenario=s");
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 2);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_RESOLVING), 0);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_CONNECTING), 0);
    finish();
}
END_TEST

static void connect_twice(struct rl_vu *vu)
{
    connect_a(vu);
    rig_connect(a, "early", NULL);
    ck_assert_int_eq(a->socket.state, RL_SOCKET_OPENING);
}

/* T-048: while opening; T-047: while open. */
START_TEST(connecting_twice)
{
    int fd;

    start_variant(_i);
    rig_begin(connect_twice);
    fd = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_turns(3);
    rig_expect("begin error(EALREADY) early:EALREADY connect c:ok ");
    rig_connect(a, "late", NULL);
    rig_turns(3);
    rig_expect("error(EISCONN) late:EISCONN ");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_OPEN);
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 2);
    ck_assert_double_eq(rig_sum(RL_M_TCP_SOCKETS), 1);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    rig_expect("close end ");
    close(fd);
    finish();
}
END_TEST

static void destroy_then_use(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rl_socket_destroy(&a->socket);
    ck_assert_int_eq(rig_connect(a, "c", NULL), RL_EDESTROYED);
    ck_assert_int_eq(rig_refuse(a, "w", RL_METHOD_WRITE, "invalid type"), -EINVAL);
    ck_assert_int_eq(rig_refuse(a, "r", RL_METHOD_CONNECT, "invalid type"), -EINVAL);
    ck_assert_int_eq(rig_send_text(a, "s", "x"), RL_ENOTCONN);
}

/* T-027, T-029, T-176: close though never connected; then only raises, no events. */
START_TEST(a_destroyed_socket_is_of_no_use)
{
    start_variant(0);
    rig_begin(destroy_then_use);
    rig_until_done(1);
    rig_expect("begin c!EDESTROYED w!EINVAL r!EINVAL s!ENOTCONN close end ");
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 3);
    ck_assert_str_eq(rig_tags(RL_M_TCP_ERRORS), "proto=TCP,scenario=s");
    ck_assert_uint_eq(rig_count(RL_M_TCP_WRITES), 0);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 0);
    finish();
}
END_TEST

/* --- Names --- */

static void look_up_nobody(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect_to(a, "c", "nobody.test", 80, NULL, 0, NULL);
}

/* T-058: resolving is sampled, connecting is not. */
START_TEST(no_such_host)
{
    start_variant(0);
    rig_begin(look_up_nobody);
    rig_until_done(1);
    rig_expect("begin error(ENOTFOUND) c:ENOTFOUND end ");
    ck_assert_ptr_nonnull(strstr(rig.error.message, "no such host"));
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_RESOLVING), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_CONNECTING), 0);
    ck_assert_str_eq(rig_tags(RL_M_TCP_ERRORS),
                     "host=nobody.test,port=80,proto=TCP,scenario=s"); /* T-195 */
    finish();
}
END_TEST

static void connect_to_blocked(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    b = rig_socket(vu, "");
    rig_connect_to(a, "a", "blocked.test", 80, NULL, 0, NULL);
    rig_connect_to(b, "b", "127.9.1.1", 80, NULL, 0, NULL);
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DISCONNECTED);
}

/* T-054, T-055: known at once, and still told from the loop. */
START_TEST(blocked_hosts)
{
    start_variant(0);
    rig_begin(connect_to_blocked);
    rig_expect("begin ");
    rig_until_done(1);
    rig_expect("error(EBLOCKED) a:EBLOCKED error(EBLOCKED) b:EBLOCKED end ");
    ck_assert_ptr_nonnull(strstr(a->error.message, "blocked"));
    ck_assert_ptr_nonnull(strstr(b->error.message, "blacklisted"));
    finish();
}
END_TEST

static void connect_slowly(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect_to(a, "c", "slow.test", rig.port, NULL, 10 * RL_NS_PER_MS, NULL);
}

/* The bound holds for looking up, too. */
START_TEST(a_slow_look_up_runs_into_the_bound)
{
    start_variant(0);
    rig_begin(connect_slowly);
    rig_until_done(1);
    rig_expect("begin error(ETIMEDOUT) c:ETIMEDOUT end ");
    ck_assert_ptr_nonnull(strstr(rig.error.message, "i/o timeout"));
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_RESOLVING), 1);
    rig_wait_ms(80);
    finish();
}
END_TEST

static void resolve_and_destroy(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect_to(a, "c", "slow.test", rig.port, NULL, 0, NULL);
    rl_socket_destroy(&a->socket);
}

/* T-028: destroy while opening: the connect raises ECANCELED, no error event, no tcp_errors; close. */
START_TEST(destroy_while_looking_up)
{
    start_variant(0);
    rig_begin(resolve_and_destroy);
    rig_expect("begin ");
    rig_until_done(1);
    rig_expect("c:ECANCELED close end ");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DESTROYED);
    ck_assert_uint_eq(rig_count(RL_M_TCP_ERRORS), 0);
    rig_wait_ms(80);
    rig_expect("");
    finish();
}
END_TEST

static void connect_and_destroy_at_once(struct rl_vu *vu)
{
    connect_a(vu);
    rl_socket_destroy(&a->socket);
    rig_drop(a);
    a = NULL;
}

START_TEST(destroy_in_the_turn_of_connect)
{
    start_variant(_i);
    rig_begin(connect_and_destroy_at_once);
    rig_until_done(1);
    rig_expect("begin c:ECANCELED close end ");
    ck_assert_uint_eq(rig_count(RL_M_TCP_ERRORS), 0);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKETS), 0);
    finish();
}
END_TEST

/* --- A peer that does not answer --- */

static int fillers[4];

static void fill_the_backlog(void)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(rig.port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    listen(rig.listen_fd, 0);
    for (int i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (struct sockaddr *)&sin, sizeof(sin));
    }
    usleep(10000);
}

static void close_fillers(void)
{
    for (int i = 0; i < 4; i++)
        close(fillers[i]);
}

static void connect_with_a_bound(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect_to(a, "c", "127.0.0.1", rig.port, NULL, 30 * RL_NS_PER_MS, NULL);
}

/* T-043. */
START_TEST(a_connect_is_bounded)
{
    uint64_t begin_ns;

    start_variant(_i);
    fill_the_backlog();
    begin_ns = rl_clock_ns();
    rig_begin(connect_with_a_bound);
    rig_until_done(1);
    ck_assert_uint_ge(rl_clock_ns() - begin_ns, 30 * RL_NS_PER_MS);
    rig_expect("begin error(ETIMEDOUT) c:ETIMEDOUT end ");
    ck_assert_ptr_nonnull(strstr(rig.error.message, "i/o timeout"));
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DISCONNECTED);
    ck_assert_double_ge(rig_sum(RL_M_TCP_SOCKET_CONNECTING), 29);
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 1);
    close_fillers();
    finish();
}
END_TEST

/* T-028, T-186: given up by the script, and by the end of the iteration. */
START_TEST(giving_up_a_pending_dial)
{
    start_variant(_i);
    fill_the_backlog();
    rig_begin(connect_a);
    rig_turns(5);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    rig_expect("begin c:ECANCELED close end ");
    rig_drop(a);
    rig_begin(connect_a);
    rig_turns(5);
    rl_vu_interrupt(&rig.vus[1]);
    rig_expect("begin interrupted ");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DESTROYED);
    ck_assert_uint_eq(rig_count(RL_M_TCP_ERRORS), 0);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_CONNECTING), 0);
    close_fillers();
    finish();
}
END_TEST

/* --- Limits --- */

static void connect_two(struct rl_vu *vu)
{
    a = rig_socket(vu, "a.");
    b = rig_socket(vu, "b.");
    rig_connect(a, "a", NULL);
    rig_connect(b, "b", NULL);
}

START_TEST(files_run_out)
{
    struct rl_ring_config config = {.features = rig_features(_i), .slot_count = 1};
    int fd;

    a = b = NULL;
    rig_start_with(&config, 1);
    rig_begin(connect_two);
    fd = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_expect("begin b.error(EMFILE) b:EMFILE a.connect a:ok ");
    ck_assert_ptr_nonnull(strstr(b->error.message, "too many open files"));
    ck_assert_uint_eq(rig.net.counts.out_of_files, 1);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    close(fd);
    finish();
}
END_TEST

static Suite *dial_suite(void)
{
    static const TTest *const *const once[] = {
        &samples_of_a_connection,
        &precedence_of_tags,
        &destroy_after_a_failed_connect,
        &invalid_ports,
        &a_destroyed_socket_is_of_no_use,
        &no_such_host,
        &blocked_hosts,
        &a_slow_look_up_runs_into_the_bound,
        &destroy_while_looking_up,
    };
    static const TTest *const *const variants[] = {
        &it_connects,
        &a_refused_connection,
        &a_second_attempt,
        &a_second_attempt_from_the_handler,
        &connecting_twice,
        &destroy_in_the_turn_of_connect,
        &a_connect_is_bounded,
        &giving_up_a_pending_dial,
        &files_run_out,
    };
    Suite *suite = suite_create("dial");

    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        rl_case(suite, *once[i], NULL, NULL);
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
        rl_case_loop(suite, *variants[i], NULL, NULL, 0, RIG_VARIANTS);
    return suite;
}

RL_TEST_MAIN(dial_suite)
