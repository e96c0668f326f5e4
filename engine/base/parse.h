/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * parse - the texts that people write for numbers, and back.
 *
 * Every parser takes the whole text: 0 on success, -EINVAL if it is malformed, -ERANGE if it does
 * not fit. Nothing is written on failure.
 */
#ifndef RL_BASE_PARSE_H
#define RL_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "1h30m", "250ms", "1.5s", "1d2h", "-3s": parts of d h m s ms us µs ns; a bare number only if
 * bare_ms is true, then milliseconds ("500", "1.5"); "0" always. The result is ns, may be negative.
 */
int rl_parse_duration(const char *text, bool bare_ms, int64_t *ns);

/* "30s", "1h0m0s", "1.5s", "250ms", "0s": exact, and rl_parse_duration reads it back. 40 bytes hold
 * any. */
void rl_format_duration(int64_t ns, char *out, size_t out_bytes);

int rl_parse_int(const char *text, int64_t *value);
int rl_parse_double(const char *text, double *value);

/* 1 t true 0 f false, any case. */
int rl_parse_bool(const char *text, bool *value);

/* "64KiB", "1.5MiB", "10MB", "512", "512B": bytes; KiB MiB GiB TiB by 1024, kB MB GB TB by 1000,
 * any case. */
int rl_parse_size(const char *text, uint64_t *bytes);

#endif
