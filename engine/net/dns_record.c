/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/rng.h"

enum { BUCKETS = 4096 }; /* a power of two */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static struct rl_dns_record **bucket(const struct rl_dns_table *table, const char *host)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (const char *p = host; *p != '\0'; p++)
        h = (h ^ (uint8_t)lower(*p)) * UINT64_C(0x100000001b3);
    return &table->buckets[rl_splitmix64(&h) & (BUCKETS - 1)];
}

int rl_dns_table_init(struct rl_dns_table *table, size_t limit)
{
    *table = (struct rl_dns_table){.buckets = calloc(BUCKETS, sizeof(struct rl_dns_record *)),
                                   .limit = limit};
    rl_list_init(&table->ages);
    return table->buckets == NULL ? -ENOMEM : 0;
}

static void drop(struct rl_dns_table *table, struct rl_dns_record *record)
{
    struct rl_dns_record **link = bucket(table, record->host);

    while (*link != NULL && *link != record)
        link = &(*link)->next;
    RL_ASSERT(*link == record);
    *link = record->next;
    rl_list_remove(&record->age);
    table->count--;
    free(record->addrs);
    free(record);
}

void rl_dns_table_fini(struct rl_dns_table *table)
{
    while (!rl_list_empty(&table->ages))
        drop(table, rl_container_of(table->ages.next, struct rl_dns_record, age));
    free(table->buckets);
}

struct rl_dns_record *rl_dns_table_find(const struct rl_dns_table *table, const char *host)
{
    struct rl_dns_record *record = *bucket(table, host);

    while (record != NULL && strcasecmp(record->host, host) != 0)
        record = record->next;
    return record;
}

static void make_room(struct rl_dns_table *table)
{
    struct rl_list *node = table->ages.next;

    while (table->count >= table->limit && node != &table->ages) {
        struct rl_dns_record *record = rl_container_of(node, struct rl_dns_record, age);

        node = node->next;
        if (!record->looking)
            drop(table, record);
    }
}

struct rl_dns_record *rl_dns_table_need(struct rl_dns_table *table, const char *host)
{
    struct rl_dns_record *record = rl_dns_table_find(table, host), **first;
    size_t size = strlen(host);

    if (record != NULL)
        return record;
    make_room(table);
    record = calloc(1, sizeof(*record) + size + 1);
    if (record == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++)
        record->host[i] = lower(host[i]);
    rl_list_init(&record->asks);
    rl_list_init(&record->queued);
    rl_list_push(&table->ages, &record->age);
    first = bucket(table, host);
    record->next = *first;
    *first = record;
    table->count++;
    return record;
}
