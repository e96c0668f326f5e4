/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/local_ips.h"
#include "run/config_file.h"
#include "run/tls.h"

extern char **environ;

enum { ARENA_BLOCK = 16 * 1024, WHY = 512 };

/* --- __ENV: the system's environment < -e < what the run itself tells. --- */

struct env_list {
    struct rl_pair *pairs;
    size_t count, capacity;
};

static void env_put(struct rl_test *test, struct env_list *list, const char *name, const char *value)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->pairs[i].name, name) == 0) {
            list->pairs[i].value = value;
            return;
        }
    }
    if (list->count + 1 >= list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        struct rl_pair *pairs = rl_arena_alloc(&test->arena, capacity * sizeof(*pairs));

        if (pairs == NULL)
            abort();
        if (list->count > 0)
            memcpy(pairs, list->pairs, list->count * sizeof(*pairs));
        list->pairs = pairs;
        list->capacity = capacity;
    }
    list->pairs[list->count++] = (struct rl_pair){name, value};
    list->pairs[list->count] = (struct rl_pair){NULL, NULL};
}

static void build_env(struct rl_test *test, const struct rl_pair *extra)
{
    const struct rl_run_flags *flags = test->flags;
    struct env_list list = {0};

    for (char **entry = environ; flags->include_system_env_vars && *entry != NULL; entry++) {
        char *copy = rl_arena_strdup(&test->arena, *entry), *equals = strchr(copy, '=');

        if (equals == NULL)
            continue;
        *equals = '\0';
        env_put(test, &list, copy, equals + 1);
    }
    for (; extra != NULL && extra->name != NULL; extra++)
        env_put(test, &list, extra->name, extra->value);
    for (size_t i = 0; i < flags->env.count; i++)
        env_put(test, &list, flags->env.items[i].name, flags->env.items[i].value);
    if (list.pairs == NULL)
        list.pairs = rl_arena_alloc(&test->arena, sizeof(*list.pairs));
    list.pairs[list.count] = (struct rl_pair){NULL, NULL};
    test->env = list.pairs;
}

/* --- Options. --- */

static void merge_options(struct rl_test *test, const struct rl_options *cli,
                          struct rl_problems *problems)
{
    struct rl_environment process = rl_environment_of_process();
    struct rl_options tier;

    process.json = rl_value_of_json;
    rl_options_init(&test->options, &test->arena);
    rl_options_init(&tier, &test->arena);
    rl_config_file_read(&tier, test->flags->config_path, &test->arena, problems);
    rl_options_merge(&test->options, &tier, "the config file", problems);
    rl_options_init(&tier, &test->arena);
    rl_options_from_value(&tier, test->probe.options, RL_TIER_SCRIPT, "options", problems);
    rl_options_merge(&test->options, &tier, "the script", problems);
    rl_options_init(&tier, &test->arena);
    rl_options_from_env(&tier, &process, problems);
    rl_options_merge(&test->options, &tier, "the environment", problems);
    rl_options_merge(&test->options, cli, "the command line", problems);
}

static bool exports(void *ctx, const char *name)
{
    const struct rl_test *test = ctx;

    for (const char *const *at = test->probe.functions; *at != NULL; at++) {
        if (strcmp(*at, name) == 0)
            return true;
    }
    return false;
}

/* Each distinct function once; scenarios refer to it by number. */
static int number_functions(struct rl_test *test)
{
    size_t count = test->plan.scenario_count, used = 0;

    test->exec_names = calloc(count + 1, sizeof(*test->exec_names));
    test->exec_of_scenario = calloc(count + 1, sizeof(*test->exec_of_scenario));
    test->scenario_states = calloc(count + 1, sizeof(*test->scenario_states));
    test->scenario_env = calloc(count + 1, sizeof(*test->scenario_env));
    if (test->exec_names == NULL || test->exec_of_scenario == NULL ||
        test->scenario_states == NULL || test->scenario_env == NULL)
        return RL_EXIT_OTHER;
    for (size_t i = 0; i < count; i++) {
        const struct rl_scenario *scenario = &test->plan.scenarios[i];
        size_t at = 0;

        while (at < used && strcmp(test->exec_names[at], scenario->exec) != 0)
            at++;
        if (at == used)
            test->exec_names[used++] = scenario->exec;
        test->exec_of_scenario[i] = (uint32_t)at;
        test->scenario_env[i] = scenario->env.items;
    }
    return 0;
}

/* --- Names and addresses. --- */

