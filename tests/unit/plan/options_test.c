/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/options.h"

#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "literal.h"

#define SECOND INT64_C(1000000000)

static struct rl_arena arena;
static struct rl_problems problems;
static struct rl_options options;

static void setup(void)
{
    rl_arena_init(&arena, 4096);
    rl_problems_init(&problems);
    rl_options_init(&options, &arena);
}

static void teardown(void)
{
    rl_problems_fini(&problems);
    rl_arena_fini(&arena);
}

static void script(const char *text)
{
    rl_options_from_value(&options, rl_literal(&arena, text), RL_TIER_SCRIPT, "options", &problems);
}

static void config(const char *text)
{
    rl_options_from_value(&options, rl_literal(&arena, text), RL_TIER_CONFIG, "config.json",
                          &problems);
}

static void flag(const char *key, const char *text)
{
    char where[64];

    snprintf(where, sizeof(where), "--%s", key);
    rl_options_from_text(&options, key, text, RL_TIER_CLI, where, &problems);
}

/* The environment of a test: names and values, ended by NULL. */
static const char *get_from_list(void *ctx, const char *name)
{
    const char *const *list = ctx;

    for (; list[0] != NULL; list += 2) {
        if (strcmp(list[0], name) == 0)
            return list[1];
    }
    return NULL;
}

static void environment(const char **list)
{
    struct rl_environment env = {get_from_list, (void *)list, NULL};

    rl_options_from_env(&options, &env, &problems);
}

static const char *first_problem(void)
{
    return problems.first == NULL ? "" : problems.first->text;
}

static void expect_no_problem(void)
{
    ck_assert_str_eq(first_problem(), "");
}

static void expect_texts(const struct rl_texts *texts, const char *joined)
{
    char all[256] = "";

    for (size_t i = 0; i < texts->count; i++) {
        strcat(all, i == 0 ? "" : " ");
        strcat(all, texts->items[i]);
    }
    ck_assert_str_eq(all, joined);
    ck_assert_ptr_null(texts->items[texts->count]);
}

static void expect_pairs(const struct rl_pairs *pairs, const char *joined)
{
    char all[256] = "";

    for (size_t i = 0; i < pairs->count; i++) {
        strcat(all, i == 0 ? "" : " ");
        strcat(strcat(strcat(all, pairs->items[i].name), "="), pairs->items[i].value);
    }
    ck_assert_str_eq(all, joined);
    ck_assert_ptr_null(pairs->items[pairs->count].name);
}

START_TEST(defaults)
{
    ck_assert_uint_eq(options.set, 0);
    ck_assert_int_eq(options.vus, 1);
    ck_assert_int_eq(options.setup_timeout_ns, 60 * SECOND);
    ck_assert_int_eq(options.teardown_timeout_ns, 60 * SECOND);
    ck_assert_int_eq(options.dns_ttl_ns, 300 * SECOND);
    ck_assert_int_eq(options.dns_select, RL_ORDER_RANDOM);
    ck_assert_int_eq(options.dns_policy, RL_FAMILY_PREFER_IPV4);
    expect_texts(&options.summary_trend_stats, "avg min med max p(90) p(95)");
    ck_assert(options.system_tags >> RL_TAG_PROTO & 1);
    ck_assert(options.system_tags >> RL_TAG_EXPECTED_RESPONSE & 1);
    ck_assert_uint_eq(options.system_tags >> RL_TAG_ITER, 0);
    expect_pairs(&options.tags, "");
    expect_texts(&options.local_ips, "");
}
END_TEST

