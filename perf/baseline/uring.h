/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uring - one io_uring as a load generator should use it, for the client and the server here.
 *
 * A turn: bench_uring_wait submits everything in one call and waits; the caller dispatches the
 * completions; bench_uring_reaped gives receive buffers back and starts held-back sends.
 *
 * Sending: the first write to a socket in a turn is copied to the turn's arena and becomes one
 * SEND that does not wait and posts a completion only if it fell short. Failures are reaped
 * in the next turn, before any other completion of the socket, so two arenas take turns.
 * What fell short, and a second write in one turn, goes through memory of its own:
 *
 *      first write of a turn -> arena -> SEND(DONTWAIT) -> taken whole: nothing more
 *                                                       -> short: the rest ------v
 *      later writes ------------------------------------------> queue -> flight, SEND, one a time
 *
 * Thread: the one that opened it.
 */
#ifndef BENCH_URING_H
#define BENCH_URING_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BENCH_SQ_ENTRIES = 1024,
    BENCH_CQ_ENTRIES = 8192,
    BENCH_BUFFERS = 16,
    BENCH_BUFFER_SIZE = 65536,
    BENCH_QUEUE_LIMIT = 16 << 20,
};

enum bench_op {
    BENCH_OP_IGNORE,
    BENCH_OP_ACCEPT,
    BENCH_OP_STEP,    /* before connect: completes only when it failed */
    BENCH_OP_OPEN,
    BENCH_OP_RECV,
    BENCH_OP_SEND,    /* from the arena: completes only when short */
    BENCH_OP_SEND_ON, /* from memory of its own: always completes */
};

/* Where a completion belongs: op:8, generation:24, slot:32. */
struct bench_tag {
    enum bench_op op;
    uint32_t generation;
    uint32_t slot;
};

struct bench_slow {
    uint8_t *flight, *queue;
    size_t flight_len, flight_off, queue_len;
    bool listed;
};

/* The sending side of a socket. */
struct bench_out {
    struct bench_slow *slow; /* NULL as long as the kernel takes everything */
    const uint8_t *sent;     /* this turn's or the last turn's copy in an arena */
    uint32_t sent_len;
    uint32_t turn;
};

struct bench_uring {
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    uint8_t *memory;
    uint32_t used[BENCH_BUFFERS];
    int returned; /* buffers posted but not yet shown to the kernel */

    uint8_t *arena[2];
    size_t arena_len, arena_used;
    uint32_t turn;
    bool no_iowait;

    uint32_t *held; /* slots whose queue waits for its turn */
    unsigned held_count, held_room;
};

static inline uint64_t bench_tag_pack(enum bench_op op, uint32_t generation, uint32_t slot)
{
    return (uint64_t)op << 56 | (uint64_t)(generation & 0xffffff) << 32 | slot;
}

static inline struct bench_tag bench_tag_unpack(uint64_t data)
{
    return (struct bench_tag){(enum bench_op)(data >> 56), (uint32_t)(data >> 32) & 0xffffff,
                              (uint32_t)data};
}

/* `arena_len` bounds what one turn may send. Returns 0 or -errno; says on stderr what failed. */
int bench_uring_open(struct bench_uring *uring, unsigned slots, size_t arena_len);

/* Submit and wait for a completion, at most timeout_ns. Returns 0 or -errno. */
int bench_uring_wait(struct bench_uring *uring, uint64_t timeout_ns);

/* After the completions of a turn: `outs` finds a slot's sending side and its generation. */
typedef struct bench_out *(*bench_find_out)(void *owner, uint32_t slot, uint32_t *generation);
void bench_uring_reaped(struct bench_uring *uring, bench_find_out find, void *owner);

/* The next SQE, after making sure that `chain` of them fit in one submission. */
struct io_uring_sqe *bench_uring_sqe(struct bench_uring *uring, unsigned chain);

/* The bytes of a receive completion, valid until bench_uring_reaped. Call it for every
 * completion that carries a buffer, stale ones too: it keeps the account of buffers. */
const uint8_t *bench_uring_view(struct bench_uring *uring, const struct io_uring_cqe *cqe);

void bench_uring_receive(struct bench_uring *uring, uint32_t slot, uint32_t generation);

/* Send a copy of data; false if the socket's queue is too long. */
bool bench_uring_send(struct bench_uring *uring, struct bench_out *out, uint32_t slot,
                      uint32_t generation, const void *data, size_t len);

/* A completion of BENCH_OP_SEND or _SEND_ON. Returns 0, or the -errno that broke the socket. */
int bench_uring_sent(struct bench_uring *uring, struct bench_out *out, struct bench_tag tag,
                     int res);

static inline bool bench_out_idle(const struct bench_out *out)
{
    return out->slow == NULL;
}

/* Drop what was not sent. Not while a BENCH_OP_SEND_ON is under way. */
void bench_out_clear(struct bench_out *out);

#endif
