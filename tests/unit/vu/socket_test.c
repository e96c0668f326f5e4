/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Open sockets: events and their order, reading, ends, timeouts; tcp-socket.md 7 to 10 and 13. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "vu_rig.h"

static const char full_tags[] = "host=127.0.0.1,ip=127.0.0.1,port=PORT,proto=TCP,scenario=s";
static struct rig_socket *a, *b, *c;
static int peer;

static void start_variant(int variant)
{
    rig_start(variant);
    a = b = c = NULL;
    peer = -1;
}

static void finish(void)
{
    struct rig_socket *all[] = {a, b, c};

    for (int i = 0; i < 3; i++) {
        if (all[i] != NULL)
            rig_drop(all[i]);
    }
    if (peer >= 0)
        close(peer);
    rig_stop();
}

static void connect_a(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect(a, "", NULL);
}

/* VU 1 has a open, and the diary is empty. */
static void open_a(int variant)
{
    start_variant(variant);
    rig_begin(connect_a);
    peer = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_forget_diary();
}

static void connect_two(struct rl_vu *vu)
{
    a = rig_socket(vu, "a.");
    b = rig_socket(vu, "b.");
    rig_connect(a, "", NULL);
    rig_connect(b, "", NULL);
}

static void open_two(int *a_peer, int *b_peer)
{
    start_variant(0);
    rig_begin(connect_two);
    *a_peer = rig_accept();
    *b_peer = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN && b->socket.state == RL_SOCKET_OPEN);
    rig_forget_diary();
}

/* --- Reading --- */

/* T-015, T-150, T-190, T-198. */
START_TEST(data_arrives)
{
    open_a(_i);
    rig_peer_send(peer, "hello");
    rig_until(a->received == 5);
    rig_expect("data(5) ");
    rig_peer_send(peer, "again!");
    rig_until(a->received == 11);
    rig_expect("data(6) ");
    ck_assert_uint_eq(a->socket.bytes_read, 11);
    ck_assert_double_eq(rig_sum(RL_M_TCP_READS), 2);
    ck_assert_str_eq(rig_tags(RL_M_TCP_READS), full_tags);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    ck_assert_double_eq(rig_sum(RL_M_DATA_RECEIVED), 11);
    ck_assert_str_eq(rig_tags(RL_M_DATA_RECEIVED), "scenario=s");
    finish();
}
END_TEST

static void connect_with_small_reads(struct rl_vu *vu)
{
    a = rig_socket_of(vu, "", NULL, 4);
    rig_connect(a, "", NULL);
}

/* T-150: read_size bounds a chunk; each is one tcp_reads. */
START_TEST(chunks)
{
    start_variant(_i);
    rig_begin(connect_with_small_reads);
    peer = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_forget_diary();
    rig_peer_send(peer, "0123456789");
    rig_until(a->received == 10);
    rig_expect("data(4) data(4) data(2) ");
    ck_assert_double_eq(rig_sum(RL_M_TCP_READS), 3);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    finish();
}
END_TEST

static void on_data_destroy(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)arg;
    rl_socket_destroy(&s->socket);
}

/* T-140, T-141, T-144: all that had arrived comes, then close, then nothing. */
START_TEST(data_before_destroy_comes_before_close)
{
    start_variant(_i);
    rig_begin(connect_with_small_reads);
    peer = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_forget_diary();
    a->on[RL_EVENT_DATA] = on_data_destroy;
    rig_drop(a); /* its memory goes in between */
    rig_peer_send(peer, "0123456789");
    rig_until_done(1);
    rig_expect("data(4) data(4) data(2) close end ");
    a = NULL;
    finish();
}
END_TEST

/* T-125: no handler, no event, and still counted. */
START_TEST(data_without_handler)
{
    open_a(0);
    a->handlers = 1U << RL_EVENT_CLOSE;
    rig_peer_send(peer, "hello");
    rig_until(a->socket.bytes_read == 5);
    ck_assert_double_eq(rig_sum(RL_M_TCP_READS), 1);
    a->handlers |= 1U << RL_EVENT_DATA;
    rig_turns(3);
    rig_expect("");
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    finish();
}
END_TEST

