/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The script and its files: everything that workers share, read-only once it has been probed. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "embedded.h"
#include "script/script_impl.h"

enum { FILE_BYTES_MAX = 1 << 30, READ_BYTES = 1 << 16, OPTIONS_BLOCK = 4096 };

static void free_file(struct rl_file *file)
{
    free(file->path);
    rl_buf_fini(&file->data);
    free(file);
}

static struct rl_file *new_file(const char *path, bool is_code)
{
    struct rl_file *file = calloc(1, sizeof(*file));

    if (file == NULL)
        return NULL;
    rl_buf_init(&file->data, 0);
    file->is_code = is_code;
    file->path = strdup(path);
    if (file->path == NULL) {
        free_file(file);
        return NULL;
    }
    return file;
}

static int read_stream(FILE *stream, struct rl_buf *data)
{
    static _Thread_local char block[READ_BYTES];
    size_t size;

    while ((size = fread(block, 1, sizeof(block), stream)) > 0) {
        if (rl_buf_append(data, block, size) < 0)
            return -ENOMEM;
        if (rl_buf_size(data) > FILE_BYTES_MAX)
            return -EFBIG;
    }
    return ferror(stream) ? -EIO : 0;
}

/* Append what is in the file; -errno. */
static int read_file(const char *path, struct rl_buf *data)
{
    FILE *stream = fopen(path, "rbe");
    struct stat info;
    int result;

    if (stream == NULL)
        return -errno;
    if (fstat(fileno(stream), &info) < 0)
        result = -errno;
    else if (S_ISDIR(info.st_mode))
        result = -EISDIR;
    else
        result = read_stream(stream, data);
    fclose(stream);
    return result;
}

static struct rl_file *load_code(const char *path, char *why, size_t why_bytes, bool *missing)
{
    struct rl_file *file = new_file(path, true);
    struct rl_buf text;
    int result;

    if (file == NULL) {
        snprintf(why, why_bytes, "%s: out of memory", path);
        return NULL;
    }
    rl_buf_init(&text, 0);
    result = read_file(path, &text);
    if (result < 0) {
        *missing = result == -ENOENT || result == -EISDIR || result == -ENOTDIR;
        snprintf(why, why_bytes, "%s: %s", path, rl_status_text(result));
    } else {
        result = rl_compile(rl_buf_view(&text), path, &file->data, why, why_bytes);
    }
    rl_buf_fini(&text);
    if (result < 0) {
        free_file(file);
        return NULL;
    }
    return file;
}

static struct rl_file *load_data(const char *path, char *why, size_t why_bytes, bool *missing)
{
    struct rl_file *file = new_file(path, false);
    int result = file == NULL ? -ENOMEM : read_file(path, &file->data);

    if (result < 0) {
        *missing = result == -ENOENT || result == -ENOTDIR;
        snprintf(why, why_bytes, "%s: %s", path, rl_status_text(result));
        if (file != NULL)
            free_file(file);
        return NULL;
    }
    return file;
}

static struct rl_file *find(const struct rl_script *script, const char *path, bool is_code)
{
    struct rl_file *file;

    for (file = script->files; file != NULL; file = file->next) {
        if (file->is_code == is_code && strcmp(file->path, path) == 0)
            return file;
    }
    return NULL;
}

const struct rl_file *rl_script_file(struct rl_script *script, const char *path, bool is_code,
                                     bool probing, bool *missing, char *why, size_t why_bytes)
{
    struct rl_file *file = find(script, path, is_code);

    *missing = false;
    if (file != NULL)
        return file;
    if (!probing) {
        *missing = true;
        snprintf(why, why_bytes, "%s: was not opened when the script was first run, with __VU == 0",
                 path);
        return NULL;
    }
    file = is_code ? load_code(path, why, why_bytes, missing)
                   : load_data(path, why, why_bytes, missing);
    if (file != NULL) {
        file->next = script->files;
        script->files = file;
    }
    return file;
}

const struct rl_file *rl_script_embedded(struct rl_script *script, const char *name, bool probing)
{
    const struct rl_embedded *module = rl_embedded_modules;
    struct rl_file *file = find(script, name, true);
    char why[200];

    if (file != NULL || !probing)
        return file;
    while (module->name != NULL && strcmp(module->name, name) != 0)
        module++;
    if (module->name == NULL || (file = new_file(name, true)) == NULL)
        return NULL;
    if (rl_compile(rl_slice_of(module->data, module->size), name, &file->data, why, sizeof(why)) <
        0) {
        free_file(file);
        return NULL;
    }
    file->next = script->files;
    script->files = file;
    return file;
}

const struct rl_file *rl_script_main(const struct rl_script *script)
{
    return script->main;
}

static bool mentions(const struct rl_file *file, const char *word)
{
    struct rl_slice code = rl_buf_view(&file->data);

    return file->is_code && memmem(code.data, code.size, word, strlen(word)) != NULL;
}

bool rl_script_mentions(const struct rl_script *script, const char *word)
{
    for (const struct rl_file *file = script->files; file != NULL; file = file->next) {
        if (mentions(file, word))
            return true;
    }
    return mentions(script->main, word);
}

struct rl_script *rl_script_load(const char *path, char *why, size_t why_bytes)
{
    struct rl_script *script = calloc(1, sizeof(*script));
    bool missing;

    if (script == NULL) {
        snprintf(why, why_bytes, "out of memory");
        return NULL;
    }
    rl_arena_init(&script->arena, OPTIONS_BLOCK);
    script->directory = rl_path_directory(path);
    script->main = load_code(path, why, why_bytes, &missing);
    if (script->main == NULL || script->directory == NULL) {
        rl_script_free(script);
        return NULL;
    }
    return script;
}

static void free_array(struct rl_shared_array *array)
{
    for (size_t i = 0; i < array->count; i++)
        free((void *)(uintptr_t)array->items[i].data);
    free(array->items);
    free(array->name);
    free(array);
}

void rl_script_free(struct rl_script *script)
{
    struct rl_shared_array *array;
    struct rl_file *file;

    if (script == NULL)
        return;
    while ((file = script->files) != NULL) {
        script->files = file->next;
        free_file(file);
    }
    while ((array = script->arrays) != NULL) {
        script->arrays = array->next;
        free_array(array);
    }
    if (script->main != NULL)
        free_file(script->main);
    for (size_t i = 0; i < script->function_count; i++)
        free(script->functions[i]);
    free(script->functions);
    rl_arena_fini(&script->arena);
    free(script->directory);
    free(script);
}

const struct rl_shared_array *rl_script_array(const struct rl_script *script, const char *name)
{
    const struct rl_shared_array *array;

    for (array = script->arrays; array != NULL; array = array->next) {
        if (strcmp(array->name, name) == 0)
            return array;
    }
    return NULL;
}

struct rl_shared_array *rl_script_add_array(struct rl_script *script, const char *name,
                                            size_t capacity)
{
    struct rl_shared_array *array = calloc(1, sizeof(*array));

    if (array == NULL)
        return NULL;
    array->name = strdup(name);
    array->items = calloc(capacity + 1, sizeof(*array->items));
    if (array->name == NULL || array->items == NULL) {
        free_array(array);
        return NULL;
    }
    array->next = script->arrays;
    script->arrays = array;
    return array;
}
