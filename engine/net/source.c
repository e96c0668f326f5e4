/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/source.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/rng.h"

enum {
    PORTS = 65536,
    FIRST_SLOTS = 64, /* of a table; a power of two */
    DEFAULT_LOW = 32768,
    DEFAULT_HIGH = 60999,
    RESERVED_TEXT = 64 * 1024
};

/* A pair of addresses as words, to be compared and hashed fast; see put. */
struct key {
    uint64_t words[5];
};

static_assert(sizeof(struct key) == 2 * sizeof(struct rl_addr), "two addresses");

struct record {
    struct key key;
    union {
        uint32_t cursor;      /* of the table of cursors: index of the next port */
        struct rl_addr route; /* of the table of routes */
    } value;
    bool used;
};

struct table {
    struct record *slots;
    uint32_t slot_count, used_count;
};

struct rl_source {
    struct table cursors, routes;
    uint64_t seed;
    uint32_t port_count;
    uint16_t ports[];
};

/* Only what the address uses: the rest of its bytes may be anything. */
static void put(struct rl_addr *part, const struct rl_addr *addr, uint16_t port)
{
    memset(part, 0, sizeof(*part));
    part->family = addr->family;
    part->port = port;
    if (addr->family == AF_INET6)
        memcpy(part->ip.v6, addr->ip.v6, sizeof(part->ip.v6));
    else
        memcpy(part->ip.v4, addr->ip.v4, sizeof(part->ip.v4));
}

static struct key make_key(const struct rl_addr *local, const struct rl_addr *peer, uint16_t port)
{
    struct rl_addr pair[2];
    struct key key;

    memset(pair, 0, sizeof(pair));
    if (local != NULL)
        put(&pair[0], local, 0);
    put(&pair[1], peer, port);
    memcpy(key.words, pair, sizeof(key.words));
    return key;
}

static uint64_t hash(const struct key *key, uint64_t seed)
{
    for (size_t i = 0; i < sizeof(key->words) / sizeof(key->words[0]); i++) {
        seed ^= key->words[i];
        seed = rl_splitmix64(&seed);
    }
    return seed;
}

static struct record *probe(const struct table *table, const struct key *key)
{
    uint32_t mask = table->slot_count - 1, i = (uint32_t)hash(key, 0) & mask;

    while (table->slots[i].used &&
           memcmp(table->slots[i].key.words, key->words, sizeof(key->words)) != 0)
        i = (i + 1) & mask;
    return &table->slots[i];
}

/* Twice the slots; at the limit an empty table instead. False when memory is out. */
static bool make_room(struct table *table)
{
    struct table larger = {.slot_count = table->slot_count * 2};

    if (table->used_count == RL_SOURCE_RECORDS) {
        memset(table->slots, 0, table->slot_count * sizeof(*table->slots));
        table->used_count = 0;
        return true;
    }
    if (larger.slot_count == 0)
        larger.slot_count = FIRST_SLOTS;
    larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
    if (larger.slots == NULL)
        return false;
    for (uint32_t i = 0; i < table->slot_count; i++) {
        if (table->slots[i].used)
            *probe(&larger, &table->slots[i].key) = table->slots[i];
    }
    larger.used_count = table->used_count;
    free(table->slots);
    *table = larger;
    return true;
}

/* The record of key; *fresh if it was made now. NULL when memory is out. */
static struct record *find(struct table *table, const struct key *key, bool *fresh)
{
    struct record *record;

    *fresh = false;
    if (table->used_count * 2 >= table->slot_count || table->used_count == RL_SOURCE_RECORDS) {
        if (!make_room(table))
            return NULL;
    }
    record = probe(table, key);
    if (!record->used) {
        record->used = true;
        record->key = *key;
        table->used_count++;
        *fresh = true;
    }
    return record;
}

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
    free(source->cursors.slots);
    free(source->routes.slots);
    free(source);
}

uint16_t rl_source_next_port(struct rl_source *source, const struct rl_addr *local,
                             const struct rl_addr *peer)
{
    const struct key key = make_key(local, peer, peer->port);
    struct record *record;
    uint16_t port;
    bool fresh;

    if (source->port_count == 0)
        return 0;
    record = find(&source->cursors, &key, &fresh);
    if (record == NULL)
        return 0;
    if (fresh)
        record->value.cursor = (uint32_t)(hash(&key, source->seed) % source->port_count);
    port = source->ports[record->value.cursor];
    if (++record->value.cursor == source->port_count)
        record->value.cursor = 0;
    return port;
}

void rl_source_jump(struct rl_source *source, const struct rl_addr *local,
                    const struct rl_addr *peer)
{
    const struct key key = make_key(local, peer, peer->port);
    struct record *record;
    bool fresh;

    if (source->port_count == 0)
        return;
    record = find(&source->cursors, &key, &fresh);
    if (record == NULL)
        return;
    /* By the golden section: repeated jumps land all over the range. */
    record->value.cursor =
        (uint32_t)((record->value.cursor + source->port_count * 0.6180339887) + 1) %
        source->port_count;
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
    const struct key key = make_key(NULL, peer, 0);
    struct record *record;
    bool fresh;

    record = find(&source->routes, &key, &fresh);
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
