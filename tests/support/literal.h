/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * literal - a struct rl_value from a text in a test, much as a script would write it:
 *
 *      {vus = 5, tags = {a = 'b'}, list = {1, 2.5, true, nil}, ['odd key'] = 1}
 *
 * A test's own mistake in the text stops it.
 */
#ifndef RL_TEST_LITERAL_H
#define RL_TEST_LITERAL_H

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/value.h"

struct rl_literal {
    struct rl_arena *arena;
    const char *at;
};

static inline void rl_literal_blanks(struct rl_literal *l)
{
    l->at += strspn(l->at, " \n\t");
}

static inline bool rl_literal_take(struct rl_literal *l, const char *token)
{
    rl_literal_blanks(l);
    if (strncmp(l->at, token, strlen(token)) != 0)
        return false;
    l->at += strlen(token);
    return true;
}

static inline struct rl_value *rl_literal_string(struct rl_literal *l)
{
    size_t size = strcspn(l->at, "'");
    struct rl_value *value = rl_value_string(l->arena, l->at, size);

    ck_assert_int_eq(l->at[size], '\'');
    l->at += size + 1;
    return value;
}

static inline struct rl_value *rl_literal_any(struct rl_literal *l);

/* "name =" or "['name'] =" in key; false if what comes is no such thing. */
static inline bool rl_literal_key(struct rl_literal *l, char key[128])
{
    struct rl_literal saved = *l;
    size_t size;

    rl_literal_blanks(l);
    if (rl_literal_take(l, "['")) {
        snprintf(key, 128, "%s", rl_literal_string(l)->text);
        ck_assert(rl_literal_take(l, "]") && rl_literal_take(l, "="));
        return true;
    }
    for (size = 0; isalnum((unsigned char)l->at[size]) || l->at[size] == '_'; size++)
        key[size] = l->at[size];
    key[size] = '\0';
    l->at += size;
    if (size > 0 && rl_literal_take(l, "="))
        return true;
    *l = saved;
    return false;
}

static inline struct rl_value *rl_literal_table(struct rl_literal *l)
{
    struct rl_value *table = NULL;
    char key[128];

    while (!rl_literal_take(l, "}")) {
        bool has_key = rl_literal_key(l, key);

        if (table == NULL)
            table = has_key ? rl_value_map(l->arena) : rl_value_list(l->arena);
        if (has_key)
            rl_value_set(l->arena, table, key, rl_literal_any(l));
        else
            rl_value_push(table, rl_literal_any(l));
        rl_literal_take(l, ",");
    }
    return table == NULL ? rl_value_map(l->arena) : table;
}

static inline struct rl_value *rl_literal_any(struct rl_literal *l)
{
    char *end;
    double number;

    if (rl_literal_take(l, "{"))
        return rl_literal_table(l);
    if (rl_literal_take(l, "'"))
        return rl_literal_string(l);
    if (rl_literal_take(l, "true"))
        return rl_value_bool(l->arena, true);
    if (rl_literal_take(l, "false"))
        return rl_value_bool(l->arena, false);
    if (rl_literal_take(l, "nil"))
        return rl_value_nil(l->arena);
    number = strtod(l->at, &end);
    ck_assert_ptr_ne(end, l->at);
    if (strcspn(l->at, ".enx") >= (size_t)(end - l->at)) {
        int64_t integer = strtoll(l->at, NULL, 10);

        l->at = end;
        return rl_value_int(l->arena, integer);
    }
    l->at = end;
    return rl_value_double(l->arena, number);
}

static inline struct rl_value *rl_literal(struct rl_arena *arena, const char *text)
{
    struct rl_literal l = {arena, text};
    struct rl_value *value = rl_literal_any(&l);

    rl_literal_blanks(&l);
    ck_assert_msg(*l.at == '\0', "left over: %s", l.at);
    return value;
}

#endif
