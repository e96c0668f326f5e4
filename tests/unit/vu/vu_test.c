/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Iterations: what holds them, how they end, what they emit; tcp-socket.md 12, engine.md 1.2. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/status.h"
#include "vu/queue.h"
#include "vu_rig.h"

static struct rig_socket *a, *b;
static struct rl_vu *vu1;

static void set_up(void)
{
    rig_start(0);
    vu1 = &rig.vus[1];
    a = b = NULL;
}

static void tear_down(void)
{
    if (a != NULL)
        rig_drop(a);
    if (b != NULL)
        rig_drop(b);
    rig_stop();
}

static void nothing(struct rl_vu *vu)
{
    (void)vu;
}

/* E-013: iterations, iteration_duration, data_* even if 0, with the VU's tags. */
START_TEST(an_empty_iteration)
{
    rig_begin(nothing);
    ck_assert_int_eq(vu1->state, RL_VU_RUNNING); /* it ends from the loop, not within the call */
    rig_expect("begin ");
    rig_until_done(1);
    rig_expect("end ");
    ck_assert_uint_eq(vu1->iteration, 0);
    ck_assert_double_eq(rig_sum(RL_M_ITERATIONS), 1);
    ck_assert_uint_eq(rig_count(RL_M_ITERATION_DURATION), 1);
    ck_assert_uint_eq(rig_count(RL_M_DATA_SENT), 1);
    ck_assert_uint_eq(rig_count(RL_M_DATA_RECEIVED), 1);
    ck_assert_str_eq(rig_tags(RL_M_ITERATIONS), "scenario=s");
    rig_begin(nothing);
    rig_until_done(2);
    ck_assert_uint_eq(vu1->iteration, 1);
}
END_TEST

/* Setup and teardown count no iterations (T-009, E-034), but bytes (T-187). */
START_TEST(setup_is_no_iteration)
{
    rig.main = nothing;
    rig.vus[0].tags = rig_tag("group", "::setup");
    rl_vu_begin(&rig.vus[0]);
    rig_until_done(1);
    ck_assert_uint_eq(rig_count(RL_M_ITERATIONS) + rig_count(RL_M_ITERATION_DURATION), 0);
    ck_assert_str_eq(rig_tags(RL_M_DATA_SENT), "group=::setup");
}
END_TEST

static void connect_a(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect(a, "c", NULL);
}

/* T-180, T-181: an open socket holds the iteration; the stop counts it as interrupted. */
START_TEST(an_open_socket_holds_it)
{
    int fd;

    rig_begin(connect_a);
    fd = rig_accept();
    rig_wait_ms(5);
    rig_expect("begin connect c:ok ");
    ck_assert_uint_eq(rig.done, 0);
    rl_vu_interrupt(vu1);
    rig_expect("interrupted ");
    ck_assert_uint_eq(rig_count(RL_M_ITERATIONS), 0);
    ck_assert_uint_eq(rig_count(RL_M_ITERATION_DURATION), 0);
    ck_assert_uint_eq(rig_count(RL_M_TCP_SOCKET_DURATION), 0); /* T-185, O-2 */
    ck_assert_uint_eq(rig_count(RL_M_DATA_SENT), 1);           /* T-187 */
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DESTROYED);
    ck_assert(!rig_peer_sees_fin(fd)); /* at once: a reset */
    rl_vu_interrupt(vu1);              /* harmless on an idle VU */
    rig_expect("");
    close(fd);
}
END_TEST

static void two_that_never_connect(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    b = rig_socket(vu, "");
    rig_connect_to(b, "c", "127.0.0.1", 1, NULL, 0, NULL);
}

/* T-182. */
START_TEST(sockets_without_connection_do_not_hold_it)
{
    rig_begin(two_that_never_connect);
    rig_until_done(1);
    rig_expect("begin error(ECONNREFUSED) c:ECONNREFUSED end ");
}
END_TEST

static void destroy_in_main(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rl_socket_destroy(&a->socket);
}

/* T-182: an undelivered event holds. */
START_TEST(an_undelivered_event_holds_it)
{
    rig_begin(destroy_in_main);
    rig_expect("begin ");
    rig_until_done(1);
    rig_expect("close end ");
}
END_TEST

static void abort_in_main(struct rl_vu *vu)
{
    a = rig_socket(vu, "a.");
    b = rig_socket(vu, "b.");
    rig_connect(a, "c", NULL);
    rl_socket_destroy(&b->socket);
    rig_refuse(a, "r", RL_METHOD_WRITE, "no");
    rl_vu_abort(vu);
}

