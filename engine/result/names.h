/* SPDX-License-Identifier: GPL-3.0-or-later */
/* names - texts, each kept once, in the order in which they were first added. Thread: one. */
#ifndef RL_RESULT_NAMES_H
#define RL_RESULT_NAMES_H

#include <stddef.h>

#include "metrics/table.h"

struct rl_names {
    char **texts;
    size_t count, capacity;
    struct rl_table table;
};

void rl_names_init(struct rl_names *names);
void rl_names_fini(struct rl_names *names);

/* Add the first size bytes of text, if new. -ENOMEM. */
int rl_names_add(struct rl_names *names, const char *text, size_t size);

#endif
