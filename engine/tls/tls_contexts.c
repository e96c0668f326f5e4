/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client contexts of a worker: found by a hash of what they are made from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tls/tls_impl.h"

struct rl_tls_contexts {
    struct rl_tls_config config;
    struct rl_tls_keylog *keylog;
    uint64_t clock;
    size_t count;
    struct rl_tls_context *items[RL_TLS_CONTEXTS_MAX];
};

struct rl_tls_contexts *rl_tls_contexts_new(const struct rl_tls_config *config,
                                            struct rl_tls_keylog *keylog)
{
    struct rl_tls_contexts *contexts = calloc(1, sizeof(*contexts));

    if (contexts == NULL)
        return NULL;
    contexts->config = *config;
    contexts->keylog = keylog;
    return contexts;
}

void rl_tls_contexts_free(struct rl_tls_contexts *contexts)
{
    if (contexts == NULL)
        return;
    for (size_t i = 0; i < contexts->count; i++)
        rl_tls_context_release(contexts->items[i]);
    free(contexts);
}

/* --- Which certificate: by name, as in k6's HTTP; else the first (T-076). --- */

static bool domain_matches(const char *domain, const char *host)
{
    if (domain[0] == '*' && domain[1] == '.') {
        const char *dot = strchr(host, '.');

        return dot != NULL && dot != host && strcasecmp(dot, domain + 1) == 0;
    }
    return strcasecmp(domain, host) == 0;
}

size_t rl_tls_contexts_choose(const struct rl_tls_contexts *contexts, const char *host)
{
    const struct rl_tls_config *config = &contexts->config;

    for (size_t i = 0; i < config->certificate_count; i++) {
        const struct rl_tls_texts *domains = &config->certificates[i].domains;

        for (size_t k = 0; k < domains->count; k++) {
            if (domain_matches(domains->items[k], host))
                return i;
        }
    }
    return 0;
}

/* --- The key: FNV-1a over all that counts; 64 bits do not collide among some dozens. --- */

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return (hash ^ size) * UINT64_C(0x100000001b3);
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return text == NULL ? mix(hash, "", 0) : mix(hash, text, strlen(text) + 1);
}

static uint64_t key_of(const struct rl_tls_options *options, size_t certificate)
{
    static const struct rl_tls_options none;
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), &certificate, sizeof(certificate));
    int numbers[5];

    if (options == NULL)
        options = &none;
    numbers[0] = (int)options->verify;
    numbers[1] = (int)options->resume;
    numbers[2] = (int)options->min_version;
    numbers[3] = (int)options->max_version;
    numbers[4] = options->alpn_given;
    hash = mix(hash, numbers, sizeof(numbers));
    for (size_t i = 0; i < options->alpn.count; i++)
        hash = mix_text(hash, options->alpn.items[i]);
    hash = mix(hash, options->ca.data, options->ca.size);
    hash = mix(hash, options->cert.data, options->cert.size);
    hash = mix(hash, options->key.data, options->key.size);
    return mix_text(hash, options->password);
}

/* --- Making one. --- */

static void overlay(struct rl_tls_config *config, const struct rl_tls_options *options,
                    struct rl_tls_certificate *certificate)
{
    if (options == NULL)
        return;
    if (options->alpn_given) {
        config->alpn = options->alpn;
        config->no_alpn = options->alpn.count == 0;
    }
    if (options->ca.size > 0)
        config->ca = options->ca;
    if (options->cert.size > 0) {
        *certificate = (struct rl_tls_certificate){
            .cert = options->cert, .key = options->key, .password = options->password};
        config->certificates = certificate;
        config->certificate_count = 1;
    }
    if (options->verify != RL_TLS_AS_RUN)
        config->insecure_skip_verify = options->verify == RL_TLS_NO;
    if (options->resume != RL_TLS_AS_RUN)
        config->resume = options->resume == RL_TLS_YES;
    if (options->min_version != RL_TLS_ANY || options->max_version != RL_TLS_ANY) {
        config->min_version = options->min_version;
        config->max_version = options->max_version;
    }
}

static struct rl_tls_context *make(struct rl_tls_contexts *contexts, size_t chosen,
                                   const struct rl_tls_options *options, char *why,
                                   size_t why_bytes)
{
    struct rl_tls_config config = contexts->config;
    struct rl_tls_certificate certificate;

    if (config.certificate_count > 0) {
        config.certificates += chosen;
        config.certificate_count = 1;
    }
    overlay(&config, options, &certificate);
    return rl_tls_context_new(&config, RL_TLS_CLIENT, contexts->keylog, why, why_bytes);
}

static struct rl_tls_context **place(struct rl_tls_contexts *contexts)
{
    size_t oldest = 0;

    if (contexts->count < RL_TLS_CONTEXTS_MAX)
        return &contexts->items[contexts->count++];
    for (size_t i = 1; i < contexts->count; i++) {
        if (contexts->items[i]->used < contexts->items[oldest]->used)
            oldest = i;
    }
    rl_tls_context_release(contexts->items[oldest]); /* its streams hold it for as long as they are */
    return &contexts->items[oldest];
}

struct rl_tls_context *rl_tls_contexts_get(struct rl_tls_contexts *contexts, const char *host,
                                           const struct rl_tls_options *options, char *why,
                                           size_t why_bytes)
{
    size_t chosen = rl_tls_contexts_choose(contexts, host);
    uint64_t key = key_of(options, chosen);
    struct rl_tls_context *context;

    contexts->clock++;
    for (size_t i = 0; i < contexts->count; i++) {
        if (contexts->items[i]->key == key) {
            contexts->items[i]->used = contexts->clock;
            return contexts->items[i];
        }
    }
    context = make(contexts, chosen, options, why, why_bytes);
    if (context == NULL)
        return NULL;
    context->key = key;
    context->used = contexts->clock;
    *place(contexts) = context;
    return context;
}
