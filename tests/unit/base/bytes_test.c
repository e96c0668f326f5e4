/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/bytes.h"

#include <errno.h>

#include "base/rng.h"
#include "cases.h"

enum { STEPS = 20000, MODEL_BYTES = 1 << 16 };

static struct rl_buf buf;

static void setup(void)
{
    rl_buf_init(&buf, 0);
}

static void teardown(void)
{
    rl_buf_fini(&buf);
}

static void expect(const char *text)
{
    struct rl_slice view = rl_buf_view(&buf);

    ck_assert_uint_eq(view.size, strlen(text));
    ck_assert_mem_eq(view.size == 0 ? (const void *)"" : view.data, text, view.size);
}

START_TEST(slices_borrow)
{
    const char *text = "abc";
    struct rl_slice slice = rl_slice_str(text);

    ck_assert_ptr_eq(slice.data, text);
    ck_assert_uint_eq(slice.size, 3);
}
END_TEST

START_TEST(an_empty_buffer)
{
    expect("");
    ck_assert_int_eq(rl_buf_append(&buf, NULL, 0), 0);
    ck_assert_uint_eq(rl_buf_size(&buf), 0);
    rl_buf_consume(&buf, 0);
    expect("");
}
END_TEST

START_TEST(print_and_append)
{
    ck_assert_int_eq(rl_buf_printf(&buf, "%d-%s", 42, "x"), 0);
    ck_assert_int_eq(rl_buf_append(&buf, "yz", 2), 0);
    expect("42-xyz");
    rl_buf_consume(&buf, 3);
    expect("xyz");
    ck_assert_int_eq(rl_buf_printf(&buf, "%s", ""), 0);
    expect("xyz");
}
END_TEST

START_TEST(the_limit_counts_what_is_kept)
{
    rl_buf_init(&buf, 8);
    ck_assert_int_eq(rl_buf_append(&buf, "12345", 5), 0);
    ck_assert_int_eq(rl_buf_append(&buf, "6789", 4), -ENOBUFS);
    ck_assert_int_eq(rl_buf_printf(&buf, "%s", "6789"), -ENOBUFS);
    expect("12345");
    ck_assert_int_eq(rl_buf_printf(&buf, "%s", "678"), 0); /* exactly the limit */
    expect("12345678");
    rl_buf_consume(&buf, 4);
    ck_assert_int_eq(rl_buf_append(&buf, "9abc", 4), 0);
    expect("56789abc");
    ck_assert_int_eq(rl_buf_append(&buf, "", SIZE_MAX), -ENOBUFS);
    expect("56789abc");
}
END_TEST

START_TEST(sizes_that_no_memory_has)
{
    ck_assert_int_eq(rl_buf_append(&buf, "1", 1), 0);
    ck_assert_int_eq(rl_buf_append(&buf, "", SIZE_MAX), -ENOMEM);
    ck_assert_int_eq(rl_buf_append(&buf, "", SIZE_MAX / 2), -ENOMEM);
    expect("1");
}
END_TEST

START_TEST(memory_stays_bounded_as_bytes_pass_through)
{
    for (int i = 0; i < 100000; i++) {
        rl_require(rl_buf_append(&buf, "0123456789", 10) == 0);
        rl_buf_consume(&buf, i == 0 ? 5 : 10);
    }
    rl_require(buf.capacity <= 128);
    expect("56789");
}
END_TEST

START_TEST(like_an_array)
{
    static uint8_t model[MODEL_BYTES];
    static uint8_t data[512];
    size_t size = 0, limit = 1000 * (size_t)_i;
    struct rl_rng rng;

    rl_buf_init(&buf, limit);
    rl_rng_init(&rng, (uint64_t)_i);
    for (int step = 0; step < STEPS; step++) {
        size_t n = rl_rng_below(&rng, sizeof(data));

        if (rl_rng_below(&rng, 2) == 0 && size + n <= MODEL_BYTES) {
            int rc;

            for (size_t i = 0; i < n; i++)
                data[i] = (uint8_t)rl_rng_next(&rng);
            rc = rl_buf_append(&buf, data, n);
            rl_require(rc == (limit != 0 && size + n > limit ? -ENOBUFS : 0));
            if (rc == 0) {
                memcpy(model + size, data, n);
                size += n;
            }
        } else if (n <= size) {
            rl_buf_consume(&buf, n);
            memmove(model, model + n, size - n);
            size -= n;
        }
        rl_require(rl_buf_size(&buf) == size);
        if (size > 0)
            ck_assert_mem_eq(rl_buf_view(&buf).data, model, size);
        if (limit != 0)
            rl_require(buf.capacity <= limit);
    }
}
END_TEST

static Suite *bytes_suite(void)
{
    Suite *suite = suite_create("base/bytes");

    rl_case(suite, slices_borrow, setup, teardown);
    rl_case(suite, an_empty_buffer, setup, teardown);
    rl_case(suite, print_and_append, setup, teardown);
    rl_case(suite, the_limit_counts_what_is_kept, setup, teardown);
    rl_case(suite, sizes_that_no_memory_has, setup, teardown);
    rl_case(suite, memory_stays_bounded_as_bytes_pass_through, setup, teardown);
    rl_case_loop(suite, like_an_array, setup, teardown, 0, 4);
    return suite;
}

RL_TEST_MAIN(bytes_suite)
