/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tls_peer - a peer that speaks TLS: a server of wolfSSL, in memory.
 *
 *      ksock --taken--> server --decrypts--> compared with the stream
 *      ksock <--read--- [ records, made and not read ] <--encrypts-- the stream, or an echo
 *
 * The server reads what the kernel took at once, so that each moment knows which plaintext has left; what it
 * answers goes out when the peer, who reads later, would have got there. Places are bytes of TCP, counted from
 * the connection's beginning; TLS begins at its first byte, or where start_tls says.
 *
 * It calls the library itself, not engine/tls, so that what is wrong there meets somebody who is not.
 */
#ifndef RL_SIM_TLS_PEER_H
#define RL_SIM_TLS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peer;
struct tls_peer;
struct rl_tls_context;

/* --- The seed's contexts. --- */

/* Once a process. */
void tls_library_begin(void);

/* Has this seed TLS at all? Then its contexts are made. */
bool tls_seed_begin(void);
void tls_seed_end(void);
struct rl_tls_context *tls_client_context(void);

/* --- One peer. --- */

/* NULL: this one is plain. */
struct tls_peer *tls_peer_new(struct peer *peer);
void tls_peer_free(struct tls_peer *tls);

/* The program upgrades a plain connection: TLS begins behind what was taken and sent. */
void tls_peer_upgrade(struct tls_peer *tls);
bool tls_peer_awaits_upgrade(const struct tls_peer *tls);
bool tls_peer_has_begun(const struct tls_peer *tls);

/* The kernel took these; they begin at place at. */
void tls_peer_take(struct tls_peer *tls, uint64_t at, const uint8_t *data, size_t size);

/* The kernel reads these. */
void tls_peer_copy(const struct tls_peer *tls, uint64_t at, uint8_t *out, size_t size);

/* Say something, if it wants to; then up to which place it may send. */
void tls_peer_act(struct tls_peer *tls);
uint64_t tls_peer_end(const struct tls_peer *tls);

/* It has sent all that it will, and now sends a FIN; or a RST, right behind its part of the handshake. */
bool tls_peer_is_over(const struct tls_peer *tls);
bool tls_peer_runs_away(const struct tls_peer *tls);

/* --- What must hold. --- */

/* Plaintext in whole records up to a place: out of what the program sent, of what the peer sent. */
uint64_t tls_peer_plain_taken(const struct tls_peer *tls, uint64_t at);
uint64_t tls_peer_plain_sent(const struct tls_peer *tls, uint64_t at);

bool tls_peer_is_boundary(const struct tls_peer *tls, uint64_t at); /* of what the peer sent */
bool tls_peer_said_goodbye(const struct tls_peer *tls, uint64_t at); /* close_notify, whole */
bool tls_peer_heard_goodbye(const struct tls_peer *tls);

/* It has given up, for a reason that the program knows. */
bool tls_peer_has_failed(const struct tls_peer *tls);

/* It has sent an alert, and nothing is wrong with that: an end is called what it says. */
bool tls_peer_said_no(const struct tls_peer *tls);

/* The program may fail: it was given garbage by then, or the server said no. */
bool tls_peer_is_excuse(const struct tls_peer *tls, uint64_t given);

/* All that the server has made has been given, and it says nothing more by itself. */
bool tls_peer_has_said_all(const struct tls_peer *tls, uint64_t given);

#endif
