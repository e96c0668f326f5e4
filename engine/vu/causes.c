/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vu/causes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/status.h"
#include "vu/socket.h"

void rl_causes_add(struct rl_causes *causes, enum rl_method method, int status, uint64_t count)
{
    for (uint32_t i = 0; i < causes->count; i++) {
        if (causes->items[i].method == method && causes->items[i].status == status) {
            causes->items[i].count += count;
            return;
        }
    }
    if (causes->count == RL_CAUSES_MAX)
        causes->others += count;
    else
        causes->items[causes->count++] = (struct rl_cause){method, status, count};
}

void rl_causes_merge(struct rl_causes *into, const struct rl_causes *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        rl_causes_add(into, from->items[i].method, from->items[i].status, from->items[i].count);
    into->others += from->others;
}

static int by_count(const void *a, const void *b)
{
    const struct rl_cause *left = a, *right = b;

    return left->count < right->count ? 1 : left->count > right->count ? -1 : 0;
}

/* What mends a shortage of this machine's, "" for what networks do. */
static const char *advice(int status)
{
    switch (status) {
    case -EMFILE:
    case -ENFILE:
        return ": no file descriptor or socket slot was left; raise 'ulimit -n'";
    case -EADDRNOTAVAIL:
        return ": no source port was left; use more addresses (--local-ips auto, or several targets), or "
               "widen net.ipv4.ip_local_port_range";
    case -ENOBUFS:
    case -ENOMEM:
        return ": no memory was left for sockets; see net.ipv4.tcp_mem and 'ulimit -l'";
    default:
        return "";
    }
}

void rl_causes_tell(struct rl_causes *causes)
{
    qsort(causes->items, causes->count, sizeof(causes->items[0]), by_count);
    for (uint32_t i = 0; i < causes->count; i++) {
        const struct rl_cause *cause = &causes->items[i];
        const struct rl_log_field fields[] = {{"module", "tcp"},
                                              {"method", rl_method_name(cause->method)},
                                              {"code", rl_status_code(cause->status)},
                                              {NULL, NULL}};

        rl_log_fields(RL_LOG_WARN, fields, "%" PRIu64 " in all: %s: %s%s", cause->count,
                      rl_method_name(cause->method), rl_status_text(cause->status),
                      advice(cause->status));
    }
    if (causes->others > 0)
        rl_log_warn("%" PRIu64 " TCP errors of other causes", causes->others);
}
