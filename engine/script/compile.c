/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/compile.h"

#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>

#include "base/assert.h"

static const char prefix[] = "local _ENV = ... ; ";

struct source {
    struct rl_slice rest;
    bool begun;
};

static const char *read_source(lua_State *L, void *ctx, size_t *size)
{
    struct source *source = ctx;
    struct rl_slice piece = source->rest;

    (void)L;
    if (!source->begun) {
        source->begun = true;
        *size = sizeof(prefix) - 1;
        return prefix;
    }
    source->rest.size = 0;
    *size = piece.size;
    return piece.size == 0 ? NULL : (const char *)piece.data;
}

/* Behind a byte order mark and the text of a #! line; its newline stays, for the line numbers. */
static struct rl_slice skip_header(struct rl_slice text)
{
    const uint8_t *end;

    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        text = rl_slice_of(text.data + 3, text.size - 3);
    if (text.size >= 1 && text.data[0] == '#') {
        end = memchr(text.data, '\n', text.size);
        if (end == NULL)
            return rl_slice_of(text.data, 0);
        text = rl_slice_of(end, text.size - (size_t)(end - text.data));
    }
    return text;
}

static int write_code(lua_State *L, const void *data, size_t size, void *ctx)
{
    (void)L;
    return rl_buf_append(ctx, data, size);
}

struct job {
    struct source source;
    const char *path;
    struct rl_buf *data;
};

static int compile(lua_State *L)
{
    struct job *job = lua_touserdata(L, 1);

    lua_pushfstring(L, "@%s", job->path);
    if (lua_load(L, read_source, &job->source, lua_tostring(L, -1), "t") != LUA_OK)
        return lua_error(L);
    if (lua_dump(L, write_code, job->data, 0) != 0)
        return luaL_error(L, "%s: out of memory", job->path);
    return 0;
}

int rl_compile(struct rl_slice text, const char *path, struct rl_buf *data, char *why,
               size_t why_bytes)
{
    struct job job = {.source = {.rest = skip_header(text)}, .path = path, .data = data};
    lua_State *L = luaL_newstate();
    int result = 0;

    if (L == NULL) {
        snprintf(why, why_bytes, "%s: out of memory", path);
        return -ENOMEM;
    }
    lua_pushcfunction(L, compile);
    lua_pushlightuserdata(L, &job);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        snprintf(why, why_bytes, "%s", lua_tostring(L, -1));
        result = -EINVAL;
    }
    lua_close(L);
    return result;
}

static const char *read_code(lua_State *L, void *ctx, size_t *size)
{
    struct rl_slice *rest = ctx;
    const char *data = (const char *)rest->data;

    (void)L;
    *size = rest->size;
    rest->size = 0;
    return *size == 0 ? NULL : data;
}

void rl_compile_push(lua_State *L, const struct rl_file *file)
{
    struct rl_slice rest = rl_buf_view(&file->data);
    int status;

    RL_CHECK(file->is_code);
    lua_pushfstring(L, "@%s", file->path);
    status = lua_load(L, read_code, &rest, lua_tostring(L, -1), "b");
    lua_replace(L, -2);
    if (status != LUA_OK)
        lua_error(L);
}
