/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_sessions - what one VU may resume: the last session of each peer, serialized (300 bytes instead of
 * the library's living object). The sixteen latest peers.
 *
 * Thread: one worker's.
 */
#ifndef RL_TLS_TLS_SESSIONS_H
#define RL_TLS_TLS_SESSIONS_H

#include "base/bytes.h"
#include "tls/tls_stream.h"

/* Empty: there is none. Good until the next take or drop. */
struct rl_slice rl_tls_sessions_get(struct rl_tls_sessions *sessions, const char *key);

/* Keep blob, malloc'ed, in place of an older one. */
void rl_tls_sessions_take(struct rl_tls_sessions *sessions, const char *key, uint8_t *blob,
                          size_t blob_bytes);
void rl_tls_sessions_drop(struct rl_tls_sessions *sessions, const char *key);

#endif
