/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What sessions hold on to once their handshake is over, where the library's memory is ours. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "base/sanitize.h"
#include "base/slab.h"
#include "cases.h"
#include "pair.h"

enum { SESSIONS = 150, SESSION_BYTES = 5000 };

static struct pair pair;

static void setup(void)
{
    pair_init(&pair);
    pair_contexts(&pair);
}

static void teardown(void)
{
    pair_fini(&pair);
}

static size_t held_bytes(void)
{
    return rl_slab_usage().busy_spans * RL_SLAB_SPAN;
}

/* Both ends of each are here. The pairs are moved, which engines do not mind after the handshake until
 * they are asked for something. */
static void open_pairs(struct side (*sides)[2])
{
    for (size_t i = 0; i < SESSIONS; i++) {
        pair_connect(&pair, "a.test", rl_slice_of(NULL, 0));
        pair_shake(&pair, 1 << 20);
        rl_require(pair.client.done && pair.server.done);
        sides[i][0] = pair.client;
        sides[i][1] = pair.server;
        memset(&pair.client, 0, sizeof(pair.client));
        memset(&pair.server, 0, sizeof(pair.server));
    }
}

static void close_pairs(struct side (*sides)[2])
{
    for (size_t i = 0; i < SESSIONS; i++) {
        side_close(&sides[i][0]);
        side_close(&sides[i][1]);
    }
}

/* OpenSSL's interface makes sessions of some 75 KB, most of it not from the slab. */
static void check_held(size_t size)
{
#ifndef RL_SANITIZED
    ck_assert_uint_gt(size, (size_t)SESSIONS * 2 * 1000);
#ifndef OPENSSL_EXTRA
    ck_assert_uint_le(size, (size_t)SESSIONS * 2 * SESSION_BYTES);
#endif
#else
    ck_assert_uint_eq(size, 0); /* it is the sanitizer that says whether nothing is left */
#endif
}

START_TEST(an_idle_session_is_small_and_leaves_nothing)
{
    static struct side sides[SESSIONS][2];
    size_t before = held_bytes();

    for (int round = 0; round < 2; round++) {
        open_pairs(sides);
        check_held(held_bytes() - before);
        close_pairs(sides);
        ck_assert_uint_le(held_bytes(), before + 2 * RL_SLAB_SPAN);
        ck_assert_uint_le(rl_slab_usage().idle_bytes, RL_SLAB_IDLE);
    }
}
END_TEST

static Suite *memory_suite(void)
{
    Suite *suite = suite_create("tls/memory");

    rl_case(suite, an_idle_session_is_small_and_leaves_nothing, setup, teardown);
    return suite;
}

RL_TEST_MAIN(memory_suite)
