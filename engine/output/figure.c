/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "output/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"

#define MS_PER_S 1000.0
#define MS_PER_MIN 60000.0

/* Truncating 1.15 must not give 1.14 because 100 * 1.15 is 114.99999999999999. */
static double truncated(double value, double scale)
{
    return floor(value * scale * (1 + 1e-14) + 1e-9) / scale;
}

static void cut_zeros(char *text)
{
    size_t size = strlen(text);

    if (strchr(text, '.') == NULL)
        return;
    while (text[size - 1] == '0')
        size--;
    if (text[size - 1] == '.')
        size--;
    text[size] = '\0';
}

/* At most decimals of them, and nothing but digits where that is feasible. */
static void decimal(double value, int decimals, rl_figure out)
{
    if (!isfinite(value) || fabs(value) >= 1e21) {
        snprintf(out, RL_FIGURE_BYTES, "%g", value);
        return;
    }
    snprintf(out, RL_FIGURE_BYTES, "%.*f", decimals, value);
    cut_zeros(out);
    if (strcmp(out, "-0") == 0)
        memmove(out, "0", 2);
}

void rl_figure_number(double value, rl_figure out)
{
    decimal(value, 6, out);
}

void rl_figure_percent(double ratio, rl_figure out)
{
    snprintf(out, RL_FIGURE_BYTES, "%.2f%%", truncated(ratio, 10000) * 100);
}

/* Print what a function makes of the magnitude behind the sign. */
static void signed_figure(double value, void (*print)(double, rl_figure), rl_figure out)
{
    rl_figure magnitude;

    print(fabs(value), magnitude);
    snprintf(out, RL_FIGURE_BYTES, "%s%.*s", value < 0 ? "-" : "", RL_FIGURE_BYTES - 2, magnitude);
}

static void print_bytes(double bytes, rl_figure out)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    enum { UNITS = sizeof(units) / sizeof(units[0]) };
    rl_figure number;
    size_t unit = 0;

    if (bytes < 10) {
        decimal(bytes, 6, number);
        snprintf(out, RL_FIGURE_BYTES, "%.*s B", RL_FIGURE_BYTES - 4, number);
        return;
    }
    /* The rounded value decides, so that 999,960 is 1.0 MB and not 1000 kB. */
    while (unit + 1 < UNITS && floor(bytes + 0.5) >= 1000) {
        bytes /= 1000;
        unit++;
    }
    if (floor(bytes * 10 + 0.5) < 100)
        snprintf(out, RL_FIGURE_BYTES, "%.1f %s", floor(bytes * 10 + 0.5) / 10, units[unit]);
    else
        snprintf(out, RL_FIGURE_BYTES, "%.0f %s", floor(bytes + 0.5), units[unit]);
}

void rl_figure_bytes(double bytes, rl_figure out)
{
    signed_figure(bytes, print_bytes, out);
}

static void print_minutes(double ms, rl_figure out)
{
    double minutes = floor(ms / MS_PER_MIN);
    double seconds = floor((ms - minutes * MS_PER_MIN) / MS_PER_S);

    if (minutes < 60)
        snprintf(out, RL_FIGURE_BYTES, "%.0fm%.0fs", minutes, seconds);
    else
        snprintf(out, RL_FIGURE_BYTES, "%.0fh%.0fm%.0fs", floor(minutes / 60), fmod(minutes, 60),
                 seconds);
}

static void print_time(double ms, rl_figure out)
{
    rl_figure number;
    const char *unit = "s";

    if (ms >= MS_PER_MIN && ms < 1e18) {
        print_minutes(ms, out);
        return;
    }
    if (ms <= 0) {
        decimal(0, 0, number);
    } else if (ms < 0.001) {
        unit = "ns";
        decimal(truncated(ms * 1e6, 1), 0, number);
    } else if (ms < 1) {
        unit = "µs";
        decimal(truncated(ms * 1000, 100), 2, number);
    } else if (ms < MS_PER_S) {
        unit = "ms";
        decimal(truncated(ms, 100), 2, number);
    } else {
        decimal(truncated(ms / MS_PER_S, 100), 2, number);
    }
    snprintf(out, RL_FIGURE_BYTES, "%.*s%s", RL_FIGURE_BYTES - 8, number, unit);
}

void rl_figure_time(double ms, enum rl_time_unit unit, rl_figure out)
{
    switch (unit) {
    case RL_UNIT_AUTO:
        signed_figure(ms, print_time, out);
        return;
    case RL_UNIT_S:
        snprintf(out, RL_FIGURE_BYTES, fabs(ms) < 1e30 ? "%.2fs" : "%gs", ms / MS_PER_S);
        return;
    case RL_UNIT_MS:
        snprintf(out, RL_FIGURE_BYTES, fabs(ms) < 1e30 ? "%.2fms" : "%gms", ms);
        return;
    case RL_UNIT_US:
        snprintf(out, RL_FIGURE_BYTES, fabs(ms) < 1e30 ? "%.2fµs" : "%gµs", ms * 1000);
        return;
    }
    RL_UNREACHABLE();
}

void rl_figure_of(double value, enum rl_metric_contains contains, enum rl_time_unit unit,
                  rl_figure out)
{
    switch (contains) {
    case RL_DEFAULT:
        rl_figure_number(value, out);
        return;
    case RL_TIME:
        rl_figure_time(value, unit, out);
        return;
    case RL_DATA:
        rl_figure_bytes(value, out);
        return;
    }
    RL_UNREACHABLE();
}

size_t rl_text_width(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}
