/* SPDX-License-Identifier: GPL-3.0-or-later */
/* md5 - RFC 1321, for ids of groups and checks. Not for secrets. */
#ifndef RL_BASE_MD5_H
#define RL_BASE_MD5_H

#include <stddef.h>

enum { RL_MD5_HEX_BYTES = 33 }; /* 32 digits and NUL */

void rl_md5_hex(const void *data, size_t size, char out[RL_MD5_HEX_BYTES]);

#endif