/* T-184, T-185: it counts; queued events and waiters are forgotten; a later iteration is untouched. */
START_TEST(an_abort_in_the_main_function)
{
    rig_begin(abort_in_main);
    rig_expect("begin end ");
    ck_assert(vu1->failed);
    ck_assert_double_eq(rig_sum(RL_M_ITERATIONS), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_ERRORS), 1); /* of the refusal, before */
    rig_begin(nothing);
    rig_until_done(2);
    rig_expect("begin end ");
    ck_assert(!vu1->failed);
    rig_until(rl_net_idle(&rig.net));
    rig_expect("");
}
END_TEST

/* E-015: VUs are used again after an interruption; sockets of before are destroyed for any use. */
START_TEST(after_an_interruption)
{
    int fd;

    rig_begin(connect_a);
    fd = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_send_text(a, "w", "x");
    rl_vu_interrupt(vu1);
    rig_forget_diary();
    rig_begin(nothing);
    ck_assert_int_eq(rig_connect(a, "c", NULL), RL_EDESTROYED);
    ck_assert_int_eq(rig_send_text(a, "w", "y"), RL_ENOTCONN);
    rl_socket_destroy(&a->socket);
    rl_socket_set_timeout(&a->socket, 1);
    rig_until_done(2);
    rig_expect("begin c!EDESTROYED w!ENOTCONN end ");
    close(fd);
}
END_TEST

static struct rl_program with_last_words;

/* What __close variables may do while coroutines are closed. */
static void try_everything(struct rl_vu *vu)
{
    struct rl_tcp_error error;
    struct rl_write write = {0};
    struct rl_waiter waiter = {0};

    ck_assert_int_eq(vu->state, RL_VU_ENDING);
    ck_assert_int_lt(rl_socket_connect(&b->socket, "127.0.0.1", rig.port, NULL, 0, NULL, &waiter, &error), 0);
    ck_assert_int_lt(
        rl_socket_refuse(&b->socket, RL_METHOD_WRITE, -EINVAL, "no", NULL, &waiter, &error), 0);
    ck_assert_int_lt(rl_socket_write(&a->socket, rl_slice_str("x"), &write, &error), 0);
    rl_socket_destroy(&a->socket);
    rl_socket_destroy(&b->socket);
    rl_socket_set_timeout(&a->socket, 1000);
    rl_vu_sample(vu, RL_M_CHECKS, NULL, 1);
    rl_vu_release(vu);
}

static void connect_a_and_make_b(struct rl_vu *vu)
{
    b = rig_socket(vu, "");
    connect_a(vu);
}

/* Nothing can be begun in an iteration that is being torn down, and nothing is counted. */
START_TEST(last_words)
{
    const struct rl_program *usual = rig.env.program;
    int fd;

    with_last_words = *usual;
    with_last_words.cancel = try_everything;
    rig_begin(connect_a_and_make_b);
    fd = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_forget_diary();
    rig.env.program = &with_last_words;
    rl_vu_interrupt(vu1);
    rig.env.program = usual;
    rig_expect("interrupted ");
    ck_assert_uint_eq(rig_count(RL_M_CHECKS) + rig_count(RL_M_TCP_ERRORS), 0);
    rig_turns(5);
    rig_expect("");
    close(fd);
}
END_TEST

static void hold_for_ever(struct rl_vu *vu)
{
    rl_vu_hold(vu);
}

START_TEST(holds)
{
    rig_begin(hold_for_ever);
    rig_turns(3);
    ck_assert_uint_eq(rig.done, 0);
    rl_vu_release(vu1);
    ck_assert_uint_eq(rig.done, 0);
    rl_vu_hold(vu1); /* what was about to end goes on */
    rig_turns(3);
    ck_assert_uint_eq(rig.done, 0);
    rl_vu_release(vu1);
    rig_until_done(1);
    rl_vu_release(vu1); /* harmless on an idle VU */
    rig_turns(3);
}
END_TEST

/* --- Queue --- */

static void raise_in_turn(struct rl_vu *vu)
{
    a = rig_socket(vu, "a.");
    b = rig_socket(vu, "b.");
    b->handlers = 0;
    rig_refuse(a, "1", RL_METHOD_WRITE, "x");
    rig_refuse(b, "2", RL_METHOD_WRITE, "x");
    rl_socket_destroy(&a->socket);
    rl_socket_destroy(&b->socket);
    rig_drop(a);
    rig_drop(b);
    a = b = NULL;
}

/* T-125, T-135, T-137: in the order raised; without handler only the waiter is told. */
START_TEST(the_queue_keeps_order)
{
    rig_begin(raise_in_turn);
    rig_until_done(1);
    rig_expect("begin a.error(EINVAL) 1:EINVAL 2:EINVAL a.close end ");
}
END_TEST

