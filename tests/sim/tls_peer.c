/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tls_peer.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "marks.h"
#include "peer.h"
#include "sim.h"
#include "tls_seed.h"

#include <wolfssl/error-ssl.h>

enum { RECORD = 16384, HEADER_BYTES = 5, BACKLOG_MOST = 64 * 1024, GARBAGE_MOST = 64,
       EARLY_BYTES = 4096, SLOW = 64 };

struct tls_peer {
    struct peer *peer;
    WOLFSSL *ssl;

    /* Manners. */
    bool awaits_upgrade;
    bool says_goodbye, closes_after;  /* close_notify at the end of its stream; a FIN behind that */
    uint64_t goodbye_after;           /* bytes of plaintext: it says no more */
    uint64_t garbage_at, garbage_end; /* these bytes come out wrong */
    unsigned rekeys;                  /* of 1000 records */
    bool runs_away, rudely;           /* when its part of the handshake is sent: rudely by RST */

    /* From the program. */
    struct rl_slice in; /* taken by the kernel, not by the library */
    uint64_t base_taken, consumed, plain_taken, open_at;
    struct marks taken;

    /* To the program. */
    struct rl_buf out;
    uint64_t base_sent, plain_sent, goodbye_end;
    struct marks sent, gates;  /* plaintext; what must be received before it may go */
    struct marks records;      /* their ends */
    uint8_t header[HEADER_BYTES];
    unsigned header_bytes;
    uint64_t record_left;

    bool begun, open, failed, heard_goodbye, heard_alert, goodbye_said, alert_said;
};

static unsigned long long number(uint64_t value)
{
    return value;
}

static uint64_t plain_at(const struct tls_peer *tls, const struct marks *marks, uint64_t base,
                         uint64_t at)
{
    const struct mark *mark;

    if (!tls->begun || at <= base)
        return at;
    mark = marks_last(marks, at);
    return mark == NULL ? base : mark->number;
}

/* --- The library's side. --- */

static uint64_t out_end(const struct tls_peer *tls)
{
    return tls->base_sent + rl_buf_size(&tls->out);
}

static int on_recv(WOLFSSL *ssl, char *out, int size, void *ctx)
{
    struct tls_peer *tls = ctx;
    size_t take = tls->in.size < (size_t)size ? tls->in.size : (size_t)size;

    (void)ssl;
    if (take == 0)
        return WOLFSSL_CBIO_ERR_WANT_READ;
    memcpy(out, tls->in.data, take);
    tls->in = rl_slice_of(tls->in.data + take, tls->in.size - take);
    tls->consumed += take;
    return (int)take;
}

/* Where records end: to know which cuts are between two. */
static void follow_records(struct tls_peer *tls, const uint8_t *data, size_t size)
{
    uint64_t at = out_end(tls);

    for (size_t part; size > 0; size -= part, data += part, at += part) {
        if (tls->header_bytes < HEADER_BYTES) {
            tls->header[tls->header_bytes++] = *data;
            part = 1;
            if (tls->header_bytes == HEADER_BYTES)
                tls->record_left = (uint64_t)tls->header[3] << 8 | tls->header[4];
        } else {
            part = size < tls->record_left ? size : (size_t)tls->record_left;
            tls->record_left -= part;
        }
        if (tls->header_bytes == HEADER_BYTES && tls->record_left == 0) {
            marks_add(&tls->records, at + part, 0);
            tls->header_bytes = 0;
        }
    }
}

static int on_send(WOLFSSL *ssl, char *data, int size, void *ctx)
{
    struct tls_peer *tls = ctx;

    (void)ssl;
    follow_records(tls, (const uint8_t *)data, (size_t)size);
    sim_require(rl_buf_append(&tls->out, data, (size_t)size) == 0, "no memory");
    return size;
}

/* --- From the program. --- */

/* The program's side is never wrong; but it complains of what it was given, and may have no certificate. */
static void fail(struct tls_peer *tls, int error)
{
    sim_trace("peer %u: TLS ends with %d", tls->peer->id, error);
    sim_require(tls_peer_is_excuse(tls, tls->peer->sent) || tls_seed_refuses(),
                "peer %u: the server fails with %d at %llu", tls->peer->id, error,
                number(tls->base_taken + tls->consumed));
    tls->failed = true;
    tls->heard_alert = error == FATAL_ERROR;
}

static void shake(struct tls_peer *tls)
{
    int rc = wolfSSL_accept(tls->ssl), error;

    if (rc == WOLFSSL_SUCCESS) {
        tls->open = true;
        tls->open_at = tls->base_taken + tls->consumed;
        sim_trace("peer %u: %s%s", tls->peer->id, wolfSSL_get_version(tls->ssl),
                  wolfSSL_session_reused(tls->ssl) == 1 ? ", resumed" : "");
        return;
    }
    error = wolfSSL_get_error(tls->ssl, rc);
    if (error != WOLFSSL_ERROR_WANT_READ)
        fail(tls, error);
}

