/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tcp_series - the series numbers of the tcp_* metrics for one full tag set.
 *
 * All sockets with the same tags share one, found by the tag set's id; a socket keeps the pointer, so
 * a sample costs no look-up.
 */
#ifndef RL_VU_TCP_SERIES_H
#define RL_VU_TCP_SERIES_H

#include "vu/vu.h"

/* In the order of the registry, from RL_M_TCP_SOCKET_RESOLVING on. */
enum rl_tcp_metric {
    RL_TCP_RESOLVING,
    RL_TCP_CONNECTING,
    RL_TCP_DURATION,
    RL_TCP_SOCKETS,
    RL_TCP_READS,
    RL_TCP_WRITES,
    RL_TCP_ERRORS,
    RL_TCP_TIMEOUTS,
    RL_TCP_PARTIAL_WRITES,
    RL_TCP_TLS_HANDSHAKING,
    RL_TCP_TLS_RESUMED,
    RL_TCP_METRICS
};

struct rl_tcp_series {
    const struct rl_tagset *tags;
    uint32_t number[RL_TCP_METRICS]; /* 0: not looked up yet */
};

/* Never NULL; without memory the samples go to the shard's overflow series. */
struct rl_tcp_series *rl_tcp_series_of(struct rl_vu_env *env, const struct rl_tagset *tags);
/* Of a socket with the tags over (NULL: none) of a VU with the tags base: base < proto < over (T-202). */
struct rl_tcp_series *rl_tcp_series_under(struct rl_vu_env *env, const struct rl_tagset *base,
                                          const struct rl_tagset *over);
void rl_tcp_series_free(struct rl_vu_env *env);

/* The number of metric in series, looked up at first use. */
uint32_t rl_tcp_series_number(struct rl_vu_env *env, struct rl_tcp_series *series,
                              enum rl_tcp_metric metric);

#endif
