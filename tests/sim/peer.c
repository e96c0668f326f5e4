/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "peer.h"

#include <errno.h>
#include <stdlib.h>

#include "ksock.h"
#include "sim.h"
#include "tls_peer.h"

enum { PEERS_MAX = 200, FIRST_PORT = 1, STREAM_MOST = 300 * 1024, PIECE_MOST = 64 * 1024,
       IDLE_ACTS_MOST = 6 };

#define PACE_LEAST_NS (50 * RL_NS_PER_US)
#define PACE_MOST_NS (20 * RL_NS_PER_MS)

static struct peer *peers[PEERS_MAX];
static uint32_t count;

/* --- Manners. --- */

static void draw_answer(struct peer *peer)
{
    static const int failures[] = {-ECONNREFUSED, -ENETUNREACH, -EHOSTUNREACH, -ETIMEDOUT,
                                   -ECONNRESET};

    if (sim_chance(80))
        peer->connect_res = failures[sim_between(0, 4)];
    if (sim_chance(600))
        peer->connect_delay_ns = sim_scale(200 * RL_NS_PER_MS);
    if (sim_chance(30))
        peer->connect_delay_ns = PEER_NEVER;
    if (sim_chance(60))
        peer->ports_taken = (unsigned)(sim_chance(200) ? 100 : sim_between(1, 12));
}

static void draw_pace(struct peer *peer)
{
    peer->echo = sim_chance(400);
    if (!peer->echo && sim_chance(700))
        peer->send_total = sim_scale(STREAM_MOST);
    peer->pace_ns = PACE_LEAST_NS + sim_scale(PACE_MOST_NS);
    peer->read_most = sim_chance(150) ? 0 : sim_scale(PIECE_MOST); /* 0: reads nothing at all */
    peer->send_most = sim_scale(PIECE_MOST);
    peer->stall_at = PEER_NEVER;
    if (sim_chance(250)) {
        peer->stall_at = sim_scale(STREAM_MOST) - 1;
        peer->stall_ns = sim_scale(5 * RL_NS_PER_S);
    }
}

static void never_end(struct peer *peer)
{
    peer->fin_after_sent = peer->fin_after_received = PEER_NEVER;
    peer->rst_after_sent = peer->rst_after_received = PEER_NEVER;
    peer->rst_at_ns = peer->fin_at_ns = PEER_NEVER;
}

/* FIN and RST at any byte, either way, or at any time. */
static void draw_end(struct peer *peer)
{
    uint64_t *const ends[] = {&peer->fin_after_sent, &peer->fin_after_received,
                              &peer->rst_after_sent, &peer->rst_after_received,
                              &peer->rst_at_ns,      &peer->fin_at_ns};

    never_end(peer);
    if (sim_chance(300))
        return;
    for (uint64_t n = sim_between(1, 2); n > 0; n--) {
        uint64_t which = sim_between(0, 5);

        *ends[which] = which < 4 ? sim_scale(STREAM_MOST) - 1 : sim_scale(2 * RL_NS_PER_S) - 1;
    }
    if (sim_chance(200) && peer->send_total > 0)
        peer->fin_after_sent = peer->send_total;
}

/* Few are left when all that a handshake needs has gone both ways: they are more patient, and quicker. */
static void suit_tls(struct peer *peer)
{
    peer->connect_res = 0;
    peer->connect_delay_ns = 0;
    peer->pace_ns = PACE_LEAST_NS + sim_scale(RL_NS_PER_MS);
    if (peer->read_most == 0 && sim_chance(800))
        peer->read_most = PIECE_MOST;
    if (sim_chance(600))
        never_end(peer);
}

struct peer *peer_new(void)
{
    struct peer *peer;

    if (count == PEERS_MAX)
        return NULL;
    peer = calloc(1, sizeof(*peer));
    sim_require(peer != NULL, "no memory");
    peers[count++] = peer;
    peer->id = FIRST_PORT + count - 1;
    peer->next_ns = PEER_NEVER;
    draw_answer(peer);
    draw_pace(peer);
    draw_end(peer);
    peer->tls = tls_peer_new(peer);
    if (peer->tls != NULL)
        suit_tls(peer);
    return peer;
}

struct peer *peer_at(uint32_t id)
{
    return id >= FIRST_PORT && id < FIRST_PORT + count ? peers[id - FIRST_PORT] : NULL;
}

uint32_t peer_count(void)
{
    return count;
}

void peers_free(void)
{
    while (count > 0) {
        tls_peer_free(peers[--count]->tls);
        free(peers[count]);
    }
}

uint64_t peer_plain_taken(const struct peer *peer, uint64_t at)
{
    return peer->tls == NULL ? at : tls_peer_plain_taken(peer->tls, at);
}

uint64_t peer_plain_most(const struct peer *peer, uint64_t at)
{
    return peer->tls != NULL && tls_peer_has_failed(peer->tls) ? UINT64_MAX
                                                               : peer_plain_taken(peer, at);
}

uint64_t peer_plain_sent(const struct peer *peer, uint64_t at)
{
    return peer->tls == NULL ? at : tls_peer_plain_sent(peer->tls, at);
}

