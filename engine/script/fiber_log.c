/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is logged of an uncaught error: message, traceback, scenario; repeats are counted. */
#include <ctype.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "script/host.h"

enum { KIND_BYTES = 160, REASON_BYTES = 200 };

/* (error value, thread) -> its text with the traceback. The value may be anything, and its
 * __tostring may do anything. */
static int describe(lua_State *L)
{
    lua_State *co = lua_tothread(L, 2);
    const char *text = luaL_tolstring(L, 1, NULL);

    luaL_traceback(L, co, text, 0);
    return 1;
}

/* Lines of one place and one message, whatever numbers it has, are of one kind. */
static void kind_of(const char *text, char kind[KIND_BYTES])
{
    size_t n = 0;
    bool after_place = false;

    for (; *text != '\0' && *text != '\n' && n + 1 < KIND_BYTES; text++) {
        if (after_place && isdigit((unsigned char)*text)) {
            if (n > 0 && kind[n - 1] == '#')
                continue;
            kind[n++] = '#';
        } else {
            kind[n++] = *text;
        }
        after_place = after_place || (*text == ':' && text[1] == ' ');
    }
    kind[n] = '\0';
}

static void format_bytes(uint64_t bytes, char *out, size_t out_bytes)
{
    if (bytes % (1U << 20) == 0)
        snprintf(out, out_bytes, "%lluMiB", (unsigned long long)(bytes >> 20));
    else if (bytes % (1U << 10) == 0)
        snprintf(out, out_bytes, "%lluKiB", (unsigned long long)(bytes >> 10));
    else
        snprintf(out, out_bytes, "%llu bytes", (unsigned long long)bytes);
}

static void format_stop(const struct rl_script_host *host, int stop, char *out)
{
    const struct rl_script_config *config = &host->config;
    char limit[64];

    switch (stop) {
    case RL_STOP_OVERRUN:
        rl_format_duration((int64_t)config->handler_time_ns, limit, sizeof(limit));
        snprintf(out, REASON_BYTES, "stopped: one handler ran for longer than %s (--handler-time)",
                 limit);
        break;
    case RL_STOP_HANDLER_MEMORY:
        format_bytes(config->handler_memory_bytes, limit, sizeof(limit));
        snprintf(out, REASON_BYTES,
                 "stopped: one handler took more than %s of memory (--handler-memory)", limit);
        break;
    default:
        format_bytes(config->cell_memory_bytes, limit, sizeof(limit));
        snprintf(out, REASON_BYTES,
                 "stopped: the VUs of one Lua state hold more than %s of memory (--cell-memory)",
                 limit);
        break;
    }
}

static void log_text(const struct rl_fiber *fiber, const char *text)
{
    const struct rl_run_calls *calls = &fiber->cell->host->config.calls;
    struct rl_vu *vu = fiber->svu->vu;
    struct rl_log_field fields[4] = {{NULL, NULL}};
    const char *scenario = NULL, *executor = NULL;
    char kind[KIND_BYTES];
    size_t n = 0;

    if (!fiber->svu->initializing && calls->scenario_name != NULL)
        scenario = calls->scenario_name(calls->ctx, vu);
    if (scenario != NULL && calls->scenario_executor != NULL)
        executor = calls->scenario_executor(calls->ctx, vu);
    if (executor != NULL)
        fields[n++] = (struct rl_log_field){"executor", executor};
    if (scenario != NULL)
        fields[n++] = (struct rl_log_field){"scenario", scenario};
    fields[n++] = (struct rl_log_field){"source", "stacktrace"};
    fields[n] = (struct rl_log_field){NULL, NULL};
    kind_of(text, kind);
    rl_log_limited(RL_LOG_ERROR, kind, fields, "%s", text);
}

void rl_fiber_log(struct rl_fiber *fiber, int status, int stop)
{
    struct rl_cell *cell = fiber->cell;
    lua_State *L = cell->L, *apart;
    char reason[REASON_BYTES];

    (void)status;
    lua_settop(L, RL_AT_TOP);
    if (stop != 0) {
        format_stop(cell->host, stop, reason);
        lua_pushstring(L, reason);
    } else {
        lua_xmove(fiber->co, L, 1);
    }
    lua_rawgeti(L, RL_AT_FIBERS, fiber->slot);
    apart = rl_fiber_apart(cell, fiber->svu, describe, 2, &status);
    if (status == LUA_OK)
        log_text(fiber, lua_tostring(apart, -1));
    else
        log_text(fiber, "the script failed with an error value that has no text");
    lua_settop(L, RL_AT_TOP);
}
