/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cpu_list.h"

#include <errno.h>

/* The number at *text, which goes behind it; -EINVAL if there is none. */
static int read_number(const char **text)
{
    int number = 0;

    if (**text < '0' || **text > '9')
        return -EINVAL;
    for (; **text >= '0' && **text <= '9'; (*text)++) {
        number = number * 10 + (**text - '0');
        if (number >= RL_CPUS_MAX)
            return -ERANGE;
    }
    return number;
}

/* "3" or "0-3", added to list. */
static int read_range(const char **text, struct rl_cpu_list *list)
{
    int first = read_number(text), last = first;

    if (first >= 0 && **text == '-') {
        (*text)++;
        last = read_number(text);
    }
    if (first < 0 || last < 0)
        return first < 0 ? first : last;
    if (last < first)
        return -EINVAL;
    for (int cpu = first; cpu <= last; cpu++) {
        if (list->count == RL_CPUS_MAX)
            return -ERANGE;
        list->items[list->count++] = (uint16_t)cpu;
    }
    return 0;
}

int rl_cpu_list_parse(const char *text, struct rl_cpu_list *list)
{
    struct rl_cpu_list read = {.count = 0};
    int rc;

    while ((rc = read_range(&text, &read)) == 0 && *text == ',')
        text++;
    if (rc < 0)
        return rc;
    if (*text != '\0')
        return -EINVAL;
    *list = read;
    return 0;
}
