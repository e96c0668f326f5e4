/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * options_read - how the values of options are read; private to the options_*.c files.
 *
 * A reader takes one value, checks it, and sets its field; what is wrong becomes a problem that begins
 * with r->where. Values of the environment and of flags arrive as texts.
 */
#ifndef RL_PLAN_OPTIONS_READ_H
#define RL_PLAN_OPTIONS_READ_H

#include "plan/options.h"

#define RL_NS_MAX (INT64_C(3650) * 24 * 3600 * 1000000000) /* no option is longer */

enum { RL_VUS_MAX = 100000000 };

struct rl_reader {
    struct rl_options *options;
    struct rl_problems *problems;
    enum rl_tier tier;
    const char *where; /* "options.vus", "scenario \"a\": vus", "K6_VUS", "--vus" */
};

/* False after a problem. */
typedef bool rl_read_fn(struct rl_reader *r, const struct rl_value *value, void *field,
                        int64_t min);

/* One line of the table of all options. */
struct rl_option_row {
    const char *key, *alias; /* as in scripts, and its other spelling or NULL */
    const char *env;         /* behind K6_, or NULL */
    rl_read_fn *read;
    enum rl_option option; /* RL_OPTION_COUNT: the reader does all itself */
    size_t offset, size;   /* of its field in struct rl_options */
    int64_t min;
};

/* Arena memory; never NULL. */
void *rl_options_alloc(struct rl_reader *r, size_t size);

/* "<where>: must be <wanted>, not <value>": wanted says what to write instead. */
void rl_read_refuse(struct rl_reader *r, const struct rl_value *value, const char *wanted);

/* True and *out if value is one; else a problem. */
bool rl_read_whole(struct rl_reader *r, const struct rl_value *value, int64_t min, int64_t max,
                   int64_t *out);
bool rl_read_time(struct rl_reader *r, const struct rl_value *value, int64_t min, int64_t *out);
bool rl_read_truth(struct rl_reader *r, const struct rl_value *value, bool *out);

/* A list's texts, or a comma-separated text's where that is allowed; false after a problem. */
bool rl_read_items(struct rl_reader *r, const struct rl_value *value, struct rl_texts *out);

/* A map of texts, numbers and booleans as pairs. */
bool rl_read_map(struct rl_reader *r, const struct rl_value *value, struct rl_pairs *out);

bool rl_is_empty_table(const struct rl_value *value);

rl_read_fn rl_read_vus, rl_read_int, rl_read_duration, rl_read_bool;
rl_read_fn rl_read_tags, rl_read_system_tags, rl_read_trend_stats, rl_read_time_unit;
rl_read_fn rl_read_dns, rl_read_hosts, rl_read_blacklist, rl_read_blocked_names, rl_read_local_ips,
    rl_read_sockopt;
rl_read_fn rl_read_tls_version, rl_read_tls_ciphers, rl_read_tls_auth;
rl_read_fn rl_read_stages, rl_read_scenarios, rl_read_thresholds;

#endif
