/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All options in one table, and what goes over all of it: reading a tier, merging tiers. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/clock.h"
#include "base/edit_distance.h"
#include "plan/options_read.h"

#define FIELD(name) offsetof(struct rl_options, name), sizeof(((struct rl_options *)0)->name)
#define NO_FIELD 0, 0
#define SECOND ((int64_t)RL_NS_PER_S)

static rl_read_fn read_http_only, read_not_built, read_nothing, read_out;

static const struct rl_option_row rows[] = {
    {"vus", NULL, "VUS", rl_read_vus, RL_OPTION_VUS, FIELD(vus), 1},
    {"duration", NULL, "DURATION", rl_read_duration, RL_OPTION_DURATION, FIELD(duration_ns),
     SECOND},
    {"iterations", NULL, "ITERATIONS", rl_read_int, RL_OPTION_ITERATIONS, FIELD(iterations), 1},
    {"stages", NULL, "STAGES", rl_read_stages, RL_OPTION_STAGES, FIELD(stages), 0},
    {"scenarios", NULL, NULL, rl_read_scenarios, RL_OPTION_SCENARIOS, FIELD(scenarios), 0},
    {"paused", NULL, "PAUSED", rl_read_bool, RL_OPTION_PAUSED, FIELD(paused), 0},
    {"noSetup", NULL, "NO_SETUP", rl_read_bool, RL_OPTION_NO_SETUP, FIELD(no_setup), 0},
    {"noTeardown", NULL, "NO_TEARDOWN", rl_read_bool, RL_OPTION_NO_TEARDOWN, FIELD(no_teardown), 0},
    {"setupTimeout", NULL, "SETUP_TIMEOUT", rl_read_duration, RL_OPTION_SETUP_TIMEOUT,
     FIELD(setup_timeout_ns), 1},
    {"teardownTimeout", NULL, "TEARDOWN_TIMEOUT", rl_read_duration, RL_OPTION_TEARDOWN_TIMEOUT,
     FIELD(teardown_timeout_ns), 1},
    {"handleSummaryTimeout", NULL, "HANDLE_SUMMARY_TIMEOUT", rl_read_duration,
     RL_OPTION_HANDLE_SUMMARY_TIMEOUT, FIELD(handle_summary_timeout_ns), 1},
    {"minIterationDuration", NULL, "MIN_ITERATION_DURATION", rl_read_duration,
     RL_OPTION_MIN_ITERATION_DURATION, FIELD(min_iteration_duration_ns), 0},
    {"thresholds", NULL, NULL, rl_read_thresholds, RL_OPTION_THRESHOLDS, FIELD(thresholds), 0},
    {"tags", NULL, "TAGS", rl_read_tags, RL_OPTION_TAGS, FIELD(tags), 0},
    {"systemTags", NULL, "SYSTEM_TAGS", rl_read_system_tags, RL_OPTION_SYSTEM_TAGS,
     FIELD(system_tags), 0},
    {"summaryTrendStats", NULL, "SUMMARY_TREND_STATS", rl_read_trend_stats,
     RL_OPTION_SUMMARY_TREND_STATS, FIELD(summary_trend_stats), 0},
    {"summaryTimeUnit", NULL, "SUMMARY_TIME_UNIT", rl_read_time_unit, RL_OPTION_SUMMARY_TIME_UNIT,
     FIELD(summary_time_unit), 0},
    {"dns", NULL, "DNS", rl_read_dns, RL_OPTION_COUNT, NO_FIELD, 0},
    {"dns.ttl", NULL, NULL, NULL, RL_OPTION_DNS_TTL, FIELD(dns_ttl_ns), 0},
    {"dns.select", NULL, NULL, NULL, RL_OPTION_DNS_SELECT, FIELD(dns_select), 0},
    {"dns.policy", NULL, NULL, NULL, RL_OPTION_DNS_POLICY, FIELD(dns_policy), 0},
    {"hosts", NULL, "HOSTS", rl_read_hosts, RL_OPTION_HOSTS, FIELD(hosts), 0},
    {"blacklistIPs", "blacklist_ips", "BLACKLIST_IPS", rl_read_blacklist, RL_OPTION_BLACKLIST_IPS,
     FIELD(blacklist_ips), 0},
    {"blockHostnames", "block_hostnames", "BLOCK_HOSTNAMES", rl_read_blocked_names,
     RL_OPTION_BLOCK_HOSTNAMES, FIELD(block_hostnames), 0},
    {"localIPs", "local_ips", "LOCAL_IPS", rl_read_local_ips, RL_OPTION_LOCAL_IPS, FIELD(local_ips),
     0},
    {"insecureSkipTLSVerify", "insecure_skip_tls_verify", "INSECURE_SKIP_TLS_VERIFY", rl_read_bool,
     RL_OPTION_INSECURE_SKIP_TLS_VERIFY, FIELD(insecure_skip_tls_verify), 0},
    {"tlsVersion", "tls_version", "TLS_VERSION", rl_read_tls_version, RL_OPTION_TLS_VERSION,
     FIELD(tls_version), 0},
    {"tlsCipherSuites", "tls_cipher_suites", "TLS_CIPHER_SUITES", rl_read_tls_ciphers,
     RL_OPTION_TLS_CIPHER_SUITES, FIELD(tls_cipher_suites), 0},
    {"tlsAuth", "tls_auth", "TLSAUTH", rl_read_tls_auth, RL_OPTION_TLS_AUTH, FIELD(tls_auth), 0},
    {"sockopt", NULL, "SOCKOPT", rl_read_sockopt, RL_OPTION_SOCKOPT, FIELD(sockopt), 0},
    {"throw", NULL, "THROW", rl_read_bool, RL_OPTION_THROW, FIELD(throw_), 0},
    {"linger", NULL, NULL, rl_read_bool, RL_OPTION_LINGER, FIELD(linger), 0},

    {"executionSegment", NULL, "EXECUTION_SEGMENT", read_not_built, RL_OPTION_COUNT, NO_FIELD, 0},
    {"executionSegmentSequence", NULL, "EXECUTION_SEGMENT_SEQUENCE", read_not_built,
     RL_OPTION_COUNT, NO_FIELD, 0},
    {"out", NULL, NULL, read_out, RL_OPTION_COUNT, NO_FIELD, 0},

    {"rps", NULL, "RPS", read_http_only, RL_OPTION_COUNT, NO_FIELD, 0},
    {"noConnectionReuse", NULL, "NO_CONNECTION_REUSE", read_http_only, RL_OPTION_COUNT, NO_FIELD,
     0},
    {"noVUConnectionReuse", NULL, "NO_VU_CONNECTION_REUSE", read_http_only, RL_OPTION_COUNT,
     NO_FIELD, 0},
    {"batch", NULL, "BATCH", read_http_only, RL_OPTION_COUNT, NO_FIELD, 0},
    {"batchPerHost", NULL, "BATCH_PER_HOST", read_http_only, RL_OPTION_COUNT, NO_FIELD, 0},
    {"maxRedirects", NULL, "MAX_REDIRECTS", read_http_only, RL_OPTION_COUNT, NO_FIELD, 0},
    {"userAgent", NULL, "USER_AGENT", read_http_only, RL_OPTION_COUNT, NO_FIELD, 0},
    {"httpDebug", NULL, "HTTP_DEBUG", read_http_only, RL_OPTION_COUNT, NO_FIELD, 0},
    {"discardResponseBodies", NULL, "DISCARD_RESPONSE_BODIES", read_http_only, RL_OPTION_COUNT,
     NO_FIELD, 0},
    {"noCookiesReset", NULL, "NO_COOKIES_RESET", read_http_only, RL_OPTION_COUNT, NO_FIELD, 0},

    /* Kept for others to read; nothing to do here. */
    {"metricSamplesBufferSize", NULL, NULL, read_nothing, RL_OPTION_COUNT, NO_FIELD, 0},
    {"ext", NULL, NULL, read_nothing, RL_OPTION_COUNT, NO_FIELD, 0},
    {"cloud", NULL, NULL, read_nothing, RL_OPTION_COUNT, NO_FIELD, 0},
    {"collectors", NULL, NULL, read_nothing, RL_OPTION_COUNT, NO_FIELD, 0},
    {"noUsageReport", NULL, NULL, read_nothing, RL_OPTION_COUNT, NO_FIELD, 0},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static_assert(RL_OPTION_COUNT <= 64, "a bit each");

/* Of a key that only counts as given. r->where ends in the key or is the variable's name. */
static const char *bare_key(const struct rl_reader *r)
{
    const char *dot = strrchr(r->where, '.');

    return dot == NULL ? r->where : dot + 1;
}

static bool read_http_only(struct rl_reader *r, const struct rl_value *value, void *field,
                           int64_t min)
{
    (void)value;
    (void)field;
    (void)min;
    rl_texts_add(&r->options->ignored_http, r->options->arena, bare_key(r));
    return true;
}

static bool read_not_built(struct rl_reader *r, const struct rl_value *value, void *field,
                           int64_t min)
{
    (void)value;
    (void)field;
    (void)min;
    rl_problems_error(r->problems, "%s: not available in this version", r->where);
    return false;
}

static bool read_out(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    return rl_is_empty_table(value) || read_not_built(r, value, field, min);
}

static bool read_nothing(struct rl_reader *r, const struct rl_value *value, void *field,
                         int64_t min)
{
    (void)r;
    (void)value;
    (void)field;
    (void)min;
    return true;
}

enum {
    EXECUTION = 1 << RL_OPTION_DURATION | 1 << RL_OPTION_ITERATIONS | 1 << RL_OPTION_STAGES |
                1 << RL_OPTION_SCENARIOS
};

static bool is_execution(const struct rl_option_row *row)
{
    return row->option != RL_OPTION_COUNT && (EXECUTION >> row->option & 1) != 0;
}

/* An execution key counts as set even if it is wrong: else the check of what it stands for would tell
 * of mistakes that nobody made. */
static void read_row(struct rl_reader *r, const struct rl_option_row *row,
                     const struct rl_value *value)
{
    void *field = (char *)r->options + row->offset;

    if (value->kind == RL_NIL)
        return;
    if ((row->read(r, value, field, row->min) || is_execution(row)) &&
        row->option != RL_OPTION_COUNT)
        r->options->set |= UINT64_C(1) << row->option;
}

static bool is_of_config_file(const char *key)
{
    static const char *const keys[] = {"linger", "out", "collectors", "noUsageReport"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

static const struct rl_option_row *find_row(const char *key, enum rl_tier tier)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct rl_option_row *row = &rows[i];

        if (row->read != NULL &&
            (strcmp(row->key, key) == 0 || (row->alias != NULL && strcmp(row->alias, key) == 0)))
            return tier == RL_TIER_SCRIPT && is_of_config_file(key) ? NULL : row;
    }
    return NULL;
}

static void warn_unknown(struct rl_problems *problems, const char *where, const char *key,
                         enum rl_tier tier)
{
    const char *nearest = NULL;

    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (find_row(rows[i].key, tier) != NULL && rl_is_near(key, rows[i].key) &&
            (nearest == NULL ||
             rl_edit_distance(key, rows[i].key) < rl_edit_distance(key, nearest)))
            nearest = rows[i].key;
    }
    if (nearest != NULL)
        rl_problems_warn(problems, "%s: unknown option \"%.60s\", ignored; did you mean \"%s\"?",
                         where, key, nearest);
    else
        rl_problems_warn(problems, "%s: unknown option \"%.60s\", ignored", where, key);
}

