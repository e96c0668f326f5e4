/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "metrics/tags.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "metrics/table.h"

enum { ARENA_BLOCK = 8192, ON_STACK = 32 };

/* from plus (key, value), or from plus over where key is NULL, is to. */
struct step {
    const struct rl_tagset *from, *over, *to;
    const char *key, *value;
};

struct rl_tags {
    struct rl_table texts; /* keys and values, each kept once: equal texts are the same pointer */
    struct rl_table sets;
    struct rl_table steps;
    struct rl_arena arena;
    const struct rl_tagset *empty;
    uint32_t set_count;
};

/* A set in the making: its tags, not in the arena yet. */
struct draft {
    struct rl_tag *tags;
    size_t count;
    struct rl_tag few[ON_STACK];
};

static int draft_init(struct draft *draft, size_t capacity)
{
    draft->count = 0;
    draft->tags = draft->few;
    if (capacity > ON_STACK)
        draft->tags = calloc(capacity, sizeof(*draft->tags));
    return draft->tags == NULL ? -1 : 0;
}

static void draft_fini(struct draft *draft)
{
    if (draft->tags != draft->few)
        free(draft->tags);
}

/* Where key is or belongs. */
static size_t position(const struct rl_tag *tags, size_t count, const char *key, bool *found)
{
    size_t i = 0;
    int order = 1;

    while (i < count && (order = strcmp(tags[i].key, key)) < 0)
        i++;
    *found = i < count && order == 0;
    return i;
}

static void draft_set(struct draft *draft, const char *key, const char *value)
{
    bool found;
    size_t at = position(draft->tags, draft->count, key, &found);

    if (!found) {
        memmove(&draft->tags[at + 1], &draft->tags[at], (draft->count - at) * sizeof(*draft->tags));
        draft->count++;
    }
    draft->tags[at] = (struct rl_tag){.key = key, .value = value};
}

static void draft_unset(struct draft *draft, const char *key)
{
    bool found;
    size_t at = position(draft->tags, draft->count, key, &found);

    if (found) {
        draft->count--;
        memmove(&draft->tags[at], &draft->tags[at + 1], (draft->count - at) * sizeof(*draft->tags));
    }
}

static const char *intern_text(struct rl_tags *tags, const char *text)
{
    uint64_t hash = rl_hash_text(text);
    void *item;

    for (size_t at = rl_table_find(&tags->texts, hash, &item); item != NULL;
         at = rl_table_next(&tags->texts, at, &item)) {
        if (strcmp(item, text) == 0)
            return item;
    }
    item = rl_arena_strdup(&tags->arena, text);
    if (item == NULL || rl_table_add(&tags->texts, hash, item) < 0)
        return NULL;
    return item;
}

/* Once the texts are interned, comparing sets is comparing pointers. */
static bool same_tags(const struct rl_tagset *set, const struct draft *draft)
{
    if (set->count != draft->count)
        return false;
    for (size_t i = 0; i < draft->count; i++) {
        if (set->tags[i].key != draft->tags[i].key || set->tags[i].value != draft->tags[i].value)
            return false;
    }
    return true;
}

static const struct rl_tagset *new_set(struct rl_tags *tags, const struct draft *draft,
                                       uint64_t hash)
{
    size_t size = draft->count * sizeof(struct rl_tag);
    struct rl_tagset *set = rl_arena_alloc(&tags->arena, sizeof(*set) + size);

    if (set == NULL || rl_table_add(&tags->sets, hash, set) < 0)
        return NULL;
    set->hash = hash;
    set->id = tags->set_count++;
    set->count = (uint32_t)draft->count;
    memcpy(set->tags, draft->tags, size);
    return set;
}

/* The set of the draft, made if it is new; NULL when memory is out. */
static const struct rl_tagset *intern(struct rl_tags *tags, struct draft *draft)
{
    uint64_t hash = draft->count;
    void *item;

    for (size_t i = 0; i < draft->count; i++) {
        struct rl_tag *tag = &draft->tags[i];

        tag->key = intern_text(tags, tag->key);
        tag->value = intern_text(tags, tag->value);
        if (tag->key == NULL || tag->value == NULL)
            return NULL;
        hash = rl_hash_pair(hash, rl_hash_pair((uintptr_t)tag->key, (uintptr_t)tag->value));
    }
    for (size_t at = rl_table_find(&tags->sets, hash, &item); item != NULL;
         at = rl_table_next(&tags->sets, at, &item)) {
        if (same_tags(item, draft))
            return item;
    }
    return new_set(tags, draft, hash);
}

struct rl_tags *rl_tags_new(void)
{
    struct rl_tags *tags = calloc(1, sizeof(*tags));

