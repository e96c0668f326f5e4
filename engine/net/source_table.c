/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/source_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { FIRST_SLOTS = 64 }; /* a power of two */

static_assert(sizeof(struct rl_source_key) == 2 * sizeof(struct rl_addr), "two addresses");

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

struct rl_source_key rl_source_key(const struct rl_addr *local, const struct rl_addr *peer,
                                   uint16_t port)
{
    struct rl_addr pair[2];
    struct rl_source_key key;

    memset(pair, 0, sizeof(pair));
    if (local != NULL && local->family != 0)
        put(&pair[0], local, 0);
    put(&pair[1], peer, port);
    memcpy(key.words, pair, sizeof(key.words));
    return key;
}

uint64_t rl_source_hash(const struct rl_source_key *key, uint64_t seed)
{
    for (size_t i = 0; i < sizeof(key->words) / sizeof(key->words[0]); i++) {
        seed ^= key->words[i];
        seed = rl_splitmix64(&seed);
    }
    return seed;
}

static struct rl_source_record *probe(const struct rl_source_table *table, const struct rl_source_key *key)
{
    uint32_t mask = table->slot_count - 1, i = (uint32_t)rl_source_hash(key, 0) & mask;

    while (table->slots[i].used &&
           memcmp(table->slots[i].key.words, key->words, sizeof(key->words)) != 0)
        i = (i + 1) & mask;
    return &table->slots[i];
}

/* Twice the slots; at the limit an empty table instead. False when memory is out. */
static bool make_room(struct rl_source_table *table)
{
    struct rl_source_table larger = {.slot_count = table->slot_count * 2};

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

struct rl_source_record *rl_source_find(struct rl_source_table *table,
                                        const struct rl_source_key *key, bool *fresh)
{
    struct rl_source_record *record;

    *fresh = false;
    if (table->used_count * 2 >= table->slot_count || table->used_count == RL_SOURCE_RECORDS) {
        if (!make_room(table))
            return NULL;
    }
    record = probe(table, key);
    if (!record->used) {
        record->used = true;
        record->key = *key;
        memset(&record->value, 0, sizeof(record->value));
        table->used_count++;
        *fresh = true;
    }
    return record;
}

struct rl_source_record *rl_source_seek(const struct rl_source_table *table,
                                        const struct rl_source_key *key)
{
    struct rl_source_record *record;

    if (table->slot_count == 0)
        return NULL;
    record = probe(table, key);
    return record->used ? record : NULL;
}