START_TEST(a_script_sets_every_kind)
{
    script("{vus = 5, duration = '30s', iterations = 7, paused = true, noSetup = true,"
           " noTeardown = true, setupTimeout = '5s', teardownTimeout = 1500,"
           " handleSummaryTimeout = 2.5, minIterationDuration = '100ms', throw = true,"
           " tags = {a = 'b', n = 3, f = 1.5, t = true}, systemTags = {'ip', 'vu'},"
           " summaryTrendStats = {'count', 'p(99.9)'}, summaryTimeUnit = 'ms',"
           " dns = {ttl = 'inf', select = 'first', policy = 'any'},"
           " hosts = {['a.test'] = '127.0.0.1:9000', ['*.b.test:80'] = '::1'},"
           " blacklistIPs = {'10.0.0.0/8', '::1'}, blockHostnames = {'*.x.test'}}");
    expect_no_problem();
    ck_assert_int_eq(options.vus, 5);
    ck_assert_int_eq(options.duration_ns, 30 * SECOND);
    ck_assert_int_eq(options.iterations, 7);
    ck_assert(options.paused && options.no_setup && options.no_teardown && options.throw_);
    ck_assert_int_eq(options.setup_timeout_ns, 5 * SECOND);
    ck_assert_int_eq(options.teardown_timeout_ns, 1500 * (SECOND / 1000));
    ck_assert_int_eq(options.handle_summary_timeout_ns, 2500000);
    ck_assert_int_eq(options.min_iteration_duration_ns, SECOND / 10);
    expect_pairs(&options.tags, "a=b n=3 f=1.5 t=true");
    ck_assert_uint_eq(options.system_tags, 1U << RL_TAG_IP | 1U << RL_TAG_VU);
    expect_texts(&options.summary_trend_stats, "count p(99.9)");
    ck_assert_int_eq(options.summary_time_unit, RL_UNIT_MS);
    ck_assert_int_eq(options.dns_ttl_ns, INT64_MAX);
    ck_assert_int_eq(options.dns_select, RL_ORDER_FIRST);
    ck_assert_int_eq(options.dns_policy, RL_FAMILY_ANY);
    expect_pairs(&options.hosts, "a.test=127.0.0.1:9000 *.b.test:80=::1");
    expect_texts(&options.blacklist_ips, "10.0.0.0/8 ::1");
    expect_texts(&options.block_hostnames, "*.x.test");
    ck_assert(rl_options_has(&options, RL_OPTION_VUS));
    ck_assert(!rl_options_has(&options, RL_OPTION_STAGES));
}
END_TEST

START_TEST(no_options_at_all)
{
    rl_options_from_value(&options, NULL, RL_TIER_SCRIPT, "options", &problems);
    script("{}");
    script("nil");
    script("{vus = nil, tags = {}, hosts = {}, blacklistIPs = {}, dns = {}}");
    expect_no_problem();
    ck_assert(!rl_options_has(&options, RL_OPTION_VUS));
}
END_TEST

/* E-103: numeric strings and integral floats are whole numbers. */
START_TEST(e103_whole_numbers)
{
    script("{vus = '12', iterations = 34.0}");
    expect_no_problem();
    ck_assert_int_eq(options.vus, 12);
    ck_assert_int_eq(options.iterations, 34);
}
END_TEST

