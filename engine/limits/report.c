/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits/report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static const char *const states[] = {"ok", "short", "unknown"};

static void write_head(const struct rl_doctor_report *report, FILE *out)
{
    const struct rl_demand *demand = report->demand;

    fprintf(out, "for %" PRIu64 " VUs", demand->vus);
    if (demand->rate_per_s > 0)
        fprintf(out, ", %" PRIu64 " connects/s", demand->rate_per_s);
    fprintf(out, ", %u workers, %" PRIu64 " source address%s, ", demand->workers, demand->addresses,
            demand->addresses == 1 ? "" : "es");
    if (report->target == NULL)
        fprintf(out, "one target that is not known\n\n");
    else
        fprintf(out, "target %s (%s)\n\n", report->target, report->machine->nic.name);
}

static void write_finding(const struct rl_finding *finding, int width, FILE *out)
{
    fprintf(out, "%-7s  %-*s  %s", states[finding->state], width, finding->name, finding->found);
    if (finding->needed[0] != '\0')
        fprintf(out, ", needs %s", finding->needed);
    if (finding->remedy[0] != '\0')
        fprintf(out, ": %s", finding->remedy);
    fputc('\n', out);
}

static void write_capacity(const struct rl_doctor_report *report, FILE *out)
{
    if (report->limit == NULL)
        fprintf(out, "\nas it is, nothing here ends before %" PRIu64 " VUs\n", report->capacity);
    else if (report->capacity == 0)
        fprintf(out, "\nas it is, connections fail here with any number of VUs: first mend %s\n",
                report->limit);
    else
        fprintf(out, "\nas it is, this machine holds %" PRIu64 " VUs of one connection each; the first to run "
                "short: %s\n", report->capacity, report->limit);
}

void rl_limits_write_text(const struct rl_doctor_report *report, FILE *out)
{
    int width = 0;

    write_head(report, out);
    for (unsigned i = 0; i < report->findings->count; i++) {
        int size = (int)strlen(report->findings->items[i].name);

        width = size > width ? size : width;
    }
    for (unsigned i = 0; i < report->findings->count; i++)
        write_finding(&report->findings->items[i], width, out);
    if (rl_findings_short(report->findings) > 0)
        fputs("\nsysctls as root, or with --apply; in a container those of net. by docker run --sysctl "
              "NAME=VALUE,\nthe others on its host; in /etc/sysctl.d/ they outlive a restart\n", out);
    write_capacity(report, out);
}

static json_t *finding_json(const struct rl_finding *finding)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s}", "name", finding->name, "state",
                     states[finding->state], "stops", finding->stops, "found", finding->found, "needed",
                     finding->needed, "remedy", finding->remedy);
}

int rl_limits_write_json(const struct rl_doctor_report *report, FILE *out)
{
    const struct rl_demand *demand = report->demand;
    json_t *list = json_array();
    json_t *root;
    int rc;

    for (unsigned i = 0; i < report->findings->count; i++)
        json_array_append_new(list, finding_json(&report->findings->items[i]));
    root = json_pack("{s:I, s:I, s:I, s:I, s:s?, s:I, s:I, s:s?, s:o}", "vus", (json_int_t)demand->vus,
                     "rate", (json_int_t)demand->rate_per_s, "workers", (json_int_t)demand->workers,
                     "addresses", (json_int_t)demand->addresses, "target", report->target, "short",
                     (json_int_t)rl_findings_short(report->findings), "capacity",
                     (json_int_t)report->capacity, "limit", report->limit, "findings", list);
    if (root == NULL)
        return -ENOMEM;
    rc = json_dumpf(root, out, JSON_INDENT(2));
    json_decref(root);
    fputc('\n', out);
    return rc < 0 ? -ENOMEM : 0;
}

bool rl_limits_one_line(const struct rl_findings *findings, uint64_t vus, char *out, size_t out_bytes)
{
    const struct rl_finding *worst = rl_findings_worst(findings);
    char more[64] = "";
    unsigned others = 0;

    if (worst == NULL)
        return false;
    for (unsigned i = 0; i < findings->count; i++)
        others += findings->items[i].stops && findings->items[i].state == RL_FINDING_SHORT;
    if (others > 1)
        snprintf(more, sizeof(more), " (and %u more)", others - 1);
    snprintf(out, out_bytes,
             "%s: %s for %" PRIu64 " VUs with a connection each to one target, which need %s%s: see 'ringload "
             "doctor --vus %" PRIu64 "'", worst->name, worst->found, vus, worst->needed, more, vus);
    return true;
}
