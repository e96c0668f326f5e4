/* SPDX-License-Identifier: GPL-3.0-or-later */
/* require and open: of the init context only, and for files that the probe has seen (E-041,
 * E-042). */
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/host.h"
#include "script/sandbox.h"
#include "script/script_impl.h"

enum { WHY_BYTES = 512, NAME_BYTES = 256 };

static const char code_key, files_key, loading_key, shared_key;

static void check_init(lua_State *L, const char *what)
{
    if (!rl_svu_of(L)->initializing)
        luaL_error(L,
                   "%s is available in the init context only (outside of any function that runs "
                   "later)",
                   what);
}

/* Push a copy of text, which is freed. It leaks where the copy fails: memory is out then, and in
 * the init context that is the end. */
static const char *push_owned(lua_State *L, char *text)
{
    const char *copy;

    if (text == NULL)
        luaL_error(L, "out of memory");
    copy = lua_pushstring(L, text);
    free(text);
    return copy;
}

/* Push the directory of the file whose code called. */
static const char *push_caller_directory(lua_State *L)
{
    lua_Debug frame;

    for (int level = 1; lua_getstack(L, level, &frame); level++) {
        lua_getinfo(L, "S", &frame);
        if (frame.source[0] == '@')
            return push_owned(L, rl_path_directory(frame.source + 1));
    }
    return lua_pushstring(L, rl_host_of(L)->script->directory);
}

/* Push a table of the cell, made at first use. */
static void push_cache(lua_State *L, const char *key)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* Push the VU's table of modules. */
static void push_instances(lua_State *L)
{
    struct rl_script_vu *svu = rl_svu_of(L);

    rl_vu_push_value(L, svu, RL_VU_MODULES);
    if (lua_istable(L, -1))
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    rl_vu_pop_value(L, svu, RL_VU_MODULES);
}

/* Push the function that file is, loaded once a cell. */
static void push_code(lua_State *L, const struct rl_file *file)
{
    push_cache(L, &code_key);
    if (lua_getfield(L, -1, file->path) == LUA_TNIL) {
        lua_pop(L, 1);
        rl_compile_push(L, file);
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, file->path);
    }
    lua_replace(L, -2);
}

/* Push what the code of a module sees as its globals. */
static void push_globals(lua_State *L, bool shared)
{
    if (!shared) {
        rl_vu_push_value(L, rl_svu_of(L), RL_VU_ENV);
        return;
    }
    rl_cell_push(L, rl_fiber_of(L)->cell, RL_AT_ENV_META);
    lua_getfield(L, -1, "__index");
    lua_replace(L, -2);
}

/* Push the module's instance: this VU's, or for one of ours, which are read-only and keep nothing
 * of a VU, the cell's. */
static int instantiate(lua_State *L, const struct rl_file *file, bool shared)
{
    int instances;

    if (shared)
        push_cache(L, &shared_key);
    else
        push_instances(L);
    instances = lua_gettop(L);
    if (lua_getfield(L, instances, file->path) != LUA_TNIL) {
        if (lua_touserdata(L, -1) == &loading_key)
            return luaL_error(L, "%s: required while it is being loaded (a circle)", file->path);
        return 1;
    }
    lua_pushlightuserdata(L, (void *)(uintptr_t)&loading_key);
    lua_setfield(L, instances, file->path);
    push_code(L, file);
    push_globals(L, shared);
    lua_pushvalue(L, 1);
    lua_call(L, 2, 1);
    if (shared)
        rl_sandbox_lock(L, file->path);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, instances, file->path);
    return 1;
}

static const struct rl_file *find_at(lua_State *L, const char *directory, const char *name,
                                     const char *suffix)
{
    struct rl_script_host *host = rl_host_of(L);
    const struct rl_file *file;
    char why[WHY_BYTES];
    bool missing;

    lua_pushfstring(L, "%s%s", name, suffix);
    file = rl_script_file(host->script, push_owned(L, rl_path_join(directory, lua_tostring(L, -1))),
                          true, host->probing, &missing, why, sizeof(why));
    if (file == NULL && !missing)
        luaL_error(L, "%s", why);
    return file;
}

static const struct rl_file *find_module(lua_State *L, const char *directory, const char *name)
{
    static const char *const suffixes[] = {".lua", "/init.lua"};
    const struct rl_file *file = NULL;
    size_t size = strlen(name);

    if (size > 4 && strcmp(name + size - 4, ".lua") == 0)
        return find_at(L, directory, name, "");
    if (strchr(name, '/') == NULL)
        name = luaL_gsub(L, name, ".", "/");
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]) && file == NULL; i++)
        file = find_at(L, directory, name, suffixes[i]);
    return file;
}

static int base_require(lua_State *L)
{
    struct rl_script_host *host = rl_host_of(L);
    const char *name = luaL_checkstring(L, 1), *directory;
    const struct rl_file *file;

    lua_settop(L, 1);
    check_init(L, "require");
    rl_sandbox_push_module(L, name);
    if (!lua_isnil(L, -1))
        return 1;
    file = rl_script_embedded(host->script, name, host->probing);
    if (file != NULL)
        return instantiate(L, file, true);
    directory = push_caller_directory(L);
    file = find_module(L, directory, name);
    if (file == NULL && strncmp(name, "./", 2) != 0 && strncmp(name, "../", 3) != 0)
        file = find_module(L, host->script->directory, name);
    if (file == NULL)
        return luaL_error(
            L,
            "module '%s' not found: there is no built-in one, and no file '%s.lua' or "
            "'%s/init.lua' in '%s'",
            name, name, name, directory);
    return instantiate(L, file, false);
}

static const char *strip_scheme(const char *path)
{
    return strncmp(path, "file://", 7) == 0 ? path + 7 : path;
}

static int base_open(lua_State *L)
{
    struct rl_script_host *host = rl_host_of(L);
    const char *name = strip_scheme(luaL_checkstring(L, 1)), *path;
    const struct rl_file *file;
    char why[WHY_BYTES];
    struct rl_slice data;
    bool missing;

    check_init(L, "open");
    luaL_argcheck(L, *name != '\0', 1, "the name of a file is empty");
    push_cache(L, &files_key);
    path = push_owned(L, rl_path_join(host->script->directory, name));
    if (lua_getfield(L, -2, path) == LUA_TSTRING)
        return 1;
    file = rl_script_file(host->script, path, false, host->probing, &missing, why, sizeof(why));
    if (file == NULL)
        return luaL_error(L, "cannot open %s", why);
    data = rl_buf_view(&file->data);
    lua_pushlstring(L, (const char *)data.data, data.size);
    lua_pushvalue(L, -1);
    lua_setfield(L, -5, path);
    return 1;
}

void rl_lib_require(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"require", base_require}, {"open", base_open}, {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
