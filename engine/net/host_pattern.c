/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/host_pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_TEXT = 6, PORT_MAX = 65535 }; /* ":65535" */

/* No locale has a say in what a host name is. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Labels of letters, digits, "_" and inner "-", with one point between them; where they end. */
static const char *skip_name(const char *text)
{
    const char *p = text;

    for (;;) {
        if (!is_word(*p))
            return NULL;
        while (is_word(*p) || *p == '-')
            p++;
        if (p[-1] == '-')
            return NULL;
        if (*p != '.')
            return p;
        p++;
    }
}

static bool is_port(const char *text)
{
    unsigned value = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (!is_digit(*p) || p - text >= PORT_TEXT - 1)
            return false;
        value = value * 10 + (unsigned)(*p - '0');
    }
    return *text != '\0' && value <= PORT_MAX;
}

/* text: behind the star. What a star stands for may begin in the middle of a label. */
static bool is_pattern(const char *text, bool star, bool with_port)
{
    const char *end = text;

    if (star && *text == '.')
        end = text[1] == '\0' ? NULL : skip_name(text + 1);
    else if (!star || is_word(*text))
        end = skip_name(text);
    if (end == NULL || end - text > RL_HOST_TEXT)
        return false;
    return *end == '\0' || (with_port && *end == ':' && is_port(end + 1));
}

int rl_host_patterns_add(struct rl_host_patterns *patterns, const char *text, bool with_port,
                         size_t rule)
{
    struct rl_host_pattern *items, *item;
    bool star = *text == '*';

    text += star;
    if (!is_pattern(text, star, with_port))
        return -EINVAL;
    items = reallocarray(patterns->items, patterns->count + 1, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    patterns->items = items;
    item = &items[patterns->count];
    *item = (struct rl_host_pattern){
        .text = strdup(text), .size = strlen(text), .rule = rule, .star = star};
    if (item->text == NULL)
        return -ENOMEM;
    for (char *p = item->text; *p != '\0'; p++)
        *p = lower(*p);
    patterns->count++;
    return 0;
}

/* Exact before starred; exact by text, starred by length; of equals the last added first. */
static int by_place(const void *left, const void *right)
{
    const struct rl_host_pattern *a = left, *b = right;
    int order;

    if (a->star != b->star)
        return a->star ? 1 : -1;
    if (a->star && a->size != b->size)
        return a->size > b->size ? -1 : 1;
    order = strcmp(a->text, b->text);
    if (order != 0)
        return order;
    return (a->rule < b->rule) - (a->rule > b->rule);
}

static bool same(const struct rl_host_pattern *a, const struct rl_host_pattern *b)
{
    return a->star == b->star && strcmp(a->text, b->text) == 0;
}

void rl_host_patterns_close(struct rl_host_patterns *patterns)
{
    size_t kept = 0;

    if (patterns->count == 0)
        return;
    qsort(patterns->items, patterns->count, sizeof(*patterns->items), by_place);
    patterns->exact_count = 0;
    for (size_t i = 0; i < patterns->count; i++) {
        if (kept > 0 && same(&patterns->items[kept - 1], &patterns->items[i])) {
            free(patterns->items[i].text);
            continue;
        }
        patterns->exact_count += !patterns->items[i].star;
        patterns->items[kept++] = patterns->items[i];
    }
    patterns->count = kept;
}

void rl_host_patterns_fini(struct rl_host_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        free(patterns->items[i].text);
    free(patterns->items);
    memset(patterns, 0, sizeof(*patterns));
}

static int by_text(const void *name, const void *item)
{
    return strcmp(name, ((const struct rl_host_pattern *)item)->text);
}

const struct rl_host_pattern *rl_host_patterns_find(const struct rl_host_patterns *patterns,
                                                    const char *name)
{
    char text[RL_HOST_TEXT + PORT_TEXT + 1];
    size_t size = strlen(name);
    const struct rl_host_pattern *found;

    if (patterns->count == 0 || size >= sizeof(text))
        return NULL;
    for (size_t i = 0; i <= size; i++)
        text[i] = lower(name[i]);
    found = bsearch(text, patterns->items, patterns->exact_count, sizeof(*found), by_text);
    for (size_t i = patterns->exact_count; found == NULL && i < patterns->count; i++) {
        const struct rl_host_pattern *item = &patterns->items[i];

        if (item->size <= size && memcmp(text + size - item->size, item->text, item->size) == 0)
            found = item;
    }
    return found;
}
