/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/encoding.h"

#include <string.h>

#include "base/rng.h"
#include "test.h"

typedef ssize_t decode_fn(const char *text, size_t size, uint8_t *out);

static void expect(decode_fn *fn, const char *text, const char *bytes)
{
    uint8_t out[200];
    ssize_t size = fn(text, strlen(text), out);

    if (bytes == NULL) {
        ck_assert_msg(size < 0, "'%s' is accepted", text);
        return;
    }
    ck_assert_msg(size == (ssize_t)strlen(bytes), "'%s': %d bytes", text, (int)size);
    ck_assert_mem_eq(out, bytes, (size_t)size);
}

START_TEST(hex)
{
    expect(rl_decode_hex, "48656c6C6F", "Hello");
    expect(rl_decode_hex, "", "");
    expect(rl_decode_hex, "4", NULL);
    expect(rl_decode_hex, "4g", NULL);
    expect(rl_decode_hex, "48 65", NULL);
}
END_TEST

START_TEST(base64)
{
    expect(rl_decode_base64, "SGVsbG8=", "Hello");
    expect(rl_decode_base64, "SGVs\r\nbG8=\n", "Hello");
    expect(rl_decode_base64, "SGVsbA==", "Hell");
    expect(rl_decode_base64, "SGVs", "Hel");
    expect(rl_decode_base64, "", "");
    expect(rl_decode_base64, "SGVsbG8", NULL);
    expect(rl_decode_base64, "SGVsbA=", NULL);
    expect(rl_decode_base64, "SGVs=", NULL);
    expect(rl_decode_base64, "SGVs====", NULL);
    expect(rl_decode_base64, "S", NULL);
    expect(rl_decode_base64, "SG=Vs", NULL);
    expect(rl_decode_base64, "SGV!", NULL);
    expect(rl_decode_base64, "-_-_", NULL);
    expect(rl_decode_base64, "Pz8/", "???");
}
END_TEST

START_TEST(base64url)
{
    expect(rl_decode_base64url, "SGVsbG8", "Hello");
    expect(rl_decode_base64url, "SGVsbG8=", "Hello");
    expect(rl_decode_base64url, "SGVsbG8==", NULL);
    expect(rl_decode_base64url, "Pz8_", "???");
    expect(rl_decode_base64url, "Pz8/", NULL);
    expect(rl_decode_base64url, "S", NULL);
}
END_TEST

static size_t encode(const uint8_t *data, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;

    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = (uint32_t)data[i] << 16;

        bits |= i + 1 < size ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= i + 2 < size ? data[i + 2] : 0;
        out[n++] = digits[bits >> 18];
        out[n++] = digits[bits >> 12 & 63];
        out[n++] = i + 1 < size ? digits[bits >> 6 & 63] : '=';
        out[n++] = i + 2 < size ? digits[bits & 63] : '=';
    }
    return n;
}

START_TEST(what_was_encoded_is_decoded)
{
    struct rl_rng rng;
    uint8_t data[64], out[100];
    char text[100];

    rl_rng_init(&rng, 1);
    for (int round = 0; round < 2000; round++) {
        size_t size = (size_t)rl_rng_below(&rng, sizeof(data) + 1), n;

        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)rl_rng_next(&rng);
        n = encode(data, size, text);
        ck_assert_int_eq(rl_decode_base64(text, n, out), (ssize_t)size);
        ck_assert_mem_eq(out, data, size);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("encoding");
    TCase *tc = tcase_create("decoding");

    tcase_add_test(tc, hex);
    tcase_add_test(tc, base64);
    tcase_add_test(tc, base64url);
    tcase_add_test(tc, what_was_encoded_is_decoded);
    suite_add_tcase(s, tc);
    return s;
}

RL_TEST_MAIN(suite)