void rl_options_from_value(struct rl_options *options, const struct rl_value *value,
                           enum rl_tier tier, const char *where, struct rl_problems *problems)
{
    struct rl_reader r = {options, problems, tier, where};

    if (value == NULL || value->kind == RL_NIL || rl_is_empty_table(value))
        return;
    if (value->kind != RL_MAP) {
        rl_read_refuse(&r, value, "a table of options by name");
        return;
    }
    for (const struct rl_value *item = value->first; item != NULL; item = item->next) {
        const struct rl_option_row *row = find_row(item->key, tier);
        char key_where[200];

        if (row == NULL) {
            warn_unknown(problems, where, item->key, tier);
            continue;
        }
        snprintf(key_where, sizeof(key_where), "%.100s.%s", where, item->key);
        r.where = key_where;
        if (row->alias != NULL && strcmp(item->key, row->alias) == 0 &&
            rl_value_get(value, row->key) != NULL)
            rl_problems_error(problems, "%s: \"%s\" and \"%s\" are the same option; keep one",
                              where, row->key, row->alias);
        else
            read_row(&r, row, item);
    }
}

void rl_options_from_text(struct rl_options *options, const char *key, const char *text,
                          enum rl_tier tier, const char *where, struct rl_problems *problems)
{
    struct rl_reader r = {options, problems, tier, where};
    const struct rl_option_row *row = find_row(key, tier);
    struct rl_texts older, *list = NULL;

