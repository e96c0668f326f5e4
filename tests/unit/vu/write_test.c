/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write: tcp-socket.md section 6, T-016, T-173, T-197. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "vu_rig.h"

enum { BIG = 12 << 20 };

static const char full_tags[] = "host=127.0.0.1,ip=127.0.0.1,port=PORT,proto=TCP,scenario=s";
static struct rig_socket *a;
static int peer;
static uint8_t *big;

static void connect_a(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_connect(a, "", NULL);
}

static void open_a(int variant)
{
    rig_start(variant);
    rig_begin(connect_a);
    peer = rig_accept();
    rig_until(a->socket.state == RL_SOCKET_OPEN);
    rig_forget_diary();
    big = malloc(BIG);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (uint8_t)(i * 31 >> 8);
}

/* A whole life of a: destroyed, over, dropped. */
static void finish(void)
{
    if (a != NULL) {
        rl_socket_destroy(&a->socket);
        if (rig.done == 0)
            rig_until_done(1);
        rig_drop(a);
    }
    if (peer >= 0)
        close(peer);
    free(big);
    rig_stop();
}

/* T-090, T-104: in the order of the calls, woken in that order. */
START_TEST(writes_are_a_queue)
{
    char back[16];

    open_a(_i);
    ck_assert_int_eq(rig_send_text(a, "1", "one,"), RL_PENDING);
    ck_assert_int_eq(rig_send_text(a, "2", "two,"), RL_PENDING);
    ck_assert_int_eq(rig_send_text(a, "3", "three"), RL_PENDING);
    rig_expect("");
    ck_assert_uint_eq(rig_peer_read(peer, back, 13), 13);
    ck_assert_int_eq(memcmp(back, "one,two,three", 13), 0);
    rig_turns(2);
    rig_expect("1:ok 2:ok 3:ok ");
    ck_assert_uint_eq(a->socket.bytes_written, 13);
    ck_assert_double_eq(rig_sum(RL_M_TCP_WRITES), 3);
    ck_assert_str_eq(rig_tags(RL_M_TCP_WRITES), full_tags); /* T-197 */
    finish();
}
END_TEST

static void send_two_more(struct rl_vu *vu, int status)
{
    (void)vu;
    ck_assert_int_eq(status, 0);
    rig_send_text(a, "2", "2");
    rig_send_text(a, "3", "3");
}

/* What follows a write may write. */
START_TEST(a_write_after_a_write)
{
    char back[3];

    open_a(_i);
    rig_send(a, "1", rl_slice_str("1"), NULL, send_two_more);
    ck_assert_uint_eq(rig_peer_read(peer, back, 3), 3);
    ck_assert_int_eq(memcmp(back, "123", 3), 0);
    rig_turns(2);
    rig_expect("1:ok 2:ok 3:ok ");
    finish();
}
END_TEST

/* T-202: the call's tags lie over connect's, never over host, port and ip. */
START_TEST(tags_of_a_write)
{
    const struct rl_tagset *tags;

    open_a(0);
    tags = rl_tags_with(rig.shard.tags, rig_tag("op", "hi"), "host", "forged");
    tags = rl_tags_with(rig.shard.tags, tags, "scenario", "mine");
    rig_send(a, "w", rl_slice_str("x"), tags, NULL);
    rig_turns(3);
    rig_expect("w:ok ");
    ck_assert_str_eq(rig_tags(RL_M_TCP_WRITES),
                     "host=127.0.0.1,ip=127.0.0.1,op=hi,port=PORT,proto=TCP,scenario=mine");
    finish();
}
END_TEST

/* T-103. */
START_TEST(nothing_to_write)
{
    open_a(0);
    ck_assert_int_eq(rig_send_text(a, "w", ""), 0);
    rig_expect("w!ok ");
    ck_assert_double_eq(rig_sum(RL_M_TCP_WRITES), 1);
    ck_assert_uint_eq(a->socket.bytes_written, 0);
    finish();
}
END_TEST

static void write_without_connection(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_send_text(a, "new", "x");
    rig_connect(a, "c", NULL);
    rig_send_text(a, "early", "x"); /* T-102 */
    rl_socket_destroy(&a->socket);
    rig_send_text(a, "late", "x");
}

/* T-101: no metric, no event, no log line. */
START_TEST(no_active_connection)
{
    unsigned long lines;

    rig_start(0);
    peer = -1;
    big = NULL;
    lines = rl_log_count(RL_LOG_ERROR);
    rig_begin(write_without_connection);
    rig_until_done(1);
    rig_expect("begin new!ENOTCONN early!ENOTCONN late!ENOTCONN c:ECANCELED close end ");
    ck_assert_uint_eq(rig_count(RL_M_TCP_WRITES) + rig_count(RL_M_TCP_ERRORS), 0);
    ck_assert_uint_eq(rl_log_count(RL_LOG_ERROR), lines);
    finish();
}
END_TEST

