/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of text as options and names: an exact pattern that was taken fits itself, whatever its case. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "net/host_rules.h"

static void add(struct rl_host_rules *rules, const char *line)
{
    struct rl_host_entry entry = {.pattern = line, .target = "127.0.0.1:1"};
    char why[64];

    rl_host_rules_add_host(rules, &entry, why, sizeof(why));
    rl_host_rules_add_blocked(rules, line, why, sizeof(why));
    rl_host_rules_add_blacklisted(rules, line, why, sizeof(why));
    entry = (struct rl_host_entry){.pattern = "a.test", .target = line};
    rl_host_rules_add_host(rules, &entry, why, sizeof(why));
}

static void ask(const struct rl_host_rules *rules, const char *line)
{
    struct rl_addr addr;

    rl_host_rules_mapped(rules, line, 80, &addr);
    rl_host_rules_is_blocked(rules, line);
    if (rl_addr_parse_ip(line, &addr) == 0)
        rl_host_rules_blacklisted(rules, &addr);
}

static void check_own(const struct rl_host_rules *rules)
{
    for (size_t i = 0; i < rules->hosts.exact_count; i++) {
        if (rl_host_patterns_find(&rules->hosts, rules->hosts.items[i].text) !=
            &rules->hosts.items[i])
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rl_host_rules rules = {0};
    char *text = malloc(size + 1), *rest, *line;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (rest = text; (line = strsep(&rest, "\n")) != NULL;)
        add(&rules, line);
    rl_host_rules_close(&rules);
    check_own(&rules);
    memcpy(text, data, size);
    for (rest = text; (line = strsep(&rest, "\n")) != NULL;)
        ask(&rules, line);
    rl_host_rules_fini(&rules);
    free(text);
    return 0;
}
