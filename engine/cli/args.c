/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/args.h"

#include <errno.h>
#include <string.h>

#include "base/edit_distance.h"

enum { WHERE_MAX = 128 };

struct parser {
    const struct rl_flags *flags;
    const struct rl_args_handler *handler;
    struct rl_problems *problems;
    int argc, next; /* argv[next] comes next */
    char *const *argv;
};

static const struct rl_flag *find_name(const struct rl_flags *flags, const char *name, size_t size)
{
    for (size_t i = 0; i < flags->count; i++) {
        const struct rl_flag *flag = &flags->items[i];

        if (flag->kind != RL_FLAG_TITLE && strlen(flag->name) == size &&
            memcmp(flag->name, name, size) == 0)
            return flag;
    }
    return NULL;
}

static const struct rl_flag *find_letter(const struct rl_flags *flags, char letter)
{
    for (size_t i = 0; i < flags->count; i++) {
        if (flags->items[i].kind != RL_FLAG_TITLE && flags->items[i].letter == letter)
            return &flags->items[i];
    }
    return NULL;
}

/* The known flag that a mistyped name is nearest to, or NULL. */
static const char *find_near(const struct rl_flags *flags, const char *name)
{
    const char *nearest = NULL;

    for (size_t i = 0; i < flags->count; i++) {
        const struct rl_flag *flag = &flags->items[i];

        if (flag->kind != RL_FLAG_TITLE && rl_is_near(name, flag->name) &&
            (nearest == NULL ||
             rl_edit_distance(name, flag->name) < rl_edit_distance(name, nearest)))
            nearest = flag->name;
    }
    return nearest;
}

static void refuse_unknown(struct parser *p, const char *written, const char *name)
{
    const char *nearest = name == NULL ? NULL : find_near(p->flags, name);

    if (nearest != NULL)
        rl_problems_error(p->problems, "unknown flag %.100s; did you mean --%s?", written, nearest);
    else
        rl_problems_error(p->problems, "unknown flag %.100s; see %s --help", written,
                          p->flags->command);
}

static bool takes_argument(const struct rl_flag *flag)
{
    return flag->kind == RL_FLAG_VALUE || flag->kind == RL_FLAG_LATER_VALUE;
}

/* One flag with the text that was found for it; NULL if none was. */
static void deliver(struct parser *p, const struct rl_flag *flag, const char *where,
                    const char *text)
{
    if (flag->kind == RL_FLAG_LATER_SWITCH || flag->kind == RL_FLAG_LATER_VALUE)
        rl_problems_error(p->problems, "%s: not available in this version", where);
    else
        p->handler->flag(p->handler->ctx, flag, text == NULL ? "true" : text, where);
}

/* deliver, with the next argument as text if the flag needs one and has none. */
static void complete(struct parser *p, const struct rl_flag *flag, const char *where,
                     const char *text)
{
    if (text == NULL && takes_argument(flag)) {
        if (p->next == p->argc) {
            rl_problems_error(p->problems, "%s: needs an argument; write %s %s", where, where,
                              flag->argument == NULL ? "VALUE" : flag->argument);
            return;
        }
        text = p->argv[p->next++];
    }
    deliver(p, flag, where, text);
}

/* "--name", "--name=text". */
static void parse_long(struct parser *p, const char *arg)
{
    size_t size = strcspn(arg + 2, "=");
    const struct rl_flag *flag = find_name(p->flags, arg + 2, size);
    const char *text = arg[2 + size] == '=' ? arg + 2 + size + 1 : NULL;
    char where[WHERE_MAX];

    snprintf(where, sizeof(where), "%.*s", (int)(size + 2 < WHERE_MAX ? size + 2 : WHERE_MAX - 1),
             arg);
    if (flag == NULL)
        refuse_unknown(p, where, where + 2);
    else
        complete(p, flag, where, text);
}

/* "-qv", "-u5", "-u=5", "-u 5". */
static void parse_short(struct parser *p, const char *arg)
{
    for (const char *at = arg + 1; *at != '\0'; at++) {
        const struct rl_flag *flag = find_letter(p->flags, *at);
        char where[] = {'-', *at, '\0'};

        if (flag == NULL) {
            refuse_unknown(p, arg, NULL);
            return;
        }
        if (at[1] == '=') {
            complete(p, flag, where, at + 2);
            return;
        }
        if (takes_argument(flag)) {
            complete(p, flag, where, at[1] == '\0' ? NULL : at + 1);
            return;
        }
        complete(p, flag, where, NULL);
    }
}

int rl_args_parse(const struct rl_flags *flags, const struct rl_args_handler *handler, int argc,
                  char *const *argv, struct rl_problems *problems)
{
    struct parser p = {flags, handler, problems, argc, 0, argv};
    size_t errors_before = problems->error_count;
    bool flags_ended = false;

    while (p.next < p.argc) {
        const char *arg = p.argv[p.next++];

        if (flags_ended || arg[0] != '-' || arg[1] == '\0')
            handler->positional(handler->ctx, arg);
        else if (strcmp(arg, "--") == 0)
            flags_ended = true;
        else if (arg[1] == '-')
            parse_long(&p, arg);
        else
            parse_short(&p, arg);
    }
    return problems->error_count > errors_before ? -EINVAL : 0;
}

/* "-u, --vus N"; the bytes it takes. */
static size_t format_flag(const struct rl_flag *flag, char *out, size_t out_bytes)
{
    char letter[8] = "    ";
    int size;

    if (flag->letter != 0)
        snprintf(letter, sizeof(letter), "-%c, ", flag->letter);
    size =
        snprintf(out, out_bytes, "%s--%s%s%s", letter, flag->name,
                 flag->argument == NULL ? "" : " ", flag->argument == NULL ? "" : flag->argument);
    return (size_t)size;
}

void rl_flags_print(const struct rl_flags *flags, FILE *out)
{
    char text[WHERE_MAX];
    size_t width = 0;

    for (size_t i = 0; i < flags->count; i++) {
        const struct rl_flag *flag = &flags->items[i];
        size_t size = flag->help == NULL ? 0 : format_flag(flag, text, sizeof(text));

        if (size > width)
            width = size;
    }
    for (size_t i = 0; i < flags->count; i++) {
        const struct rl_flag *flag = &flags->items[i];

        if (flag->kind == RL_FLAG_TITLE) {
            fprintf(out, "\n%s:\n", flag->name);
        } else if (flag->help != NULL) {
            format_flag(flag, text, sizeof(text));
            fprintf(out, "  %-*s  %s\n", (int)width, text, flag->help);
        }
    }
}