    RL_CHECK(row != NULL);
    if (row->size == sizeof(older) && rl_options_has(options, row->option) &&
        (row->read == rl_read_blacklist || row->read == rl_read_blocked_names ||
         row->read == rl_read_local_ips || row->read == rl_read_trend_stats ||
         row->read == rl_read_tls_ciphers)) {
        list = (struct rl_texts *)(void *)((char *)options + row->offset);
        older = *list;
    }
    read_row(&r, row, rl_value_text(options->arena, text));
    if (list != NULL) { /* a flag given again: its list goes on */
        for (size_t i = 0; i < list->count; i++)
            rl_texts_add(&older, options->arena, list->items[i]);
        *list = older;
    }
}

/* --- The environment. --- */

static const char *get_from_process(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

struct rl_environment rl_environment_of_process(void)
{
    return (struct rl_environment){get_from_process, NULL, NULL};
}

const char *rl_environment_option(const struct rl_environment *env, const char *suffix,
                                  const char **name)
{
    static const char *const prefixes[] = {"RINGLOAD_", "K6_"};
    static _Thread_local char text[128];

    for (size_t i = 0; i < 2; i++) {
        const char *value;

        snprintf(text, sizeof(text), "%s%s", prefixes[i], suffix);
        value = env->get(env->ctx, text);
        if (value != NULL && value[0] != '\0') {
            if (name != NULL)
                *name = text;
            return value;
        }
    }
    return NULL;
}

/* Lists of tables have no text form of their own. */
static void read_json(struct rl_options *options, const struct rl_environment *env,
                      const struct rl_option_row *row, const char *name, const char *text,
                      struct rl_problems *problems)
{
    struct rl_reader r = {options, problems, RL_TIER_ENV, name};
    const struct rl_value *value;
    char why[160] = "no JSON can be read here";

    value = env->json == NULL ? NULL : env->json(options->arena, text, why, sizeof(why));
    if (value == NULL)
        rl_problems_error(problems, "%s: must be JSON, such as "
                                    "[{\"cert\": \"-----BEGIN ...\", \"key\": \"-----BEGIN ...\"}]: %s",
                          name, why);
    else
        read_row(&r, row, value);
}

void rl_options_from_env(struct rl_options *options, const struct rl_environment *env,
                         struct rl_problems *problems)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const char *name, *text;

        if (rows[i].env == NULL)
            continue;
        text = rl_environment_option(env, rows[i].env, &name);
        if (text != NULL && rows[i].read == rl_read_tls_auth)
            read_json(options, env, &rows[i], name, text, problems);
        else if (text != NULL)
            rl_options_from_text(options, rows[i].key, text, RL_TIER_ENV, name, problems);
    }
}

