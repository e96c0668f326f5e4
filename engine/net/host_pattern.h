/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * host_pattern - host names that rules are written for, and the rule that fits a name.
 *
 *      a.test       that name
 *      a.test:80    that name with that port (if the table takes ports)
 *      *.a.test     every name below a.test, at any depth, not a.test
 *      *a.test      every name that ends so, a.test as well
 *
 * Upper and lower case are the same. Of the patterns that fit an exact one wins, then the one that says
 * most (the longest). Exact ones are found by bisection; those with a star are tried one by one.
 *
 * Thread: any, once built; building is one thread's. Memory: texts are copied.
 */
#ifndef RL_NET_HOST_PATTERN_H
#define RL_NET_HOST_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rl_host_pattern {
    char *text; /* lower case, without the star */
    size_t size;
    size_t rule; /* the caller's number of it */
    bool star;
};

struct rl_host_patterns {
    struct rl_host_pattern
        *items; /* sorted: exact ones by text, then starred ones, longest first */
    size_t count, exact_count;
};

enum { RL_HOST_TEXT = 253 }; /* no longer name exists */

/* -EINVAL: no such pattern can fit a name; -ENOMEM. Of equal patterns the last one counts. */
int rl_host_patterns_add(struct rl_host_patterns *patterns, const char *text, bool with_port,
                         size_t rule);

/* Sorts; call it once, after the last add. */
void rl_host_patterns_close(struct rl_host_patterns *patterns);
void rl_host_patterns_fini(struct rl_host_patterns *patterns);

/* The rule for name ("host" or "host:port", exactly as the pattern is written), or NULL. */
const struct rl_host_pattern *rl_host_patterns_find(const struct rl_host_patterns *patterns,
                                                    const char *name);

#endif