/* A record; false: no more now. */
static bool decrypt(struct tls_peer *tls)
{
    uint8_t plain[RECORD];
    int size = wolfSSL_read(tls->ssl, plain, sizeof(plain)), error;

    if (size > 0) {
        sim_require(sim_matches(tls->peer->id, tls->plain_taken, plain, (size_t)size),
                    "peer %u: the plaintext at %llu is not what was written", tls->peer->id,
                    number(tls->plain_taken));
        tls->plain_taken += (uint64_t)size;
        marks_add(&tls->taken, tls->base_taken + tls->consumed, tls->plain_taken);
        return true;
    }
    error = wolfSSL_get_error(tls->ssl, size);
    if (error == WOLFSSL_ERROR_ZERO_RETURN) {
        sim_trace("peer %u: hears close_notify", tls->peer->id);
        tls->heard_goodbye = true;
    } else if (error != WOLFSSL_ERROR_WANT_READ) {
        fail(tls, error);
    }
    return false;
}

/* What it made just now may go when the peer has read up to here. */
static void add_gate(struct tls_peer *tls, uint64_t received)
{
    const struct marks *gates = &tls->gates;
    const struct mark *last = gates->count == 0 ? NULL : &gates->items[gates->count - 1];

    if (out_end(tls) == (last == NULL ? tls->base_sent : last->at))
        return;
    marks_add(&tls->gates, out_end(tls),
             last != NULL && last->number > received ? last->number : received);
}

/* A seed that is not the same twice shows here first. */
static void trace_bytes(const struct tls_peer *tls, const uint8_t *data, size_t size)
{
    uint32_t hash = 0x811c9dc5;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 0x01000193;
    sim_trace("peer %u: %zu bytes of TLS, %08x", tls->peer->id, size, hash);
}

void tls_peer_take(struct tls_peer *tls, uint64_t at, const uint8_t *data, size_t size)
{
    uint64_t before;

    if (sim.trace)
        trace_bytes(tls, data, size);
    sim_require(!tls->heard_goodbye && !tls->heard_alert, "peer %u: %zu bytes behind the last ones",
                tls->peer->id, size);
    if (tls->failed)
        return;
    before = out_end(tls);
    tls->in = rl_slice_of(data, size);
    if (!tls->open)
        shake(tls);
    while (tls->open && !tls->failed && !tls->heard_goodbye && decrypt(tls))
        ;
    sim_require((tls->failed && !tls->heard_alert) || tls->in.size == 0, "peer %u: %zu bytes behind the "
                "last ones", tls->peer->id, tls->in.size);
    tls->in = rl_slice_of(NULL, 0);
    tls->alert_said = tls->failed && out_end(tls) > before; /* not all failures have one */
    add_gate(tls, at + size);
}

/* --- To the program. --- */

static void say_goodbye(struct tls_peer *tls)
{
    sim_trace("peer %u: says close_notify after %llu bytes", tls->peer->id,
              number(tls->plain_sent));
    wolfSSL_shutdown(tls->ssl);
    tls->goodbye_said = true;
    tls->goodbye_end = out_end(tls);
}

static void encrypt(struct tls_peer *tls, uint64_t size)
{
    uint8_t plain[RECORD];
    int rc;

    sim_fill(tls->peer->id, tls->plain_sent, plain, (size_t)size);
    rc = wolfSSL_write(tls->ssl, plain, (int)size);
    sim_require(rc == (int)size, "peer %u: write of %llu gives %d", tls->peer->id, number(size), rc);
    tls->plain_sent += size;
    marks_add(&tls->sent, out_end(tls), tls->plain_sent);
}

void tls_peer_act(struct tls_peer *tls)
{
    struct peer *peer = tls->peer;
    uint64_t end, size;

    if (!tls->open || tls->failed || tls->goodbye_said || peer->received < tls->open_at)
        return;
    end = peer->echo ? tls_peer_plain_taken(tls, peer->received) : peer->send_total;
    end = end < tls->goodbye_after ? end : tls->goodbye_after;
    size = end > tls->plain_sent ? end - tls->plain_sent : 0;
    if (size > 0 && out_end(tls) - peer->sent < BACKLOG_MOST) {
        uint64_t most = sim_scale(RECORD);

        size = size < most ? size : most;
        if (strcmp(wolfSSL_get_version(tls->ssl), "TLSv1.3") == 0 && sim_chance(tls->rekeys))
            wolfSSL_update_keys(tls->ssl);
        encrypt(tls, size);
    } else if (size == 0 && tls->says_goodbye &&
               (!peer->echo || tls->plain_sent >= tls->goodbye_after || tls->heard_goodbye)) {
        say_goodbye(tls);
    }
    add_gate(tls, peer->received);
}

uint64_t tls_peer_end(const struct tls_peer *tls)
{
    uint64_t end = tls->base_sent;

    for (size_t i = 0; i < tls->gates.count && tls->gates.items[i].number <= tls->peer->received; i++)
        end = tls->gates.items[i].at;
    return end;
}

/* The program may take its own handshake for done by then. */
static bool goes_early(const struct tls_peer *tls)
{
    return tls->runs_away && !tls->open && tls->records.count > 0 && tls->peer->sent == out_end(tls);
}

