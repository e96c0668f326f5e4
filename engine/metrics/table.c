/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { MIN_SIZE = 16 };

void rl_table_init(struct rl_table *table)
{
    *table = (struct rl_table){0};
}

void rl_table_fini(struct rl_table *table)
{
    free(table->slots);
    rl_table_init(table);
}

static void place(struct rl_table_slot *slots, size_t size, uint64_t hash, void *item)
{
    size_t at = (size_t)hash & (size - 1);

    while (slots[at].item != NULL)
        at = (at + 1) & (size - 1);
    slots[at] = (struct rl_table_slot){.hash = hash, .item = item};
}

static int grow(struct rl_table *table)
{
    size_t size = table->size == 0 ? MIN_SIZE : table->size * 2;
    struct rl_table_slot *slots = calloc(size, sizeof(*slots));

    if (slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < table->size; i++) {
        if (table->slots[i].item != NULL)
            place(slots, size, table->slots[i].hash, table->slots[i].item);
    }
    free(table->slots);
    table->slots = slots;
    table->size = size;
    return 0;
}

int rl_table_add(struct rl_table *table, uint64_t hash, void *item)
{
    RL_ASSERT(item != NULL);
    if ((table->count + 1) * 3 > table->size * 2) {
        int rc = grow(table);

        if (rc < 0)
            return rc;
    }
    place(table->slots, table->size, hash, item);
    table->count++;
    return 0;
}

/* From place on, the first slot of hash; it ends at a free slot, and there always is one. */
static size_t probe(const struct rl_table *table, size_t at, uint64_t hash, void **item)
{
    while (table->slots[at].item != NULL && table->slots[at].hash != hash)
        at = (at + 1) & (table->size - 1);
    *item = table->slots[at].item;
    return at;
}

size_t rl_table_find(const struct rl_table *table, uint64_t hash, void **item)
{
    *item = NULL;
    return table->size == 0 ? 0 : probe(table, (size_t)hash & (table->size - 1), hash, item);
}

size_t rl_table_next(const struct rl_table *table, size_t from, void **item)
{
    return probe(table, (from + 1) & (table->size - 1), table->slots[from].hash, item);
}

/* The finalizer of MurmurHash3: each bit of x reaches each bit of the result. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ (x >> 33);
}

uint64_t rl_hash_bytes(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a, then mixed */

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return mix(hash ^ size);
}

uint64_t rl_hash_text(const char *text)
{
    return rl_hash_bytes(text, strlen(text));
}

uint64_t rl_hash_pair(uint64_t a, uint64_t b)
{
    return mix(a ^ mix(b + UINT64_C(0x9e3779b97f4a7c15)));
}
