/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/summary_json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/md5.h"

/* A double holds 15 decimal digits for sure: more would print 0.3 as 0.29999999999999999. */
enum { INDENT = 4, DIGITS = 15 };

/*
 * Jansson's setters take the new value, free it if they fail, and fail if it is NULL: so values
 * go straight into them, and each failure is memory that is out.
 */
static int set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new_nocheck(object, key, value) < 0 ? -ENOMEM : 0;
}

/* A new object inside, or NULL. */
static json_t *set_object(json_t *object, const char *key)
{
    json_t *value = json_object();

    return set(object, key, value) < 0 ? NULL : value;
}

/* A script's text; where it is not UTF-8, which JSON must be, only the ASCII of it. */
static json_t *text(const char *value)
{
    json_t *string = json_string(value);
    char *copy;

    if (string != NULL)
        return string;
    copy = strdup(value);
    if (copy == NULL)
        return NULL;
    for (char *at = copy; *at != '\0'; at++)
        *at = (unsigned char)*at < 0x80 ? *at : '?';
    string = json_string(copy);
    free(copy);
    return string;
}

/* set with a key of the script's. */
static int set_named(json_t *object, const char *name, json_t *value)
{
    json_t *key = text(name);
    int rc = -ENOMEM;

    if (key == NULL)
        json_decref(value);
    else
        rc = set(object, json_string_value(key), value);
    json_decref(key);
    return rc;
}

static json_t *number(double value)
{
    if (!isfinite(value))
        return json_null();
    if (value == trunc(value) && fabs(value) < 0x1p53)
        return json_integer((json_int_t)value);
    return json_real(value);
}

static json_t *thresholds(const struct rl_summary_metric *metric)
{
    json_t *object = json_object();
    int rc = object == NULL ? -ENOMEM : 0;

    for (size_t i = 0; i < metric->threshold_count && rc == 0; i++)
        rc = set_named(object, metric->thresholds[i].source,
                       json_boolean(!metric->thresholds[i].ok));
    if (rc == 0)
        return object;
    json_decref(object);
    return NULL;
}

static int add_metric(json_t *metrics, const struct rl_summary_metric *metric)
{
    json_t *object = json_object();
    int rc = set_named(metrics, metric->name, object);

    for (size_t i = 0; i < metric->value_count && rc == 0; i++) {
        const char *name = metric->values[i].name;

        if (metric->type == RL_RATE && strcmp(name, "rate") == 0)
            name = "value";
        rc = set(object, name, number(metric->values[i].value));
    }
    if (rc == 0 && metric->threshold_count > 0)
        rc = set(object, "thresholds", thresholds(metric));
    for (size_t i = 0; i < metric->submetric_count && rc == 0; i++)
        rc = add_metric(metrics, &metric->submetrics[i]);
    return rc;
}

static int add_names(json_t *object, const char *name, const char *path)
{
    char id[RL_MD5_HEX_BYTES];

    rl_md5_hex(path, strlen(path), id);
    if (set(object, "name", text(name)) < 0 || set(object, "path", text(path)) < 0)
        return -ENOMEM;
    return set(object, "id", json_string(id));
}

static int add_check(json_t *checks, const char *group, const struct rl_summary_check *check)
{
    json_t *object = json_object();
    char *path = NULL;
    int rc;

    if (set_named(checks, check->name, object) < 0)
        return -ENOMEM;
    if (asprintf(&path, "%s::%s", group, check->name) < 0)
        return -ENOMEM;
    rc = add_names(object, check->name, path);
    free(path);
    if (rc == 0)
        rc = set(object, "passes", json_integer((json_int_t)check->passes));
    return rc < 0 ? rc : set(object, "fails", json_integer((json_int_t)check->fails));
}

static int add_group(json_t *object, const struct rl_summary_part *group)
{
    int rc = add_names(object, group->name, group->path);
    json_t *groups = set_object(object, "groups"), *checks = set_object(object, "checks");

    if (groups == NULL || checks == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < group->check_count && rc == 0; i++)
        rc = add_check(checks, group->path, &group->checks[i]);
    for (size_t i = 0; i < group->group_count && rc == 0; i++) {
        json_t *inner = json_object();

        rc = set_named(groups, group->groups[i].name, inner);
        if (rc == 0)
            rc = add_group(inner, &group->groups[i]);
    }
    return rc;
}

static int add_setup_data(json_t *document, const char *setup_data)
{
    json_t *value;

    if (setup_data == NULL)
        return 0;
    value = json_loads(setup_data, JSON_DECODE_ANY, NULL);
    return value == NULL ? -EINVAL : set(document, "setup_data", value);
}

/* Beyond k6: the engine's own lateness, in milliseconds. */
static int add_turns(json_t *to, const char *key, const struct rl_summary_turns *turns)
{
    json_t *object;
    int rc;

    if (turns->count == 0)
        return 0;
    object = set_object(to, key);
    rc = object == NULL ? -ENOMEM : set(object, "count", json_integer((json_int_t)turns->count));
    if (rc == 0)
        rc = set(object, "p(99.99)", json_real(turns->p9999_ms));
    return rc < 0 ? rc : set(object, "max", json_real(turns->max_ms));
}

static int fill(json_t *document, const struct rl_summary *summary, const char *setup_data)
{
    json_t *metrics = set_object(document, "metrics"), *root = set_object(document, "root_group");
    int rc = metrics == NULL || root == NULL ? -ENOMEM : 0;

    for (size_t i = 0; i < summary->total.metric_count && rc == 0; i++)
        rc = add_metric(metrics, &summary->total.metrics[i]);
    if (rc == 0)
        rc = add_group(root, &summary->root);
    if (rc == 0)
        rc = add_turns(document, "worker_turns", &summary->turns);
    if (rc == 0 && summary->turns.count > 0)
        rc = add_turns(json_object_get(document, "worker_turns"), "steady", &summary->steady);
    return rc < 0 ? rc : add_setup_data(document, setup_data);
}

static int append(const char *data, size_t size, void *out)
{
    return rl_buf_append(out, data, size);
}

int rl_summary_json(const struct rl_summary *summary, const char *setup_data, struct rl_buf *out)
{
    json_t *document = json_object();
    int rc = document == NULL ? -ENOMEM : fill(document, summary, setup_data);

    if (rc == 0 && json_dump_callback(document, append, out,
                                      JSON_INDENT(INDENT) | JSON_REAL_PRECISION(DIGITS)) < 0)
        rc = -ENOMEM;
    json_decref(document);
    return rc < 0 ? rc : rl_buf_append(out, "\n", 1);
}

static int write_file(const char *path, struct rl_slice data)
{
    FILE *file = fopen(path, "we");
    int rc = 0;

    if (file == NULL)
        return -errno;
    if (fwrite(data.data, 1, data.size, file) != data.size)
        rc = -errno;
    if (fclose(file) != 0 && rc == 0)
        rc = -errno;
    return rc;
}

int rl_summary_export(const struct rl_summary *summary, const char *setup_data, const char *path)
{
    struct rl_buf out;
    int rc;

    rl_buf_init(&out, 0);
    rc = rl_summary_json(summary, setup_data, &out);
    if (rc == 0)
        rc = write_file(path, rl_buf_view(&out));
    rl_buf_fini(&out);
    return rc;
}
