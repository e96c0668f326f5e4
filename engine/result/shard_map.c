/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result/shard_map.h"

#include <errno.h>
#include <stdlib.h>

void rl_shard_maps_init(struct rl_shard_maps *maps)
{
    *maps = (struct rl_shard_maps){0};
}

void rl_shard_maps_fini(struct rl_shard_maps *maps)
{
    for (size_t i = 0; i < maps->count; i++)
        free(maps->maps[i].series);
    free(maps->maps);
    rl_shard_maps_init(maps);
}

/* There are as many as workers, so looking at each is quick enough for every 50 ms. */
static struct rl_shard_map *find(struct rl_shard_maps *maps, const struct rl_shard *shard)
{
    for (size_t i = 0; i < maps->count; i++) {
        if (maps->maps[i].shard == shard)
            return &maps->maps[i];
    }
    return NULL;
}

static struct rl_shard_map *add(struct rl_shard_maps *maps, const struct rl_shard *shard)
{
    struct rl_shard_map *grown = realloc(maps->maps, (maps->count + 1) * sizeof(*grown));

    if (grown == NULL)
        return NULL;
    maps->maps = grown;
    grown[maps->count] = (struct rl_shard_map){.shard = shard};
    return &grown[maps->count++];
}

static int reserve(struct rl_shard_map *map, uint32_t count)
{
    struct rl_collect_series **series;

    if (count <= map->count)
        return 0;
    count += count / 2;
    series = realloc(map->series, count * sizeof(struct rl_collect_series *));
    if (series == NULL)
        return -ENOMEM;
    for (uint32_t i = map->count; i < count; i++)
        series[i] = NULL;
    map->series = series;
    map->count = count;
    return 0;
}

struct rl_shard_map *rl_shard_maps_get(struct rl_shard_maps *maps, const struct rl_shard *shard,
                                       uint32_t count)
{
    struct rl_shard_map *map = find(maps, shard);

    if (map == NULL)
        map = add(maps, shard);
    return map == NULL || reserve(map, count) < 0 ? NULL : map;
}

void rl_shard_maps_remove(struct rl_shard_maps *maps, const struct rl_shard *shard)
{
    struct rl_shard_map *map = find(maps, shard);

    if (map == NULL)
        return;
    free(map->series);
    *map = maps->maps[--maps->count];
}
