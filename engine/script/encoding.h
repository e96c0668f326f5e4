/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * encoding - hex and base64 to bytes (T-095 ... T-097). Pure.
 *
 * out has room for size bytes. The number of bytes, or -EINVAL.
 */
#ifndef RL_SCRIPT_ENCODING_H
#define RL_SCRIPT_ENCODING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Pairs of digits, either case. */
ssize_t rl_decode_hex(const char *text, size_t size, uint8_t *out);

/* The standard alphabet, padded. CR and LF are skipped. */
ssize_t rl_decode_base64(const char *text, size_t size, uint8_t *out);

/* The URL alphabet, padded or not. CR and LF are skipped. */
ssize_t rl_decode_base64url(const char *text, size_t size, uint8_t *out);

#endif
