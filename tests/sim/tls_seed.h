/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_seed - what tls_seed.c gives to tls_peer.c: the library's types stay between the two. */
#ifndef RL_SIM_TLS_SEED_H
#define RL_SIM_TLS_SEED_H

#include <stdbool.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

/* A new server session; NULL: the seed has none (any more). */
WOLFSSL *tls_seed_server(void);

/* Its servers ask for a certificate, which no client has, or speak 1.3 only. */
bool tls_seed_refuses(void);

#endif