/* T-125: the handler of an event is chosen when it is raised. */
START_TEST(a_late_close_handler_gets_nothing)
{
    open_a(0);
    a->handlers = 0;
    rl_socket_destroy(&a->socket);
    a->handlers = 1U << RL_EVENT_CLOSE;
    rig_until_done(1);
    rig_expect("end ");
    finish();
}
END_TEST

START_TEST(much_data)
{
    static char block[65536];
    size_t put = 0, want = 8U << 20;

    open_a(_i);
    a->quiet = true;
    while (put < want) {
        ssize_t n = send(peer, block, sizeof(block), MSG_NOSIGNAL);

        if (n > 0)
            put += (size_t)n;
        rig_turn();
    }
    shutdown(peer, SHUT_WR);
    rig_until_done(1);
    rig_expect("close end ");
    ck_assert_uint_eq(a->received, put);
    ck_assert_uint_eq(a->socket.bytes_read, put); /* T-144 */
    ck_assert_double_eq(rig_sum(RL_M_DATA_RECEIVED), (double)put);
    finish();
}
END_TEST

/* --- The peer ends it --- */

/* T-025, T-138, T-151, T-154: data, then close; our FIN follows. */
START_TEST(a_fin_with_data)
{
    unsigned long lines;

    open_a(_i);
    lines = rl_log_count(RL_LOG_ERROR);
    rig_peer_send(peer, "bye");
    shutdown(peer, SHUT_WR);
    rig_until_done(1);
    rig_expect("data(3) close end ");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DESTROYED);
    ck_assert_uint_eq(a->socket.bytes_read, 3);
    ck_assert_uint_eq(rig_count(RL_M_TCP_ERRORS), 0);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 1);
    ck_assert_uint_eq(rl_log_count(RL_LOG_ERROR), lines);
    ck_assert(rig_peer_sees_fin(peer));
    finish();
}
END_TEST

/* T-154: connect, close. */
START_TEST(an_immediate_fin)
{
    start_variant(_i);
    rig_begin(connect_a);
    close(rig_accept());
    rig_until_done(1);
    rig_expect("begin connect close end ");
    finish();
}
END_TEST

static void look_at_state(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)arg;
    ck_assert_int_eq(s->socket.state, RL_SOCKET_DESTROYED);
    ck_assert_ptr_null(rl_socket_local(&s->socket)); /* T-012 */
}

/* T-026, T-139, T-153, T-156, T-199: error, then close. */
START_TEST(a_reset)
{
    unsigned long lines;

    open_a(_i);
    lines = rl_log_count(RL_LOG_ERROR);
    a->on[RL_EVENT_ERROR] = look_at_state;
    a->on[RL_EVENT_CLOSE] = look_at_state;
    rig_reset(peer);
    peer = -1;
    rig_until_done(1);
    rig_expect("error(ECONNRESET) close end ");
    ck_assert_int_eq(a->error.method, RL_METHOD_READ);
    ck_assert_ptr_nonnull(strstr(a->error.message, "connection reset by peer"));
    ck_assert_ptr_nonnull(strstr(a->error.message, "127.0.0.1:"));
    ck_assert_ptr_nonnull(strstr(a->error.message, "->127.0.0.1:"));
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 1);
    ck_assert_str_eq(rig_tags(RL_M_TCP_ERRORS), full_tags);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 1);
    ck_assert_uint_eq(rl_log_count(RL_LOG_ERROR) - lines, 1);
    finish();
}
END_TEST

/* T-126: nobody listens, nothing breaks. */
START_TEST(a_reset_that_nobody_hears)
{
    open_a(0);
    a->handlers = 0;
    rig_drop(a);
    a = NULL;
    rig_reset(peer);
    peer = -1;
    rig_until_done(1);
    rig_expect("end ");
    finish();
}
END_TEST