static const struct {
    const char *script, *problem;
} wrong[] = {
    {"{vus = 'many'}", "options.vus: must be a whole number, not \"many\""},
    {"{vus = 1.5}", "options.vus: must be a whole number, not 1.5"},
    {"{vus = {1}}", "options.vus: must be a whole number, not a list"},
    {"{vus = true}", "options.vus: must be a whole number, not true"},
    {"{vus = 0}", "options.vus: must be a whole number of at least 1, not 0"},
    {"{vus = -3}", "options.vus: must be a whole number of at least 1, not -3"},
    {"{vus = 100000001}",
     "options.vus: must be a whole number of at most 100000000, not 100000001"},
    {"{iterations = 1e30}",
     "options.iterations: must be a whole number of at most 9223372036854775807, not 1e+30"},
    {"{duration = 'soon'}",
     "options.duration: must be a duration such as \"30s\", \"1m30s\" or \"500ms\", not \"soon\""},
    {"{duration = '500ms'}", "options.duration: must be a duration of at least 1s, not \"500ms\""},
    {"{duration = 999}", "options.duration: must be a duration of at least 1s, not 999"},
    {"{duration = '400000d'}",
     "options.duration: must be a duration of at most 3650d, not \"400000d\""},
    {"{duration = {a = 1}}", "options.duration: must be a duration such as \"30s\", \"1m30s\" or "
                             "\"500ms\", not a table with "
                             "keys"},
    {"{setupTimeout = 0}", "options.setupTimeout: must be a duration of more than 0, not 0"},
    {"{paused = 'true'}", "options.paused: must be true or false, not \"true\""},
    {"{throw = 1}", "options.throw: must be true or false, not 1"},
    {"{tags = 'a'}", "options.tags: must be a table of names and values, not \"a\""},
    {"{tags = {a = {}}}",
     "options.tags: the value of \"a\" must be a text, a number, true or false, "
     "not a table with keys"},
    {"{tags = {a = ''}}", "options.tags: the tag \"a\" has an empty name or value"},
    {"{tags = {['']='x'}}", "options.tags: the tag \"\" has an empty name or value"},
    {"{systemTags = 'ip'}", "options.systemTags: must be a list of texts, not \"ip\""},
    {"{systemTags = {1}}", "options.systemTags: must be a list of texts only, not 1"},
    {"{summaryTrendStats = {'p(101)'}}", "options.summaryTrendStats: \"p(101)\" is no statistic; "
                                         "there are avg, min, med, max, count and "
                                         "p(N) with N from 0 to 100"},
    {"{summaryTrendStats = {}}",
     "options.summaryTrendStats: name one statistic or more, such as \"avg\""},
    {"{summaryTimeUnit = 'h'}",
     "options.summaryTimeUnit: must be \"s\", \"ms\" or \"us\", not \"h\""},
    {"{dns = 5}", "options.dns: must be a table with ttl, select and policy, not 5"},
    {"{dns = {ttl = 'x'}}",
     "options.dns.ttl: must be a duration such as \"30s\", \"1m30s\" or \"500ms\", not \"x\""},
    {"{dns = {select = 'last'}}",
     "options.dns.select: must be \"first\", \"random\" or \"roundRobin\", not \"last\""},
    {"{dns = {policy = 4}}",
     "options.dns.policy: must be preferIPv4, preferIPv6, onlyIPv4, onlyIPv6 or any, not 4"},
    {"{dns = {tll = 4}}", "options.dns: unknown key \"tll\"; there are ttl, select and policy"},
    {"{hosts = {['a.test'] = 'b.test'}}",
     "options.hosts: \"a.test\" must lead to an IP address or IP:port, not \"b.test\""},
    {"{hosts = {['a*test'] = '::1'}}",
     "options.hosts: \"a*test\" is not a host name, which may begin with one \"*\" and end with a "
     "port"},
    {"{blacklistIPs = {'10.0.0.0/33'}}",
     "options.blacklistIPs: \"10.0.0.0/33\" is not an address range such as \"10.0.0.0/8\""},
    {"{blacklistIPs = '10.0.0.0/8'}",
     "options.blacklistIPs: must be a list of texts, not \"10.0.0.0/8\""},
    {"{blockHostnames = {'**'}}",
     "options.blockHostnames: \"**\" is not a host name, which may begin with one \"*\""},
    {"{executionSegment = '0:1/2'}", "options.executionSegment: not available in this version"},
    {"{thresholds = {m = 'p(99)<5'}}",
     "options.thresholds[\"m\"]: must be a list of thresholds, such as { \"p(99)<5\" }, not "
     "\"p(99)<5\""},
    {"{thresholds = {m = {{abortOnFail = true}}}}",
     "options.thresholds[\"m\"]: a threshold is a text such as \"p(99)<5\", or { threshold = "
     "\"p(99)<5\", abortOnFail = true, delayAbortEval = \"10s\" }"},
    {"{stages = 5}", "options.stages: must be a list of stages, not 5"},
    {"{stages = {{duration = '1s'}}}",
     "options.stages: a stage is { duration = \"30s\", target = 100 } or { \"30s\", 100 }"},
    {"{stages = {{'1s', -1}}}", "options.stages: must be a whole number of at least 0, not -1"},
    {"{scenarios = {1}}", "options.scenarios: must be a table of scenarios by name, not a list"},
    {"{scenarios = {a = 1}}", "scenario \"a\": must be a table that describes a scenario, not 1"},
    {"{scenarios = {['a b'] = {executor = 'constant-vus', duration = '1s'}}}",
     "scenario \"a b\": a name has letters, digits, \"_\" and \"-\" only"},
    {"{scenarios = {a = {vus = 1}}}",
     "scenario \"a\": has no executor; add one, such as executor = \"constant-vus\""},
    {"{scenarios = {a = {executor = 'constant-vu'}}}",
     "scenario \"a\": executor: there is no executor \"constant-vu\"; there are constant-vus, "
     "shared-iterations and per-vu-iterations"},
    {"{scenarios = {a = {executor = 3}}}",
     "scenario \"a\": executor: there is no executor a whole number; there are constant-vus, "
     "shared-iterations and per-vu-iterations"},
    {"{scenarios = {a = {executor = 'constant-vus'}}}",
     "scenario \"a\": has no duration; add one, such as duration = \"30s\""},
    {"{scenarios = {a = {executor = 'constant-vus', duration = '1s', iterations = 5}}}",
     "scenario \"a\": unknown key \"iterations\"; constant-vus takes startTime, gracefulStop, "
     "exec, "
     "env, tags, vus, duration"},
    {"{scenarios = {a = {executor = 'shared-iterations', duration = '1s'}}}",
     "scenario \"a\": unknown key \"duration\"; shared-iterations takes startTime, gracefulStop, "
     "exec, env, tags, vus, iterations, maxDuration"},
    {"{scenarios = {a = {executor = 'per-vu-iterations', startTime = '-1s'}}}",
     "scenario \"a\": startTime: must be a duration of at least 0s, not \"-1s\""},
    {"{scenarios = {a = {executor = 'per-vu-iterations', gracefulStop = -1}}}",
     "scenario \"a\": gracefulStop: must be a duration of at least 0s, not -1"},
    {"{scenarios = {a = {executor = 'per-vu-iterations', exec = ''}}}",
     "scenario \"a\": exec: must be the name of a function of the script, not \"\""},
    {"{scenarios = {a = {executor = 'per-vu-iterations', maxDuration = '10ms'}}}",
     "scenario \"a\": maxDuration: must be a duration of at least 1s, not \"10ms\""},
    {"{scenarios = {a = {executor = 'per-vu-iterations', vus = 0}}}",
     "scenario \"a\": vus: must be a whole number of at least 1, not 0"},
    {"'x'", "options: must be a table of options by name, not \"x\""},
    {"{1, 2}", "options: must be a table of options by name, not a list"},
    {"{blacklistIPs = {}, blacklist_ips = {}}",
     "options: \"blacklistIPs\" and \"blacklist_ips\" are the same option; keep one"},
};

