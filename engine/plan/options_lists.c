/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options that are lists of names: run tags, system tags, summary statistics. */
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "plan/options_read.h"

/* One "name<separator>value" of a text. */
static bool put_tag(struct rl_reader *r, struct rl_pairs *tags, const char *text, char separator)
{
    const char *cut = strchr(text, separator);

    if (cut == NULL || cut == text || cut[1] == '\0') {
        rl_problems_error(r->problems,
                          "%s: \"%.100s\" is no tag; write name%cvalue, and leave neither empty",
                          r->where, text, separator);
        return false;
    }
    rl_pairs_put(tags, r->options->arena, rl_slice_of(text, (size_t)(cut - text)), cut + 1);
    return true;
}

/* A flag holds one tag, k=v, and is repeated; the environment has k:v,k2:v2. */
static bool read_tag_texts(struct rl_reader *r, const struct rl_value *value, struct rl_pairs *tags)
{
    struct rl_texts items;
    bool good = true;

    if (r->tier == RL_TIER_CLI)
        return put_tag(r, tags, value->text, '=');
    if (!rl_read_items(r, value, &items))
        return false;
    for (size_t i = 0; i < items.count; i++)
        good &= put_tag(r, tags, items.items[i], ':');
    return good;
}

bool rl_read_tags(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    struct rl_pairs tags;
    bool good = true;

    (void)min;
    if (r->tier >= RL_TIER_ENV && value->kind == RL_STRING)
        return read_tag_texts(r, value, field);
    if (!rl_read_map(r, value, &tags))
        return false;
    for (size_t i = 0; i < tags.count; i++) {
        if (tags.items[i].name[0] == '\0' || tags.items[i].value[0] == '\0') {
            rl_problems_error(r->problems, "%s: the tag \"%s\" has an empty name or value",
                              r->where, tags.items[i].name);
            good = false;
        }
    }
    if (good)
        *(struct rl_pairs *)field = tags;
    return good;
}

bool rl_read_system_tags(struct rl_reader *r, const struct rl_value *value, void *field,
                         int64_t min)
{
    struct rl_texts items;
    uint32_t mask = 0;

    (void)min;
    if (!rl_read_items(r, value, &items))
        return false;
    for (size_t i = 0; i < items.count; i++) {
        unsigned tag = 0;

        while (tag < RL_SYSTEM_TAG_COUNT && strcmp(rl_system_tag_name(tag), items.items[i]) != 0)
            tag++;
        if (tag < RL_SYSTEM_TAG_COUNT)
            mask |= 1U << tag;
        else
            rl_problems_warn(r->problems, "%s: there is no system tag \"%s\", ignored", r->where,
                             items.items[i]);
    }
    *(uint32_t *)field = mask;
    return true;
}

/* avg, min, med, max, count, or p(N) with 0 <= N <= 100. */
static bool is_trend_stat(const char *text)
{
    static const char *const names[] = {"avg", "min", "med", "max", "count"};
    size_t size = strlen(text);
    char number[32];
    double percent;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0)
            return true;
    }
    if (strncmp(text, "p(", 2) != 0 || text[size - 1] != ')' || size - 3 >= sizeof(number))
        return false;
    memcpy(number, text + 2, size - 3);
    number[size - 3] = '\0';
    return rl_parse_double(number, &percent) == 0 && percent >= 0 && percent <= 100;
}

bool rl_read_trend_stats(struct rl_reader *r, const struct rl_value *value, void *field,
                         int64_t min)
{
    struct rl_texts items;
    bool good = true;

    (void)min;
    if (!rl_read_items(r, value, &items))
        return false;
    for (size_t i = 0; i < items.count; i++) {
        if (!is_trend_stat(items.items[i])) {
            rl_problems_error(r->problems,
                              "%s: \"%s\" is no statistic; there are avg, min, med, max, count and "
                              "p(N) with N from 0 to 100",
                              r->where, items.items[i]);
            good = false;
        }
    }
    if (items.count == 0) {
        rl_problems_error(r->problems, "%s: name one statistic or more, such as \"avg\"", r->where);
        good = false;
    }
    if (good)
        *(struct rl_texts *)field = items;
    return good;
}

bool rl_read_time_unit(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    static const char *const names[] = {"", "s", "ms", "us"};

    (void)min;
    for (unsigned i = 0; value->kind == RL_STRING && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value->text, names[i]) == 0) {
            *(enum rl_time_unit *)field = i;
            return true;
        }
    }
    rl_read_refuse(r, value, "\"s\", \"ms\" or \"us\"");
    return false;
}