static void abort_in(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)arg;
    rl_vu_abort(s->socket.vu); /* as the script room does when a handler has failed */
}

/* T-130, T-184: whichever handler fails, the iteration ends, and no handler starts after it. */
START_TEST(a_handler_that_fails)
{
    static const char *const expected[] = {
        [RL_EVENT_CONNECT] = "connect end ",
        [RL_EVENT_DATA] = "data(3) end ",
        [RL_EVENT_TIMEOUT] = "timeout end ",
        [RL_EVENT_ERROR] = "error(ECONNRESET) end ",
        [RL_EVENT_CLOSE] = "close end ",
    };

    start_variant(0);
    rig_begin(connect_a);
    a->on[_i] = abort_in;
    rig_forget_diary();
    peer = rig_accept();
    if (_i != RL_EVENT_CONNECT) {
        rig_until(a->socket.state == RL_SOCKET_OPEN);
        rig_forget_diary();
    }
    rig_drop(a);
    if (_i == RL_EVENT_DATA)
        rig_peer_send(peer, "abc");
    else if (_i == RL_EVENT_TIMEOUT)
        rl_socket_set_timeout(&a->socket, RL_NS_PER_MS);
    else if (_i == RL_EVENT_ERROR) {
        rig_reset(peer);
        peer = -1;
    } else if (_i == RL_EVENT_CLOSE)
        rl_socket_destroy(&a->socket);
    a = NULL;
    rig_until_done(1);
    rig_expect(expected[_i]);
    ck_assert_uint_eq(rig_count(RL_M_ITERATIONS), 1); /* it counts */
    ck_assert_uint_eq(rig_count(RL_M_ITERATION_DURATION), 1);
    if (_i != RL_EVENT_ERROR && _i != RL_EVENT_CLOSE)
        ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 0); /* T-185 */
    rig_turns(5);
    rig_expect("");
    finish();
}
END_TEST

/* --- destroy --- */

/* T-027, T-142, T-170, T-174: close later, once; idempotent. */
START_TEST(destroying)
{
    open_a(_i);
    rl_socket_destroy(&a->socket);
    rig_expect("");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DESTROYED);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 1);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    rig_expect("close end ");
    rl_socket_destroy(&a->socket);
    rig_turns(3);
    rig_expect("");
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 1);
    ck_assert(rig_peer_sees_fin(peer)); /* T-172 */
    finish();
}
END_TEST

static void destroy_itself(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)arg;
    rl_socket_destroy(&s->socket);
}

/* T-175: in every handler; the memory may go at once. */
START_TEST(destroy_in_each_handler)
{
    static const char *const expected[] = {
        [RL_EVENT_CONNECT] = "connect close end ",
        [RL_EVENT_DATA] = "data(3) close end ",
        [RL_EVENT_TIMEOUT] = "timeout close end ",
        [RL_EVENT_ERROR] = "error(ECONNRESET) close end ",
        [RL_EVENT_CLOSE] = "close end ",
    };

    start_variant(0);
    rig_begin(connect_a);
    a->on[_i] = destroy_itself;
    rig_forget_diary();
    peer = rig_accept();
    if (_i != RL_EVENT_CONNECT) {
        rig_until(a->socket.state == RL_SOCKET_OPEN);
        rig_forget_diary();
    }
    rig_drop(a);
    if (_i == RL_EVENT_DATA)
        rig_peer_send(peer, "abc");
    else if (_i == RL_EVENT_TIMEOUT)
        rl_socket_set_timeout(&a->socket, RL_NS_PER_MS);
    else if (_i == RL_EVENT_ERROR) {
        rig_reset(peer);
        peer = -1;
    } else if (_i == RL_EVENT_CLOSE)
        close(peer), peer = -1;
    a = NULL;
    rig_until_done(1);
    rig_expect(expected[_i]);
    finish();
}
END_TEST