/* E-103, E-200: each names the key, what is wrong and how to mend it. */
START_TEST(e103_wrong_values)
{
    script(wrong[_i].script);
    ck_assert_str_eq(first_problem(), wrong[_i].problem);
    ck_assert_uint_eq(problems.error_count, 1);
}
END_TEST

/* E-104 */
START_TEST(e104_all_problems_are_collected)
{
    script("{vus = 'x', duration = 'y', tags = 1, throw = 'z', iterations = 5,"
           " scenarios = {a = {executor = 'constant-vus', vus = 'v', nonsense = 1}}}");
    ck_assert_uint_eq(problems.error_count, 7);
    ck_assert_int_eq(options.iterations, 5); /* what is right is set all the same */
}
END_TEST

START_TEST(e103_unknown_keys_warn)
{
    script("{vsu = 5, somethingElse = {}, duraton = '1s', linger = true}");
    ck_assert_uint_eq(problems.error_count, 0);
    ck_assert_uint_eq(problems.warning_count, 4);
    ck_assert_str_eq(problems.first->text,
                     "options: unknown option \"vsu\", ignored; did you mean \"vus\"?");
    ck_assert_str_eq(problems.first->next->text,
                     "options: unknown option \"somethingElse\", ignored");
    ck_assert_str_eq(problems.first->next->next->text,
                     "options: unknown option \"duraton\", ignored; did you mean \"duration\"?");
    ck_assert_str_eq(problems.last->text, "options: unknown option \"linger\", ignored");
}
END_TEST

START_TEST(keys_of_others_are_kept_quiet)
{
    script("{ext = {loadimpact = {}}, cloud = {}, metricSamplesBufferSize = 5}");
    config("{linger = true, collectors = {}, noUsageReport = true, out = {}}");
    expect_no_problem();
    ck_assert(options.linger);
    config("{out = {'json'}}");
    ck_assert_str_eq(first_problem(), "config.json.out: not available in this version");
}
END_TEST