static void refuse_on_new(struct rl_vu *vu)
{
    a = rig_socket(vu, "");
    rig_refuse(a, "w", RL_METHOD_WRITE, "invalid type of data: number");
}

/* T-099, T-137: counts, the error handler, then the raise; also on an unconnected socket. */
START_TEST(refused_arguments)
{
    rig_start(0);
    peer = -1;
    big = NULL;
    rig_begin(refuse_on_new);
    rig_expect("begin ");
    rig_until_done(1);
    rig_expect("error(EINVAL) w:EINVAL end ");
    ck_assert_int_eq(a->error.method, RL_METHOD_WRITE);
    ck_assert_str_eq(a->error.message, "invalid type of data: number");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DISCONNECTED);
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_WRITES), 0);
    rig_drop(a);
    a = NULL;
    finish();
}
END_TEST

/* Order in one VU's queue: what was raised first comes first. */
START_TEST(a_refusal_before_data)
{
    open_a(0);
    rig_peer_send(peer, "abc");
    usleep(1000);
    rig_refuse(a, "w", RL_METHOD_WRITE, "invalid type");
    rig_until(a->received == 3);
    rig_expect("error(EINVAL) w:EINVAL data(3) ");
    finish();
}
END_TEST

/* T-016, T-105: the kernel takes a part; bytes_written grows with it; all of it arrives in order. */
START_TEST(a_write_that_does_not_fit)
{
    uint8_t *back = malloc(BIG + 4);
    uint64_t before;

    open_a(_i);
    rig_send(a, "big", rl_slice_of(big, BIG), NULL, NULL);
    rig_send_text(a, "end", "tail");
    rig_wait_ms(5);
    rig_expect("");
    before = a->socket.bytes_written;
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_lt(before, BIG);
    ck_assert_uint_eq(rig_count(RL_M_TCP_WRITES), 0); /* when it ends */
    ck_assert_uint_eq(rig_peer_read(peer, back, BIG + 4), BIG + 4);
    ck_assert_int_eq(memcmp(back, big, BIG), 0);
    ck_assert_int_eq(memcmp(back + BIG, "tail", 4), 0);
    rig_until(a->socket.bytes_written == BIG + 4);
    rig_turns(2);
    rig_expect("big:ok end:ok ");
    ck_assert_double_eq(rig_sum(RL_M_TCP_WRITES), 2);
    ck_assert_uint_eq(rig_count(RL_M_TCP_PARTIAL_WRITES), 0);
    free(back);
    finish();
}
END_TEST

/* T-106, T-107, T-108, O-3: the true number of bytes, each write counted. */
START_TEST(writes_that_fail)
{
    char text[80];

    open_a(_i);
    rig_send(a, "big", rl_slice_of(big, BIG), NULL, NULL);
    rig_send_text(a, "end", "tail");
    rig_wait_ms(5);
    ck_assert_uint_gt(a->socket.bytes_written, 0);
    rig_reset(peer);
    peer = -1;
    rig_until_done(1);
    ck_assert_ptr_nonnull(strstr(rig.diary, "big:E"));
    ck_assert_ptr_nonnull(strstr(rig.diary, "end:E"));
    ck_assert_ptr_nonnull(strstr(rig.diary, "error(ECONNRESET) close ")); /* T-153 */
    ck_assert_int_eq(rig.error.method, RL_METHOD_WRITE);
    snprintf(text, sizeof(text), "(0 of 4 bytes accepted)");
    ck_assert_msg(strstr(rig.error.message, text) != NULL, "%s", rig.error.message);
    ck_assert_double_eq(rig_sum(RL_M_TCP_WRITES), 2);
    ck_assert_double_eq(rig_sum(RL_M_TCP_PARTIAL_WRITES), 1);
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 3); /* both writes, and the read */
    ck_assert_str_eq(rig_tags(RL_M_TCP_PARTIAL_WRITES), full_tags);
    ck_assert_double_eq(rig_sum(RL_M_DATA_SENT), (double)a->socket.bytes_written);
    finish();
}
END_TEST

