/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/value.h"

#include <string.h>

#include "base/assert.h"

static struct rl_value *make(struct rl_arena *arena, enum rl_value_kind kind)
{
    struct rl_value *value = rl_arena_alloc(arena, sizeof(*value));

    RL_CHECK(value != NULL);
    *value = (struct rl_value){.kind = kind};
    return value;
}

struct rl_value *rl_value_nil(struct rl_arena *arena)
{
    return make(arena, RL_NIL);
}

struct rl_value *rl_value_bool(struct rl_arena *arena, bool boolean)
{
    struct rl_value *value = make(arena, RL_BOOL);

    value->boolean = boolean;
    return value;
}

struct rl_value *rl_value_int(struct rl_arena *arena, int64_t integer)
{
    struct rl_value *value = make(arena, RL_INT);

    value->integer = integer;
    return value;
}

struct rl_value *rl_value_double(struct rl_arena *arena, double number)
{
    struct rl_value *value = make(arena, RL_DOUBLE);

    value->number = number;
    return value;
}

struct rl_value *rl_value_string(struct rl_arena *arena, const char *text, size_t size)
{
    struct rl_value *value = make(arena, RL_STRING);
    char *copy = rl_arena_alloc(arena, size + 1);

    RL_CHECK(copy != NULL);
    memcpy(copy, text, size);
    copy[size] = '\0';
    value->text = copy;
    value->size = size;
    return value;
}

struct rl_value *rl_value_text(struct rl_arena *arena, const char *text)
{
    return rl_value_string(arena, text, strlen(text));
}

struct rl_value *rl_value_list(struct rl_arena *arena)
{
    return make(arena, RL_LIST);
}

struct rl_value *rl_value_map(struct rl_arena *arena)
{
    return make(arena, RL_MAP);
}

static void append(struct rl_value *parent, struct rl_value *item)
{
    RL_ASSERT(item->next == NULL);
    if (parent->last == NULL)
        parent->first = item;
    else
        parent->last->next = item;
    parent->last = item;
    parent->size++;
}

void rl_value_push(struct rl_value *list, struct rl_value *item)
{
    RL_ASSERT(list->kind == RL_LIST);
    append(list, item);
}

void rl_value_set(struct rl_arena *arena, struct rl_value *map, const char *key,
                  struct rl_value *item)
{
    struct rl_value *last = NULL, **link = &map->first;

    RL_ASSERT(map->kind == RL_MAP);
    for (; *link != NULL; last = *link, link = &(*link)->next) {
        if (strcmp((*link)->key, key) == 0) {
            item->key = (*link)->key;
            item->next = (*link)->next;
            *link = item;
            if (item->next == NULL)
                map->last = item;
            return;
        }
    }
    RL_ASSERT(last == map->last);
    item->key = rl_arena_strdup(arena, key);
    RL_CHECK(item->key != NULL);
    append(map, item);
}

struct rl_value *rl_value_get(const struct rl_value *map, const char *key)
{
    if (map->kind != RL_MAP)
        return NULL;
    for (struct rl_value *item = map->first; item != NULL; item = item->next) {
        if (strcmp(item->key, key) == 0)
            return item;
    }
    return NULL;
}

const char *rl_value_kind_name(const struct rl_value *value)
{
    static const char *const names[] = {
        [RL_NIL] = "nothing",           [RL_BOOL] = "true or false", [RL_INT] = "a whole number",
        [RL_DOUBLE] = "a number",       [RL_STRING] = "a text",      [RL_LIST] = "a list",
        [RL_MAP] = "a table with keys",
    };

    return names[value->kind];
}
