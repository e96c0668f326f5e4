/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tls/tls_impl.h"

enum { ALPN_NAME_MAX = 255 };

struct telling {
    rl_tls_problem_fn *tell;
    void *ctx;
    size_t count;
};

static void tell(struct telling *telling, const char *option, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(struct telling *telling, const char *option, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    telling->tell(telling->ctx, option, text);
    telling->count++;
}

static enum rl_tls_version or_else(enum rl_tls_version version, enum rl_tls_version other)
{
    return version == RL_TLS_ANY ? other : version;
}

static void check_versions(struct telling *telling, enum rl_tls_version min,
                           enum rl_tls_version max)
{
    min = or_else(min, max != RL_TLS_ANY && max < RL_TLS_1_2 ? max : RL_TLS_1_2);
    max = or_else(max, RL_TLS_1_3);
    if (min > max)
        tell(telling, "tlsVersion", "min %s is above max %s", rl_tls_version_name(min),
             rl_tls_version_name(max));
    else if (!rl_tls_has_versions(min, max))
        tell(telling, "tlsVersion",
             "this wolfSSL (%s) does not do %s to %s; it can do tls1.2, tls1.3, or both",
             wolfSSL_lib_version(), rl_tls_version_name(min), rl_tls_version_name(max));
}

static void check_suites(struct telling *telling, const struct rl_tls_config *config)
{
    char list[4096];
    bool all_known = true;

    for (size_t i = 0; i < config->cipher_suites.count; i++) {
        const char *name = config->cipher_suites.items[i];

        if (rl_tls_is_cipher_suite(name))
            continue;
        all_known = false;
        tell(telling, "tlsCipherSuites",
             "\"%.80s\" is not a cipher suite; write IANA's names, such as "
             "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
             name);
    }
    if (config->cipher_suites.count > 0 && all_known &&
        rl_tls_suites(&config->cipher_suites, list, sizeof(list)) == 0)
        tell(telling, "tlsCipherSuites", "this wolfSSL (%s) has none of these suites",
             wolfSSL_lib_version());
}

static void check_certificate(struct telling *telling, const struct rl_tls_certificate *certificate,
                              const char *option)
{
    WOLFSSL_CTX *scratch = wolfSSL_CTX_new(wolfTLSv1_2_client_method());
    char why[256];

    if (scratch == NULL)
        tell(telling, option, "there is no memory to check it");
    else if (rl_tls_load_certificate(scratch, certificate->cert, certificate->key,
                                     certificate->password, why, sizeof(why)) < 0)
        tell(telling, option, "%s", why);
    wolfSSL_CTX_free(scratch);
}

static void check_alpn(struct telling *telling, const struct rl_tls_texts *alpn)
{
    for (size_t i = 0; i < alpn->count; i++) {
        size_t length = strlen(alpn->items[i]);

        if (length == 0 || length > ALPN_NAME_MAX || strchr(alpn->items[i], ',') != NULL)
            tell(telling, "alpn", "\"%.80s\" is not the name of a protocol: 1 to %d bytes, no comma",
                 alpn->items[i], ALPN_NAME_MAX);
    }
}

static void check_ca(struct telling *telling, struct rl_slice ca)
{
    WOLFSSL_CTX *scratch;
    char why[256];

    if (ca.size == 0)
        return;
    scratch = wolfSSL_CTX_new(wolfTLSv1_2_client_method());
    if (scratch != NULL && rl_tls_load_ca(scratch, ca, why, sizeof(why)) < 0)
        tell(telling, "ca", "%s", why);
    wolfSSL_CTX_free(scratch);
}

size_t rl_tls_config_check(const struct rl_tls_config *config, rl_tls_problem_fn *fn, void *ctx)
{
    struct telling telling = {fn, ctx, 0};

    check_versions(&telling, config->min_version, config->max_version);
    check_suites(&telling, config);
    for (size_t i = 0; i < config->certificate_count; i++) {
        char option[32];

        snprintf(option, sizeof(option), "tlsAuth[%zu]", i + 1);
        check_certificate(&telling, &config->certificates[i], option);
    }
    check_alpn(&telling, &config->alpn);
    check_ca(&telling, config->ca);
    return telling.count;
}

struct first_problem {
    char *text;
    size_t text_bytes;
};

static void keep_first(void *ctx, const char *option, const char *text)
{
    struct first_problem *first = ctx;

    if (first->text_bytes > 0)
        snprintf(first->text, first->text_bytes, "%s: %s", option, text);
    first->text_bytes = 0;
}

int rl_tls_options_check(const struct rl_tls_options *options, char *text, size_t text_bytes)
{
    struct first_problem first = {text, text_bytes};
    struct telling telling = {keep_first, &first, 0};
    const struct rl_tls_certificate certificate = {
        .cert = options->cert, .key = options->key, .password = options->password};

    check_versions(&telling, options->min_version, options->max_version);
    if (options->cert.size > 0 || options->key.size > 0)
        check_certificate(&telling, &certificate, "cert");
    check_alpn(&telling, &options->alpn);
    check_ca(&telling, options->ca);
    return telling.count == 0 ? 0 : -EINVAL;
}