/* T-172: what the kernel has is sent; T-140: unread input makes the kernel answer with RST. */
START_TEST(accepted_bytes_arrive_after_destroy)
{
    char back[8];

    open_a(_i);
    rig_send_text(a, "w", "payload");
    rig_until(a->socket.bytes_written == 7);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    ck_assert_uint_eq(rig_peer_read(peer, back, 8), 7);
    ck_assert_int_eq(memcmp(back, "payload", 7), 0);
    finish();
}
END_TEST

/* --- Several sockets of a VU --- */

static int order_of(const char *text)
{
    const char *at = strstr(rig.diary, text);

    return at == NULL ? -1 : (int)(at - rig.diary);
}

static void destroy_b(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)s;
    (void)arg;
    rl_socket_destroy(&b->socket);
    rig_drop(b);
    b = NULL;
}

/* One handler destroys the other socket while its event waits in the same turn: nothing of it comes
 * after its close, and its memory may go. */
START_TEST(a_handler_destroys_another_socket)
{
    int a_peer, b_peer;

    open_two(&a_peer, &b_peer);
    a->on[RL_EVENT_DATA] = destroy_b;
    rig_peer_send(a_peer, "aaa");
    rig_peer_send(b_peer, "bb");
    usleep(2000);
    rig_until(order_of("b.close") >= 0); /* b itself is gone by then */
    rig_turns(3);
    ck_assert_int_gt(order_of("b.close"), order_of("a.data"));
    ck_assert_int_gt(order_of("b.close"), order_of("b.data")); /* lost if a's came first */
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    close(a_peer);
    close(b_peer);
    b = NULL;
    finish();
}
END_TEST

static void connect_three(struct rl_vu *vu)
{
    a = rig_socket(vu, "a.");
    b = rig_socket(vu, "b.");
    c = rig_socket(vu, "c.");
    rig_connect(a, "", NULL);
    rig_connect(b, "", NULL);
    rig_connect(c, "", NULL);
}

static void destroy_c(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)s;
    (void)arg;
    rl_socket_destroy(&c->socket);
    rig_drop(c);
    c = NULL;
}

/* a's data destroys b; b's close, waiting in the queue when c's data arrives, destroys c. */
START_TEST(a_queued_handler_destroys_the_socket_of_the_event)
{
    int peers[3];

    start_variant(0);
    rig_begin(connect_three);
    for (int i = 0; i < 3; i++)
        peers[i] = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN && b->socket.state == RL_SOCKET_OPEN &&
              c->socket.state == RL_SOCKET_OPEN);
    rig_forget_diary();
    a->on[RL_EVENT_DATA] = destroy_b;
    b->on[RL_EVENT_CLOSE] = destroy_c;
    for (int i = 0; i < 3; i++)
        rig_peer_send(peers[i], "xyz");
    usleep(2000);
    rig_turns(6);
    ck_assert_int_ge(order_of("b.close"), 0);
    ck_assert_int_gt(order_of("c.close"), order_of("b.close"));
    ck_assert_int_lt(order_of("c.data"), order_of("c.close")); /* it may have been lost, too */
    ck_assert_int_lt(order_of("b.data"), order_of("b.close"));
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    for (int i = 0; i < 3; i++)
        close(peers[i]);
    b = c = NULL;
    finish();
}
END_TEST

static void abort_from_b(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)arg;
    rl_vu_abort(s->socket.vu);
}

/* A queued handler ends the iteration while another socket's event is about to be delivered. */
START_TEST(a_queued_handler_ends_the_iteration)
{
    int peers[3];

    start_variant(0);
    rig_begin(connect_three);
    for (int i = 0; i < 3; i++)
        peers[i] = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN && b->socket.state == RL_SOCKET_OPEN &&
              c->socket.state == RL_SOCKET_OPEN);
    rig_forget_diary();
    a->on[RL_EVENT_DATA] = destroy_b;
    b->on[RL_EVENT_CLOSE] = abort_from_b;
    rig_drop(a);
    rig_drop(c);
    for (int i = 0; i < 3; i++)
        rig_peer_send(peers[i], "xyz");
    usleep(2000);
    rig_until_done(1);
    ck_assert_ptr_nonnull(strstr(rig.diary, "b.close end "));
    for (int i = 0; i < 3; i++)
        close(peers[i]);
    a = b = c = NULL;
    finish();
}
END_TEST