START_TEST(keys_of_http_are_noted)
{
    script("{batch = 5, userAgent = 'x', rps = 7}");
    expect_no_problem();
    expect_texts(&options.ignored_http, "batch userAgent rps");
}
END_TEST

START_TEST(the_other_spelling)
{
    script("{blacklist_ips = {'::1'}, block_hostnames = {'x'}, local_ips = {'127.0.0.1'}}");
    expect_no_problem();
    expect_texts(&options.blacklist_ips, "::1");
    expect_texts(&options.block_hostnames, "x");
    expect_texts(&options.local_ips, "127.0.0.1");
}
END_TEST

START_TEST(scenarios_with_their_defaults)
{
    const struct rl_scenario *scenario;

    script(
        "{scenarios = {a = {executor = 'shared-iterations'},"
        " b = {executor = 'constant-vus', duration = '1m', vus = 3, exec = 'f', startTime = 5000,"
        "      gracefulStop = '0s', env = {A = 1}, tags = {t = 'x'}, options = {browser = {}}},"
        " c = {executor = 'per-vu-iterations', iterations = 9, maxDuration = '2m'}}}");
    expect_no_problem();
    ck_assert_uint_eq(options.scenarios.count, 3);
    scenario = &options.scenarios.items[0];
    ck_assert_str_eq(scenario->name, "a");
    ck_assert_int_eq(scenario->executor, RL_SHARED_ITERATIONS);
    ck_assert_int_eq(scenario->vus, 1);
    ck_assert_int_eq(scenario->iterations, 1);
    ck_assert_int_eq(scenario->max_duration_ns, 600 * SECOND);
    ck_assert_int_eq(scenario->graceful_stop_ns, 30 * SECOND);
    ck_assert_int_eq(scenario->start_time_ns, 0);
    ck_assert_str_eq(scenario->exec, "default");
    expect_pairs(&scenario->env, "");
    scenario = &options.scenarios.items[1];
    ck_assert_int_eq(scenario->duration_ns, 60 * SECOND);
    ck_assert_int_eq(scenario->vus, 3);
    ck_assert_str_eq(scenario->exec, "f");
    ck_assert_int_eq(scenario->start_time_ns, 5 * SECOND);
    ck_assert_int_eq(scenario->graceful_stop_ns, 0);
    expect_pairs(&scenario->env, "A=1");
    expect_pairs(&scenario->tags, "t=x");
    scenario = &options.scenarios.items[2];
    ck_assert_int_eq(scenario->iterations, 9);
    ck_assert_int_eq(scenario->max_duration_ns, 120 * SECOND);
}
END_TEST

START_TEST(scenarios_of_executors_to_come_are_not_looked_into)
{
    script("{scenarios = {a = {executor = 'ramping-vus', stages = {{'10s', 5}}}}}");
    expect_no_problem();
    ck_assert_int_eq(options.scenarios.items[0].executor, RL_RAMPING_VUS);
}
END_TEST

START_TEST(stages_both_ways)
{
    script("{stages = {{duration = '10s', target = 5}, {'1m', '20'}}}");
    expect_no_problem();
    ck_assert_uint_eq(options.stages.count, 2);
    ck_assert_int_eq(options.stages.items[0].duration_ns, 10 * SECOND);
    ck_assert_int_eq(options.stages.items[1].target, 20);
    rl_options_init(&options, &arena);
    environment((const char *[]){"K6_STAGES", "10s:5,1m:20", NULL});
    expect_no_problem();
    ck_assert_uint_eq(options.stages.count, 2);
    ck_assert_int_eq(options.stages.items[1].duration_ns, 60 * SECOND);
    ck_assert_int_eq(options.stages.items[1].target, 20);
}
END_TEST

START_TEST(thresholds_are_kept)
{
    script("{thresholds = {echo_rtt = {'p(99)<5', {threshold = 'max<100', abortOnFail = true,"
           " delayAbortEval = '10s'}}, ['checks{a:b}'] = {'rate>0.9'}, empty = {}}}");
    expect_no_problem();
    ck_assert_uint_eq(options.thresholds.count, 3);
    ck_assert_str_eq(options.thresholds.items[1].metric, "echo_rtt");
    ck_assert_str_eq(options.thresholds.items[1].expression, "max<100");
    ck_assert(options.thresholds.items[1].abort_on_fail);
    ck_assert_int_eq(options.thresholds.items[1].delay_abort_eval_ns, 10 * SECOND);
    ck_assert_str_eq(options.thresholds.items[2].metric, "checks{a:b}");
}
END_TEST

