/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The script's first run, with __VU == 0: what it exports, its options, its metrics and files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "script/host.h"
#include "script/options.h"
#include "script/script_impl.h"

enum { EXIT_INVALID = 104, EXIT_SCRIPT = 107, EXIT_ABORTED = 108, EXIT_OTHER = 255 };

static const char *const lifecycle[] = {"setup", "teardown", "handleSummary"};

static bool is_known(const struct rl_script *script, const char *name)
{
    for (size_t i = 0; i < script->function_count; i++) {
        if (strcmp(script->functions[i], name) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof(lifecycle) / sizeof(lifecycle[0]); i++) {
        if (strcmp(lifecycle[i], name) == 0)
            return true;
    }
    return false;
}

static int add_function(struct rl_script *script, const char *name)
{
    char **grown = realloc(script->functions, (script->function_count + 2) * sizeof(*grown));

    if (grown == NULL)
        return -ENOMEM;
    script->functions = grown;
    grown[script->function_count] = strdup(name);
    if (grown[script->function_count] == NULL)
        return -ENOMEM;
    grown[++script->function_count] = NULL;
    return 0;
}

/* The names of all functions in the table on top. [-1, +0, -] */
static int add_functions(lua_State *L, struct rl_script *script)
{
    int result = 0;

    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        return 0;
    }
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_isfunction(L, -1) && lua_type(L, -2) == LUA_TSTRING && result == 0 &&
            !is_known(script, lua_tostring(L, -2)))
            result = add_function(script, lua_tostring(L, -2));
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return result;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_function(lua_State *L, const struct rl_script_vu *svu, const char *name,
                         int *exit_code)
{
    int type;

    rl_host_push_export(L, svu, name);
    type = lua_type(L, -1);
    lua_pop(L, 1);
    if (type == LUA_TFUNCTION)
        return true;
    if (type != LUA_TNIL) {
        rl_log_error("%s must be a function, but it is a %s", name, lua_typename(L, type));
        *exit_code = EXIT_OTHER;
    }
    return false;
}

static int find_options(lua_State *L, struct rl_script_vu *svu, struct rl_script *script)
{
    char why[300];
    int result = 0;

    rl_host_push_export(L, svu, "options");
    if (!lua_isnil(L, -1)) {
        script->options = rl_options_of_lua(L, &script->arena, why, sizeof(why));
        if (script->options == NULL) {
            rl_log_error("%s", why);
            result = EXIT_INVALID;
        }
    }
    lua_pop(L, 1);
    return result;
}

static int inspect(struct rl_script_vu *svu, struct rl_script *script,
                   struct rl_script_probe *probe)
{
    lua_State *L = svu->cell->L;
    int result = 0;

    rl_vu_push_value(L, svu, RL_VU_ENV);
    if (add_functions(L, script) < 0)
        return EXIT_OTHER;
    rl_vu_push_value(L, svu, RL_VU_EXPORTS);
    if (add_functions(L, script) < 0)
        return EXIT_OTHER;
    probe->has_setup = has_function(L, svu, "setup", &result);
    probe->has_teardown = has_function(L, svu, "teardown", &result);
    probe->has_handle_summary = has_function(L, svu, "handleSummary", &result);
    if (result != 0)
        return result;
    if (script->function_count == 0) {
        rl_log_error("%s: the script exports no function: it needs one to run, such as "
                     "\"function default() ... end\"",
                     script->main->path);
        return EXIT_OTHER;
    }
    qsort(script->functions, script->function_count, sizeof(*script->functions), by_name);
    probe->functions = (const char *const *)script->functions;
    result = find_options(L, svu, script);
    probe->options = script->options;
    return result;
}

int rl_script_probe(struct rl_script *script, struct rl_registry *registry,
                    const struct rl_pair *env, struct rl_script_probe *probe)
{
    struct rl_script_host *host = rl_script_host_new_probe(script, registry, env);
    struct rl_vu vu = {.id = 0};
    int result;

    memset(probe, 0, sizeof(*probe));
    if (host == NULL)
        return EXIT_OTHER;
    result = rl_host_create_vu(host, &vu);
    if (result == -ECANCELED)
        result = EXIT_ABORTED;
    else if (result < 0)
        result = EXIT_SCRIPT;
    else
        result = inspect(vu.state_of_program, script, probe);
    rl_host_destroy_vu(&vu);
    rl_script_host_free(host);
    return result;
}
