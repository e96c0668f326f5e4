/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compile - from a file to a function that many VUs share.
 *
 * A file becomes the bytecode of
 *
 *      local _ENV = ... ; <the file, without the text of a #! line>
 *
 * once a process. Each cell loads it once; each VU calls that one function with its environment, so
 * that VUs share all but their values. Only bytecode that this process has made is ever loaded.
 */
#ifndef RL_SCRIPT_COMPILE_H
#define RL_SCRIPT_COMPILE_H

#include <lua.h>

#include "base/bytes.h"

struct rl_script;

/* A file that the script uses: read (and compiled) while the script is probed, read-only since. */
struct rl_file {
    struct rl_file *next;
    char *path;         /* as messages show it; what open and require resolve to */
    struct rl_buf data; /* bytecode, or the file itself */
    bool is_code;
};

/* A list that k6/data shares: its elements as JSON. */
struct rl_shared_array {
    struct rl_shared_array *next;
    char *name;
    struct rl_slice *items;
    size_t count;
};

const struct rl_file *rl_script_main(const struct rl_script *script);

/* The file at path; probing says whether it may be read now (otherwise only what the probe has
 * read is there: archives are complete so). NULL and a message in why. A directory or a missing
 * file leaves *missing true. */
const struct rl_file *rl_script_file(struct rl_script *script, const char *path, bool is_code,
                                     bool probing, bool *missing, char *why, size_t why_bytes);

/* Code that is part of the program ("ringload.a.b"); NULL if there is none of that name. */
const struct rl_file *rl_script_embedded(struct rl_script *script, const char *name, bool probing);

/* NULL if there is none; added by the probe. Takes over items. NULL when memory is out. */
const struct rl_shared_array *rl_script_array(const struct rl_script *script, const char *name);
struct rl_shared_array *rl_script_add_array(struct rl_script *script, const char *name,
                                            size_t capacity);

/* Compile text into data; -EINVAL and a message in why. */
int rl_compile(struct rl_slice text, const char *path, struct rl_buf *data, char *why,
               size_t why_bytes);

/* Push the function. [-0, +1, m] */
void rl_compile_push(lua_State *L, const struct rl_file *file);

/* directory/name, with . and .. resolved as far as they can be, to be freed. */
char *rl_path_join(const char *directory, const char *name);
char *rl_path_directory(const char *path);

#endif
