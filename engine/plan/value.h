/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * value - data as scripts and JSON files write it, free of either.
 *
 * A tree: lists and maps chain their children in the order in which they were added. Lua cannot
 * tell an empty list from an empty map, so whoever reads a value takes either for the other.
 *
 * Memory: one arena's, texts included; nothing is freed by itself. Memory out stops the process:
 * options are read before a run.
 */
#ifndef RL_PLAN_VALUE_H
#define RL_PLAN_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

enum rl_value_kind { RL_NIL, RL_BOOL, RL_INT, RL_DOUBLE, RL_STRING, RL_LIST, RL_MAP };

struct rl_value {
    enum rl_value_kind kind;
    bool boolean;
    int64_t integer;
    double number;
    const char *text; /* RL_STRING: size bytes, which may hold a NUL, and a NUL behind them */
    size_t size;      /* of a text in bytes; of a list or map in children */
    struct rl_value *first, *last;
    const char *key;       /* in a map */
    struct rl_value *next; /* in a list or map */
};

struct rl_value *rl_value_nil(struct rl_arena *arena);
struct rl_value *rl_value_bool(struct rl_arena *arena, bool boolean);
struct rl_value *rl_value_int(struct rl_arena *arena, int64_t integer);
struct rl_value *rl_value_double(struct rl_arena *arena, double number);
struct rl_value *rl_value_string(struct rl_arena *arena, const char *text, size_t size);
struct rl_value *rl_value_text(struct rl_arena *arena, const char *text); /* NUL-terminated */
struct rl_value *rl_value_list(struct rl_arena *arena);
struct rl_value *rl_value_map(struct rl_arena *arena);

/* item becomes the list's last child; an item has one parent. */
void rl_value_push(struct rl_value *list, struct rl_value *item);

/* item becomes the map's child of that name (copied), in place of an older one. */
void rl_value_set(struct rl_arena *arena, struct rl_value *map, const char *key,
                  struct rl_value *item);

/* NULL if absent, or if map is no map. */
struct rl_value *rl_value_get(const struct rl_value *map, const char *key);

/* "a whole number", "a table", ...: for messages. */
const char *rl_value_kind_name(const struct rl_value *value);

#endif
