/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vu/tcp_series.h"

#include <assert.h>
#include <stdlib.h>

#include "base/assert.h"

static_assert(RL_M_TCP_SOCKET_RESOLVING + RL_TCP_METRICS == RL_BUILTIN_COUNT &&
                  RL_M_TCP_TLS_RESUMED == (int)RL_M_TCP_SOCKET_RESOLVING + (int)RL_TCP_TLS_RESUMED,
              "the two orders agree");

struct rl_tcp_series *rl_tcp_series_of(struct rl_vu_env *env, const struct rl_tagset *tags)
{
    if (tags->id >= env->tcp_series_count) {
        uint32_t count = tags->id < 32 ? 64 : tags->id * 2;
        struct rl_tcp_series **table = realloc(env->tcp_series, count * sizeof(struct rl_tcp_series *));

        RL_CHECK(table != NULL);
        for (uint32_t i = env->tcp_series_count; i < count; i++)
            table[i] = NULL;
        env->tcp_series = table;
        env->tcp_series_count = count;
    }
    if (env->tcp_series[tags->id] == NULL) {
        struct rl_tcp_series *series = calloc(1, sizeof(*series));

        RL_CHECK(series != NULL);
        series->tags = tags;
        env->tcp_series[tags->id] = series;
    }
    return env->tcp_series[tags->id];
}

struct rl_tcp_series *rl_tcp_series_under(struct rl_vu_env *env, const struct rl_tagset *base,
                                          const struct rl_tagset *over)
{
    struct rl_tags *tags = env->shard->tags;
    const struct rl_tagset *full = rl_tags_with(tags, base, "proto", "TCP");

    return rl_tcp_series_of(env, over == NULL ? full : rl_tags_over(tags, full, over));
}

void rl_tcp_series_free(struct rl_vu_env *env)
{
    for (uint32_t i = 0; i < env->tcp_series_count; i++)
        free(env->tcp_series[i]);
    free(env->tcp_series);
    env->tcp_series = NULL;
    env->tcp_series_count = 0;
}

uint32_t rl_tcp_series_number(struct rl_vu_env *env, struct rl_tcp_series *series,
                              enum rl_tcp_metric metric)
{
    if (RL_UNLIKELY(series->number[metric] == 0))
        series->number[metric] = rl_shard_series(
            env->shard, (uint32_t)RL_M_TCP_SOCKET_RESOLVING + (uint32_t)metric, series->tags);
    return series->number[metric];
}
