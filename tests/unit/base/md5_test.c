/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/md5.h"

#include <string.h>

#include "cases.h"

static const struct {
    const char *text, *hex;
} rows[] = {
    /* RFC 1321, A.5 */
    {"", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
     "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
     "57edf4a22be3c955ac49da2e2107b67a"},
};

START_TEST(the_vectors_of_the_rfc)
{
    char hex[RL_MD5_HEX_BYTES];

    rl_md5_hex(rows[_i].text, strlen(rows[_i].text), hex);
    ck_assert_str_eq(hex, rows[_i].hex);
}
END_TEST

/* Where the padding needs a block of its own, and where it just fits. */
START_TEST(sizes_around_a_block)
{
    static const char *const expected[] = {
        "ef1772b6dff9a122358552954ad0df65", /* 55 */
        "3b0c8ac703f828b04c6c197006d17218", /* 56 */
        "b06521f39153d618550606be297466d5", /* 63 */
        "014842d480b571495a4a0363793f7367", /* 64 */
    };
    static const size_t sizes[] = {55, 56, 63, 64};
    char text[64], hex[RL_MD5_HEX_BYTES];

    memset(text, 'a', sizeof(text));
    rl_md5_hex(text, sizes[_i], hex);
    ck_assert_str_eq(hex, expected[_i]);
}
END_TEST

static Suite *md5_suite(void)
{
    Suite *suite = suite_create("md5");

    rl_case_loop(suite, the_vectors_of_the_rfc, NULL, NULL, 0, sizeof(rows) / sizeof(rows[0]));
    rl_case_loop(suite, sizes_around_a_block, NULL, NULL, 0, 4);
    return suite;
}

RL_TEST_MAIN(md5_suite)
