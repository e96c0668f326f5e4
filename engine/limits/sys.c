/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/sys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 4096 };

static FILE *open_file(const char *root, const char *path)
{
    char full[RL_SYS_PATH];

    if (snprintf(full, sizeof(full), "%s%s", root, path) >= (int)sizeof(full))
        return NULL;
    return fopen(full, "re");
}

bool rl_sys_text(const char *root, const char *path, char *out, size_t out_bytes)
{
    FILE *file = open_file(root, path);
    size_t size;

    out[0] = '\0';
    if (file == NULL)
        return false;
    size = fread(out, 1, out_bytes - 1, file);
    if (ferror(file) != 0)
        size = 0;
    fclose(file);
    while (size > 0 && out[size - 1] == '\n')
        size--;
    out[size] = '\0';
    return true;
}

/* The number at *text, which goes behind it. */
static int64_t read_number(const char **text)
{
    char *end;
    long long number;

    *text += strspn(*text, " \t\n");
    if (strncmp(*text, "max", 3) == 0 || strncmp(*text, "unlimited", 9) == 0) {
        *text += strcspn(*text, " \t\n");
        return INT64_MAX;
    }
    errno = 0;
    number = strtoll(*text, &end, 10);
    if (end == *text)
        return RL_UNKNOWN;
    *text = end;
    return errno == ERANGE ? INT64_MAX : number;
}

int64_t rl_sys_number(const char *root, const char *path)
{
    int64_t number;

    rl_sys_numbers(root, path, &number, 1);
    return number;
}

void rl_sys_numbers(const char *root, const char *path, int64_t *out, size_t count)
{
    char text[256];
    const char *at = text;

    rl_sys_text(root, path, text, sizeof(text));
    for (size_t i = 0; i < count; i++)
        out[i] = read_number(&at);
}

bool rl_sys_line(const char *root, const char *path, const char *key, char *out, size_t out_bytes)
{
    FILE *file = open_file(root, path);
    size_t size = strlen(key);
    char line[LINE];
    bool found = false;

    out[0] = '\0';
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        found = strncmp(line, key, size) == 0;
        if (found) {
            const char *rest = line + size + strspn(line + size, " \t");

            snprintf(out, out_bytes, "%.*s", (int)strcspn(rest, "\n"), rest);
        }
    }
    if (file != NULL)
        fclose(file);
    return found;
}

int64_t rl_sys_line_number(const char *root, const char *path, const char *key)
{
    char text[256];
    const char *at = text;

    return rl_sys_line(root, path, key, text, sizeof(text)) ? read_number(&at) : RL_UNKNOWN;
}
