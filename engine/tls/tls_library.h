/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_library - the wolfSSL that this program has: start, end, and what it can do. */
#ifndef RL_TLS_TLS_LIBRARY_H
#define RL_TLS_TLS_LIBRARY_H

#include <stddef.h>

/* Once a process, before threads use TLS, and after all have ended. Calls nest. 0 or RL_ETLS. */
int rl_tls_library_init(void);
void rl_tls_library_fini(void);

/* "wolfSSL 5.7.2". */
const char *rl_tls_library_version(void);

/* What this build has, and what it lacks of what ringload can use: comma lists, "" for nothing. */
const char *rl_tls_library_has(void);
const char *rl_tls_library_lacks(void);

#endif
