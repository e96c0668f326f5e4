/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_config.h"

#include <wolfssl/options.h>
#include <wolfssl/version.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"
#include "tls/tls_context.h"
#include "tls/tls_library.h"

static char *cert, *key, *other_cert, *other_key;
static char told[1024];

static void setup(void)
{
    ck_assert_int_eq(rl_tls_library_init(), 0);
    ck_assert_int_eq(rl_tls_self_signed(NULL, 0, &cert, &key), 0);
    ck_assert_int_eq(rl_tls_self_signed(NULL, 0, &other_cert, &other_key), 0);
}

static void teardown(void)
{
    free(cert);
    free(key);
    free(other_cert);
    free(other_key);
    rl_tls_library_fini();
}

static void tell(void *ctx, const char *option, const char *text)
{
    size_t used = strlen(told);

    (void)ctx;
    snprintf(told + used, sizeof(told) - used, "[%s: %s]", option, text);
}

/* How many problems; told says which. */
static size_t check(const struct rl_tls_config *config)
{
    told[0] = '\0';
    return rl_tls_config_check(config, tell, NULL);
}

static void expect(size_t problems, size_t count, const char *words)
{
    ck_assert_msg(problems == count && strstr(told, words) != NULL, "%zu problems: %s", problems, told);
}

/* T-074. */
START_TEST(versions)
{
    static const struct {
        enum rl_tls_version min, max;
        bool fine;
    } rows[] = {{RL_TLS_ANY, RL_TLS_ANY, true}, {RL_TLS_1_2, RL_TLS_1_2, true},
                {RL_TLS_1_3, RL_TLS_1_3, true}, {RL_TLS_1_2, RL_TLS_1_3, true},
                {RL_TLS_ANY, RL_TLS_1_2, true}, {RL_TLS_1_3, RL_TLS_ANY, true},
                {RL_TLS_1_3, RL_TLS_1_2, false}, {RL_TLS_1_0, RL_TLS_1_0, false}};
    struct rl_tls_config config = {.min_version = rows[_i].min, .max_version = rows[_i].max};
    char why[256];

    ck_assert_msg((check(&config) == 0) == rows[_i].fine, "%s", told);
    if (rows[_i].fine) {
        struct rl_tls_context *context;

        config.insecure_skip_verify = true;
        context = rl_tls_context_new(&config, RL_TLS_CLIENT, NULL, why, sizeof(why));
        ck_assert_msg(context != NULL, "%s", why);
        rl_tls_context_release(context);
    } else {
        ck_assert_ptr_nonnull(strstr(told, "tlsVersion"));
    }
}
END_TEST

START_TEST(names_of_versions)
{
    ck_assert_int_eq(rl_tls_version_of("tls1.2"), RL_TLS_1_2);
    ck_assert_int_eq(rl_tls_version_of("tls1.0"), RL_TLS_1_0);
    ck_assert_int_eq(rl_tls_version_of("ssl3.0"), RL_TLS_ANY);
    ck_assert_str_eq(rl_tls_version_name(RL_TLS_1_3), "tls1.3");
    ck_assert_str_eq(rl_tls_version_name(RL_TLS_ANY), "");
}
END_TEST

/* T-075. */
START_TEST(suites)
{
    static const char *const good[] = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                                       "TLS_AES_128_GCM_SHA256"};
    static const char *const unknown[] = {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_NONE"};
    static const char *const lacking[] = {"TLS_RSA_WITH_RC4_128_SHA"};
    struct rl_tls_config config = {.cipher_suites = {good, 2}};

    expect(check(&config), 0, "");
    config.cipher_suites = (struct rl_tls_texts){unknown, 2};
    expect(check(&config), 1, "[tlsCipherSuites: \"TLS_NONE\" is not");
    config.cipher_suites = (struct rl_tls_texts){lacking, 1};
#ifdef NO_RC4
    expect(check(&config), 1, "none of these");
#endif
    ck_assert(rl_tls_is_cipher_suite("TLS_RSA_WITH_3DES_EDE_CBC_SHA"));
    ck_assert(!rl_tls_is_cipher_suite("AES128-SHA"));
}
END_TEST

/* wolfSSL 5.5, as Debian 12 has it, takes any bytes as a key and does not compare EC keys with the
 * certificate: it says less, and of a foreign key nothing. */
#if LIBWOLFSSL_VERSION_HEX >= 0x05007000
#define FOREIGN "[tlsAuth[2]: key does not belong to cert]"
#define UNREADABLE "[tlsAuth[2]: key cannot be read]"
#define WRONG_PASSWORD "the password does not open key"
#else
#define FOREIGN ""
#define UNREADABLE "[tlsAuth[2]: key "
#define WRONG_PASSWORD "[tlsAuth[2]: "
#endif

#define PEM(label, body) "-----BEGIN " label "-----\n" body "\n-----END " label "-----\n"

