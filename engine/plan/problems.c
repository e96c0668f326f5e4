/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"

void rl_problems_init(struct rl_problems *problems)
{
    *problems = (struct rl_problems){.first = NULL};
    rl_arena_init(&problems->arena, 4096);
}

void rl_problems_fini(struct rl_problems *problems)
{
    rl_arena_fini(&problems->arena);
    rl_problems_init(problems);
}

static bool is_known(const struct rl_problems *problems, bool warning, const char *text)
{
    for (const struct rl_problem *known = problems->first; known != NULL; known = known->next) {
        if (known->warning == warning && strcmp(known->text, text) == 0)
            return true;
    }
    return false;
}

__attribute__((format(printf, 3, 0))) static void add(struct rl_problems *problems, bool warning,
                                                      const char *format, va_list args)
{
    struct rl_problem *problem = rl_arena_alloc(&problems->arena, sizeof(*problem));
    char *text = NULL;

    RL_CHECK(vasprintf(&text, format, args) >= 0);
    if (!is_known(problems, warning, text)) {
        RL_CHECK(problem != NULL);
        *problem = (struct rl_problem){.warning = warning};
        problem->text = rl_arena_strdup(&problems->arena, text);
        RL_CHECK(problem->text != NULL);
        if (problems->last == NULL)
            problems->first = problem;
        else
            problems->last->next = problem;
        problems->last = problem;
        if (warning)
            problems->warning_count++;
        else
            problems->error_count++;
    }
    free(text);
}

void rl_problems_error(struct rl_problems *problems, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(problems, false, format, args);
    va_end(args);
}

void rl_problems_warn(struct rl_problems *problems, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(problems, true, format, args);
    va_end(args);
}

void rl_problems_tell(struct rl_problems *problems)
{
    for (struct rl_problem *problem = problems->first; problem != NULL; problem = problem->next) {
        if (!problem->told && problem->warning)
            rl_log_warn("%s", problem->text);
        else if (!problem->told)
            rl_log_error("%s", problem->text);
        problem->told = true;
    }
}
