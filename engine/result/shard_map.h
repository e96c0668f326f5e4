/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shard_map - for each shard, which of the collector's series a series number of it is.
 *
 * Thread: the control thread's. Memory: 8 bytes a series of each shard.
 */
#ifndef RL_RESULT_SHARD_MAP_H
#define RL_RESULT_SHARD_MAP_H

#include <stddef.h>
#include <stdint.h>

struct rl_collect_series;
struct rl_shard;

struct rl_shard_map {
    const struct rl_shard *shard;
    struct rl_collect_series **series; /* by number; NULL: not known yet */
    uint32_t count;
};

struct rl_shard_maps {
    struct rl_shard_map *maps;
    size_t count;
};

void rl_shard_maps_init(struct rl_shard_maps *maps);
void rl_shard_maps_fini(struct rl_shard_maps *maps);

/* The map of shard with room for count numbers; NULL when memory is out. Good until the next
 * call: others may be added or removed then. */
struct rl_shard_map *rl_shard_maps_get(struct rl_shard_maps *maps, const struct rl_shard *shard,
                                       uint32_t count);

/* The shard is gone, and another may come to lie at its address. */
void rl_shard_maps_remove(struct rl_shard_maps *maps, const struct rl_shard *shard);

#endif
