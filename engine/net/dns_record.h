/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_record - what is known of each host: the table below dns.
 *
 * Private to dns. Nothing locks; the caller holds the mutex. Names are compared without regard to
 * case.
 */
#ifndef RL_NET_DNS_RECORD_H
#define RL_NET_DNS_RECORD_H

#include "net/dns.h"

struct rl_dns_record {
    struct rl_dns_record *next; /* of the same bucket */
    struct rl_list age;         /* in order of creation */
    struct rl_list asks;        /* waiting */
    struct rl_list queued;      /* for a thread */
    struct rl_addr *addrs;      /* owned; of the last good look-up */
    size_t addr_count;
    uint64_t expires_ns; /* the addresses count before it */
    uint32_t turn;       /* of round robin; outlives the addresses */
    bool looking;        /* queued or with a thread */
    const char *why;     /* of the last look-up, if it failed */
    struct rl_addr refused;
    char host[]; /* lower case */
};

struct rl_dns_table {
    struct rl_dns_record **buckets;
    struct rl_list ages;
    size_t count, limit;
};

/* limit: how many records to keep. 0 or -ENOMEM. */
int rl_dns_table_init(struct rl_dns_table *table, size_t limit);
void rl_dns_table_fini(struct rl_dns_table *table);

struct rl_dns_record *rl_dns_table_find(const struct rl_dns_table *table, const char *host);

/* Found or made; makes room by dropping the oldest that is not being looked up. NULL: out of memory. */
struct rl_dns_record *rl_dns_table_need(struct rl_dns_table *table, const char *host);

#endif
