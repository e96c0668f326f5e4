/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/own_ips.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

enum { LOOPBACK_IPS = (1 << 24) - 2, LOOPBACK_FIRST = 0x7f000001 };

struct rl_own_ips {
    uint32_t count;
    struct rl_own_ip items[];
};

static bool is_link_local(const struct rl_addr *addr)
{
    return addr->family == AF_INET6 && addr->ip.v6[0] == 0xfe && (addr->ip.v6[1] & 0xc0) == 0x80;
}

/* Those that may stand for each other lie together. */
static int by_group(const void *a, const void *b)
{
    const struct rl_own_ip *left = a, *right = b;

    if (left->interface != right->interface)
        return left->interface < right->interface ? -1 : 1;
    if (left->addr.family != right->addr.family)
        return left->addr.family < right->addr.family ? -1 : 1;
    if (is_link_local(&left->addr) != is_link_local(&right->addr))
        return is_link_local(&left->addr) ? 1 : -1;
    return memcmp(&left->addr.ip, &right->addr.ip, left->addr.family == AF_INET6 ? 16 : 4);
}

static bool same_group(const struct rl_own_ip *a, const struct rl_own_ip *b)
{
    return a->interface == b->interface && a->addr.family == b->addr.family &&
           is_link_local(&a->addr) == is_link_local(&b->addr);
}

struct rl_own_ips *rl_own_ips_of(const struct rl_own_ip *items, uint32_t count)
{
    struct rl_own_ips *ips = calloc(1, sizeof(*ips) + count * sizeof(*items));

    if (ips == NULL)
        return NULL;
    ips->count = count;
    if (count > 0)
        memcpy(ips->items, items, count * sizeof(*items));
    qsort(ips->items, count, sizeof(*items), by_group);
    return ips;
}

/* An address that packets can leave from. */
static bool is_usable(const struct ifaddrs *entry)
{
    return entry->ifa_addr != NULL && (entry->ifa_flags & IFF_UP) != 0 &&
           (entry->ifa_addr->sa_family == AF_INET || entry->ifa_addr->sa_family == AF_INET6);
}

/* An alias ("eth0:1") is the same interface by another name. */
static uint32_t interface_of(const char *name)
{
    char plain[IF_NAMESIZE];
    size_t size = strcspn(name, ":");

    if (size >= sizeof(plain))
        return 0;
    memcpy(plain, name, size);
    plain[size] = '\0';
    return if_nametoindex(plain);
}

struct rl_own_ips *rl_own_ips_new(void)
{
    struct rl_own_ips *ips = NULL;
    struct rl_own_ip *items;
    struct ifaddrs *list;
    uint32_t count = 0;

    if (getifaddrs(&list) < 0)
        return NULL;
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next)
        count += is_usable(entry);
    items = calloc(count + 1, sizeof(*items));
    if (items != NULL) {
        count = 0;
        for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
            if (!is_usable(entry))
                continue;
            items[count].interface = interface_of(entry->ifa_name);
            rl_addr_from_sockaddr(entry->ifa_addr, &items[count].addr);
            items[count++].addr.port = 0;
        }
        ips = rl_own_ips_of(items, count);
    }
    free(items);
    freeifaddrs(list);
    return ips;
}

void rl_own_ips_free(struct rl_own_ips *ips)
{
    free(ips);
}

struct rl_own_range rl_own_ips_to(const struct rl_own_ips *ips, const struct rl_addr *peer,
                                  const struct rl_addr *route)
{
    struct rl_own_range range = {0};
    uint32_t place = 0;

    if (peer->family == AF_INET && peer->ip.v4[0] == 127) {
        range.loopback = true;
        range.count = LOOPBACK_IPS;
        return range;
    }
    while (place < ips->count && !rl_addr_same_ip(&ips->items[place].addr, route))
        place++;
    if (place == ips->count)
        return range;
    range.first = place;
    while (range.first > 0 && same_group(&ips->items[range.first - 1], &ips->items[place]))
        range.first--;
    while (range.first + range.count < ips->count &&
           same_group(&ips->items[range.first + range.count], &ips->items[place]))
        range.count++;
    range.start = place - range.first;
    return range;
}

struct rl_addr rl_own_ips_at(const struct rl_own_ips *ips, const struct rl_own_range *range,
                             uint32_t index)
{
    struct rl_addr addr = {.family = AF_INET};

    RL_ASSERT(index < range->count);
    if (!range->loopback)
        return ips->items[range->first + (range->start + index) % range->count].addr;
    for (unsigned i = 0; i < 4; i++)
        addr.ip.v4[i] = (uint8_t)((LOOPBACK_FIRST + index) >> (24 - 8 * i));
    return addr;
}
