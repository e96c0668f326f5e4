/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tags - immutable, interned sets of key=value, compared by pointer.
 *
 * Two sets of one interner are equal if and only if they are the same pointer. Sets are made by
 * adding to another set; each such step is remembered, so repeating it costs one look-up and
 * allocates nothing.
 *
 * Thread: an interner belongs to one worker; its sets may be read by the collector, since a set
 * never changes and lives as long as the interner.
 */
#ifndef RL_METRICS_TAGS_H
#define RL_METRICS_TAGS_H

#include <stddef.h>
#include <stdint.h>

struct rl_tag {
    const char *key, *value; /* NUL-terminated, owned by the interner */
};

struct rl_tagset {
    uint64_t hash;
    uint32_t id; /* dense, from 0, in this interner */
    uint32_t count;
    struct rl_tag tags[]; /* sorted by key, keys distinct */
};

struct rl_tags;

struct rl_tags *rl_tags_new(void);
void rl_tags_free(struct rl_tags *tags);

const struct rl_tagset *rl_tags_empty(struct rl_tags *tags);

/* set plus key=value (replacing an older value); value NULL takes key away. Memory out: set itself. */
const struct rl_tagset *rl_tags_with(struct rl_tags *tags, const struct rl_tagset *set,
                                     const char *key, const char *value);

/* set with all of over on top; both from this interner. */
const struct rl_tagset *rl_tags_over(struct rl_tags *tags, const struct rl_tagset *set,
                                     const struct rl_tagset *over);

/* The set of these pairs, in any order, the last of equal keys wins; not remembered as a step.
 * Values are copied. NULL when memory is out. */
const struct rl_tagset *rl_tags_of(struct rl_tags *tags, const struct rl_tag *pairs, size_t count);

/* How many sets there are; their ids are below this. */
uint32_t rl_tags_count(const struct rl_tags *tags);

/* NULL if absent. */
const char *rl_tagset_get(const struct rl_tagset *set, const char *key);

#endif
