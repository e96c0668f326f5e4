/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/options_read.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/parse.h"

void *rl_options_alloc(struct rl_reader *r, size_t size)
{
    void *memory = rl_arena_alloc(r->options->arena, size);

    RL_CHECK(memory != NULL);
    return memory;
}

void rl_read_refuse(struct rl_reader *r, const struct rl_value *value, const char *wanted)
{
    char number[40] = "";

    if (value->kind == RL_STRING) {
        rl_problems_error(r->problems, "%s: must be %s, not \"%.100s\"", r->where, wanted,
                          value->text);
        return;
    }
    if (value->kind == RL_INT)
        snprintf(number, sizeof(number), "%" PRId64, value->integer);
    else if (value->kind == RL_DOUBLE)
        snprintf(number, sizeof(number), "%.15g", value->number);
    else if (value->kind == RL_BOOL)
        snprintf(number, sizeof(number), "%s", value->boolean ? "true" : "false");
    rl_problems_error(r->problems, "%s: must be %s, not %s", r->where, wanted,
                      number[0] != '\0' ? number : rl_value_kind_name(value));
}

static bool is_text_of(const struct rl_value *value)
{
    return value->kind == RL_STRING && strlen(value->text) == value->size;
}

bool rl_read_whole(struct rl_reader *r, const struct rl_value *value, int64_t min, int64_t max,
                   int64_t *out)
{
    int64_t whole = 0;
    char wanted[80];
    int rc = -EINVAL;

    if (value->kind == RL_INT) {
        whole = value->integer;
        rc = 0;
    } else if (value->kind == RL_DOUBLE && value->number == trunc(value->number)) {
        rc = fabs(value->number) < 0x1p63 ? 0 : -ERANGE;
        whole = rc == 0 ? (int64_t)value->number : 0;
    } else if (is_text_of(value)) {
        rc = rl_parse_int(value->text, &whole);
    }
    if (rc == 0 && whole >= min && whole <= max) {
        *out = whole;
        return true;
    }
    if (rc == -ERANGE || (rc == 0 && whole > max))
        snprintf(wanted, sizeof(wanted), "a whole number of at most %" PRId64, max);
    else if (rc == 0)
        snprintf(wanted, sizeof(wanted), "a whole number of at least %" PRId64, min);
    else
        snprintf(wanted, sizeof(wanted), "a whole number");
    rl_read_refuse(r, value, wanted);
    return false;
}

static int to_ns(const struct rl_value *value, enum rl_tier tier, int64_t *ns)
{
    double exact;

    if (value->kind == RL_INT)
        exact = (double)value->integer * 1e6;
    else if (value->kind == RL_DOUBLE)
        exact = round(value->number * 1e6);
    else
        return is_text_of(value) ? rl_parse_duration(value->text, tier != RL_TIER_CLI, ns)
                                 : -EINVAL;
    if (isnan(exact))
        return -EINVAL;
    if (!(fabs(exact) < 0x1p63))
        return -ERANGE;
    *ns = value->kind == RL_INT ? value->integer * 1000000 : (int64_t)exact;
    return 0;
}

bool rl_read_time(struct rl_reader *r, const struct rl_value *value, int64_t min, int64_t *out)
{
    char limit[40], wanted[80];
    int64_t ns = 0;
    int rc = to_ns(value, r->tier, &ns);

    if (rc == 0 && ns >= min && ns <= RL_NS_MAX) {
        *out = ns;
        return true;
    }
    if (rc == -ERANGE || (rc == 0 && ns > RL_NS_MAX)) {
        snprintf(wanted, sizeof(wanted), "a duration of at most 3650d");
    } else if (rc == 0 && min == 1) {
        snprintf(wanted, sizeof(wanted), "a duration of more than 0");
    } else if (rc == 0) {
        rl_format_duration(min, limit, sizeof(limit));
        snprintf(wanted, sizeof(wanted), "a duration of at least %s", limit);
    } else {
        snprintf(wanted, sizeof(wanted), "a duration such as \"30s\", \"1m30s\" or \"500ms\"");
    }
    rl_read_refuse(r, value, wanted);
    return false;
}

bool rl_read_truth(struct rl_reader *r, const struct rl_value *value, bool *out)
{
    if (value->kind == RL_BOOL) {
        *out = value->boolean;
        return true;
    }
    if (r->tier >= RL_TIER_ENV && is_text_of(value) && rl_parse_bool(value->text, out) == 0)
        return true;
    rl_read_refuse(r, value, "true or false");
    return false;
}

