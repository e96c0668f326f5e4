/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receive buffers: incremental, classic, own; views in the order of completions, running out. */
#include "ring_rig.h"

enum { INC_BYTES = 64 * 1024, INC_TOTAL = 16 * INC_BYTES, CLASSIC_BYTES = 4096, CLASSIC_TOTAL = 256 * 4096 };

static size_t put_total, got_total;

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 131 >> 4);
}

/* The next bytes of the stream. */
static void check(struct rl_slice view)
{
    bool same = true;

    for (size_t i = 0; i < view.size; i++)
        same &= view.data[i] == byte_at(got_total++);
    ck_assert(same);
}

static void put(int i, size_t size)
{
    uint8_t bytes[8192];

    ck_assert_uint_le(size, sizeof(bytes));
    for (size_t k = 0; k < size; k++)
        bytes[k] = byte_at(put_total++);
    ck_assert_int_eq(send(rr.peer[i], bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void start(int features)
{
    rr_start(features, 0, 0);
    rr_connect(0);
    put_total = got_total = 0;
    rl_ring_recv(rr.ring, rr.file[0], rl_op(RL_OP_RECV, 0));
    ck_assert_int_eq(rl_ring_enter(rr.ring, 0), 0);
}

/* Take one receive completion, check its bytes, give the buffer back; its completion. */
static struct rl_completion take(void)
{
    struct rl_completion c = rr_next();
    struct rl_slice view;

    ck_assert_int_eq(rl_op_kind(c.user_data), RL_OP_RECV);
    view = rl_ring_view(rr.ring, &c);
    ck_assert_uint_eq(view.size, c.res > 0 ? (size_t)c.res : 0);
    check(view);
    rl_ring_return(rr.ring, &c);
    return c;
}

static void arm_again(const struct rl_completion *c)
{
    if (!rl_completion_more(c))
        rl_ring_recv(rr.ring, rr.file[0], rl_op(RL_OP_RECV, 0));
}

/* Sizes that cross the ends of buffers in all ways, three times around all buffers. */
START_TEST(bytes_are_where_the_view_says)
{
    static const size_t sizes[] = {1, 64, 4096, 7, 8192, 4095, 4097, 333, 8191, 2};
    size_t want = 3 * INC_TOTAL;

    start(rr_features(_i));
    for (size_t n = 0; put_total < want; n++) {
        put(0, sizes[n % 10]);
        while (got_total < put_total) {
            struct rl_completion c = take();

            /* What came back is lent again by the next enter, and not before. */
            ck_assert(c.res > 0 || c.res == -ENOBUFS);
            arm_again(&c);
        }
    }
    rr_stop();
}
END_TEST

/* Fill every lent buffer before a single one comes back: the receive ends with -ENOBUFS, and after the
 * return it can be armed again; nothing is lost. */
START_TEST(running_out)
{
    int features = rr_features(0) & (_i == 0 ? ~0 : ~RL_F_BUF_INC);
    struct rl_completion pending[1024];
    unsigned count = 0;
    int big = 4 << 20;
    size_t total = _i == 0 ? INC_TOTAL : CLASSIC_TOTAL;
    struct rl_completion c;

    start(features);
    setsockopt(rr.peer[0], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
    for (;;) {
        if (put_total < total + 16 * 8192)
            put(0, 8192);
        if (!rr_next_within(&c, put_total < total + 16 * 8192 ? 0 : RL_NS_PER_S))
            continue;
        ck_assert_uint_lt(count, 1024);
        pending[count++] = c;
        if (!rl_completion_more(&c))
            break;
    }
    ck_assert_int_eq(c.res, -ENOBUFS);
    for (unsigned i = 0; i < count; i++) { /* in their order, late */
        struct rl_slice view = rl_ring_view(rr.ring, &pending[i]);

        check(view);
        rl_ring_return(rr.ring, &pending[i]);
    }
    ck_assert_uint_le(got_total, total);
    ck_assert_uint_gt(got_total, total / 2);
    if (_i == 1) /* the last one brought none */
        ck_assert_uint_eq(count - 1, CLASSIC_TOTAL / CLASSIC_BYTES);
    rl_ring_recv(rr.ring, rr.file[0], rl_op(RL_OP_RECV, 0));
    while (got_total < put_total) {
        c = take();
        arm_again(&c);
    }
    rr_stop();
}
END_TEST

/* The end of the stream brings no buffer, and no view. */
START_TEST(the_end)
{
    struct rl_completion c;

    start(rr_features(_i));
    put(0, 10);
    c = take();
    arm_again(&c);
    close(rr.peer[0]);
    rr.peer[0] = -1;
    c = take();
    ck_assert_int_eq(c.res, 0);
    ck_assert(!rl_completion_more(&c));
    rr_stop();
}
END_TEST

/* Cancelled, and armed again before the completion's buffer went back, as after a short pause: what comes
 * then is whole. */
START_TEST(armed_again_before_the_return)
{
    struct rl_completion c;

    start(rr_features(_i));
    for (int n = 0; n < 3; n++) {
        rl_ring_cancel(rr.ring, rr.file[0], rl_op(RL_OP_RECV, 0));
        do {
            c = rr_next();
        } while (rl_op_kind(c.user_data) != RL_OP_RECV);
        ck_assert_int_eq(c.res, -ECANCELED);
        ck_assert_uint_eq(rl_ring_view(rr.ring, &c).size, 0);
        rl_ring_recv(rr.ring, rr.file[0], rl_op(RL_OP_RECV, 0));
        rl_ring_return(rr.ring, &c);
        put(0, 1000);
        while (got_total < put_total) {
            c = take();
            arm_again(&c);
        }
    }
    rr_stop();
}
END_TEST

/* Two sockets share the buffers. */
START_TEST(two_sockets_in_turn)
{
    size_t got = 0;

    start(rr_features(_i));
    rr_connect(1);
    rl_ring_recv(rr.ring, rr.file[1], rl_op(RL_OP_RECV, 1));
    ck_assert_int_eq(rl_ring_enter(rr.ring, 0), 0);
    for (unsigned n = 0; n < 400; n++) {
        char text[16] = "................";
        size_t want = sizeof(text) * 2;

        memset(text, (int)('a' + n % 26), sizeof(text));
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(send(rr.peer[i], text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
        for (got = 0; got < want;) {
            struct rl_completion c = rr_next();
            struct rl_slice view = rl_ring_view(rr.ring, &c);
            uint64_t i = rl_op_handle(c.user_data);

            ck_assert_int_gt(c.res, 0);
            for (size_t k = 0; k < view.size; k++)
                ck_assert_uint_eq(view.data[k], (uint8_t)text[0]);
            got += view.size;
            rl_ring_return(rr.ring, &c);
            if (!rl_completion_more(&c))
                rl_ring_recv(rr.ring, rr.file[i], rl_op(RL_OP_RECV, i));
        }
    }
    rr_stop();
}
END_TEST

static Suite *bufs_suite(void)
{
    Suite *suite = suite_create("bufs");

    rl_case_loop(suite, bytes_are_where_the_view_says, NULL, NULL, 0, RR_VARIANTS);
    rl_case_loop(suite, running_out, NULL, NULL, 0, 2);
    rl_case_loop(suite, the_end, NULL, NULL, 0, RR_VARIANTS);
    rl_case_loop(suite, armed_again_before_the_return, NULL, NULL, 0, RR_VARIANTS);
    rl_case_loop(suite, two_sockets_in_turn, NULL, NULL, 0, RR_VARIANTS);
    return suite;
}

RL_TEST_MAIN(bufs_suite)
