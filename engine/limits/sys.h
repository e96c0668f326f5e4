/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sys - small files of /proc and /sys, below a root directory: "" is the machine's own, tests have
 * trees of theirs.
 */
#ifndef RL_LIMITS_SYS_H
#define RL_LIMITS_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RL_SYS_PATH = 512 };

/* What is not there or cannot be read. */
#define RL_UNKNOWN INT64_MIN

/* The file's text without the last line's end; false if it cannot be read. Longer texts are cut. */
bool rl_sys_text(const char *root, const char *path, char *out, size_t out_bytes);

/* Its first number; RL_UNKNOWN if there is none, INT64_MAX for "max" and "unlimited". */
int64_t rl_sys_number(const char *root, const char *path);

/* The first count numbers; those that are missing are RL_UNKNOWN. */
void rl_sys_numbers(const char *root, const char *path, int64_t *out, size_t count);

/* The rest of the first line that begins with key, without blanks before it; false if there is none. */
bool rl_sys_line(const char *root, const char *path, const char *key, char *out, size_t out_bytes);

/* As rl_sys_number, of the rest of that line. */
int64_t rl_sys_line_number(const char *root, const char *path, const char *key);

#endif