    if (tags == NULL)
        return NULL;
    rl_table_init(&tags->texts);
    rl_table_init(&tags->sets);
    rl_table_init(&tags->steps);
    rl_arena_init(&tags->arena, ARENA_BLOCK);
    tags->empty = rl_tags_of(tags, NULL, 0);
    if (tags->empty == NULL) {
        rl_tags_free(tags);
        return NULL;
    }
    return tags;
}

void rl_tags_free(struct rl_tags *tags)
{
    if (tags == NULL)
        return;
    rl_table_fini(&tags->texts);
    rl_table_fini(&tags->sets);
    rl_table_fini(&tags->steps);
    rl_arena_fini(&tags->arena);
    free(tags);
}

const struct rl_tagset *rl_tags_empty(struct rl_tags *tags)
{
    return tags->empty;
}

uint32_t rl_tags_count(const struct rl_tags *tags)
{
    return tags->set_count;
}

const struct rl_tagset *rl_tags_of(struct rl_tags *tags, const struct rl_tag *pairs, size_t count)
{
    const struct rl_tagset *set;
    struct draft draft;

    if (draft_init(&draft, count) < 0)
        return NULL;
    for (size_t i = 0; i < count; i++)
        draft_set(&draft, pairs[i].key, pairs[i].value);
    set = intern(tags, &draft);
    draft_fini(&draft);
    return set;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const struct rl_tagset *recall(const struct rl_tags *tags, uint64_t hash,
                                      const struct step *wanted)
{
    void *item;

    for (size_t at = rl_table_find(&tags->steps, hash, &item); item != NULL;
         at = rl_table_next(&tags->steps, at, &item)) {
        const struct step *step = item;

        if (step->from == wanted->from && step->over == wanted->over &&
            same_text(step->key, wanted->key) && same_text(step->value, wanted->value))
            return step->to;
    }
    return NULL;
}

/* Not remembering costs time only, so memory that is out does not matter here. */
static void remember(struct rl_tags *tags, uint64_t hash, const struct step *step)
{
    struct step *copy = rl_arena_alloc(&tags->arena, sizeof(*copy));
    const char *key = step->key == NULL ? NULL : intern_text(tags, step->key);
    const char *value = step->value == NULL ? NULL : intern_text(tags, step->value);

    if (copy == NULL || (key == NULL) != (step->key == NULL) ||
        (value == NULL) != (step->value == NULL))
        return;
    *copy = *step;
    copy->key = key;
    copy->value = value;
    (void)rl_table_add(&tags->steps, hash, copy);
}

/* Take the step by making the set. */
static const struct rl_tagset *walk(struct rl_tags *tags, const struct step *step)
{
    const struct rl_tagset *from = step->from, *set;
    size_t added = step->over == NULL ? 1 : step->over->count;
    struct draft draft;

    if (draft_init(&draft, from->count + added) < 0)
        return NULL;
    if (from->count > 0)
        memcpy(draft.tags, from->tags, from->count * sizeof(*draft.tags));
    draft.count = from->count;
    if (step->over != NULL) {
        for (uint32_t i = 0; i < step->over->count; i++)
            draft_set(&draft, step->over->tags[i].key, step->over->tags[i].value);
    } else if (step->value != NULL) {
        draft_set(&draft, step->key, step->value);
    } else {
        draft_unset(&draft, step->key);
    }
    set = intern(tags, &draft);
    draft_fini(&draft);
    return set;
}

static const struct rl_tagset *take_step(struct rl_tags *tags, uint64_t hash, struct step *step)
{
    step->to = recall(tags, hash, step);
    if (step->to != NULL)
        return step->to;
    step->to = walk(tags, step);
    if (step->to == NULL)
        return step->from;
    remember(tags, hash, step);
    return step->to;
}

const struct rl_tagset *rl_tags_with(struct rl_tags *tags, const struct rl_tagset *set,
                                     const char *key, const char *value)
{
    struct step step = {.from = set, .key = key, .value = value};
    uint64_t pair = rl_hash_pair(rl_hash_text(key), value == NULL ? 0 : rl_hash_text(value));

    return take_step(tags, rl_hash_pair((uintptr_t)set, pair), &step);
}

const struct rl_tagset *rl_tags_over(struct rl_tags *tags, const struct rl_tagset *set,
                                     const struct rl_tagset *over)
{
    struct step step = {.from = set, .over = over};

    if (over->count == 0 || set == over)
        return set;
    if (set->count == 0)
        return over;
    return take_step(tags, rl_hash_pair((uintptr_t)set, (uintptr_t)over), &step);
}

const char *rl_tagset_get(const struct rl_tagset *set, const char *key)
{
    bool found;
    size_t at = position(set->tags, set->count, key, &found);

    return found ? set->tags[at].value : NULL;
}