bool tls_peer_is_over(const struct tls_peer *tls)
{
    return (tls->begun && tls->peer->sent == out_end(tls) &&
            (tls->failed || (tls->goodbye_said && tls->closes_after))) ||
           (goes_early(tls) && !tls->rudely);
}

bool tls_peer_runs_away(const struct tls_peer *tls)
{
    return goes_early(tls) && tls->rudely;
}

void tls_peer_copy(const struct tls_peer *tls, uint64_t at, uint8_t *out, size_t size)
{
    memcpy(out, rl_buf_view(&tls->out).data + (at - tls->base_sent), size);
    for (size_t i = 0; i < size; i++) {
        if (at + i >= tls->garbage_at && at + i < tls->garbage_end)
            out[i] ^= (uint8_t)(1u << (at + i) % 8);
    }
}

/* --- What must hold. --- */

uint64_t tls_peer_plain_taken(const struct tls_peer *tls, uint64_t at)
{
    return plain_at(tls, &tls->taken, tls->base_taken, at);
}

uint64_t tls_peer_plain_sent(const struct tls_peer *tls, uint64_t at)
{
    return plain_at(tls, &tls->sent, tls->base_sent, at);
}

bool tls_peer_is_boundary(const struct tls_peer *tls, uint64_t at)
{
    const struct mark *mark = marks_last(&tls->records, at);

    return at == tls->base_sent || (mark != NULL && mark->at == at);
}

bool tls_peer_said_goodbye(const struct tls_peer *tls, uint64_t at)
{
    return tls->goodbye_said && at >= tls->goodbye_end;
}

bool tls_peer_heard_goodbye(const struct tls_peer *tls)
{
    return tls->heard_goodbye;
}

bool tls_peer_has_failed(const struct tls_peer *tls)
{
    return tls->failed;
}

bool tls_peer_said_no(const struct tls_peer *tls)
{
    return tls->alert_said && tls->peer->sent == out_end(tls) &&
           tls->peer->sent <= tls->garbage_at;
}

bool tls_peer_is_excuse(const struct tls_peer *tls, uint64_t given)
{
    return tls->failed || given > tls->garbage_at;
}

bool tls_peer_has_said_all(const struct tls_peer *tls, uint64_t given)
{
    return given == out_end(tls);
}

/* --- Beginning and end. --- */

static void draw_manners(struct tls_peer *tls)
{
    tls->awaits_upgrade = sim_chance(250);
    tls->says_goodbye = sim_chance(600);
    tls->closes_after = sim_chance(700);
    tls->goodbye_after = sim_chance(500) ? PEER_NEVER : sim_scale(EARLY_BYTES) - 1;
    if (tls->peer->send_most < SLOW && tls->goodbye_after > EARLY_BYTES)
        tls->goodbye_after = EARLY_BYTES; /* more would take for ever */
    tls->rekeys = sim_chance(300) ? (unsigned)sim_scale(500) : 0;
    tls->runs_away = sim_chance(100);
    tls->rudely = sim_chance(500);
    tls->garbage_at = tls->garbage_end = PEER_NEVER;
    if (sim_chance(150)) {
        tls->garbage_at = sim_scale(EARLY_BYTES) - 1;
        tls->garbage_end = tls->garbage_at + sim_scale(GARBAGE_MOST);
    }
}

struct tls_peer *tls_peer_new(struct peer *peer)
{
    WOLFSSL *ssl = tls_seed_server();
    struct tls_peer *tls;

    if (ssl == NULL)
        return NULL;
    tls = calloc(1, sizeof(*tls));
    sim_require(tls != NULL, "no memory");
    tls->peer = peer;
    tls->ssl = ssl;
    rl_buf_init(&tls->out, 0);
    wolfSSL_SSLSetIORecv(ssl, on_recv);
    wolfSSL_SSLSetIOSend(ssl, on_send);
    wolfSSL_SetIOReadCtx(ssl, tls);
    wolfSSL_SetIOWriteCtx(ssl, tls);
    draw_manners(tls);
    tls->begun = !tls->awaits_upgrade;
    return tls;
}

bool tls_peer_awaits_upgrade(const struct tls_peer *tls)
{
    return tls->awaits_upgrade;
}

bool tls_peer_has_begun(const struct tls_peer *tls)
{
    return tls->begun;
}

void tls_peer_upgrade(struct tls_peer *tls)
{
    sim_require(!tls->begun && tls->peer->sent == 0, "peer %u: upgraded too late", tls->peer->id);
    tls->begun = true;
    tls->base_taken = tls->plain_taken = tls->peer->taken;
    marks_add(&tls->taken, tls->base_taken, tls->plain_taken);
}

void tls_peer_free(struct tls_peer *tls)
{
    if (tls == NULL)
        return;
    wolfSSL_free(tls->ssl);
    rl_buf_fini(&tls->out);
    marks_free(&tls->taken);
    marks_free(&tls->sent);
    marks_free(&tls->gates);
    marks_free(&tls->records);
    free(tls);
}