/* --- Tiers. --- */

static void copy_field(struct rl_options *to, const struct rl_options *from,
                       const struct rl_option_row *row)
{
    memcpy((char *)to + row->offset, (const char *)from + row->offset, row->size);
}

/* E-101: the four execution keys go together. */
static void drop_execution(struct rl_options *options, const struct rl_options *higher,
                           const char *tier_name, struct rl_problems *problems)
{
    struct rl_options defaults;
    const char *by = NULL;

    rl_options_init(&defaults, options->arena);
    for (size_t i = 0; i < ROW_COUNT && by == NULL; i++) {
        if (is_execution(&rows[i]) && rl_options_has(higher, rows[i].option))
            by = rows[i].key;
    }
    if (options->scenarios.count > 0 && !rl_options_has(higher, RL_OPTION_SCENARIOS))
        rl_problems_warn(problems, "%s sets %s, which takes the place of the test's scenarios",
                         tier_name, by);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (is_execution(&rows[i]))
            copy_field(options, &defaults, &rows[i]);
    }
    options->set &= ~(uint64_t)EXECUTION;
}

/* D-3: a tag of a higher tier takes the place of the one of the same name only. */
static void merge_tags(struct rl_options *options, const struct rl_options *higher)
{
    for (size_t i = 0; i < higher->tags.count; i++)
        rl_pairs_put(&options->tags, options->arena, rl_slice_str(higher->tags.items[i].name),
                     higher->tags.items[i].value);
}

void rl_options_merge(struct rl_options *options, const struct rl_options *higher,
                      const char *tier_name, struct rl_problems *problems)
{
    if ((higher->set & EXECUTION) != 0)
        drop_execution(options, higher, tier_name, problems);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct rl_option_row *row = &rows[i];

        if (row->option == RL_OPTION_COUNT || !rl_options_has(higher, row->option))
            continue;
        if (row->option == RL_OPTION_TAGS)
            merge_tags(options, higher);
        else
            copy_field(options, higher, row);
    }
    options->set |= higher->set;
    for (size_t i = 0; i < higher->ignored_http.count; i++)
        rl_texts_add(&options->ignored_http, options->arena, higher->ignored_http.items[i]);
}
