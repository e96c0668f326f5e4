/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * registry - the names of all metrics, as small numbers.
 *
 * The built-ins come first, so that their ids are constants. A script adds its own while the
 * probe VU runs; rl_registry_close ends that. From then on the registry is read-only and any
 * thread may look things up.
 */
#ifndef RL_METRICS_REGISTRY_H
#define RL_METRICS_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

enum rl_metric_type { RL_COUNTER, RL_GAUGE, RL_RATE, RL_TREND };
enum rl_metric_contains { RL_DEFAULT, RL_TIME, RL_DATA }; /* time: ms as double; data: bytes */

/* In the order of registration; the names are k6's: vus, vus_max, ... */
enum rl_builtin {
    RL_M_VUS,
    RL_M_VUS_MAX,
    RL_M_ITERATIONS,
    RL_M_ITERATION_DURATION,
    RL_M_DROPPED_ITERATIONS,
    RL_M_CHECKS,
    RL_M_GROUP_DURATION,
    RL_M_DATA_SENT,
    RL_M_DATA_RECEIVED,
    RL_M_TCP_SOCKET_RESOLVING,
    RL_M_TCP_SOCKET_CONNECTING,
    RL_M_TCP_SOCKET_DURATION,
    RL_M_TCP_SOCKETS,
    RL_M_TCP_READS,
    RL_M_TCP_WRITES,
    RL_M_TCP_ERRORS,
    RL_M_TCP_TIMEOUTS,
    RL_M_TCP_PARTIAL_WRITES,
    RL_M_TCP_TLS_HANDSHAKING,
    RL_M_TCP_TLS_RESUMED,
    RL_BUILTIN_COUNT
};

struct rl_metric {
    const char *name;
    enum rl_metric_type type;
    enum rl_metric_contains contains;
    uint32_t id;
};

struct rl_registry;

struct rl_registry *rl_registry_new(void);
void rl_registry_free(struct rl_registry *registry);

/* The id (0 or more); the same again for an equal name, type and contains. -EINVAL: not a name
 * ([A-Za-z_][A-Za-z0-9_]{1,128}); -EEXIST: registered differently; -EROFS: closed; -ENOMEM. */
int rl_registry_add(struct rl_registry *registry, const char *name, enum rl_metric_type type,
                    enum rl_metric_contains contains);
void rl_registry_close(struct rl_registry *registry);

uint32_t rl_registry_count(const struct rl_registry *registry);
const struct rl_metric *rl_registry_at(const struct rl_registry *registry, uint32_t id);
const struct rl_metric *rl_registry_find(const struct rl_registry *registry, const char *name);

/* "counter", "gauge", "rate", "trend"; "default", "time", "data". */
const char *rl_metric_type_name(enum rl_metric_type type);
const char *rl_metric_contains_name(enum rl_metric_contains contains);

#endif
