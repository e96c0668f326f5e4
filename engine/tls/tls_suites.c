/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Versions and cipher suites: k6's names, and what this build of the library makes of them. */
#include <stdio.h>
#include <string.h>

#include "tls/tls_impl.h"

#define SUITES_13                                                                                  \
    "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:TLS13-CHACHA20-POLY1305-SHA256"

/* AES-128-GCM first in every build: what it costs the server must not depend on our library. */
#define SUITES_12                                                                                  \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"      \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"        \
    "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA"

struct suite {
    const char *iana, *library; /* library NULL: of TLS 1.3, which is not restricted (T-075) */
};

static const struct suite suites[] = {
    {"TLS_AES_128_GCM_SHA256", NULL},
    {"TLS_AES_256_GCM_SHA384", NULL},
    {"TLS_CHACHA20_POLY1305_SHA256", NULL},
    {"TLS_RSA_WITH_RC4_128_SHA", "RC4-SHA"},
    {"TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"},
    {"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"},
    {"TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_RC4_128_SHA", "ECDHE-ECDSA-RC4-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    {"TLS_ECDHE_RSA_WITH_RC4_128_SHA", "ECDHE-RSA-RC4-SHA"},
    {"TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "ECDHE-RSA-DES-CBC3-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
    /* As older lists write them. */
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"},
};

static const struct suite *find(const char *iana)
{
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        if (strcmp(suites[i].iana, iana) == 0)
            return &suites[i];
    }
    return NULL;
}

bool rl_tls_is_cipher_suite(const char *iana_name)
{
    return find(iana_name) != NULL;
}

/* The library drops names that it does not know as long as it knows one of the list: so each alone. */
static bool has_suite(WOLFSSL_CTX *scratch, const char *name)
{
    return scratch != NULL && wolfSSL_CTX_set_cipher_list(scratch, name) == WOLFSSL_SUCCESS;
}

size_t rl_tls_suites(const struct rl_tls_texts *iana_names, char *out, size_t out_bytes)
{
    WOLFSSL_CTX *scratch;
    size_t used, count = 0;

    if (iana_names->count == 0) {
        snprintf(out, out_bytes, "%s:%s", SUITES_13, SUITES_12);
        return 0;
    }
    scratch = wolfSSL_CTX_new(wolfTLSv1_2_client_method());
    used = (size_t)snprintf(out, out_bytes, "%s", SUITES_13);
    for (size_t i = 0; i < iana_names->count; i++) {
        const struct suite *suite = find(iana_names->items[i]);

        if (suite == NULL)
            continue;
        if (suite->library != NULL) {
            if (!has_suite(scratch, suite->library) || used + strlen(suite->library) + 2 > out_bytes)
                continue;
            used += (size_t)snprintf(out + used, out_bytes - used, ":%s", suite->library);
        }
        count++;
    }
    wolfSSL_CTX_free(scratch);
    return count;
}

static const struct {
    const char *name;
    enum rl_tls_version version;
} versions[] = {
    {"tls1.0", RL_TLS_1_0}, {"tls1.1", RL_TLS_1_1}, {"tls1.2", RL_TLS_1_2}, {"tls1.3", RL_TLS_1_3}};

enum rl_tls_version rl_tls_version_of(const char *name)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        if (strcmp(versions[i].name, name) == 0)
            return versions[i].version;
    }
    return RL_TLS_ANY;
}

const char *rl_tls_version_name(enum rl_tls_version version)
{
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        if (versions[i].version == version)
            return versions[i].name;
    }
    return "";
}

static bool has_version(enum rl_tls_version version)
{
    switch (version) {
    case RL_TLS_1_0:
#if !defined(NO_OLD_TLS) && defined(WOLFSSL_ALLOW_TLSV10)
        return true;
#else
        return false;
#endif
    case RL_TLS_1_1:
#ifndef NO_OLD_TLS
        return true;
#else
        return false;
#endif
    case RL_TLS_1_2:
    case RL_TLS_1_3:
        return true;
    case RL_TLS_ANY:
        break;
    }
    return false;
}

static WOLFSSL_METHOD *only(enum rl_tls_role role, enum rl_tls_version version)
{
    bool client = role == RL_TLS_CLIENT;

    switch (version) {
#ifndef NO_OLD_TLS
    case RL_TLS_1_1:
        return client ? wolfTLSv1_1_client_method() : wolfTLSv1_1_server_method();
#ifdef WOLFSSL_ALLOW_TLSV10
    case RL_TLS_1_0:
        return client ? wolfTLSv1_client_method() : wolfTLSv1_server_method();
#else
    case RL_TLS_1_0:
#endif
#else
    case RL_TLS_1_0:
    case RL_TLS_1_1:
#endif
    case RL_TLS_ANY:
        return NULL;
    case RL_TLS_1_2:
        return client ? wolfTLSv1_2_client_method() : wolfTLSv1_2_server_method();
    case RL_TLS_1_3:
        return client ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method();
    }
    return NULL;
}

/* What is wider than one version speaks the highest in common; the lower bound is the context's, and an
 * upper one below 1.3 exists by itself only, or from where a method for it goes down by itself. */
bool rl_tls_has_versions(enum rl_tls_version min, enum rl_tls_version max)
{
    if (!has_version(min) || !has_version(max) || min > max)
        return false;
#ifdef OPENSSL_EXTRA
    return true;
#else
    return min == max || max == RL_TLS_1_3;
#endif
}

WOLFSSL_METHOD *rl_tls_method(enum rl_tls_role role, enum rl_tls_version min,
                              enum rl_tls_version max)
{
    if (!rl_tls_has_versions(min, max))
        return NULL;
    if (min == max)
        return only(role, min);
    return role == RL_TLS_CLIENT ? wolfSSLv23_client_method() : wolfSSLv23_server_method();
}
