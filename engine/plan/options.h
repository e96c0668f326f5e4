/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * options - what a test is to do, as one tier says it, or as all tiers together do.
 *
 *      defaults < config file < script < environment < command line        (E-100)
 *
 * Each tier is a struct of its own with a bit for each option that it sets; rl_options_merge lays a
 * higher one over a lower one. duration, iterations, stages and scenarios are a unit: a tier that sets
 * one of them drops all four from below (E-101).
 *
 * Memory: lists and texts belong to the arena given at init; options of all tiers may share it.
 */
#ifndef RL_PLAN_OPTIONS_H
#define RL_PLAN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "plan/problems.h"
#include "plan/scenario.h"
#include "plan/value.h"

enum rl_tier { RL_TIER_CONFIG, RL_TIER_SCRIPT, RL_TIER_ENV, RL_TIER_CLI };

enum rl_option {
    RL_OPTION_VUS,
    RL_OPTION_DURATION,
    RL_OPTION_ITERATIONS,
    RL_OPTION_STAGES,
    RL_OPTION_SCENARIOS,
    RL_OPTION_PAUSED,
    RL_OPTION_NO_SETUP,
    RL_OPTION_NO_TEARDOWN,
    RL_OPTION_SETUP_TIMEOUT,
    RL_OPTION_TEARDOWN_TIMEOUT,
    RL_OPTION_HANDLE_SUMMARY_TIMEOUT,
    RL_OPTION_MIN_ITERATION_DURATION,
    RL_OPTION_THRESHOLDS,
    RL_OPTION_TAGS,
    RL_OPTION_SYSTEM_TAGS,
    RL_OPTION_SUMMARY_TREND_STATS,
    RL_OPTION_SUMMARY_TIME_UNIT,
    RL_OPTION_DNS_TTL,
    RL_OPTION_DNS_SELECT,
    RL_OPTION_DNS_POLICY,
    RL_OPTION_HOSTS,
    RL_OPTION_BLACKLIST_IPS,
    RL_OPTION_BLOCK_HOSTNAMES,
    RL_OPTION_LOCAL_IPS,
    RL_OPTION_SOCKOPT,
    RL_OPTION_INSECURE_SKIP_TLS_VERIFY,
    RL_OPTION_TLS_VERSION,
    RL_OPTION_TLS_CIPHER_SUITES,
    RL_OPTION_TLS_AUTH,
    RL_OPTION_THROW,
    RL_OPTION_LINGER, /* not of scripts; the config file may set it */
    RL_OPTION_COUNT
};

/* The system tags of E-320; a set of them is a mask of 1 << tag. */
enum rl_system_tag {
    RL_TAG_PROTO,
    RL_TAG_SUBPROTO,
    RL_TAG_STATUS,
    RL_TAG_METHOD,
    RL_TAG_URL,
    RL_TAG_NAME,
    RL_TAG_GROUP,
    RL_TAG_CHECK,
    RL_TAG_ERROR,
    RL_TAG_ERROR_CODE,
    RL_TAG_TLS_VERSION,
    RL_TAG_SCENARIO,
    RL_TAG_SERVICE,
    RL_TAG_EXPECTED_RESPONSE,
    RL_TAG_ITER, /* from here on off by default */
    RL_TAG_VU,
    RL_TAG_OCSP_STATUS,
    RL_TAG_IP,
    RL_SYSTEM_TAG_COUNT
};

enum rl_time_unit { RL_UNIT_AUTO, RL_UNIT_S, RL_UNIT_MS, RL_UNIT_US };
enum rl_dns_order { RL_ORDER_RANDOM, RL_ORDER_FIRST, RL_ORDER_ROUND_ROBIN };
enum rl_dns_family {
    RL_FAMILY_PREFER_IPV4,
    RL_FAMILY_PREFER_IPV6,
    RL_FAMILY_ONLY_IPV4,
    RL_FAMILY_ONLY_IPV6,
    RL_FAMILY_ANY
};

/* count texts, and NULL behind them. items is never NULL after rl_options_init. */
struct rl_texts {
    const char *const *items;
    size_t count;
};

struct rl_stage {
    int64_t duration_ns, target;
};

struct rl_stages {
    const struct rl_stage *items;
    size_t count;
};

struct rl_threshold {
    const char *metric, *expression;
    bool abort_on_fail;
    int64_t delay_abort_eval_ns;
};

struct rl_thresholds {
    const struct rl_threshold *items;
    size_t count;
};

struct rl_scenarios {
    const struct rl_scenario *items;
    size_t count;
};

/* The protocol's own numbers of its versions. */
enum { RL_VERSION_TLS12 = 0x0303, RL_VERSION_TLS13 = 0x0304 };