/* T-076: each says what is wrong, and of which entry. */
START_TEST(certificates)
{
    const struct {
        const char *cert, *key, *password, *words;
    } rows[] = {
        {cert, key, NULL, ""},
        {cert, key, "not needed", ""},
        {cert, other_key, NULL, FOREIGN},
        {"no PEM", key, NULL, "[tlsAuth[2]: cert is not"},
        {PEM("CERTIFICATE", "AAAA"), key, NULL, "[tlsAuth[2]: cert is not"},
        {cert, "no PEM", NULL, "[tlsAuth[2]: key is not"},
        {cert, cert, NULL, "[tlsAuth[2]: key is not"},
        {cert, PEM("EC PRIVATE KEY", "AAAA"), NULL, UNREADABLE},
        {cert, PEM("ENCRYPTED PRIVATE KEY", "AAAA"), "x", "encrypted PKCS#8"},
        {cert, PEM("EC PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA"), NULL,
         "give its password"},
        {cert, PEM("EC PRIVATE KEY",
                   "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF"
                   "\n\nAAAAAAAAAAAAAAAAAAAAAA=="),
         "wrong", WRONG_PASSWORD},
    };
    struct rl_tls_certificate both[2] = {
        {.cert = rl_slice_str(cert), .key = rl_slice_str(key)},
        {.cert = rl_slice_str(rows[_i].cert), .key = rl_slice_str(rows[_i].key),
         .password = rows[_i].password}};
    const struct rl_tls_config config = {.certificates = both, .certificate_count = 2};

    expect(check(&config), rows[_i].words[0] != '\0', rows[_i].words);
}
END_TEST

START_TEST(options_of_a_connect)
{
    static const char *const empty[] = {""};
    const struct {
        struct rl_tls_options options;
        const char *words; /* NULL: fine */
    } rows[] = {
        {{.servername = "a.test"}, NULL},
        {{.ca = rl_slice_str(cert)}, NULL},
        {{.ca = rl_slice_str("junk")}, "ca:"},
        {{.cert = rl_slice_str(cert), .key = rl_slice_str(key)}, NULL},
        {{.cert = rl_slice_str(cert)}, "key is not"},
        {{.alpn_given = true, .alpn = {empty, 1}}, "alpn:"},
        {{.min_version = RL_TLS_1_3, .max_version = RL_TLS_1_2}, "tlsVersion:"},
    };
    char text[256] = "";

    ck_assert_int_eq(rl_tls_options_check(&rows[_i].options, text, sizeof(text)),
                     rows[_i].words == NULL ? 0 : -EINVAL);
    ck_assert_msg(rows[_i].words == NULL || strstr(text, rows[_i].words) != NULL, "%s", text);
}
END_TEST

/* The worker's cache: the same question gets the same context, another one another. */
START_TEST(contexts_are_found_again)
{
    static const char *const domains[] = {"*.b.test"};
    const struct rl_tls_certificate both[2] = {
        {.cert = rl_slice_str(cert), .key = rl_slice_str(key)},
        {.cert = rl_slice_str(other_cert), .key = rl_slice_str(other_key), .domains = {domains, 1}}};
    const struct rl_tls_config config = {
        .ca = rl_slice_str(cert), .certificates = both, .certificate_count = 2};
    const struct rl_tls_options insecure = {.verify = RL_TLS_NO}, nothing = {.servername = "a.test"};
    struct rl_tls_contexts *contexts = rl_tls_contexts_new(&config, NULL);
    struct rl_tls_context *first;
    char why[256];

    first = rl_tls_contexts_get(contexts, "a.test", NULL, why, sizeof(why));
    ck_assert_msg(first != NULL, "%s", why);
    ck_assert_ptr_eq(rl_tls_contexts_get(contexts, "c.test", NULL, why, sizeof(why)), first);
    ck_assert_ptr_eq(rl_tls_contexts_get(contexts, "a.test", &nothing, why, sizeof(why)), first);
    ck_assert_ptr_ne(rl_tls_contexts_get(contexts, "x.b.test", NULL, why, sizeof(why)), first);
    ck_assert_ptr_eq(rl_tls_contexts_get(contexts, "b.test", NULL, why, sizeof(why)), first);
    ck_assert_ptr_ne(rl_tls_contexts_get(contexts, "a.test", &insecure, why, sizeof(why)), first);
    rl_tls_contexts_free(contexts);
}
END_TEST

/* Also where one is made at another's address. */
START_TEST(contexts_have_ids_of_their_own)
{
    const struct rl_tls_config config = {.insecure_skip_verify = true};
    uint64_t last = 0;
    char why[256];

    for (int i = 0; i < 20; i++) {
        struct rl_tls_context *context =
            rl_tls_context_new(&config, RL_TLS_CLIENT, NULL, why, sizeof(why));

        ck_assert_msg(context != NULL, "%s", why);
        ck_assert_uint_gt(rl_tls_context_id(context), last);
        last = rl_tls_context_id(context);
        rl_tls_context_release(context);
    }
}
END_TEST

