/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * serve - the built-in TCP server: something to run a load against.
 *
 * N worker threads, each with a ring, a loop and a listening socket of its own on the same endpoint.
 * What a connection gets is its mode: a table of small handlers, from echo to peers with bad
 * manners for fault tests.
 *
 * A peer that does not read what it asked for is not read from either, so memory stays bounded.
 *
 * Counts are exact once the server has stopped, whatever the connections did: they are the other side
 * of the books that a run keeps. Before that they are no older than a worker's turn.
 *
 * Thread: start, stop and free by one; counts by any. Prints nothing.
 */
#ifndef RL_SERVE_SERVE_H
#define RL_SERVE_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "tls/tls_config.h"

struct rl_server;

struct rl_server_config {
    const char *mode;      /* "echo"; see rl_serve_mode_at */
    struct rl_addr listen; /* port 0: the kernel's choice */
    uint32_t workers;      /* 0: 1 */
    uint32_t max_conns;    /* a worker; 0: as many as the file limit allows */
    const struct rl_tls_config *tls; /* with one certificate: all connections speak TLS; NULL: none does.
                                        Read until the server is freed */
};

struct rl_server_counts {
    uint64_t accepted; /* connections that were served, now open or not */
    uint64_t open;
    uint64_t closed;    /* by whoever; accepted = open + closed */
    uint64_t resets;    /* of closed: the peer sent RST, or the network failed */
    uint64_t aborted;   /* of closed: we sent RST, because the mode says so (or memory is out) */
    uint64_t refused;   /* not in accepted: closed at once, there was no room for it */
    uint64_t pauses;    /* accepting stopped because files or memory ran out */
    uint64_t bytes_in;  /* received; with TLS, of ciphertext */
    uint64_t bytes_out; /* that the kernel took; likewise */
    uint64_t messages;  /* receives; a message of the script's may come in several, or share one */
    uint64_t requests;  /* http: answered */
    uint64_t handshakes;    /* of TLS, done; modes begin after it */
    uint64_t tls_failed;    /* of closed: its handshake failed */
};

/* Returns once all workers listen, on *bound. NULL and a text in why. */
struct rl_server *rl_server_start(const struct rl_server_config *config, struct rl_addr *bound,
                                  char *why, size_t why_bytes);

/* Serves what has arrived, closes all connections, ends the threads. Harmless when repeated. */
void rl_server_stop(struct rl_server *server);
void rl_server_free(struct rl_server *server);

void rl_server_counts(const struct rl_server *server, struct rl_server_counts *counts);

/* The modes in order: false past the last one. */
bool rl_serve_mode_at(size_t index, const char **name, const char **help);

#endif
