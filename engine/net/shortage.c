/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/shortage.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"

static struct rl_shortage *find(struct rl_shortages *shortages, const struct rl_addr *peer)
{
    struct rl_shortage *item;

    for (uint32_t i = 0; i < shortages->count; i++) {
        item = &shortages->items[i];
        if (item->peer.port == peer->port && rl_addr_same_ip(&item->peer, peer))
            return item;
    }
    if (shortages->count == RL_SHORTAGES_MAX)
        return NULL;
    item = &shortages->items[shortages->count++];
    *item = (struct rl_shortage){.peer = *peer};
    return item;
}

void rl_shortage_note(struct rl_shortages *shortages, const struct rl_addr *peer, uint64_t open,
                      uint32_t ports)
{
    struct rl_shortage *item = find(shortages, peer);

    if (item == NULL) {
        shortages->others++;
        return;
    }
    item->count++;
    item->ports = ports;
    if (open > item->open)
        item->open = open;
}

void rl_shortages_merge(struct rl_shortages *into, const struct rl_shortages *from)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const struct rl_shortage *other = &from->items[i];
        struct rl_shortage *item = find(into, &other->peer);

        if (item == NULL) {
            into->others += other->count;
            continue;
        }
        item->count += other->count;
        item->open += other->open;
        item->ports = other->ports;
    }
    into->others += from->others;
}

static void tell_one(const struct rl_shortage *item, uint64_t vus, bool roams)
{
    uint64_t want = vus > item->open ? vus : item->open + 1;
    uint64_t addresses = item->ports == 0 ? 0 : (want + item->ports - 1) / item->ports;
    char peer[RL_ADDR_TEXT];

    rl_addr_format(&item->peer, peer);
    rl_log_warn("%s: %" PRIu64 " connects found no source port: one address of this machine has %" PRIu32
                " ports to it, so %" PRIu64 " connections at a time want %" PRIu64 " addresses; %s",
                peer, item->count, item->ports, want, addresses < 2 ? 2 : addresses,
                roams ? "give the interface more of them ('ip address add'), or use several targets"
                      : "use --local-ips auto");
}

void rl_shortages_tell(const struct rl_shortages *shortages, uint64_t vus, bool roams)
{
    for (uint32_t i = 0; i < shortages->count; i++)
        tell_one(&shortages->items[i], vus, roams);
    if (shortages->others > 0)
        rl_log_warn("%" PRIu64 " connects to further targets found no source port", shortages->others);
}