/* E-105 */
START_TEST(e105_the_environment)
{
    environment((const char *[]){"K6_VUS",
                                 "7",
                                 "K6_DURATION",
                                 "90000",
                                 "K6_THROW",
                                 "T",
                                 "K6_NO_SETUP",
                                 "0",
                                 "K6_TAGS",
                                 "a:b, c:d:e",
                                 "K6_HOSTS",
                                 "a.test:80:127.0.0.1:9000,b.test:::1,c.test:10.0.0.1",
                                 "K6_BLACKLIST_IPS",
                                 "10.0.0.0/8, ::1/128",
                                 "K6_SUMMARY_TREND_STATS",
                                 "avg,p(99)",
                                 "K6_DNS",
                                 "ttl=1000,policy=onlyIPv6",
                                 "K6_LOCAL_IPS",
                                 "10.0.0.1-10.0.0.9,10.1.0.0/24,::1",
                                 "K6_ITERATIONS",
                                 "",
                                 "K6_BATCH",
                                 "20",
                                 NULL});
    expect_no_problem();
    ck_assert_int_eq(options.vus, 7);
    ck_assert_int_eq(options.duration_ns, 90 * SECOND);
    ck_assert(options.throw_);
    ck_assert(!options.no_setup && rl_options_has(&options, RL_OPTION_NO_SETUP));
    expect_pairs(&options.tags, "a=b c=d:e");
    expect_pairs(&options.hosts, "a.test:80=127.0.0.1:9000 b.test=::1 c.test=10.0.0.1");
    expect_texts(&options.blacklist_ips, "10.0.0.0/8 ::1/128");
    expect_texts(&options.summary_trend_stats, "avg p(99)");
    ck_assert_int_eq(options.dns_ttl_ns, SECOND);
    ck_assert_int_eq(options.dns_policy, RL_FAMILY_ONLY_IPV6);
    ck_assert(!rl_options_has(&options, RL_OPTION_DNS_SELECT));
    expect_texts(&options.local_ips, "10.0.0.1-10.0.0.9 10.1.0.0/24 ::1");
    ck_assert(!rl_options_has(&options, RL_OPTION_ITERATIONS)); /* empty: not set */
    expect_texts(&options.ignored_http, "K6_BATCH");
}
END_TEST

/* D-7 */
START_TEST(d7_our_own_prefix_wins)
{
    environment((const char *[]){"K6_VUS", "7", "RINGLOAD_VUS", "8", NULL});
    ck_assert_int_eq(options.vus, 8);
    environment((const char *[]){"K6_LOCAL_IPS", "auto", NULL});
    expect_no_problem();
    expect_texts(&options.local_ips, "auto");
    environment((const char *[]){"RINGLOAD_VUS", "eight", NULL});
    ck_assert_str_eq(first_problem(), "RINGLOAD_VUS: must be a whole number, not \"eight\"");
}
END_TEST

static const struct {
    const char *name, *value, *problem;
} wrong_env[] = {
    {"K6_DURATION", "x",
     "K6_DURATION: must be a duration such as \"30s\", \"1m30s\" or \"500ms\", not \"x\""},
    {"K6_THROW", "yes", "K6_THROW: must be true or false, not \"yes\""},
    {"K6_TAGS", "a", "K6_TAGS: \"a\" is no tag; write name:value, and leave neither empty"},
    {"K6_TAGS", "a:", "K6_TAGS: \"a:\" is no tag; write name:value, and leave neither empty"},
    {"K6_HOSTS", "a.test",
     "K6_HOSTS: \"a.test\" is no entry; write name:address, such as "
     "\"test.local:127.0.0.1\""},
    {"K6_LOCAL_IPS", "10.0.0.1-::1",
     "K6_LOCAL_IPS: \"10.0.0.1-::1\" is not an address, nor \"auto\", nor a range such as "
     "\"10.0.0.1-10.0.0.9\" or \"10.0.0.0/24\""},
    {"K6_LOCAL_IPS", "auto,::1",
     "K6_LOCAL_IPS: \"auto\" stands for all addresses there are: write it alone, or only the "
     "addresses"},
    {"K6_DNS", "fast",
     "K6_DNS: \"fast\" is not key=value; write it like "
     "\"ttl=5m,select=random,policy=preferIPv4\""},
    {"K6_STAGES", "10s",
     "K6_STAGES: a stage is { duration = \"30s\", target = 100 } or { \"30s\", "
     "100 }"},
    {"K6_EXECUTION_SEGMENT", "0:1/2", "K6_EXECUTION_SEGMENT: not available in this version"},
};