/* --- Acts. --- */

void peer_accept(struct peer *peer, struct ksock *sock)
{
    peer->accepted = true;
    peer->accepted_ns = sim.now_ns;
    peer->next_ns = sim.now_ns + sim_between(0, peer->pace_ns) * sim_between(0, 1);
    sock->connected = true;
}

static bool is_active(const struct peer *peer)
{
    return peer->accepted && peer->sock != NULL && !peer->sock->dead && !peer->rst_sent;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t peer_due_ns(const struct peer *peer)
{
    uint64_t due_ns = peer->next_ns;

    if (!is_active(peer))
        return PEER_NEVER;
    if (peer->rst_at_ns != PEER_NEVER)
        due_ns = earlier(due_ns, peer->accepted_ns + peer->rst_at_ns);
    if (peer->fin_at_ns != PEER_NEVER && !peer->fin_sent)
        due_ns = earlier(due_ns, peer->accepted_ns + peer->fin_at_ns);
    return due_ns;
}

static void reset(struct peer *peer)
{
    sim_trace("peer %u: RST, %llu sent, %llu received", peer->id, (unsigned long long)peer->sent,
              (unsigned long long)peer->received);
    peer->rst_sent = true;
    ksock_reset(peer->sock);
}

static void finish(struct peer *peer)
{
    sim_trace("peer %u: FIN after %llu bytes", peer->id, (unsigned long long)peer->sent);
    peer->fin_sent = true;
    ksock_fin(peer->sock);
}

/* Up to the next byte that its manners name. */
static uint64_t up_to(uint64_t at, uint64_t size, uint64_t mark)
{
    return at < mark && mark - at < size ? mark - at : size;
}

static bool read_some(struct peer *peer)
{
    struct ksock *sock = peer->sock;
    uint64_t size = sock->out_used;

    if (size == 0 || peer->read_most == 0 || sim.now_ns < peer->stalled_until_ns)
        return false;
    size = earlier(size, sim_between(1, peer->read_most));
    size = up_to(peer->received, size, peer->stall_at);
    size = up_to(peer->received, size, peer->fin_after_received);
    size = up_to(peer->received, size, peer->rst_after_received);
    sock->out_used -= size;
    peer->received += size;
    if (peer->received >= peer->stall_at) {
        sim_trace("peer %u: stalls at %llu", peer->id, (unsigned long long)peer->received);
        peer->stall_at = PEER_NEVER;
        peer->stalled_until_ns = sim.now_ns + peer->stall_ns;
    }
    return true;
}

/* Up to which place it would send now. */
static uint64_t send_end(struct peer *peer)
{
    if (peer->tls == NULL)
        return peer->echo ? peer->received : peer->send_total;
    tls_peer_act(peer->tls);
    return tls_peer_end(peer->tls);
}

static bool send_some(struct peer *peer)
{
    struct ksock *sock = peer->sock;
    uint64_t size;

    if (peer->fin_sent)
        return false;
    size = send_end(peer) - peer->sent;
    size = earlier(size, sock->in_room - sock->in_used);
    if (size == 0)
        return false;
    size = earlier(size, sim_between(1, peer->send_most));
    size = up_to(peer->sent, size, peer->fin_after_sent);
    size = up_to(peer->sent, size, peer->rst_after_sent);
    sock->in_used += size;
    peer->sent += size;
    return true;
}

/* Does it end here? True: it is gone. */
static bool ends(struct peer *peer)
{
    uint64_t age_ns = sim.now_ns - peer->accepted_ns;

    if (peer->received >= peer->rst_after_received || peer->sent >= peer->rst_after_sent ||
        age_ns >= peer->rst_at_ns || (peer->tls != NULL && tls_peer_runs_away(peer->tls))) {
        reset(peer);
        return true;
    }
    if (!peer->fin_sent && (peer->received >= peer->fin_after_received ||
                            peer->sent >= peer->fin_after_sent || age_ns >= peer->fin_at_ns ||
                            (peer->tls != NULL && tls_peer_is_over(peer->tls))))
        finish(peer);
    return false;
}

void peer_act(struct peer *peer)
{
    bool reads_first = sim_chance(500), moved = false;

    if (ends(peer))
        return;
    if (reads_first)
        moved |= read_some(peer);
    moved |= send_some(peer);
    if (!reads_first)
        moved |= read_some(peer);
    peer->idle_acts = moved ? 0 : peer->idle_acts + (peer->idle_acts < IDLE_ACTS_MOST);
    peer->next_ns = sim.now_ns + (sim_between(PACE_LEAST_NS, peer->pace_ns) << peer->idle_acts);
    if (sim_chance(500))
        ends(peer); /* together with the last bytes, or an act later */
}

void peer_sees_fin(struct peer *peer, uint64_t rest)
{
    peer->saw_fin = true;
    peer->received += rest;
    sim_trace("peer %u: sees FIN after %llu bytes", peer->id, (unsigned long long)peer->received);
}

void peer_sees_rst(struct peer *peer)
{
    peer->saw_rst = true;
    sim_trace("peer %u: sees RST", peer->id);
}