static struct rl_resolver *make_resolver(struct rl_test *test, char *why, size_t why_bytes)
{
    static const enum rl_dns_select orders[] = {[RL_ORDER_RANDOM] = RL_DNS_RANDOM,
                                                [RL_ORDER_FIRST] = RL_DNS_FIRST,
                                                [RL_ORDER_ROUND_ROBIN] = RL_DNS_ROUND_ROBIN};
    static const enum rl_dns_policy families[] = {[RL_FAMILY_PREFER_IPV4] = RL_DNS_PREFER_V4,
                                                  [RL_FAMILY_PREFER_IPV6] = RL_DNS_PREFER_V6,
                                                  [RL_FAMILY_ONLY_IPV4] = RL_DNS_ONLY_V4,
                                                  [RL_FAMILY_ONLY_IPV6] = RL_DNS_ONLY_V6,
                                                  [RL_FAMILY_ANY] = RL_DNS_ANY};
    const struct rl_options *options = &test->options;
    size_t count = options->hosts.count;
    struct rl_host_entry *hosts = rl_arena_alloc(&test->arena, (count + 1) * sizeof(*hosts));
    struct rl_resolve_config config = {.hosts = hosts,
                                       .host_count = count,
                                       .block_hostnames = options->block_hostnames.items,
                                       .block_count = options->block_hostnames.count,
                                       .blacklist_ips = options->blacklist_ips.items,
                                       .blacklist_count = options->blacklist_ips.count,
                                       .dns = {.ttl_ns = options->dns_ttl_ns,
                                               .select = orders[options->dns_select],
                                               .policy = families[options->dns_policy]}};

    for (size_t i = 0; i < count; i++)
        hosts[i] = (struct rl_host_entry){options->hosts.items[i].name, options->hosts.items[i].value};
    return rl_resolver_new(&config, why, why_bytes);
}

static int make_local_ips(struct rl_test *test, char *why, size_t why_bytes)
{
    const struct rl_texts *texts = &test->options.local_ips;
    struct rl_buf text;

    if (texts->count == 0)
        return 0;
    rl_buf_init(&text, 0);
    for (size_t i = 0; i < texts->count; i++)
        rl_buf_printf(&text, "%s%s", i == 0 ? "" : ",", texts->items[i]);
    rl_buf_append(&text, "", 1);
    test->local_ips = rl_local_ips_new((const char *)rl_buf_view(&text).data, why, why_bytes);
    rl_buf_fini(&text);
    return test->local_ips == NULL ? RL_EXIT_INVALID_CONFIG : 0;
}

static int make_sockopts(struct rl_test *test, char *why, size_t why_bytes)
{
    const struct rl_pairs *pairs = &test->options.sockopt;
    int rc = 0;

    rl_sockopts_init(&test->sockopts);
    for (size_t i = 0; i < pairs->count && rc == 0; i++)
        rc = rl_sockopts_set(&test->sockopts, pairs->items[i].name, pairs->items[i].value, why, why_bytes);
    if (rc == 0 && pairs->count > 0)
        rc = rl_sockopts_try(&test->sockopts, why, why_bytes);
    return rc;
}

static int check_plan(struct rl_test *test, const struct rl_options *cli)
{
    struct rl_problems problems;
    char why[WHY] = "";
    int rc = 0;

    rl_problems_init(&problems);
    merge_options(test, cli, &problems);
    if (test->options.paused)
        rl_problems_error(&problems, "paused: only the REST API can start a paused run, and this "
                                     "version has none; take the option away");
    rl_plan_derive(&test->plan, &test->options, exports, test, &problems); /* all is told together */
    if (problems.error_count == 0) {
        test->resolver = make_resolver(test, why, sizeof(why));
        if (test->resolver == NULL)
            rl_problems_error(&problems, "%s", why);
        if (make_local_ips(test, why, sizeof(why)) != 0)
            rl_problems_error(&problems, "%s", why);
        if (make_sockopts(test, why, sizeof(why)) != 0)
            rl_problems_error(&problems, "%s", why);
    }
    rl_run_tls_init(test, &problems);
    rl_problems_tell(&problems);
    if (problems.error_count > 0)
        rc = RL_EXIT_INVALID_CONFIG;
    rl_problems_fini(&problems);
    return rc;
}

int rl_config_init(struct rl_test *test, const struct rl_run_request *request,
                   const struct rl_pair *extra_env)
{
    char why[WHY];
    int code;

    rl_arena_init(&test->arena, ARENA_BLOCK);
    test->flags = request->flags;
    test->seed = rl_clock_wall_ns() ^ (uint64_t)getpid() << 40;
    build_env(test, extra_env);
    test->script = rl_script_load(request->script_path, why, sizeof(why));
    if (test->script == NULL) {
        rl_log_error("%s", why);
        return access(request->script_path, R_OK) == 0 ? RL_EXIT_SCRIPT : RL_EXIT_OTHER;
    }
    test->registry = rl_registry_new();
    if (test->registry == NULL)
        return RL_EXIT_OTHER;
    code = rl_script_probe(test->script, test->registry, test->env, &test->probe);
    if (code != 0)
        return code;
    rl_registry_close(test->registry);
    code = check_plan(test, request->cli);
    return code != 0 ? code : number_functions(test);
}

void rl_config_fini(struct rl_test *test)
{
    free(test->exec_names);
    free(test->exec_of_scenario);
    free(test->scenario_states);
    free(test->scenario_env);
    rl_local_ips_free(test->local_ips);
    rl_run_tls_fini(test);
    if (test->resolver != NULL)
        rl_resolver_free(test->resolver);
    if (test->registry != NULL)
        rl_registry_free(test->registry);
    if (test->script != NULL)
        rl_script_free(test->script);
    rl_arena_fini(&test->arena);
}
