/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/rng.h"
#include "net/source_table.h"

enum { PORTS = 65536, DEFAULT_LOW = 32768, DEFAULT_HIGH = 60999, RESERVED_TEXT = 64 * 1024 };

struct rl_source {
    struct rl_source_table uses, routes;
    struct rl_own_ips *own_ips; /* NULL: the kernel's choice of address */
    uint64_t seed;
    uint32_t port_count, whole_count;
    uint16_t ports[];
};

/* A number of a file below /proc; *text moves behind it. PORTS: there is none, or it is no port. */
static unsigned read_port(const char **text)
{
    char *end;
    unsigned long value = strtoul(*text, &end, 10);

    if (end == *text || value >= PORTS)
        return PORTS;
    *text = end;
    return (unsigned)value;
}

/* "8080,9000-9100": none of these is allowed. */
static void take_out(bool allowed[PORTS], const char *text)
{
    while (text != NULL && *text != '\0') {
        unsigned first = read_port(&text), last = first;

        if (*text == '-') {
            text++;
            last = read_port(&text);
        }
        for (unsigned port = first; port <= last && port < PORTS; port++)
            allowed[port] = false;
        text = strchr(text, ',');
        if (text != NULL)
            text++;
    }
}

static void shuffle(struct rl_source *source)
{
    struct rl_rng rng;

    rl_rng_init(&rng, source->seed);
    for (uint32_t i = source->port_count; i > 1; i--) {
        uint32_t other = (uint32_t)rl_rng_below(&rng, i);
        uint16_t port = source->ports[other];

        source->ports[other] = source->ports[i - 1];
        source->ports[i - 1] = port;
    }
}

struct rl_source *rl_source_new_in(const struct rl_port_range *range, uint32_t share_index,
                                   uint32_t share_count, uint64_t seed)
{
    uint32_t all = 0, first, count, seen = 0;
    struct rl_source *source;
    bool allowed[PORTS] = {false};

    RL_ASSERT(share_index < share_count);
    for (unsigned port = range->low; port <= range->high; port++)
        allowed[port] = port != 0;
    take_out(allowed, range->reserved);
    for (unsigned port = 0; port < PORTS; port++)
        all += allowed[port];

    first = (uint32_t)((uint64_t)all * share_index / share_count);
    count = (uint32_t)((uint64_t)all * (share_index + 1) / share_count) - first;
    source = calloc(1, sizeof(*source) + count * sizeof(source->ports[0]));
    if (source == NULL)
        return NULL;
    source->seed = seed;
    source->whole_count = all;
    for (unsigned port = 0; port < PORTS; port++) {
        if (!allowed[port])
            continue;
        if (seen >= first && source->port_count < count)
            source->ports[source->port_count++] = (uint16_t)port;
        seen++;
    }
    shuffle(source);
    return source;
}

/* The first line of a file below /proc, without its end; false if there is none. */
static bool read_line(const char *path, char *out, size_t out_bytes)
{
    FILE *file = fopen(path, "re");
    bool found;

    if (file == NULL)
        return false;
    found = fgets(out, (int)out_bytes, file) != NULL;
    fclose(file);
    if (found)
        out[strcspn(out, "\n")] = '\0';
    return found;
}

static void read_range(struct rl_port_range *range)
{
    char line[64];
    const char *text = line;
    unsigned low, high;

    range->low = DEFAULT_LOW;
    range->high = DEFAULT_HIGH;
    if (!read_line("/proc/sys/net/ipv4/ip_local_port_range", line, sizeof(line)))
        return;
    low = read_port(&text);
    high = read_port(&text);
    if (low <= high && high < PORTS) {
        range->low = (uint16_t)low;
        range->high = (uint16_t)high;
    }
}

struct rl_source *rl_source_new(uint32_t share_index, uint32_t share_count, uint64_t seed)
{
    struct rl_port_range range = {0};
    char *reserved = malloc(RESERVED_TEXT);
    struct rl_source *source;

    if (reserved == NULL)
        return NULL;
    read_range(&range);
    if (read_line("/proc/sys/net/ipv4/ip_local_reserved_ports", reserved, RESERVED_TEXT))
        range.reserved = reserved;
    source = rl_source_new_in(&range, share_index, share_count, seed);
    free(reserved);
    return source;
}

void rl_source_free(struct rl_source *source)
{
    if (source == NULL)
        return;
    rl_own_ips_free(source->own_ips);
    free(source->uses.slots);
    free(source->routes.slots);
    free(source);
}

int rl_source_roam(struct rl_source *source)
{
    source->own_ips = rl_own_ips_new();
    return source->own_ips == NULL ? -ENOMEM : 0;
}

static bool is_fixed(const struct rl_addr *local)
{
    return local != NULL && local->family != 0;
}

/* How the ports from local, or from any address of ours, to peer are used; NULL when memory is out. */
static struct rl_source_use *use_of(struct rl_source *source, const struct rl_addr *local,
                                    const struct rl_addr *peer)
{
    const struct rl_source_key key = rl_source_key(local, peer, peer->port);
    struct rl_source_record *record;
    struct rl_source_use *use;
    bool fresh;

    record = rl_source_find(&source->uses, &key, &fresh);
    if (record == NULL)
        return NULL;
    use = &record->value.use;
    if (!fresh)
        return use;
    use->cursor = (uint32_t)(rl_source_hash(&key, source->seed) % source->port_count);
    use->left = source->port_count;
    use->span = 1;
    if (source->own_ips != NULL && !is_fixed(local))
        use->range = rl_own_ips_to(source->own_ips, peer, rl_source_route(source, peer));
    return use;
}