bool rl_is_empty_table(const struct rl_value *value)
{
    return (value->kind == RL_LIST || value->kind == RL_MAP) && value->size == 0;
}

/* The next item of a comma-separated text without the blanks around it; *text moves behind it. */
static const char *next_item(struct rl_reader *r, const char **text)
{
    const char *start = *text + strspn(*text, " \t");
    size_t size = strcspn(start, ",");
    char *item;

    *text = start + size + (start[size] == ',');
    while (size > 0 && (start[size - 1] == ' ' || start[size - 1] == '\t'))
        size--;
    item = rl_options_alloc(r, size + 1);
    memcpy(item, start, size);
    item[size] = '\0';
    return item;
}

static void split_text(struct rl_reader *r, const char *text, struct rl_texts *out)
{
    size_t count = 1, i = 0;
    const char **items;

    for (const char *p = text; *p != '\0'; p++)
        count += *p == ',';
    items = rl_options_alloc(r, (count + 1) * sizeof(*items));
    while (*text != '\0') {
        items[i] = next_item(r, &text);
        if (items[i][0] != '\0')
            i++;
    }
    items[i] = NULL;
    *out = (struct rl_texts){items, i};
}

bool rl_read_items(struct rl_reader *r, const struct rl_value *value, struct rl_texts *out)
{
    const char **items;
    size_t count = 0;

    if (r->tier >= RL_TIER_ENV && is_text_of(value)) {
        split_text(r, value->text, out);
        return true;
    }
    if (value->kind != RL_LIST && !rl_is_empty_table(value)) {
        rl_read_refuse(r, value, "a list of texts");
        return false;
    }
    items = rl_options_alloc(r, (value->size + 1) * sizeof(*items));
    for (const struct rl_value *item = value->first; item != NULL; item = item->next) {
        if (!is_text_of(item)) {
            rl_read_refuse(r, item, "a list of texts only");
            return false;
        }
        items[count] = rl_arena_strdup(r->options->arena, item->text);
        RL_CHECK(items[count] != NULL);
        count++;
    }
    items[count] = NULL;
    *out = (struct rl_texts){items, count};
    return true;
}

/* A scalar as text; NULL if it is none. */
static const char *to_text(struct rl_reader *r, const struct rl_value *value)
{
    char text[40] = "", *copy;

    if (value->kind == RL_BOOL)
        snprintf(text, sizeof(text), "%s", value->boolean ? "true" : "false");
    else if (value->kind == RL_INT)
        snprintf(text, sizeof(text), "%" PRId64, value->integer);
    else if (value->kind == RL_DOUBLE)
        snprintf(text, sizeof(text), "%.15g", value->number);
    else if (!is_text_of(value))
        return NULL;
    copy = rl_arena_strdup(r->options->arena, value->kind == RL_STRING ? value->text : text);
    RL_CHECK(copy != NULL);
    return copy;
}

bool rl_read_map(struct rl_reader *r, const struct rl_value *value, struct rl_pairs *out)
{
    struct rl_pair *items;
    size_t count = 0;

    if (value->kind != RL_MAP && !rl_is_empty_table(value)) {
        rl_read_refuse(r, value, "a table of names and values");
        return false;
    }
    items = rl_options_alloc(r, (value->size + 1) * sizeof(*items));
    for (const struct rl_value *item = value->first; item != NULL; item = item->next) {
        items[count].name = rl_arena_strdup(r->options->arena, item->key);
        items[count].value = to_text(r, item);
        RL_CHECK(items[count].name != NULL);
        if (items[count].value == NULL) {
            rl_problems_error(r->problems,
                              "%s: the value of \"%s\" must be a text, a number, true or "
                              "false, not %s",
                              r->where, item->key, rl_value_kind_name(item));
            return false;
        }
        count++;
    }
    items[count] = (struct rl_pair){NULL, NULL};
    *out = (struct rl_pairs){items, count};
    return true;
}

bool rl_read_vus(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    return rl_read_whole(r, value, min, RL_VUS_MAX, field);
}

bool rl_read_int(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    return rl_read_whole(r, value, min, INT64_MAX, field);
}

bool rl_read_duration(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    return rl_read_time(r, value, min, field);
}

bool rl_read_bool(struct rl_reader *r, const struct rl_value *value, void *field, int64_t min)
{
    (void)min;
    return rl_read_truth(r, value, field);
}