START_TEST(e105_wrong_environment)
{
    environment((const char *[]){wrong_env[_i].name, wrong_env[_i].value, NULL});
    ck_assert_str_eq(first_problem(), wrong_env[_i].problem);
}
END_TEST

START_TEST(flags)
{
    flag("vus", "10");
    flag("duration", "30s");
    flag("tags", "a=b");
    flag("tags", "c=d=e");
    flag("tags", "a=f");
    flag("blockHostnames", "x,y");
    flag("blockHostnames", "z");
    flag("throw", "true");
    flag("dns", "ttl=0,select=roundRobin");
    expect_no_problem();
    ck_assert_int_eq(options.vus, 10);
    expect_pairs(&options.tags, "c=d=e a=f");
    expect_texts(&options.block_hostnames, "x y z");
    ck_assert_int_eq(options.dns_ttl_ns, 0);
    ck_assert_int_eq(options.dns_select, RL_ORDER_ROUND_ROBIN);
}
END_TEST

/* E-103: on the command line a duration needs its unit. */
START_TEST(e103_flags_need_units)
{
    flag("minIterationDuration", "0");
    expect_no_problem();
    flag("duration", "30");
    ck_assert_str_eq(first_problem(),
                     "--duration: must be a duration such as \"30s\", \"1m30s\" or "
                     "\"500ms\", not \"30\"");
    flag("tags", "a");
    ck_assert_str_eq(problems.last->text,
                     "--tags: \"a\" is no tag; write name=value, and leave neither empty");
}
END_TEST

static struct rl_options tier(const char *text)
{
    struct rl_options other;

    rl_options_init(&other, &arena);
    rl_options_from_value(&other, rl_literal(&arena, text), RL_TIER_SCRIPT, "options", &problems);
    return other;
}

static void merge(const char *text, const char *name)
{
    struct rl_options higher = tier(text);

    rl_options_merge(&options, &higher, name, &problems);
}

/* E-100 */
START_TEST(e100_the_last_tier_wins_key_by_key)
{
    merge("{vus = 1, noSetup = true, dns = {ttl = '1s', select = 'first'}, summaryTimeUnit = 's'}",
          "a");
    merge("{vus = 2, dns = {select = 'random'}, noTeardown = true}", "b");
    merge("{vus = 3}", "c");
    expect_no_problem();
    ck_assert_int_eq(options.vus, 3);
    ck_assert(options.no_setup && options.no_teardown);
    ck_assert_int_eq(options.dns_ttl_ns, SECOND);
    ck_assert_int_eq(options.dns_select, RL_ORDER_RANDOM);
    ck_assert_int_eq(options.summary_time_unit, RL_UNIT_S);
}
END_TEST

/* E-101 */
START_TEST(e101_execution_keys_are_a_unit)
{
    merge("{vus = 5, duration = '10s', iterations = 7}", "a");
    merge("{vus = 6}", "b"); /* not one of them */
    ck_assert(rl_options_has(&options, RL_OPTION_DURATION));
    merge("{iterations = 9}", "c");
    expect_no_problem();
    ck_assert_int_eq(options.vus, 6);
    ck_assert_int_eq(options.iterations, 9);
    ck_assert(!rl_options_has(&options, RL_OPTION_DURATION));
    ck_assert_int_eq(options.duration_ns, 0);
}
END_TEST

START_TEST(e101_dropped_scenarios_are_told)
{
    merge("{scenarios = {a = {executor = 'per-vu-iterations'}}}", "the script");
    merge("{duration = '10s'}", "the command line");
    ck_assert_uint_eq(problems.error_count, 0);
    ck_assert_str_eq(
        first_problem(),
        "the command line sets duration, which takes the place of the test's scenarios");
    ck_assert_uint_eq(options.scenarios.count, 0);
    ck_assert(!rl_options_has(&options, RL_OPTION_SCENARIOS));
}
END_TEST