static bool is_full(const struct rl_source *source, const struct rl_source_use *use)
{
    uint64_t addresses = use->range.count > 0 ? use->range.count : 1;

    return use->open >= addresses * source->port_count;
}

/* The lap on this address is over: on to the next of those that were begun. One more is begun when half of
 * their ports are held, so that a free one is soon found: many connections one after another stay with few. */
static void next_address(struct rl_source *source, struct rl_source_use *use, bool taken)
{
    bool crowded = (uint64_t)use->open * 2 > (uint64_t)use->span * source->port_count;

    use->left = source->port_count;
    if (use->range.count == 0)
        return;
    if (use->address + 1 == use->span && use->span < use->range.count && (crowded || taken))
        use->span++;
    use->address = (use->address + 1) % use->span;
}

/* By the golden section: repeated jumps land all over the range. */
static void jump(struct rl_source *source, struct rl_source_use *use)
{
    use->cursor = (uint32_t)(use->cursor + source->port_count * 0.6180339887 + 1) %
                  source->port_count;
    next_address(source, use, true);
}

static uint16_t take_port(const struct rl_source *source, struct rl_source_use *use)
{
    uint16_t port = source->ports[use->cursor];

    if (++use->cursor == source->port_count)
        use->cursor = 0;
    return port;
}

/* From an endpoint to itself a connect succeeds where nobody listens. */
static bool may_meet_itself(const struct rl_addr *local, uint16_t port, const struct rl_addr *peer)
{
    return port == peer->port && (local->family == 0 || rl_addr_same_ip(local, peer));
}

int rl_source_next(struct rl_source *source, const struct rl_addr *fixed,
                   const struct rl_addr *peer, enum rl_source_try try, struct rl_addr *local)
{
    struct rl_source_use *use;

    memset(local, 0, sizeof(*local));
    if (is_fixed(fixed))
        *local = *fixed;
    local->port = 0;
    if (source->port_count == 0)
        return 0;
    use = use_of(source, fixed, peer);
    if (use == NULL)
        return 0;
    if (try == RL_SOURCE_FIRST) {
        if (is_full(source, use))
            return -EADDRNOTAVAIL;
        use->open++;
    } else if (try == RL_SOURCE_ELSEWHERE) {
        jump(source, use);
    }
    if (use->left == 0)
        next_address(source, use, false);
    use->left--;
    if (use->address > 0) /* the first is what the kernel takes when it is not told */
        *local = rl_own_ips_at(source->own_ips, &use->range, use->address);
    local->port = take_port(source, use);
    if (may_meet_itself(local, local->port, peer))
        local->port = take_port(source, use);
    return 0;
}

void rl_source_closed(struct rl_source *source, const struct rl_addr *fixed,
                      const struct rl_addr *peer)
{
    const struct rl_source_key key = rl_source_key(fixed, peer, peer->port);
    struct rl_source_record *record = rl_source_seek(&source->uses, &key);

    if (record != NULL && record->value.use.open > 0) /* 0: the table began anew meanwhile */
        record->value.use.open--;
}

uint32_t rl_source_open_count(const struct rl_source *source, const struct rl_addr *fixed,
                              const struct rl_addr *peer)
{
    const struct rl_source_key key = rl_source_key(fixed, peer, peer->port);
    const struct rl_source_record *record = rl_source_seek(&source->uses, &key);

    return record == NULL ? 0 : record->value.use.open;
}

/* Connecting a datagram socket sends nothing; it only looks the route up. */
static struct rl_addr ask_route(const struct rl_addr *peer)
{
    struct rl_addr probe_peer = *peer, local = {0};
    struct sockaddr_storage sa;
    socklen_t size;
    int fd = socket(peer->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return local;
    probe_peer.port = 9; /* any but 0 */
    size = rl_addr_to_sockaddr(&probe_peer, &sa);
    if (connect(fd, (struct sockaddr *)&sa, size) == 0) {
        size = sizeof(sa);
        if (getsockname(fd, (struct sockaddr *)&sa, &size) == 0)
            rl_addr_from_sockaddr((struct sockaddr *)&sa, &local);
    }
    close(fd);
    local.port = 0;
    return local;
}

const struct rl_addr *rl_source_route(struct rl_source *source, const struct rl_addr *peer)
{
    static const struct rl_addr none;
    const struct rl_source_key key = rl_source_key(NULL, peer, 0);
    struct rl_source_record *record;
    bool fresh;

    record = rl_source_find(&source->routes, &key, &fresh);
    if (record == NULL)
        return &none;
    if (record->value.route.family == 0) /* new, or the last answer was none */
        record->value.route = ask_route(peer);
    return &record->value.route;
}

uint32_t rl_source_port_count(const struct rl_source *source)
{
    return source->port_count;
}

uint32_t rl_source_whole_count(const struct rl_source *source)
{
    return source->whole_count;
}
