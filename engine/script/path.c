/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths as a script writes them, relative to the file that they are written in. */
#include <stdlib.h>
#include <string.h>

#include "script/compile.h"

char *rl_path_directory(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Cut the last part of what is in out, unless it is the root, empty or ".." itself. */
static bool go_up(char *out, size_t *size)
{
    size_t start = *size;

    while (start > 0 && out[start - 1] != '/')
        start--;
    if (*size == 0 || strncmp(out + start, "..", *size - start) == 0)
        return false;
    *size = start > 1 ? start - 1 : start;
    return true;
}

static void add_part(char *out, size_t *size, const char *part, size_t part_size)
{
    if (part_size == 0 || (part_size == 1 && part[0] == '.'))
        return;
    if (part_size == 2 && memcmp(part, "..", 2) == 0 && go_up(out, size))
        return;
    if (*size > 0 && out[*size - 1] != '/')
        out[(*size)++] = '/';
    memcpy(out + *size, part, part_size);
    *size += part_size;
    out[*size] = '\0';
}

static void add_parts(char *out, size_t *size, const char *path)
{
    if (path[0] == '/') {
        out[0] = '/';
        *size = 1;
    }
    while (*path != '\0') {
        size_t part = strcspn(path, "/");

        add_part(out, size, path, part);
        path += part;
        path += *path == '/';
    }
}

char *rl_path_join(const char *directory, const char *name)
{
    char *out = malloc(strlen(directory) + strlen(name) + 3);
    size_t size = 0;

    if (out == NULL)
        return NULL;
    if (name[0] != '/')
        add_parts(out, &size, directory);
    add_parts(out, &size, name);
    if (size == 0)
        out[size++] = '.';
    out[size] = '\0';
    return out;
}
