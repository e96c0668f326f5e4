/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/config_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct rl_value *convert(struct rl_arena *arena, json_t *json)
{
    struct rl_value *value;
    const char *key;
    json_t *child;
    size_t i;

    switch (json_typeof(json)) {
    case JSON_OBJECT:
        value = rl_value_map(arena);
        json_object_foreach(json, key, child)
            rl_value_set(arena, value, key, convert(arena, child));
        return value;
    case JSON_ARRAY:
        value = rl_value_list(arena);
        json_array_foreach(json, i, child)
            rl_value_push(value, convert(arena, child));
        return value;
    case JSON_STRING:
        return rl_value_string(arena, json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        return rl_value_int(arena, json_integer_value(json));
    case JSON_REAL:
        return rl_value_double(arena, json_real_value(json));
    case JSON_TRUE:
    case JSON_FALSE:
        return rl_value_bool(arena, json_is_true(json));
    case JSON_NULL:
    default:
        return rl_value_nil(arena);
    }
}

struct rl_value *rl_value_of_json(struct rl_arena *arena, const char *text, char *why,
                                  size_t why_bytes)
{
    struct rl_value *value;
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    if (json == NULL) {
        snprintf(why, why_bytes, "line %d: %s", error.line, error.text);
        return NULL;
    }
    value = convert(arena, json);
    json_decref(json);
    return value;
}

static bool default_path(char *out, size_t out_bytes)
{
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (base != NULL && base[0] != '\0')
        snprintf(out, out_bytes, "%s/ringload/config.json", base);
    else if (home != NULL && home[0] != '\0')
        snprintf(out, out_bytes, "%s/.config/ringload/config.json", home);
    else
        return false;
    return access(out, F_OK) == 0;
}

void rl_config_file_read(struct rl_options *options, const char *path, struct rl_arena *arena,
                         struct rl_problems *problems)
{
    char found[4096];
    json_error_t error;
    json_t *json;

    if (path == NULL && !default_path(found, sizeof(found)))
        return;
    json = json_load_file(path != NULL ? path : found, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        rl_problems_error(problems, "config file %s: line %d: %s", path != NULL ? path : found,
                          error.line, error.text);
        return;
    }
    rl_options_from_value(options, convert(arena, json), RL_TIER_CONFIG, "the config file", problems);
    json_decref(json);
}
