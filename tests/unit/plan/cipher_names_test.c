/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/cipher_names.h"

#include "cases.h"

START_TEST(t075_names_of_iana_and_of_go)
{
    const char *iana = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";

    ck_assert_str_eq(rl_cipher_find(iana)->name, iana);
    ck_assert_str_eq(rl_cipher_find("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305")->name, iana);
    ck_assert_str_eq(rl_cipher_find("tls_aes_128_gcm_sha256")->name, "TLS_AES_128_GCM_SHA256");
    ck_assert_int_eq(rl_cipher_find("TLS_AES_128_GCM_SHA256")->kind, RL_CIPHER_TLS13);
    ck_assert_ptr_null(rl_cipher_find("TLS_ECDHE_RSA_WITH_AES_128_GCM"));
    ck_assert_ptr_null(rl_cipher_find("TLS_AES_128_GCM_SHA2567"));
    ck_assert_ptr_null(rl_cipher_find(""));
}
END_TEST

START_TEST(t075_a_short_name_is_the_longer_suite_of_its_own)
{
    const char *sha = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"; /* another suite's beginning */

    ck_assert_str_eq(rl_cipher_find(sha)->name, sha);
}
END_TEST

START_TEST(t075_suites_that_no_library_has)
{
    static const struct {
        const char *name, *trait;
    } cases[] = {{"TLS_RSA_WITH_AES_128_GCM_SHA256", "static RSA"},
                 {"TLS_RSA_WITH_3DES_EDE_CBC_SHA", "3DES"},
                 {"TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "RC4"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct rl_cipher_name *cipher = rl_cipher_find(cases[i].name);

        ck_assert_ptr_nonnull(cipher);
        ck_assert(!rl_cipher_usable(cipher));
        ck_assert_str_eq(rl_cipher_trait(cipher), cases[i].trait);
    }
    ck_assert(rl_cipher_usable(rl_cipher_find("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")));
}
END_TEST

START_TEST(t075_the_nearest_usable_name)
{
    ck_assert_str_eq(rl_cipher_nearest("TLS_ECDHE_RSA_WITH_AES128_GCM_SHA256")->name,
                     "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    ck_assert_str_eq(rl_cipher_nearest("TLS_AES_128_GMC_SHA256")->name, "TLS_AES_128_GCM_SHA256");
    ck_assert_ptr_null(rl_cipher_nearest("TLS_RSA_WITH_RC4_128_MD5"));
    ck_assert_ptr_null(rl_cipher_nearest("fast"));
}
END_TEST

static Suite *cipher_names_suite(void)
{
    Suite *suite = suite_create("plan/cipher_names");

    rl_case(suite, t075_names_of_iana_and_of_go, NULL, NULL);
    rl_case(suite, t075_a_short_name_is_the_longer_suite_of_its_own, NULL, NULL);
    rl_case(suite, t075_suites_that_no_library_has, NULL, NULL);
    rl_case(suite, t075_the_nearest_usable_name, NULL, NULL);
    return suite;
}

RL_TEST_MAIN(cipher_names_suite)
