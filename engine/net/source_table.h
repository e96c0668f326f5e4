/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * source_table - what source remembers of each pair of addresses: a hash table with a limit.
 *
 * Thread: one worker's. Memory: grows by doubling to RL_SOURCE_RECORDS records; past that it starts anew.
 */
#ifndef RL_NET_SOURCE_TABLE_H
#define RL_NET_SOURCE_TABLE_H

#include "net/own_ips.h"
#include "net/source.h"

/* A pair of addresses as words, to be compared and hashed fast. */
struct rl_source_key {
    uint64_t words[5];
};

/* How the ports from one address, or from all of a range, to one peer are used. */
struct rl_source_use {
    uint32_t cursor;           /* index of the next port */
    uint32_t open;             /* connections that hold a port now */
    uint32_t address, span;    /* which address of the range is in use, of how many that were begun */
    uint32_t left;             /* ports until the lap on this address is over */
    struct rl_own_range range; /* count 0: no choice */
};

struct rl_source_record {
    struct rl_source_key key;
    union {
        struct rl_source_use use;
        struct rl_addr route;
    } value;
    bool used;
};

struct rl_source_table {
    struct rl_source_record *slots;
    uint32_t slot_count, used_count;
};

/* local: NULL or family 0 for any. Only the family, the ip and port go into it. */
struct rl_source_key rl_source_key(const struct rl_addr *local, const struct rl_addr *peer,
                                   uint16_t port);
uint64_t rl_source_hash(const struct rl_source_key *key, uint64_t seed);

/* The record of key; *fresh if it was made now, with a value of zeros. NULL when memory is out. */
struct rl_source_record *rl_source_find(struct rl_source_table *table,
                                        const struct rl_source_key *key, bool *fresh);

/* The same, but NULL if there is none. */
struct rl_source_record *rl_source_seek(const struct rl_source_table *table,
                                        const struct rl_source_key *key);

#endif
