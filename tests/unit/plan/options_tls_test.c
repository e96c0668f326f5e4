/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "literal.h"
#include "plan/options.h"

#define CERT "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
#define LOCKED_KEY                                                                                 \
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nMIIB\n"  \
    "-----END RSA PRIVATE KEY-----\n"
#define LOCKED_PKCS8 "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"

static struct rl_arena arena;
static struct rl_problems problems;
static struct rl_options options;

static void setup(void)
{
    rl_arena_init(&arena, 4096);
    rl_problems_init(&problems);
    rl_options_init(&options, &arena);
}

static void teardown(void)
{
    rl_problems_fini(&problems);
    rl_arena_fini(&arena);
}

static void script(const char *text)
{
    rl_options_from_value(&options, rl_literal(&arena, text), RL_TIER_SCRIPT, "options", &problems);
}

static const char *first_problem(void)
{
    return problems.first == NULL ? "" : problems.first->text;
}

static void expect_no_problem(void)
{
    ck_assert_str_eq(first_problem(), "");
}

static void expect_versions(unsigned min, unsigned max)
{
    expect_no_problem();
    ck_assert_uint_eq(options.tls_version.min, min);
    ck_assert_uint_eq(options.tls_version.max, max);
}

START_TEST(defaults)
{
    ck_assert(!options.insecure_skip_tls_verify);
    expect_versions(RL_VERSION_TLS12, RL_VERSION_TLS13);
    ck_assert_uint_eq(options.tls_cipher_suites.count, 0);
    ck_assert_uint_eq(options.tls_auth.count, 0);
}
END_TEST

START_TEST(t074_a_name_means_exactly_that)
{
    script("{tlsVersion = 'tls1.2'}");
    expect_versions(RL_VERSION_TLS12, RL_VERSION_TLS12);
    script("{tls_version = 'tls1.3'}");
    expect_versions(RL_VERSION_TLS13, RL_VERSION_TLS13);
    ck_assert(rl_options_has(&options, RL_OPTION_TLS_VERSION));
}
END_TEST

START_TEST(t074_min_and_max)
{
    script("{tlsVersion = {min = 'tls1.2', max = 'tls1.3'}}");
    expect_versions(RL_VERSION_TLS12, RL_VERSION_TLS13);
    script("{tlsVersion = {min = 'tls1.3'}}");
    expect_versions(RL_VERSION_TLS13, RL_VERSION_TLS13);
    script("{tlsVersion = {max = 'tls1.2'}}");
    expect_versions(RL_VERSION_TLS12, RL_VERSION_TLS12);
    script("{tlsVersion = {}}");
    expect_versions(RL_VERSION_TLS12, RL_VERSION_TLS13);
}
END_TEST

START_TEST(t075_names_become_ianas)
{
    script("{tlsCipherSuites = {'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305', 'TLS_AES_128_GCM_SHA256'}}");
    expect_no_problem();
    ck_assert_uint_eq(options.tls_cipher_suites.count, 2);
    ck_assert_str_eq(options.tls_cipher_suites.items[0],
                     "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");
    ck_assert_str_eq(options.tls_cipher_suites.items[1], "TLS_AES_128_GCM_SHA256");
}
END_TEST

START_TEST(t076_entries)
{
    script("{tlsAuth = {{cert = '" CERT "', key = '" KEY "'}, {cert = '" CERT "', key = '" LOCKED_KEY
           "', password = 'x', domains = {'a.test', '*.b.test'}}}}");
    expect_no_problem();
    ck_assert_uint_eq(options.tls_auth.count, 2);
    ck_assert_str_eq(options.tls_auth.items[0].cert, CERT);
    ck_assert_str_eq(options.tls_auth.items[0].key, KEY);
    ck_assert_ptr_null(options.tls_auth.items[0].password);
    ck_assert_uint_eq(options.tls_auth.items[0].domains.count, 0);
    ck_assert_str_eq(options.tls_auth.items[1].password, "x");
    ck_assert_uint_eq(options.tls_auth.items[1].domains.count, 2);
    ck_assert_str_eq(options.tls_auth.items[1].domains.items[1], "*.b.test");
}
END_TEST

