/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/registry.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "metrics/table.h"

enum { ARENA_BLOCK = 2048, MIN_CAPACITY = 32, NAME_LEAST = 2, NAME_LIMIT = 129 };

struct rl_registry {
    struct rl_metric **metrics; /* by id; each stays where it is */
    uint32_t count, capacity;
    bool closed;
    struct rl_table names;
    struct rl_arena arena;
};

static const struct {
    const char *name;
    enum rl_metric_type type;
    enum rl_metric_contains contains;
} builtins[] = {
    [RL_M_VUS] = {"vus", RL_GAUGE, RL_DEFAULT},
    [RL_M_VUS_MAX] = {"vus_max", RL_GAUGE, RL_DEFAULT},
    [RL_M_ITERATIONS] = {"iterations", RL_COUNTER, RL_DEFAULT},
    [RL_M_ITERATION_DURATION] = {"iteration_duration", RL_TREND, RL_TIME},
    [RL_M_DROPPED_ITERATIONS] = {"dropped_iterations", RL_COUNTER, RL_DEFAULT},
    [RL_M_CHECKS] = {"checks", RL_RATE, RL_DEFAULT},
    [RL_M_GROUP_DURATION] = {"group_duration", RL_TREND, RL_TIME},
    [RL_M_DATA_SENT] = {"data_sent", RL_COUNTER, RL_DATA},
    [RL_M_DATA_RECEIVED] = {"data_received", RL_COUNTER, RL_DATA},
    [RL_M_TCP_SOCKET_RESOLVING] = {"tcp_socket_resolving", RL_TREND, RL_TIME},
    [RL_M_TCP_SOCKET_CONNECTING] = {"tcp_socket_connecting", RL_TREND, RL_TIME},
    [RL_M_TCP_SOCKET_DURATION] = {"tcp_socket_duration", RL_TREND, RL_TIME},
    [RL_M_TCP_SOCKETS] = {"tcp_sockets", RL_COUNTER, RL_DEFAULT},
    [RL_M_TCP_READS] = {"tcp_reads", RL_COUNTER, RL_DEFAULT},
    [RL_M_TCP_WRITES] = {"tcp_writes", RL_COUNTER, RL_DEFAULT},
    [RL_M_TCP_ERRORS] = {"tcp_errors", RL_COUNTER, RL_DEFAULT},
    [RL_M_TCP_TIMEOUTS] = {"tcp_timeouts", RL_COUNTER, RL_DEFAULT},
    [RL_M_TCP_PARTIAL_WRITES] = {"tcp_partial_writes", RL_COUNTER, RL_DEFAULT},
    [RL_M_TCP_TLS_HANDSHAKING] = {"tcp_tls_handshaking", RL_TREND, RL_TIME},
    [RL_M_TCP_TLS_RESUMED] = {"tcp_tls_resumed", RL_RATE, RL_DEFAULT},
};

static_assert(sizeof(builtins) / sizeof(builtins[0]) == RL_BUILTIN_COUNT, "a row for each");

struct rl_registry *rl_registry_new(void)
{
    struct rl_registry *registry = calloc(1, sizeof(*registry));

    if (registry == NULL)
        return NULL;
    rl_table_init(&registry->names);
    rl_arena_init(&registry->arena, ARENA_BLOCK);
    for (int i = 0; i < RL_BUILTIN_COUNT; i++) {
        int id =
            rl_registry_add(registry, builtins[i].name, builtins[i].type, builtins[i].contains);

        if (id != i) {
            rl_registry_free(registry);
            return NULL;
        }
    }
    return registry;
}

void rl_registry_free(struct rl_registry *registry)
{
    if (registry == NULL)
        return;
    rl_table_fini(&registry->names);
    rl_arena_fini(&registry->arena);
    free(registry->metrics);
    free(registry);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(const char *text)
{
    size_t size = strnlen(text, NAME_LIMIT + 1);

    if (size < NAME_LEAST || size > NAME_LIMIT || !is_letter(text[0]))
        return false;
    for (size_t i = 1; i < size; i++) {
        if (!is_letter(text[i]) && (text[i] < '0' || text[i] > '9'))
            return false;
    }
    return true;
}

static int reserve(struct rl_registry *registry)
{
    uint32_t capacity = registry->capacity == 0 ? MIN_CAPACITY : registry->capacity * 2;
    struct rl_metric **metrics;

    if (registry->count < registry->capacity)
        return 0;
    metrics = realloc(registry->metrics, capacity * sizeof(struct rl_metric *));
    if (metrics == NULL)
        return -ENOMEM;
    registry->metrics = metrics;
    registry->capacity = capacity;
    return 0;
}

static int insert(struct rl_registry *registry, const struct rl_metric *metric)
{
    struct rl_metric *copy = rl_arena_alloc(&registry->arena, sizeof(*copy));
    char *name = rl_arena_strdup(&registry->arena, metric->name);

    if (copy == NULL || name == NULL || reserve(registry) < 0 ||
        rl_table_add(&registry->names, rl_hash_text(name), copy) < 0)
        return -ENOMEM;
    *copy = *metric;
    copy->name = name;
    registry->metrics[registry->count++] = copy;
    return (int)copy->id;
}

int rl_registry_add(struct rl_registry *registry, const char *name, enum rl_metric_type type,
                    enum rl_metric_contains contains)
{
    const struct rl_metric *old;

    if (!is_name(name))
        return -EINVAL;
    old = rl_registry_find(registry, name);
    if (old != NULL)
        return old->type == type && old->contains == contains ? (int)old->id : -EEXIST;
    if (registry->closed)
        return -EROFS;
    return insert(registry, &(struct rl_metric){
                                .name = name,
                                .type = type,
                                .contains = contains,
                                .id = registry->count,
                            });
}

void rl_registry_close(struct rl_registry *registry)
{
    registry->closed = true;
}

uint32_t rl_registry_count(const struct rl_registry *registry)
{
    return registry->count;
}

const struct rl_metric *rl_registry_at(const struct rl_registry *registry, uint32_t id)
{
    RL_ASSERT(id < registry->count);
    return registry->metrics[id];
}

const struct rl_metric *rl_registry_find(const struct rl_registry *registry, const char *name)
{
    void *item;

    for (size_t at = rl_table_find(&registry->names, rl_hash_text(name), &item); item != NULL;
         at = rl_table_next(&registry->names, at, &item)) {
        const struct rl_metric *metric = item;

        if (strcmp(metric->name, name) == 0)
            return metric;
    }
    return NULL;
}

const char *rl_metric_type_name(enum rl_metric_type type)
{
    static const char *const names[] = {
        [RL_COUNTER] = "counter",
        [RL_GAUGE] = "gauge",
        [RL_RATE] = "rate",
        [RL_TREND] = "trend",
    };

    return names[type];
}

const char *rl_metric_contains_name(enum rl_metric_contains contains)
{
    static const char *const names[] = {
        [RL_DEFAULT] = "default",
        [RL_TIME] = "time",
        [RL_DATA] = "data",
    };

    return names[contains];
}
