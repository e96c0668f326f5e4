/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/findings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

struct rl_finding *rl_finding_add(struct rl_findings *findings, const char *name)
{
    struct rl_finding *finding;

    RL_CHECK(findings->count < RL_FINDINGS_MAX);
    finding = &findings->items[findings->count++];
    *finding = (struct rl_finding){.name = name, .ratio = 1};
    return finding;
}

static void write_number(char *out, size_t out_bytes, int64_t number)
{
    if (number == RL_UNKNOWN)
        snprintf(out, out_bytes, "not known");
    else if (number == INT64_MAX)
        snprintf(out, out_bytes, "no limit");
    else
        snprintf(out, out_bytes, "%" PRId64, number);
}

bool rl_finding_at_least(struct rl_finding *finding, int64_t found, int64_t needed)
{
    write_number(finding->found, sizeof(finding->found), found);
    write_number(finding->needed, sizeof(finding->needed), needed);
    if (found == RL_UNKNOWN) {
        finding->state = RL_FINDING_UNKNOWN;
        return false;
    }
    finding->state = found < needed ? RL_FINDING_SHORT : RL_FINDING_OK;
    if (needed > 0)
        finding->ratio = (double)found / (double)needed;
    return finding->state == RL_FINDING_SHORT;
}

void rl_finding_mend(struct rl_finding *finding, const char *path, const char *format, ...)
{
    char name[96];
    va_list args;

    va_start(args, format);
    vsnprintf(finding->value, sizeof(finding->value), format, args);
    va_end(args);
    snprintf(name, sizeof(name), "%s", path);
    for (char *at = name; *at != '\0'; at++)
        *at = *at == '/' ? '.' : *at;
    finding->sysctl = path;
    if (strchr(finding->value, ' ') != NULL)
        snprintf(finding->remedy, sizeof(finding->remedy), "sysctl -w %s=\"%s\"", name, finding->value);
    else
        snprintf(finding->remedy, sizeof(finding->remedy), "sysctl -w %s=%s", name, finding->value);
}

struct rl_finding *rl_finding_sysctl(struct rl_findings *findings, const char *name,
                                     const char *path, int64_t found, int64_t needed, bool stops)
{
    struct rl_finding *finding = rl_finding_add(findings, name);

    finding->stops = stops;
    if (!rl_finding_at_least(finding, found, needed))
        return NULL;
    rl_finding_mend(finding, path, "%" PRId64, needed);
    return finding;
}

void rl_findings_make(struct rl_findings *findings, const struct rl_machine *machine,
                      const struct rl_demand *demand)
{
    findings->count = 0;
    rl_findings_kernel(findings, machine, demand);
    rl_findings_ports(findings, machine, demand);
    rl_findings_network(findings, machine, demand);
    rl_findings_hardware(findings, machine, demand);
}

unsigned rl_findings_short(const struct rl_findings *findings)
{
    unsigned count = 0;

    for (unsigned i = 0; i < findings->count; i++)
        count += findings->items[i].state == RL_FINDING_SHORT;
    return count;
}

const struct rl_finding *rl_findings_worst(const struct rl_findings *findings)
{
    const struct rl_finding *worst = NULL;

    for (unsigned i = 0; i < findings->count; i++) {
        const struct rl_finding *finding = &findings->items[i];

        if (finding->stops && finding->state == RL_FINDING_SHORT &&
            (worst == NULL || finding->ratio < worst->ratio))
            worst = finding;
    }
    return worst;
}

/* What stops so many VUs, NULL if nothing does. */
static const char *stops(const struct rl_machine *machine, struct rl_demand demand, uint64_t vus)
{
    struct rl_findings findings;
    const struct rl_finding *worst;

    demand.vus = vus;
    rl_findings_make(&findings, machine, &demand);
    worst = rl_findings_worst(&findings);
    return worst == NULL ? NULL : worst->name;
}

/* More VUs never need less, so it is found by halving. */
uint64_t rl_findings_capacity(const struct rl_machine *machine, const struct rl_demand *demand,
                              uint64_t max, const char **limit)
{
    uint64_t enough = 0, too_many = max + 1;

    *limit = NULL;
    while (too_many - enough > 1) {
        uint64_t middle = enough + (too_many - enough) / 2;
        const char *by = stops(machine, *demand, middle);

        if (by == NULL) {
            enough = middle;
        } else {
            too_many = middle;
            *limit = by;
        }
    }
    return enough;
}