#define AUTH(members) "{tlsAuth = {{" members "}}}"

static const struct {
    const char *script, *problem;
} wrong[] = {
    {"{insecureSkipTLSVerify = 'yes'}",
     "options.insecureSkipTLSVerify: must be true or false, not \"yes\""},
    {"{tlsVersion = 'ssl3.0'}",
     "options.tlsVersion: must be \"tls1.2\" or \"tls1.3\", not \"ssl3.0\""},
    {"{tlsVersion = 1.2}", "options.tlsVersion: must be \"tls1.2\" or \"tls1.3\", not 1.2"},
    {"{tlsVersion = 'tls1.0'}",
     "options.tlsVersion: tls1.0 is not in this wolfSSL, which has tls1.2 and tls1.3; name one of "
     "them"},
    {"{tlsVersion = {min = 'tls1.1', max = 'tls1.3'}}",
     "options.tlsVersion.min: tls1.1 is not in this wolfSSL, which has tls1.2 and tls1.3; name one "
     "of them"},
    {"{tlsVersion = {from = 'tls1.2'}}",
     "options.tlsVersion: unknown key \"from\"; there are min and max"},
    {"{tlsVersion = {min = 'tls1.3', max = 'tls1.2'}}",
     "options.tlsVersion: min is tls1.3 and max is tls1.2; swap them"},
    {"{tlsCipherSuites = 'TLS_AES_128_GCM_SHA256'}",
     "options.tlsCipherSuites: must be a list of texts, not \"TLS_AES_128_GCM_SHA256\""},
    {"{tlsCipherSuites = {}}",
     "options.tlsCipherSuites: name one cipher suite or more, or leave it out"},
    {"{tlsCipherSuites = {'TLS_ECDHE_RSA_WITH_AES128_GCM_SHA256'}}",
     "options.tlsCipherSuites: unknown cipher suite \"TLS_ECDHE_RSA_WITH_AES128_GCM_SHA256\"; did "
     "you mean \"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"?"},
    {"{tlsCipherSuites = {'fast'}}",
     "options.tlsCipherSuites: unknown cipher suite \"fast\"; names are IANA's, such as "
     "\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\""},
    {"{tlsCipherSuites = {'TLS_RSA_WITH_AES_256_CBC_SHA'}}",
     "options.tlsCipherSuites: TLS_RSA_WITH_AES_256_CBC_SHA is not in this wolfSSL, which has no "
     "static RSA suites; name an ECDHE one, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
    {"{tlsAuth = {cert = 'x'}}",
     "options.tlsAuth: must be a list of tables with cert and key, not a table with keys"},
    {"{tlsAuth = {'x'}}", "options.tlsAuth[1]: must be a table with cert and key, not \"x\""},
    {AUTH("key = '" KEY "'"), "options.tlsAuth[1].cert: missing; give a certificate as PEM text"},
    {AUTH("cert = '" CERT "'"), "options.tlsAuth[1].key: missing; give a private key as PEM text"},
    {AUTH("cert = 'client.pem', key = '" KEY "'"),
     "options.tlsAuth[1].cert: must be a certificate as PEM text, which has a line -----BEGIN ...; "
     "of a file give what open(path) returns, not its path"},
    {AUTH("cert = '" KEY "', key = '" KEY "'"),
     "options.tlsAuth[1].cert: holds something else than a certificate"},
    {AUTH("cert = 5, key = '" KEY "'"), "options.tlsAuth[1].cert: must be PEM text, not 5"},
    {AUTH("cert = '" CERT "', key = '" LOCKED_KEY "'"),
     "options.tlsAuth[1].password: missing; the key is encrypted"},
    {AUTH("cert = '" CERT "', key = '" KEY "', password = 'x'"),
     "options.tlsAuth[1].password: the key is not encrypted; take the password away"},
    {AUTH("cert = '" CERT "', key = '" KEY "', password = 5"),
     "options.tlsAuth[1].password: must be a text"},
    {AUTH("cert = '" CERT "', key = '" LOCKED_PKCS8 "', password = 'x'"),
     "options.tlsAuth[1].key: encrypted PKCS#8 is not taken, as in k6; rewrite the key with "
     "\"openssl rsa -aes128 -traditional\" or \"openssl ec -aes128\""},
    {AUTH("cert = '" CERT "', key = '" KEY "', domain = 'a'"),
     "options.tlsAuth[1]: unknown key \"domain\"; there are cert, key, password and domains"},
    {AUTH("cert = '" CERT "', key = '" KEY "', domains = {'a/b'}"),
     "options.tlsAuth[1].domains: \"a/b\" is not a host name, which may begin with one \"*\""},
    {"{tlsAuth = {{cert = '" CERT "', key = '" KEY "'}, {cert = 'x'}}}",
     "options.tlsAuth[2].cert: must be a certificate as PEM text, which has a line -----BEGIN ...; "
     "of a file give what open(path) returns, not its path"},
    {"{tlsVersion = 'tls1.2', tls_version = 'tls1.3'}",
     "options: \"tlsVersion\" and \"tls_version\" are the same option; keep one"},
};

START_TEST(t074_t076_what_is_wrong_is_told)
{
    script(wrong[_i].script);
    ck_assert_uint_ge(problems.error_count, 1);
    ck_assert_str_eq(first_problem(), wrong[_i].problem);
}
END_TEST

START_TEST(e104_all_together)
{
    script("{tlsVersion = 'tls9', tlsCipherSuites = {'a', 'b'}, tlsAuth = {{}, {}}}");
    ck_assert_uint_eq(problems.error_count, 7);
}
END_TEST

static struct rl_value *read_literal(struct rl_arena *to, const char *text, char *why,
                                     size_t why_bytes)
{
    if (text[0] == '{')
        return rl_literal(to, text);
    snprintf(why, why_bytes, "line 1: no JSON");
    return NULL;
}

static const char *get_from_list(void *ctx, const char *name)
{
    const char *const *list = ctx;

    for (; list[0] != NULL; list += 2) {
        if (strcmp(list[0], name) == 0)
            return list[1];
    }
    return NULL;
}

static void environment(const char **list)
{
    struct rl_environment env = {get_from_list, (void *)list, read_literal};

    rl_options_from_env(&options, &env, &problems);
}

START_TEST(e105_the_environment)
{
    environment((const char *[]){
        "K6_INSECURE_SKIP_TLS_VERIFY", "true", "K6_TLS_VERSION", "tls1.2", "K6_TLS_CIPHER_SUITES",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384", "K6_TLSAUTH",
        "{{cert = '" CERT "', key = '" KEY "'}}", NULL});
    expect_versions(RL_VERSION_TLS12, RL_VERSION_TLS12);
    ck_assert(options.insecure_skip_tls_verify);
    ck_assert_uint_eq(options.tls_cipher_suites.count, 2);
    ck_assert_uint_eq(options.tls_auth.count, 1);
    environment((const char *[]){"RINGLOAD_TLS_VERSION", "min=tls1.2,max=tls1.3", "K6_TLS_VERSION",
                                 "tls1.2", NULL});
    expect_versions(RL_VERSION_TLS12, RL_VERSION_TLS13);
}
END_TEST

static const struct {
    const char *name, *text, *problem;
} wrong_env[] = {
    {"K6_TLSAUTH", "cert.pem",
     "K6_TLSAUTH: must be JSON, such as [{\"cert\": \"-----BEGIN ...\", \"key\": \"-----BEGIN "
     "...\"}]: line 1: no JSON"},
    {"K6_TLSAUTH", "{{cert = 'x', key = '" KEY "'}}",
     "K6_TLSAUTH[1].cert: must be a certificate as PEM text, which has a line -----BEGIN ...; of a "
     "file give what open(path) returns, not its path"},
    {"K6_TLS_VERSION", "min=tls1.2,to=tls1.3",
     "K6_TLS_VERSION: unknown key \"to\"; there are min and max"},
    {"K6_TLS_VERSION", "min=tls1.2,tls1.3",
     "K6_TLS_VERSION: \"tls1.3\" is not key=version; write it like \"min=tls1.2,max=tls1.3\""},
    {"RINGLOAD_TLS_VERSION", "min=tls1.1",
     "RINGLOAD_TLS_VERSION.min: tls1.1 is not in this wolfSSL, which has tls1.2 and tls1.3; name one "
     "of them"},
    {"K6_TLS_CIPHER_SUITES", "x",
     "K6_TLS_CIPHER_SUITES: unknown cipher suite \"x\"; names are IANA's, such as "
     "\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\""},
    {"K6_INSECURE_SKIP_TLS_VERIFY", "maybe",
     "K6_INSECURE_SKIP_TLS_VERIFY: must be true or false, not \"maybe\""},
};

START_TEST(e105_wrong_environment)
{
    environment((const char *[]){wrong_env[_i].name, wrong_env[_i].text, NULL});
    ck_assert_uint_eq(problems.error_count, 1);
    ck_assert_str_eq(first_problem(), wrong_env[_i].problem);
}
END_TEST

START_TEST(a_flag_given_again_adds_its_suites)
{
    rl_options_from_text(&options, "tlsCipherSuites", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                         RL_TIER_CLI, "--tls-cipher-suites", &problems);
    rl_options_from_text(&options, "tlsCipherSuites", "TLS_AES_128_GCM_SHA256", RL_TIER_CLI,
                         "--tls-cipher-suites", &problems);
    expect_no_problem();
    ck_assert_uint_eq(options.tls_cipher_suites.count, 2);
}
END_TEST

static void merge(const char *text, const char *tier_name)
{
    struct rl_options tier;

    rl_options_init(&tier, &arena);
    rl_options_from_value(&tier, rl_literal(&arena, text), RL_TIER_SCRIPT, "options", &problems);
    rl_options_merge(&options, &tier, tier_name, &problems);
}

START_TEST(e100_the_last_tier_wins)
{
    merge("{insecureSkipTLSVerify = true, tlsVersion = 'tls1.2'}", "the config file");
    merge("{tlsVersion = 'tls1.3'}", "the script");
    merge("{insecureSkipTLSVerify = false}", "the command line");
    expect_versions(RL_VERSION_TLS13, RL_VERSION_TLS13);
    ck_assert(!options.insecure_skip_tls_verify);
}
END_TEST

START_TEST(t075_suites_that_the_versions_rule_out)
{
    merge("{tlsVersion = 'tls1.2', tlsCipherSuites = {'TLS_AES_128_GCM_SHA256'}}", "the script");
    rl_options_check_tls(&options, &problems);
    ck_assert_uint_eq(problems.error_count, 1);
    ck_assert_str_eq(first_problem(),
                     "options: tlsVersion is tls1.2, and tlsCipherSuites has no suite of tls1.2; add "
                     "one, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
}
END_TEST

START_TEST(t075_suites_without_effect)
{
    merge("{tlsVersion = 'tls1.3', tlsCipherSuites = {'TLS_AES_128_GCM_SHA256'}}", "the script");
    rl_options_check_tls(&options, &problems);
    ck_assert_uint_eq(problems.error_count, 0);
    ck_assert_str_eq(first_problem(),
                     "options: tlsCipherSuites has no effect, since tlsVersion is tls1.3 and the "
                     "list restricts tls1.2 only");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *options_tls_suite(void)
{
    Suite *suite = suite_create("plan/options_tls");

    rl_case(suite, defaults, setup, teardown);
    rl_case(suite, t074_a_name_means_exactly_that, setup, teardown);
    rl_case(suite, t074_min_and_max, setup, teardown);
    rl_case(suite, t075_names_become_ianas, setup, teardown);
    rl_case(suite, t076_entries, setup, teardown);
    rl_case_loop(suite, t074_t076_what_is_wrong_is_told, setup, teardown, 0, COUNT(wrong));
    rl_case(suite, e104_all_together, setup, teardown);
    rl_case(suite, e105_the_environment, setup, teardown);
    rl_case_loop(suite, e105_wrong_environment, setup, teardown, 0, COUNT(wrong_env));
    rl_case(suite, a_flag_given_again_adds_its_suites, setup, teardown);
    rl_case(suite, e100_the_last_tier_wins, setup, teardown);
    rl_case(suite, t075_suites_that_the_versions_rule_out, setup, teardown);
    rl_case(suite, t075_suites_without_effect, setup, teardown);
    return suite;
}

RL_TEST_MAIN(options_tls_suite)
