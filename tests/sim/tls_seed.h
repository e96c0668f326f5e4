/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls_seed - what tls_seed.c gives to tls_peer.c: the library's types stay between the two. */
#ifndef RL_SIM_TLS_SEED_H
#define RL_SIM_TLS_SEED_H

#include <stdbool.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

/* A new server session; NULL: the seed has none (any more). */
WOLFSSL *tls_seed_server(void);

/* Its servers ask for a certificate, and no client has one. */
bool tls_seed_asks(void);

#endif
