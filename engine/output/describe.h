/* SPDX-License-Identifier: GPL-3.0-or-later */
/* describe - what is said before a run starts: the banner, and what will be done (E-440). */
#ifndef RL_OUTPUT_DESCRIBE_H
#define RL_OUTPUT_DESCRIBE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "plan/plan.h"

struct rl_description {
    const char *version, *script;
    const char *const *outputs; /* as the user named them */
    size_t output_count;
    double percent; /* of the whole test: the own segment's, 100 for all of it */
    const struct rl_plan *plan;
};

/* Append it to out. 0 or -ENOMEM. */
int rl_describe_banner(const struct rl_description *description, bool color, struct rl_buf *out);
int rl_describe(const struct rl_description *description, bool color, struct rl_buf *out);

#endif