/* T-173: pending writes fail with ECANCELED, each counts, none is an error; T-107's number is true. */
START_TEST(destroy_with_pending_writes)
{
    char text[80];
    uint64_t written;

    open_a(_i);
    rig_send(a, "big", rl_slice_of(big, BIG), NULL, NULL);
    rig_wait_ms(5);
    rig_send_text(a, "", "more");
    written = a->socket.bytes_written;
    ck_assert_uint_gt(written, 0);
    rl_socket_destroy(&a->socket);
    rig_drop(a); /* nobody needs it but the engine */
    a = NULL;
    rig_until_done(1);
    ck_assert_ptr_nonnull(strstr(rig.diary, "big:ECANCELED "));
    ck_assert_ptr_nonnull(strstr(rig.diary, "close "));
    snprintf(text, sizeof(text), "(0 of 4 bytes accepted)");
    ck_assert_ptr_nonnull(strstr(rig.error.message, text));
    ck_assert_double_eq(rig_sum(RL_M_TCP_WRITES), 2);
    ck_assert_double_eq(rig_sum(RL_M_TCP_PARTIAL_WRITES), 1);
    ck_assert_uint_eq(rig_count(RL_M_TCP_ERRORS), 0);
    finish();
}
END_TEST

/* Destroyed in the turn of the write: the bytes were never given to the kernel. */
START_TEST(destroy_in_the_turn_of_a_write)
{
    open_a(_i);
    rig_send_text(a, "w", "hello");
    rl_socket_destroy(&a->socket);
    rig_drop(a);
    a = NULL;
    rig_until_done(1);
    rig_expect("w:ECANCELED close end ");
    ck_assert_ptr_nonnull(strstr(rig.error.message, "(0 of 5 bytes accepted)"));
    ck_assert_double_eq(rig_sum(RL_M_TCP_WRITES), 1);
    ck_assert_double_eq(rig_sum(RL_M_DATA_SENT), 0);
    ck_assert_uint_eq(rig_peer_read(peer, NULL, 1), 0);
    finish();
}
END_TEST

/* T-109, T-185: a blocked write does not outlive the iteration, and is not woken. */
START_TEST(an_interrupted_write)
{
    open_a(_i);
    rig_send(a, "big", rl_slice_of(big, BIG), NULL, NULL);
    rig_wait_ms(5);
    rl_vu_interrupt(&rig.vus[1]);
    rig_expect("interrupted ");
    ck_assert_int_eq(a->socket.state, RL_SOCKET_DESTROYED);
    ck_assert_uint_eq(rig_count(RL_M_TCP_WRITES), 0);
    ck_assert_uint_eq(rig_count(RL_M_TCP_PARTIAL_WRITES), 0);
    ck_assert_double_eq(rig_sum(RL_M_DATA_SENT), (double)a->socket.bytes_written); /* T-187 */
    rig_until(rl_net_idle(&rig.net));
    rig_expect("");
    finish();
}
END_TEST

static void abort_vu(struct rl_vu *vu, int status)
{
    (void)status;
    rl_vu_abort(vu);
}

/* Two writes end in one turn, and what follows the first ends the iteration: the second is forgotten. */
START_TEST(an_abort_among_woken_writes)
{
    open_a(_i);
    rig_send(a, "1", rl_slice_str("1"), NULL, abort_vu);
    rig_send_text(a, "2", "2");
    rig_drop(a);
    a = NULL;
    rig_until_done(1);
    rig_expect("1:ok end ");
    rig_turns(3);
    rig_expect("");
    finish();
}
END_TEST

/* T-106: after the peer has closed and reset, a write fails as the connection does. */
START_TEST(writing_to_a_reset_connection)
{
    open_a(0);
    rig_reset(peer);
    peer = -1;
    rig_send_text(a, "w", "x");
    rig_until_done(1);
    ck_assert_ptr_nonnull(strstr(rig.diary, "error(ECONNRESET) "));
    ck_assert_ptr_nonnull(strstr(rig.diary, "w:E"));
    ck_assert_double_eq(rig_sum(RL_M_TCP_ERRORS), 2);
    ck_assert_uint_eq(rig_count(RL_M_TCP_PARTIAL_WRITES), 0);
    finish();
}
END_TEST

static Suite *write_suite(void)
{
    static const TTest *const *const once[] = {
        &tags_of_a_write,      &nothing_to_write, &no_active_connection,
        &refused_arguments,    &a_refusal_before_data, &writing_to_a_reset_connection,
    };
    static const TTest *const *const variants[] = {
        &writes_are_a_queue,
        &a_write_after_a_write,
        &a_write_that_does_not_fit,
        &writes_that_fail,
        &destroy_with_pending_writes,
        &destroy_in_the_turn_of_a_write,
        &an_interrupted_write,
        &an_abort_among_woken_writes,
    };
    Suite *suite = suite_create("write");

    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        rl_case(suite, *once[i], NULL, NULL);
    for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++)
        rl_case_loop(suite, *variants[i], NULL, NULL, 0, RIG_VARIANTS);
    return suite;
}

RL_TEST_MAIN(write_suite)