/* More than the cache holds, one of them in use: that one stays until it is released. */
START_TEST(contexts_are_forgotten)
{
    const struct rl_tls_config config = {.insecure_skip_verify = true};
    struct rl_tls_contexts *contexts = rl_tls_contexts_new(&config, NULL);
    struct rl_tls_context *used = NULL;
    char why[256], name[16];

    for (int i = 0; i < RL_TLS_CONTEXTS_MAX + 10; i++) {
        const char *const alpn[] = {name};
        const struct rl_tls_options options = {.alpn_given = true, .alpn = {alpn, 1}};
        struct rl_tls_context *context;

        snprintf(name, sizeof(name), "p%d", i);
        context = rl_tls_contexts_get(contexts, "a.test", &options, why, sizeof(why));
        ck_assert_msg(context != NULL, "%s", why);
        if (i == 0)
            used = rl_tls_context_hold(context);
    }
    rl_tls_contexts_free(contexts);
    rl_tls_context_release(used);
}
END_TEST

static void write_root(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

/* T-072, with what a folder may hold: certificates under two names, other PEM, no PEM, folders. */
START_TEST(roots_are_read_once)
{
    char folder[] = "/tmp/ringload-roots-XXXXXX", one[64], two[64], junk[64], inner[64], why[512];
    struct rl_tls_config config = {.roots = rl_tls_roots_new()};
    struct rl_tls_context *context;

    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(one, sizeof(one), "%s/one.pem", folder);
    snprintf(two, sizeof(two), "%s/two.pem", folder);
    snprintf(junk, sizeof(junk), "%s/junk", folder);
    snprintf(inner, sizeof(inner), "%s/inner", folder);
    unsetenv("SSL_CERT_FILE");
    setenv("SSL_CERT_DIR", folder, 1);
    ck_assert_int_eq(mkdir(inner, 0700), 0);
    write_root(junk, "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\nno PEM");
    ck_assert_ptr_null(rl_tls_context_new(&(struct rl_tls_config){0}, RL_TLS_CLIENT, NULL, why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "SSL_CERT_DIR=/tmp"));
    write_root(one, cert);
    write_root(two, cert);
    rl_tls_roots_read(config.roots);
    remove(one);
    remove(two);
    for (int i = 0; i < 2; i++) {
        context = rl_tls_context_new(&config, RL_TLS_CLIENT, NULL, why, sizeof(why));
        ck_assert_msg(context != NULL, "%s", why);
        rl_tls_context_release(context);
    }
    rl_tls_roots_free(config.roots);
    remove(junk);
    remove(inner);
    remove(folder);
    unsetenv("SSL_CERT_DIR");
}
END_TEST

static void *make_one(void *arg)
{
    char why[512];
    struct rl_tls_context *context =
        rl_tls_context_new(arg, RL_TLS_CLIENT, NULL, why, sizeof(why));

    rl_tls_context_release(context);
    return context;
}

/* By whoever comes first, of several workers. */
START_TEST(roots_are_read_by_any_thread)
{
    enum { THREADS = 4 };
    char path[] = "/tmp/ringload-roots-XXXXXX";
    struct rl_tls_config config = {.roots = rl_tls_roots_new()};
    pthread_t threads[THREADS];
    void *made;

    close(mkstemp(path));
    write_root(path, cert);
    setenv("SSL_CERT_FILE", path, 1);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, make_one, &config), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &made), 0);
        ck_assert_ptr_nonnull(made);
    }
    rl_tls_roots_free(config.roots);
    remove(path);
    unsetenv("SSL_CERT_FILE");
}
END_TEST

/* T-072: nobody to trust is an error at once. */
START_TEST(roots_from_the_environment)
{
    const struct rl_tls_config config = {.min_version = RL_TLS_ANY};
    char why[512], path[] = "/tmp/ringload-roots-XXXXXX";
    struct rl_tls_context *context;
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    ck_assert_ptr_nonnull(file);
    fputs(cert, file);
    fclose(file);
    unsetenv("SSL_CERT_DIR");
    setenv("SSL_CERT_FILE", "/nowhere/at/all.pem", 1);
    ck_assert_ptr_null(rl_tls_context_new(&config, RL_TLS_CLIENT, NULL, why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "SSL_CERT_FILE=/nowhere"));
    setenv("SSL_CERT_FILE", path, 1);
    context = rl_tls_context_new(&config, RL_TLS_CLIENT, NULL, why, sizeof(why));
    ck_assert_msg(context != NULL, "%s", why);
    rl_tls_context_release(context);
    unsetenv("SSL_CERT_FILE");
    remove(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tls_config");

    rl_case_loop(s, versions, setup, teardown, 0, 8);
    rl_case(s, names_of_versions, setup, teardown);
    rl_case(s, suites, setup, teardown);
    rl_case_loop(s, certificates, setup, teardown, 0, 11);
    rl_case_loop(s, options_of_a_connect, setup, teardown, 0, 7);
    rl_case(s, contexts_are_found_again, setup, teardown);
    rl_case(s, contexts_have_ids_of_their_own, setup, teardown);
    rl_case(s, contexts_are_forgotten, setup, teardown);
    rl_case(s, roots_are_read_once, setup, teardown);
    rl_case(s, roots_are_read_by_any_thread, setup, teardown);
    rl_case(s, roots_from_the_environment, setup, teardown);
    return s;
}

RL_TEST_MAIN(suite)
