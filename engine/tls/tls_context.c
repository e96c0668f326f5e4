/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls/tls_context.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "tls/tls_engine.h"
#include "tls/tls_impl.h"

enum { SUITES_TEXT = 4096, ALPN_TEXT_MAX = 1024 };

#define DEFAULT_ALPN "http/1.1" /* T-073 */

/* X25519 first: without assembly a P-256 share costs twice as much. wolfSSL 5.5 sets groups of contexts
 * that speak 1.3 only. */
static int set_groups(WOLFSSL_CTX *ctx)
{
    int groups[] = {WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1};
    const size_t count = sizeof(groups) / sizeof(groups[0]);

    if (wolfSSL_CTX_set_groups(ctx, groups, (int)count) == WOLFSSL_SUCCESS)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (wolfSSL_CTX_UseSupportedCurve(ctx, (word16)groups[i]) != WOLFSSL_SUCCESS)
            return RL_ETLS_CONFIG;
    }
    return 0;
}

/* Defaults differ between builds of the same version: nothing is left to them. */
static int set_protocol(WOLFSSL_CTX *ctx, const struct rl_tls_config *config,
                        enum rl_tls_version min, enum rl_tls_version max)
{
    char suites[SUITES_TEXT];

    rl_tls_suites(&config->cipher_suites, suites, sizeof(suites));
    if (wolfSSL_CTX_set_cipher_list(ctx, suites) != WOLFSSL_SUCCESS)
        return RL_ETLS_CONFIG;
    if (min != max && max == RL_TLS_1_3 && min == RL_TLS_1_2 &&
        wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2) != WOLFSSL_SUCCESS)
        return RL_ETLS_CONFIG;
#ifdef OPENSSL_EXTRA
    if (min != max && (wolfSSL_CTX_set_min_proto_version(ctx, (int)min) != WOLFSSL_SUCCESS ||
                       wolfSSL_CTX_set_max_proto_version(ctx, (int)max) != WOLFSSL_SUCCESS))
        return RL_ETLS_CONFIG;
    wolfSSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
#endif
    if (set_groups(ctx) < 0)
        return RL_ETLS_CONFIG;
    wolfSSL_CTX_set_group_messages(ctx);
    return 0;
}

static void set_sessions(WOLFSSL_CTX *ctx, const struct rl_tls_config *config,
                         enum rl_tls_role role)
{
    /* Not "off": that would refuse the sessions that we give. */
    wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_NO_INTERNAL |
                                                WOLFSSL_SESS_CACHE_NO_AUTO_CLEAR);
#ifdef HAVE_SESSION_TICKET
    if (role == RL_TLS_CLIENT && config->resume)
        wolfSSL_CTX_UseSessionTicket(ctx);
    else if (role == RL_TLS_CLIENT)
        wolfSSL_CTX_NoTicketTLSv12(ctx);
#else
    (void)config;
    (void)role;
#endif
}

/* A client comes back to any worker, which then must be able to read the other's ticket. It is only the keys
 * that are shared; the library locks them. */
static void share_tickets(WOLFSSL_CTX *ctx, const struct rl_tls_config *config)
{
#if defined(HAVE_SESSION_TICKET) && !defined(WOLFSSL_NO_DEF_TICKET_ENC_CB)
    if (config->tickets != NULL)
        wolfSSL_CTX_set_TicketEncCtx(ctx, wolfSSL_CTX_get_TicketEncCtx(config->tickets->ctx));
#else
    (void)ctx;
    (void)config;
#endif
}

static int set_trust(WOLFSSL_CTX *ctx, const struct rl_tls_config *config, enum rl_tls_role role,
                     char *why, size_t why_bytes)
{
    if (role == RL_TLS_SERVER || config->insecure_skip_verify) {
        wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
        return 0;
    }
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, NULL);
    return rl_tls_load_roots(ctx, config, why, why_bytes);
}

static void write_alpn(const struct rl_tls_config *config, enum rl_tls_role role, char *out)
{
    size_t used = 0;

    out[0] = '\0';
    if (config->no_alpn)
        return;
    if (config->alpn.count == 0 && role == RL_TLS_CLIENT) {
        strcpy(out, DEFAULT_ALPN);
        return;
    }
    for (size_t i = 0; i < config->alpn.count; i++) {
        size_t length = strlen(config->alpn.items[i]);

        if (used + length + 2 > ALPN_TEXT_MAX)
            return;
        used += (size_t)snprintf(out + used, ALPN_TEXT_MAX - used, "%s%s", used > 0 ? "," : "",
                                 config->alpn.items[i]);
    }
}

static uint64_t next_id(void)
{
    static atomic_uint_fast64_t last;

    return atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

static struct rl_tls_context *wrap(WOLFSSL_CTX *ctx, const struct rl_tls_config *config,
                                   enum rl_tls_role role, struct rl_tls_keylog *keylog)
{
    struct rl_tls_context *context;
    char alpn[ALPN_TEXT_MAX];

    write_alpn(config, role, alpn);
    context = calloc(1, sizeof(*context) + strlen(alpn) + 1);
    if (context == NULL)
        return NULL;
    context->ctx = ctx;
    context->id = next_id();
    context->keylog = keylog;
    context->references = 1;
    context->role = role;
    context->verifies = role == RL_TLS_CLIENT && !config->insecure_skip_verify;
    context->resumes = config->resume;
    strcpy(context->alpn, alpn);
    return context;
}

struct rl_tls_context *rl_tls_context_new(const struct rl_tls_config *config, enum rl_tls_role role,
                                          struct rl_tls_keylog *keylog, char *why, size_t why_bytes)
{
    enum rl_tls_version max = config->max_version == RL_TLS_ANY ? RL_TLS_1_3 : config->max_version;
    enum rl_tls_version min = config->min_version != RL_TLS_ANY ? config->min_version
                              : max < RL_TLS_1_2                ? max
                                                                : RL_TLS_1_2;
    WOLFSSL_METHOD *method = rl_tls_method(role, min, max);
    WOLFSSL_CTX *ctx = method == NULL ? NULL : wolfSSL_CTX_new(method);
    struct rl_tls_context *context = NULL;

    snprintf(why, why_bytes, "wolfSSL cannot be set up for %s to %s", rl_tls_version_name(min),
             rl_tls_version_name(max));
    if (ctx == NULL || set_protocol(ctx, config, min, max) < 0 ||
        set_trust(ctx, config, role, why, why_bytes) < 0)
        goto failed;
    if (config->certificate_count > 0 &&
        rl_tls_load_certificate(ctx, config->certificates[0].cert, config->certificates[0].key,
                                config->certificates[0].password, why, why_bytes) < 0)
        goto failed;
    set_sessions(ctx, config, role);
    share_tickets(ctx, config);
    rl_tls_engine_prepare(ctx);
    context = wrap(ctx, config, role, keylog);
    if (context != NULL)
        return context;
    snprintf(why, why_bytes, "there is no memory for TLS");
failed:
    wolfSSL_CTX_free(ctx);
    return NULL;
}

struct rl_tls_context *rl_tls_context_hold(struct rl_tls_context *context)
{
    context->references++;
    return context;
}

uint64_t rl_tls_context_id(const struct rl_tls_context *context)
{
    return context->id;
}

bool rl_tls_context_resumes(const struct rl_tls_context *context)
{
    return context->resumes;
}

void rl_tls_context_release(struct rl_tls_context *context)
{
    if (context == NULL)
        return;
    RL_ASSERT(context->references > 0);
    if (--context->references > 0)
        return;
    wolfSSL_CTX_free(context->ctx);
    free(context);
}