/* --- Timeouts --- */

/* T-160 to T-164, T-167, T-200: repeats, counts, leaves the socket open. */
START_TEST(timeouts_repeat)
{
    uint64_t begin_ns;

    open_a(0);
    begin_ns = rl_clock_ns();
    rl_socket_set_timeout(&a->socket, 20 * RL_NS_PER_MS);
    rig_until(rig_sum(RL_M_TCP_TIMEOUTS) >= 3);
    rig_expect("timeout timeout timeout ");
    ck_assert_uint_ge(rl_clock_ns() - begin_ns, 60 * RL_NS_PER_MS);
    ck_assert_uint_le(rl_clock_ns() - begin_ns, 250 * RL_NS_PER_MS);
    ck_assert_int_eq(a->socket.state, RL_SOCKET_OPEN);
    ck_assert_double_eq(rig_sum(RL_M_TCP_TIMEOUTS), 3);
    ck_assert_str_eq(rig_tags(RL_M_TCP_TIMEOUTS), full_tags);
    ck_assert_uint_eq(rig_count(RL_M_TCP_ERRORS), 0);
    rl_socket_set_timeout(&a->socket, 0); /* T-166 */
    rig_wait_ms(50);
    rig_expect("");
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    finish();
}
END_TEST

static void connect_with_timeout(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rl_socket_set_timeout(&a->socket, 20 * RL_NS_PER_MS);
    rig_connect_to(a, "", "slow.test", rig.port, NULL, 0, NULL); /* 50 ms */
}

/* T-162: the clock starts when the socket opens; T-167: without handler, too. */
START_TEST(timeouts_begin_with_the_connection)
{
    uint64_t open_ns;

    start_variant(0);
    rig_begin(connect_with_timeout);
    peer = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_expect("begin connect ");
    a->handlers = 0;
    open_ns = rl_clock_ns();
    rig_until(rig_sum(RL_M_TCP_TIMEOUTS) > 0);
    ck_assert_uint_ge(rl_clock_ns() - open_ns, 15 * RL_NS_PER_MS);
    ck_assert_uint_le(rl_clock_ns() - open_ns, 200 * RL_NS_PER_MS);
    ck_assert_double_eq(rig_sum(RL_M_TCP_TIMEOUTS), 1);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    finish();
}
END_TEST

/* T-163: data restarts it, writes do not; after a long silence it still fires on time. */
START_TEST(data_restarts_the_timeout)
{
    uint64_t last_ns;

    open_a(0);
    a->quiet = true;
    rl_socket_set_timeout(&a->socket, 200 * RL_NS_PER_MS);
    for (int i = 0; i < 6; i++) {
        rig_wait_ms(50);
        rig_peer_send(peer, "x");
    }
    rig_until(a->received == 6);
    last_ns = rl_clock_ns();
    rig_expect("");
    for (int i = 0; i < 2; i++) {
        rig_wait_ms(50);
        rig_send_text(a, "", "y");
    }
    rig_until(rig.diary_bytes > 0);
    rig_expect("timeout ");
    ck_assert_uint_ge(rl_clock_ns() - last_ns, 190 * RL_NS_PER_MS);
    ck_assert_uint_le(rl_clock_ns() - last_ns, 350 * RL_NS_PER_MS);
    rig_until(rig_sum(RL_M_TCP_TIMEOUTS) >= 2); /* the next, of silence alone */
    rig_expect("timeout ");
    ck_assert_uint_ge(rl_clock_ns() - last_ns, 390 * RL_NS_PER_MS);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    finish();
}
END_TEST