static void abort_on_error(struct rig_socket *s, const struct rl_event_arg *arg)
{
    (void)arg;
    rl_vu_abort(s->socket.vu);
}

static void raise_and_fail(struct rl_vu *vu)
{
    a = rig_socket(vu, "a.");
    a->on[RL_EVENT_ERROR] = abort_on_error;
    rig_refuse(a, "1", RL_METHOD_WRITE, "x");
    rig_refuse(a, "2", RL_METHOD_WRITE, "x");
    rl_socket_destroy(&a->socket);
    rig_drop(a);
    a = NULL;
}

/* T-184: the rest of the queue goes with the iteration, also its waiters and its sockets. */
START_TEST(a_queued_handler_fails)
{
    rig_begin(raise_and_fail);
    rig_until_done(1);
    rig_expect("begin a.error(EINVAL) end ");
    rig_turns(3);
    rig_expect("");
}
END_TEST

/* --- Figures --- */

static void send_some(struct rl_vu *vu, int status)
{
    (void)vu;
    (void)status;
    rig_send_text(a, "", "hello");
}

static void connect_and_send(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect(a, "", send_some);
}

/* engine.md 4.2: within a long iteration bytes are emitted each second, and each byte once. */
START_TEST(bytes_of_a_long_iteration)
{
    uint64_t end_ns;
    int fd;

    rig_begin(connect_and_send);
    fd = rig_accept();
    rig_peer_send(fd, "abc");
    rig_until(a->received == 3 && a->socket.bytes_written == 5);
    ck_assert_uint_eq(rig_count(RL_M_DATA_SENT), 0);
    end_ns = rl_clock_ns() + 1300 * RL_NS_PER_MS;
    while (rig_count(RL_M_DATA_SENT) == 0) {
        ck_assert_uint_lt(rl_clock_ns(), end_ns);
        rig_turn();
        usleep(1000);
    }
    ck_assert_double_eq(rig_sum(RL_M_DATA_SENT), 5);
    ck_assert_double_eq(rig_sum(RL_M_DATA_RECEIVED), 3);
    rig_send_text(a, "", "more");
    rig_until(a->socket.bytes_written == 9);
    rl_socket_destroy(&a->socket);
    rig_until_done(1);
    ck_assert_double_eq(rig_sum(RL_M_DATA_SENT), 9);
    ck_assert_double_eq(rig_sum(RL_M_DATA_RECEIVED), 3);
    close(fd);
}
END_TEST

/* E-321: the VU's tags, and more on top; dropped when no iteration runs. */
START_TEST(samples_of_the_script)
{
    rl_vu_sample(vu1, RL_M_CHECKS, NULL, 1);
    ck_assert_uint_eq(rig_count(RL_M_CHECKS), 0);
    rig_begin(hold_for_ever);
    rl_vu_sample(vu1, RL_M_CHECKS, rig_tag("check", "x"), 1);
    rl_vu_tag(vu1, "step", "2");
    rl_vu_sample(vu1, RL_M_CHECKS, NULL, 0);
    rl_vu_tag(vu1, "step", NULL);
    rl_vu_release(vu1);
    rig_until_done(1);
    ck_assert_str_eq(rig_tags(RL_M_CHECKS), "check=x,scenario=s;scenario=s,step=2");
    ck_assert_str_eq(rig_tags(RL_M_ITERATIONS), "scenario=s");
}
END_TEST

/* A sample has the time of its own turn, also after a long wait. */
START_TEST(samples_have_the_time_of_their_turn)
{
    rig_turns(2);
    usleep(20000);
    rig_turn();
    ck_assert_uint_eq(rig.shard.now_ns, rig.loop.now_ns);
}
END_TEST

static Suite *vu_suite(void)
{
    static const TTest *const *const tests[] = {
        &an_empty_iteration,
        &setup_is_no_iteration,
        &an_open_socket_holds_it,
        &sockets_without_connection_do_not_hold_it,
        &an_undelivered_event_holds_it,
        &an_abort_in_the_main_function,
        &after_an_interruption,
        &last_words,
        &holds,
        &the_queue_keeps_order,
        &a_queued_handler_fails,
        &bytes_of_a_long_iteration,
        &samples_of_the_script,
        &samples_have_the_time_of_their_turn,
    };
    Suite *suite = suite_create("vu");

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        rl_case(suite, *tests[i], set_up, tear_down);
    return suite;
}

RL_TEST_MAIN(vu_suite)
