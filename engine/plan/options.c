/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/options.h"

#include <string.h>

#include "base/assert.h"
#include "base/clock.h"

static const struct rl_pair no_pairs[] = {{NULL, NULL}};
static const char *const no_texts[] = {NULL};
static const char *const default_stats[] = {"avg", "min", "med", "max", "p(90)", "p(95)", NULL};

static const char *const system_tag_names[RL_SYSTEM_TAG_COUNT] = {
    [RL_TAG_PROTO] = "proto",
    [RL_TAG_SUBPROTO] = "subproto",
    [RL_TAG_STATUS] = "status",
    [RL_TAG_METHOD] = "method",
    [RL_TAG_URL] = "url",
    [RL_TAG_NAME] = "name",
    [RL_TAG_GROUP] = "group",
    [RL_TAG_CHECK] = "check",
    [RL_TAG_ERROR] = "error",
    [RL_TAG_ERROR_CODE] = "error_code",
    [RL_TAG_TLS_VERSION] = "tls_version",
    [RL_TAG_SCENARIO] = "scenario",
    [RL_TAG_SERVICE] = "service",
    [RL_TAG_EXPECTED_RESPONSE] = "expected_response",
    [RL_TAG_ITER] = "iter",
    [RL_TAG_VU] = "vu",
    [RL_TAG_OCSP_STATUS] = "ocsp_status",
    [RL_TAG_IP] = "ip",
};

const char *rl_system_tag_name(enum rl_system_tag tag)
{
    return system_tag_names[tag];
}

void rl_options_init(struct rl_options *options, struct rl_arena *arena)
{
    *options = (struct rl_options){
        .arena = arena,
        .vus = 1,
        .setup_timeout_ns = 60 * (int64_t)RL_NS_PER_S,
        .teardown_timeout_ns = 60 * (int64_t)RL_NS_PER_S,
        .handle_summary_timeout_ns = 120 * (int64_t)RL_NS_PER_S,
        .tags = {no_pairs, 0},
        .system_tags = (1U << RL_TAG_ITER) - 1,
        .summary_trend_stats = {default_stats, 6},
        .dns_ttl_ns = 300 * (int64_t)RL_NS_PER_S,
        .hosts = {no_pairs, 0},
        .blacklist_ips = {no_texts, 0},
        .block_hostnames = {no_texts, 0},
        .local_ips = {no_texts, 0},
        .tls_version = {RL_VERSION_TLS12, RL_VERSION_TLS13},
        .tls_cipher_suites = {no_texts, 0},
        .ignored_http = {no_texts, 0},
    };
}

static void *take(struct rl_arena *arena, size_t size)
{
    void *memory = rl_arena_alloc(arena, size);

    RL_CHECK(memory != NULL);
    return memory;
}

static const char *copy_text(struct rl_arena *arena, const char *text, size_t size)
{
    char *copy = take(arena, size + 1);

    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

void rl_pairs_put(struct rl_pairs *pairs, struct rl_arena *arena, struct rl_slice name,
                  const char *value)
{
    struct rl_pair *items = take(arena, (pairs->count + 2) * sizeof(*items));
    struct rl_pair pair = {copy_text(arena, (const char *)name.data, name.size),
                           copy_text(arena, value, strlen(value))};
    size_t count = 0;

    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].name, pair.name) != 0)
            items[count++] = pairs->items[i];
    }
    items[count++] = pair;
    items[count] = (struct rl_pair){NULL, NULL};
    *pairs = (struct rl_pairs){items, count};
}

void rl_texts_add(struct rl_texts *texts, struct rl_arena *arena, const char *text)
{
    const char **items = take(arena, (texts->count + 2) * sizeof(*items));

    for (size_t i = 0; i < texts->count; i++) {
        if (strcmp(texts->items[i], text) == 0)
            return;
        items[i] = texts->items[i];
    }
    items[texts->count] = copy_text(arena, text, strlen(text));
    items[texts->count + 1] = NULL;
    *texts = (struct rl_texts){items, texts->count + 1};
}

const char *rl_pairs_get(const struct rl_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    }
    return NULL;
}