struct rl_tls_versions {
    uint16_t min, max;
};

/* A client certificate. Whether cert and key are right, and a pair, is not checked in this room. */
struct rl_tls_auth {
    const char *cert, *key; /* PEM text */
    const char *password;   /* of the key; NULL: it is not encrypted */
    struct rl_texts domains;
};

struct rl_tls_auths {
    const struct rl_tls_auth *items;
    size_t count;
};

struct rl_options {
    struct rl_arena *arena;
    uint64_t set; /* 1 << option; the fields of the others hold the defaults */

    int64_t vus, iterations, duration_ns;
    struct rl_stages stages;
    struct rl_scenarios scenarios;
    bool paused, no_setup, no_teardown, throw_, linger;
    int64_t setup_timeout_ns, teardown_timeout_ns, handle_summary_timeout_ns;
    int64_t min_iteration_duration_ns;
    struct rl_thresholds thresholds;
    struct rl_pairs tags;                /* run tags; tiers merge by key (D-3) */
    uint32_t system_tags;                /* mask of enum rl_system_tag */
    struct rl_texts summary_trend_stats; /* "avg", "count", "p(99.9)": checked */
    enum rl_time_unit summary_time_unit;
    int64_t dns_ttl_ns; /* INT64_MAX: for ever; 0: no cache */
    enum rl_dns_order dns_select;
    enum rl_dns_family dns_policy;
    struct rl_pairs hosts;         /* name[:port] or *name -> ip[:port]: checked */
    struct rl_texts blacklist_ips; /* ip or ip/bits: checked */
    struct rl_texts block_hostnames;
    struct rl_texts local_ips; /* ip, ip/bits or ip-ip: checked */
    struct rl_pairs sockopt;   /* name = value, as net/sockopt.h reads them: not checked yet */
    bool insecure_skip_tls_verify;
    struct rl_tls_versions tls_version;
    struct rl_texts tls_cipher_suites; /* IANA names that cipher_names.h has; none: the default */
    struct rl_tls_auths tls_auth;

    struct rl_texts ignored_http; /* keys that only mean something to HTTP: told once */
};

static inline bool rl_options_has(const struct rl_options *options, enum rl_option option)
{
    return (options->set >> option & 1) != 0;
}

/* The defaults, nothing set. */
void rl_options_init(struct rl_options *options, struct rl_arena *arena);

/* What a table or JSON object says. where: how messages call it ("options", "config.json"). value
 * may be NULL. Problems are added, and the options that are right are set all the same. */
void rl_options_from_value(struct rl_options *options, const struct rl_value *value,
                           enum rl_tier tier, const char *where, struct rl_problems *problems);

/* What only all tiers together can get wrong about TLS. */
void rl_options_check_tls(const struct rl_options *options, struct rl_problems *problems);

/* A map of names to texts, such as the process's environment. json: how to read an option that is
 * written in JSON; it says why if it returns NULL. May be NULL: there are none. */
struct rl_environment {
    const char *(*get)(void *ctx, const char *name); /* NULL if there is none */
    void *ctx;
    struct rl_value *(*json)(struct rl_arena *arena, const char *text, char *why, size_t why_bytes);
};

struct rl_environment rl_environment_of_process(void);

/* K6_<suffix>, or its twin RINGLOAD_<suffix>, which wins (D-7); NULL if neither is there or it is
 * empty. name: the one found, good until the next call of this thread; may be NULL. */
const char *rl_environment_option(const struct rl_environment *env, const char *suffix,
                                  const char **name);

/* What K6_* and RINGLOAD_* say (E-105). */
void rl_options_from_env(struct rl_options *options, const struct rl_environment *env,
                         struct rl_problems *problems);

/* One option from a text, as the environment and flags have it. key: as in a script ("vus", "dns");
 * where: how messages call it ("K6_VUS", "--vus"). Repeated, lists and tags grow. */
void rl_options_from_text(struct rl_options *options, const char *key, const char *text,
                          enum rl_tier tier, const char *where, struct rl_problems *problems);

/* Lay higher over options. tier_name: how a warning calls it ("the command line"). */
void rl_options_merge(struct rl_options *options, const struct rl_options *higher,
                      const char *tier_name, struct rl_problems *problems);

const char *rl_system_tag_name(enum rl_system_tag tag);

/* name = value, in place of an older value of that name; both are copied into arena. */
void rl_pairs_put(struct rl_pairs *pairs, struct rl_arena *arena, struct rl_slice name,
                  const char *value);

/* text, unless it is there; copied into arena. */
void rl_texts_add(struct rl_texts *texts, struct rl_arena *arena, const char *text);

/* The value, or NULL. */
const char *rl_pairs_get(const struct rl_pairs *pairs, const char *name);

#endif
