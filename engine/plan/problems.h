/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * problems - all that is wrong with what the user asked for, told together.
 *
 * An error ends in exit code 104 (E-103, E-104); a warning is told and the run goes on. Each is one
 * line: where, what, and how to mend it. A line that is already there is not added again.
 */
#ifndef RL_PLAN_PROBLEMS_H
#define RL_PLAN_PROBLEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct rl_problem {
    struct rl_problem *next;
    bool warning, told;
    const char *text;
};

struct rl_problems {
    struct rl_arena arena;
    struct rl_problem *first, *last;
    size_t error_count, warning_count;
};

void rl_problems_init(struct rl_problems *problems);
void rl_problems_fini(struct rl_problems *problems);

void rl_problems_error(struct rl_problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void rl_problems_warn(struct rl_problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Log what is new since the last call, one line each, in the order of arrival. */
void rl_problems_tell(struct rl_problems *problems);

#endif