/* T-166: a new value counts from now. */
START_TEST(a_timeout_is_changed)
{
    open_a(0);
    rl_socket_set_timeout(&a->socket, 1000 * RL_NS_PER_S);
    rl_socket_set_timeout(&a->socket, 15 * RL_NS_PER_MS);
    rig_wait_ms(10);
    rl_socket_set_timeout(&a->socket, 15 * RL_NS_PER_MS);
    rig_wait_ms(10);
    rig_expect("");
    rig_wait_ms(10);
    rig_expect("timeout ");
    rl_socket_destroy(&a->socket);
    rl_socket_set_timeout(&a->socket, RL_NS_PER_MS); /* T-160: in every state */
    rig_until_done(1);
    rig_expect("close end ");
    rig_wait_ms(5);
    rig_expect("");
    finish();
}
END_TEST

static void switch_off(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)s;
    (void)arg;
    rl_socket_set_timeout(&a->socket, 0);
}

/* T-166: a handler that waits in the queue when the timeout is due switches it off. */
START_TEST(no_timeout_after_it_was_switched_off)
{
    int a_peer, b_peer;

    open_two(&a_peer, &b_peer);
    b->on[RL_EVENT_CLOSE] = switch_off;
    rl_socket_set_timeout(&a->socket, 3 * RL_NS_PER_MS);
    usleep(4000);
    rl_socket_destroy(&b->socket);
    rig_turns(5);
    rig_expect("b.close ");
    rig_wait_ms(8);
    rig_expect("");
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    close(a_peer);
    close(b_peer);
    finish();
}
END_TEST

/* The VU's tags change while the socket is open: T-194's base is that of the moment. */
START_TEST(tags_change)
{
    open_a(0);
    rig_peer_send(peer, "1");
    rig_until(a->received == 1);
    rl_vu_tag(&rig.vus[1], "phase", "two");
    rig_peer_send(peer, "2");
    rig_until(a->received == 2);
    ck_assert_str_eq(rig_tags(RL_M_TCP_READS),
                     "host=127.0.0.1,ip=127.0.0.1,port=PORT,proto=TCP,scenario=s;"
                     "host=127.0.0.1,ip=127.0.0.1,phase=two,port=PORT,proto=TCP,scenario=s");
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    ck_assert_str_eq(rig_tags(RL_M_ITERATIONS), "phase=two,scenario=s"); /* T-201, E-013 */
    finish();
}
END_TEST

static Suite *socket_suite(void)
{
    static const TTest *const *const once[] = {
        &data_without_handler,
        &a_late_close_handler_gets_nothing,
        &a_reset_that_nobody_hears,
        &a_handler_destroys_another_socket,
        &a_queued_handler_destroys_the_socket_of_the_event,
        &a_queued_handler_ends_the_iteration,
        &timeouts_repeat,
        &timeouts_begin_with_the_connection,
        &data_restarts_the_timeout,
        &a_timeout_is_changed,
        &no_timeout_after_it_was_switched_off,
        &tags_change,
    };
    static const TTest *const *const variants[] = {
        &data_arrives,
        &chunks,
        &data_before_destroy_comes_before_close,
        &much_data,
        &a_fin_with_data,
        &an_immediate_fin,
        &a_reset,
        &destroying,
        &accepted_bytes_arrive_after_destroy,
    };
    Suite *suite = suite_create("socket");

    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        rl_case(suite, *once[i], NULL, NULL);
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
        rl_case_loop(suite, *variants[i], NULL, NULL, 0, RIG_VARIANTS);
    rl_case_loop(suite, a_handler_that_fails, NULL, NULL, 0, RL_EVENT_COUNT);
    rl_case_loop(suite, destroy_in_each_handler, NULL, NULL, 0, RL_EVENT_COUNT);
    return suite;
}

RL_TEST_MAIN(socket_suite)
