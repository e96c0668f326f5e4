/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_CAPACITY = 8 };

void rl_names_init(struct rl_names *names)
{
    *names = (struct rl_names){0};
    rl_table_init(&names->table);
}

void rl_names_fini(struct rl_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->texts[i]);
    free(names->texts);
    rl_table_fini(&names->table);
    rl_names_init(names);
}

static int reserve(struct rl_names *names)
{
    size_t capacity = names->capacity == 0 ? MIN_CAPACITY : names->capacity * 2;
    char **texts;

    if (names->count < names->capacity)
        return 0;
    texts = realloc(names->texts, capacity * sizeof(char *));
    if (texts == NULL)
        return -ENOMEM;
    names->texts = texts;
    names->capacity = capacity;
    return 0;
}

int rl_names_add(struct rl_names *names, const char *text, size_t size)
{
    uint64_t hash = rl_hash_bytes(text, size);
    void *item;
    char *copy;

    for (size_t at = rl_table_find(&names->table, hash, &item); item != NULL;
         at = rl_table_next(&names->table, at, &item)) {
        const char *old = item;

        if (strncmp(old, text, size) == 0 && old[size] == '\0')
            return 0;
    }
    copy = strndup(text, size);
    if (copy == NULL || reserve(names) < 0 || rl_table_add(&names->table, hash, copy) < 0) {
        free(copy);
        return -ENOMEM;
    }
    names->texts[names->count++] = copy;
    return 0;
}
