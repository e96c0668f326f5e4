/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vu/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "metrics/table.h"

enum { ROUTES = 256 };

struct rl_routes {
    struct rl_route routes[ROUTES];
    struct rl_route odd; /* whose name is too long for one of these */
};

static struct rl_route_tags tags_of(struct rl_vu_env *env, const struct rl_tagset *base,
                                    const struct rl_tagset *overlay)
{
    return (struct rl_route_tags){.overlay = overlay,
                                  .series = rl_tcp_series_under(env, base, overlay)};
}

static void name(struct rl_vu_env *env, struct rl_route *route, const char *host, uint16_t port)
{
    struct rl_tags *tags = env->shard->tags;
    const struct rl_tagset *overlay;
    char text[8];

    snprintf(text, sizeof(text), "%u", (unsigned)port);
    overlay = rl_tags_with(tags, route->over, "host", host);
    route->named = tags_of(env, route->base, rl_tags_with(tags, overlay, "port", text));
    route->addr.family = 0;
    route->port = port;
}

static bool leads_to(const struct rl_route *route, const struct rl_tagset *base,
                     const struct rl_tagset *over, const char *host, uint16_t port)
{
    return route->base == base && route->over == over && route->port == port &&
           strcmp(route->host, host) == 0;
}

struct rl_route *rl_route_to(struct rl_vu_env *env, const struct rl_tagset *base,
                             const struct rl_tagset *over, const char *host, uint16_t port)
{
    size_t size = strlen(host);
    struct rl_route *route;
    uint64_t hash;

    if (env->routes == NULL)
        env->routes = calloc(1, sizeof(*env->routes));
    RL_CHECK(env->routes != NULL);
    route = &env->routes->odd;
    if (size < RL_ROUTE_HOST) {
        hash =
            rl_hash_pair(rl_hash_bytes(host, size), (uintptr_t)base ^ (uintptr_t)over << 16 ^ port);
        route = &env->routes->routes[hash % ROUTES];
        if (leads_to(route, base, over, host, port))
            return route;
        memcpy(route->host, host, size + 1);
    }
    route->base = base;
    route->over = over;
    name(env, route, host, port);
    return route;
}

const struct rl_route_tags *rl_route_dialled(struct rl_vu_env *env, struct rl_route *route,
                                             const struct rl_addr *addr)
{
    char ip[RL_ADDR_TEXT];

    if (rl_addr_same_ip(&route->addr, addr))
        return &route->dialled;
    rl_addr_format_ip(addr, ip);
    route->addr = *addr;
    route->dialled =
        tags_of(env, route->base, rl_tags_with(env->shard->tags, route->named.overlay, "ip", ip));
    return &route->dialled;
}

void rl_routes_free(struct rl_vu_env *env)
{
    free(env->routes);
    env->routes = NULL;
}
