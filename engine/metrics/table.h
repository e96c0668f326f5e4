/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table - pointers found by hash.
 *
 * Open addressing, linear probing, nothing is ever taken out. Items of one hash are met in no
 * particular order; the caller compares them. The hash of 0 is as good as any.
 *
 *      for (at = rl_table_find(t, hash, &item); item != NULL; at = rl_table_next(t, at, &item))
 */
#ifndef RL_METRICS_TABLE_H
#define RL_METRICS_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct rl_table_slot {
    uint64_t hash;
    void *item; /* NULL: free */
};

struct rl_table {
    struct rl_table_slot *slots; /* a power of two, or NULL while empty */
    size_t size, count;
};

void rl_table_init(struct rl_table *table);
void rl_table_fini(struct rl_table *table);

/* -ENOMEM: the table is as before. */
int rl_table_add(struct rl_table *table, uint64_t hash, void *item);

/* The first item of that hash and its place, then the next ones; item is NULL behind the last. */
size_t rl_table_find(const struct rl_table *table, uint64_t hash, void **item);
size_t rl_table_next(const struct rl_table *table, size_t from, void **item);

/* A hash of bytes, and one of two hashes; good in all bits. */
uint64_t rl_hash_bytes(const void *data, size_t size);
uint64_t rl_hash_text(const char *text);
uint64_t rl_hash_pair(uint64_t a, uint64_t b);

#endif
