/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/local_ips.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { AUTO_COUNT = (1 << 24) - 2 }; /* of 127.0.0.0/8 */

/* An address as a number; wide enough for IPv6. */
typedef unsigned __int128 ip_number;

struct range {
    uint16_t family;
    ip_number first;
    uint64_t count; /* UINT64_MAX: that many or more, no VU gets so far */
};

struct rl_local_ips {
    struct range *ranges;
    size_t range_count;
    uint64_t count;
    bool is_auto;
};

static size_t size_of(uint16_t family)
{
    return family == AF_INET6 ? 16 : 4;
}

static ip_number to_number(const struct rl_addr *addr)
{
    ip_number value = 0;

    for (size_t i = 0; i < size_of(addr->family); i++)
        value = value << 8 | addr->ip.v6[i];
    return value;
}

static struct rl_addr to_addr(ip_number value, uint16_t family)
{
    struct rl_addr addr;

    memset(&addr, 0, sizeof(addr));
    addr.family = family;
    for (size_t i = size_of(family); i > 0; i--) {
        addr.ip.v6[i - 1] = (uint8_t)value;
        value >>= 8;
    }
    return addr;
}

/* The range of first to last, both part of it. */
static struct range make_range(uint16_t family, ip_number first, ip_number last)
{
    ip_number steps = last - first;

    return (struct range){.family = family,
                          .first = first,
                          .count = steps >= UINT64_MAX ? UINT64_MAX : (uint64_t)steps + 1};
}

static int parse_range(const char *text, const char *dash, struct range *range)
{
    char before[RL_ADDR_TEXT];
    struct rl_addr first, last;
    size_t size = (size_t)(dash - text);

    if (size >= sizeof(before))
        return -EINVAL;
    memcpy(before, text, size);
    before[size] = '\0';
    if (rl_addr_parse_ip(before, &first) < 0 || rl_addr_parse_ip(dash + 1, &last) < 0 ||
        first.family != last.family || to_number(&first) > to_number(&last))
        return -EINVAL;
    *range = make_range(first.family, to_number(&first), to_number(&last));
    return 0;
}

static int parse_cidr(const char *text, struct range *range)
{
    struct rl_cidr cidr;
    ip_number first, host_mask = 0;
    size_t host_bits;

    if (rl_cidr_parse(text, &cidr) < 0)
        return -EINVAL;
    host_bits = size_of(cidr.base.family) * 8 - cidr.prefix_bits;
    for (size_t i = 0; i < host_bits; i++)
        host_mask = host_mask << 1 | 1;
    first = to_number(&cidr.base);
    if (cidr.base.family == AF_INET && host_bits > 1)
        *range = make_range(AF_INET, first + 1, first + host_mask - 1);
    else
        *range = make_range(cidr.base.family, first, first + host_mask);
    return 0;
}

static int parse_part(const char *text, struct range *range)
{
    const char *dash = strchr(text, '-');

    return dash != NULL ? parse_range(text, dash, range) : parse_cidr(text, range);
}

static bool append(struct rl_local_ips *pool, const struct range *range)
{
    struct range *ranges = reallocarray(pool->ranges, pool->range_count + 1, sizeof(*pool->ranges));

    if (ranges == NULL)
        return false;
    pool->ranges = ranges;
    pool->ranges[pool->range_count++] = *range;
    if (__builtin_add_overflow(pool->count, range->count, &pool->count))
        pool->count = UINT64_MAX;
    return true;
}

struct rl_local_ips *rl_local_ips_new(const char *text, char *why, size_t why_bytes)
{
    struct rl_local_ips *pool = calloc(1, sizeof(*pool));
    char *copy = strdup(text), *rest = copy, *part;
    struct range range;

    if (pool == NULL || copy == NULL)
        goto out_of_memory;
    if (strcmp(text, RL_LOCAL_IPS_AUTO) == 0) {
        pool->is_auto = true;
        pool->count = AUTO_COUNT;
        free(copy);
        return pool;
    }
    while ((part = strsep(&rest, ",")) != NULL) {
        part += strspn(part, " \t");
        part[strcspn(part, " \t")] = '\0';
        if (parse_part(part, &range) < 0) {
            snprintf(why, why_bytes,
                     "local IPs: \"%s\" is not an address, a range or a CIDR: write them as in "
                     "\"10.0.0.1,10.0.0.5-10.0.0.9,10.1.0.0/24\"",
                     part);
            goto failed;
        }
        if (!append(pool, &range))
            goto out_of_memory;
    }
    free(copy);
    return pool;

out_of_memory:
    snprintf(why, why_bytes, "out of memory");
failed:
    free(copy);
    rl_local_ips_free(pool);
    return NULL;
}

void rl_local_ips_free(struct rl_local_ips *pool)
{
    if (pool == NULL)
        return;
    free(pool->ranges);
    free(pool);
}

bool rl_local_ips_is_auto(const struct rl_local_ips *pool)
{
    return pool->is_auto;
}

uint64_t rl_local_ips_count(const struct rl_local_ips *pool)
{
    return pool->count;
}

struct rl_addr rl_local_ips_at(const struct rl_local_ips *pool, uint64_t vu_id)
{
    const struct range *range = pool->ranges;
    uint64_t number;

    RL_ASSERT(!pool->is_auto);
    number = vu_id == 0 ? 0 : (vu_id - 1) % pool->count;
    while (number >= range->count) {
        number -= range->count;
        range++;
        RL_ASSERT(range < pool->ranges + pool->range_count);
    }
    return to_addr(range->first + number, range->family);
}
