/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_context - a config made ready for handshakes: versions, suites, roots, certificate, key log.
 *
 * Thread: one worker's. The library locks what contexts share among threads, so they share nothing: each
 * worker makes its own. Memory: reference counted; a stream holds its context.
 */
#ifndef RL_TLS_TLS_CONTEXT_H
#define RL_TLS_TLS_CONTEXT_H

#include "tls/tls_config.h"

struct rl_tls_context;
struct rl_tls_keylog;

enum rl_tls_role { RL_TLS_CLIENT, RL_TLS_SERVER };

/* config is read during the call; keylog (may be NULL) outlives the context. NULL: why says what is
 * wrong and how to mend it. A client without roots, and verifying, is an error. */
struct rl_tls_context *rl_tls_context_new(const struct rl_tls_config *config, enum rl_tls_role role,
                                          struct rl_tls_keylog *keylog, char *why, size_t why_bytes);
struct rl_tls_context *rl_tls_context_hold(struct rl_tls_context *context);
void rl_tls_context_release(struct rl_tls_context *context);

/* No other context of the process has it, or had it before: what was agreed under this one is found by it.
 * An address would not do: the next context may be made where one has gone. */
uint64_t rl_tls_context_id(const struct rl_tls_context *context);

/* Does it keep sessions, and offer them? */
bool rl_tls_context_resumes(const struct rl_tls_context *context);

/*
 * The client contexts of one worker, made at first use: by what a connect says (struct rl_tls_options)
 * and by which certificate of the config its host takes (the first whose domains match, else the first).
 * The least recently used one goes when there are RL_TLS_CONTEXTS_MAX.
 */
enum { RL_TLS_CONTEXTS_MAX = 64 };

struct rl_tls_contexts;

struct rl_tls_contexts *rl_tls_contexts_new(const struct rl_tls_config *config,
                                            struct rl_tls_keylog *keylog);
void rl_tls_contexts_free(struct rl_tls_contexts *contexts);

/* Which certificate of the config a host takes: with the same options, hosts that take the same one get the
 * same context. */
size_t rl_tls_contexts_choose(const struct rl_tls_contexts *contexts, const char *host);

/* options: NULL for the run's own. Borrowed until the next call; NULL: why says it. */
struct rl_tls_context *rl_tls_contexts_get(struct rl_tls_contexts *contexts, const char *host,
                                           const struct rl_tls_options *options, char *why,
                                           size_t why_bytes);

/* --- The system's roots (T-072), read once for the contexts of all workers. --- */

/* Any thread. NULL: memory is out. They outlive the contexts made with them. */
struct rl_tls_roots *rl_tls_roots_new(void);
void rl_tls_roots_free(struct rl_tls_roots *roots);

/* Read them now: a matter of milliseconds. Else the first context that needs them does so. */
void rl_tls_roots_read(struct rl_tls_roots *roots);

/* --- Key log (T-083): NSS format, one file for all workers, any thread. --- */

/* Opens path for appending. NULL: why says it. */
struct rl_tls_keylog *rl_tls_keylog_open(const char *path, char *why, size_t why_bytes);
void rl_tls_keylog_close(struct rl_tls_keylog *keylog);

/* --- A certificate of our own, for the server. --- */

/* A fresh P-256 key and a certificate that it signs itself, good for a year: for "localhost" and for the
 * names and addresses given. PEM, NUL-terminated; free both with free(). 0, -ENOMEM or RL_ETLS. */
int rl_tls_self_signed(const char *const *names, size_t name_count, char **cert_pem, char **key_pem);

#endif