START_TEST(e101_other_scenarios_replace_them_in_silence)
{
    merge("{scenarios = {a = {executor = 'per-vu-iterations'}}}", "the config file");
    merge("{scenarios = {b = {executor = 'per-vu-iterations'}}}", "the script");
    expect_no_problem();
    ck_assert_uint_eq(options.scenarios.count, 1);
    ck_assert_str_eq(options.scenarios.items[0].name, "b");
}
END_TEST

/* D-3 */
START_TEST(d3_tags_merge_by_key)
{
    merge("{tags = {a = '1', b = '2'}}", "the script");
    merge("{tags = {b = '3', c = '4'}}", "the command line");
    expect_pairs(&options.tags, "a=1 b=3 c=4");
}
END_TEST

START_TEST(ignored_keys_add_up)
{
    merge("{batch = 1, rps = 1}", "a");
    merge("{rps = 1, userAgent = 'x'}", "b");
    expect_texts(&options.ignored_http, "batch rps userAgent");
}
END_TEST

START_TEST(unknown_system_tags_warn)
{
    script("{systemTags = {'proto', 'color'}}");
    ck_assert_uint_eq(problems.error_count, 0);
    ck_assert_str_eq(first_problem(),
                     "options.systemTags: there is no system tag \"color\", ignored");
    ck_assert_uint_eq(options.system_tags, 1U << RL_TAG_PROTO);
    ck_assert_str_eq(rl_system_tag_name(RL_TAG_IP), "ip");
}
END_TEST

START_TEST(pairs_are_looked_up)
{
    rl_pairs_put(&options.tags, &arena, rl_slice_str("a"), "1");
    rl_pairs_put(&options.tags, &arena, rl_slice_str("a"), "2");
    ck_assert_str_eq(rl_pairs_get(&options.tags, "a"), "2");
    ck_assert_ptr_null(rl_pairs_get(&options.tags, "b"));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *options_suite(void)
{
    Suite *suite = suite_create("plan/options");

    rl_case(suite, defaults, setup, teardown);
    rl_case(suite, a_script_sets_every_kind, setup, teardown);
    rl_case(suite, no_options_at_all, setup, teardown);
    rl_case(suite, e103_whole_numbers, setup, teardown);
    rl_case_loop(suite, e103_wrong_values, setup, teardown, 0, COUNT(wrong));
    rl_case(suite, e104_all_problems_are_collected, setup, teardown);
    rl_case(suite, e103_unknown_keys_warn, setup, teardown);
    rl_case(suite, keys_of_others_are_kept_quiet, setup, teardown);
    rl_case(suite, keys_of_http_are_noted, setup, teardown);
    rl_case(suite, the_other_spelling, setup, teardown);
    rl_case(suite, scenarios_with_their_defaults, setup, teardown);
    rl_case(suite, scenarios_of_executors_to_come_are_not_looked_into, setup, teardown);
    rl_case(suite, stages_both_ways, setup, teardown);
    rl_case(suite, thresholds_are_kept, setup, teardown);
    rl_case(suite, e105_the_environment, setup, teardown);
    rl_case(suite, d7_our_own_prefix_wins, setup, teardown);
    rl_case_loop(suite, e105_wrong_environment, setup, teardown, 0, COUNT(wrong_env));
    rl_case(suite, flags, setup, teardown);
    rl_case(suite, e103_flags_need_units, setup, teardown);
    rl_case(suite, e100_the_last_tier_wins_key_by_key, setup, teardown);
    rl_case(suite, e101_execution_keys_are_a_unit, setup, teardown);
    rl_case(suite, e101_dropped_scenarios_are_told, setup, teardown);
    rl_case(suite, e101_other_scenarios_replace_them_in_silence, setup, teardown);
    rl_case(suite, d3_tags_merge_by_key, setup, teardown);
    rl_case(suite, ignored_keys_add_up, setup, teardown);
    rl_case(suite, unknown_system_tags_warn, setup, teardown);
    rl_case(suite, pairs_are_looked_up, setup, teardown);
    return suite;
}

RL_TEST_MAIN(options_suite)
