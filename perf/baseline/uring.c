/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "uring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#ifndef IORING_ENTER_NO_IOWAIT /* Linux 6.15 */
#define IORING_ENTER_NO_IOWAIT (1U << 7)
#define IORING_FEAT_NO_IOWAIT (1U << 17)
#endif

static const unsigned base_flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                   IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE |
                                   IORING_SETUP_CLAMP;

static void *map(size_t len)
{
    void *memory =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

static void post_buffer(struct bench_uring *uring, unsigned short id)
{
    io_uring_buf_ring_add(uring->buffers, uring->memory + (size_t)id * BENCH_BUFFER_SIZE,
                          BENCH_BUFFER_SIZE, id, io_uring_buf_ring_mask(BENCH_BUFFERS),
                          uring->returned++);
    uring->used[id] = 0;
}

static int open_buffers(struct bench_uring *uring)
{
    int error = 0;

    uring->buffers =
        io_uring_setup_buf_ring(&uring->ring, BENCH_BUFFERS, 0, IOU_PBUF_RING_INC, &error);
    if (uring->buffers == NULL)
        return error;
    uring->memory = map((size_t)BENCH_BUFFERS * BENCH_BUFFER_SIZE);
    if (uring->memory == NULL)
        return -ENOMEM;
    for (unsigned id = 0; id < BENCH_BUFFERS; id++)
        post_buffer(uring, (unsigned short)id);
    io_uring_buf_ring_advance(uring->buffers, uring->returned);
    uring->returned = 0;
    return 0;
}

static int failed(const char *what, int error)
{
    fprintf(stderr, "io_uring: %s: %s\n", what, strerror(-error));
    return error;
}

int bench_uring_open(struct bench_uring *uring, unsigned slots, size_t arena_len)
{
    struct io_uring_params params = {.flags = base_flags | IORING_SETUP_NO_SQARRAY,
                                     .cq_entries = BENCH_CQ_ENTRIES};
    int error;

    memset(uring, 0, sizeof(*uring));
    error = io_uring_queue_init_params(BENCH_SQ_ENTRIES, &uring->ring, &params);
    if (error == -EINVAL) {
        params = (struct io_uring_params){.flags = base_flags, .cq_entries = BENCH_CQ_ENTRIES};
        error = io_uring_queue_init_params(BENCH_SQ_ENTRIES, &uring->ring, &params);
    }
    if (error != 0)
        return failed("set up", error);
    uring->no_iowait = (params.features & IORING_FEAT_NO_IOWAIT) != 0;
    error = io_uring_register_ring_fd(&uring->ring);
    if (error < 0)
        return failed("register the ring", error);
    error = io_uring_register_files_sparse(&uring->ring, slots);
    if (error != 0)
        return failed("register slots (ulimit -n?)", error);
    error = open_buffers(uring);
    if (error != 0)
        return failed("incremental buffer ring (Linux 6.12)", error);
    uring->arena_len = arena_len;
    uring->arena[0] = map(arena_len);
    uring->arena[1] = map(arena_len);
    if (uring->arena[0] == NULL || uring->arena[1] == NULL)
        return failed("arena", -ENOMEM);
    uring->turn = 1;
    return 0;
}

/* Show the SQEs to the kernel. liburing does this inside its own enter calls, none of which
 * can pass IORING_ENTER_NO_IOWAIT. There is no SQ array to fill with NO_SQARRAY. */
static unsigned publish_sqes(struct io_uring *ring)
{
    struct io_uring_sq *sq = &ring->sq;

    if ((ring->flags & IORING_SETUP_NO_SQARRAY) == 0) {
        for (; sq->sqe_head != sq->sqe_tail; sq->sqe_head++)
            sq->array[sq->sqe_head & sq->ring_mask] = sq->sqe_head & sq->ring_mask;
    }
    sq->sqe_head = sq->sqe_tail;
    io_uring_smp_store_release(sq->ktail, sq->sqe_tail);
    return sq->sqe_tail - *sq->khead;
}

int bench_uring_wait(struct bench_uring *uring, uint64_t timeout_ns)
{
    struct __kernel_timespec timeout = {(long long)(timeout_ns / 1000000000),
                                        (long long)(timeout_ns % 1000000000)};
    struct io_uring_getevents_arg argument = {.ts = (uint64_t)(uintptr_t)&timeout};
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | IORING_ENTER_REGISTERED_RING;
    int result;

    if (uring->held_count > 0)
        timeout_ns = 0;
    if (uring->no_iowait)
        flags |= IORING_ENTER_NO_IOWAIT;
    result = io_uring_enter2((unsigned)uring->ring.enter_ring_fd, publish_sqes(&uring->ring),
                             timeout_ns > 0 ? 1 : 0, flags, (void *)&argument, sizeof(argument));
    uring->turn++;
    uring->arena_used = 0;
    if (result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN ||
        result == -EBUSY)
        return 0;
    return failed("enter", result);
}

struct io_uring_sqe *bench_uring_sqe(struct bench_uring *uring, unsigned chain)
{
    for (unsigned tries = 0; io_uring_sq_space_left(&uring->ring) < chain; tries++) {
        if (tries > 1000) {
            failed("no room for requests", -EBUSY);
            exit(1);
        }
        io_uring_submit(&uring->ring);
    }
    return io_uring_get_sqe(&uring->ring);
}

const uint8_t *bench_uring_view(struct bench_uring *uring, const struct io_uring_cqe *cqe)
{
    unsigned short id = (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    const uint8_t *data = uring->memory + (size_t)id * BENCH_BUFFER_SIZE + uring->used[id];

    if (cqe->res > 0)
        uring->used[id] += (uint32_t)cqe->res;
    if ((cqe->flags & IORING_CQE_F_BUF_MORE) == 0)
        post_buffer(uring, id);
    return data;
}

void bench_uring_receive(struct bench_uring *uring, uint32_t slot, uint32_t generation)
{
    struct io_uring_sqe *sqe = bench_uring_sqe(uring, 1);

    io_uring_prep_recv_multishot(sqe, (int)slot, NULL, 0, 0);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    sqe->buf_group = 0;
    sqe->user_data = bench_tag_pack(BENCH_OP_RECV, generation, slot);
}

static void prepare_send(struct bench_uring *uring, struct bench_tag tag, const void *data,
                         size_t len)
{
    struct io_uring_sqe *sqe = bench_uring_sqe(uring, 1);
    bool at_once = tag.op == BENCH_OP_SEND;

    io_uring_prep_send(sqe, (int)tag.slot, data, len,
                       MSG_WAITALL | MSG_NOSIGNAL | (at_once ? MSG_DONTWAIT : 0));
    sqe->flags |= IOSQE_FIXED_FILE | (at_once ? IOSQE_CQE_SKIP_SUCCESS : 0);
    sqe->user_data = bench_tag_pack(tag.op, tag.generation, tag.slot);
}

static void *grow(void *memory, size_t len)
{
    memory = realloc(memory, len);
    if (memory == NULL) {
        failed("memory", -ENOMEM);
        exit(1);
    }
    return memory;
}

/* Put the slot on the list of those whose queue is to be sent when the turn allows. */
static void hold(struct bench_uring *uring, struct bench_slow *slow, uint32_t slot)
{
    if (slow->listed || slow->flight != NULL)
        return;
    slow->listed = true;
    if (uring->held_count == uring->held_room) {
        uring->held_room = uring->held_room * 2 + 64;
        uring->held = grow(uring->held, uring->held_room * sizeof(*uring->held));
    }
    uring->held[uring->held_count++] = slot;
}

static bool enqueue(struct bench_uring *uring, struct bench_out *out, uint32_t slot,
                    const void *data, size_t len)
{
    struct bench_slow *slow = out->slow;

    if (slow == NULL)
        slow = out->slow = bench_alloc(1, sizeof(*slow));
    if (slow->queue_len + len > BENCH_QUEUE_LIMIT)
        return false;
    slow->queue = grow(slow->queue, slow->queue_len + len);
    memcpy(slow->queue + slow->queue_len, data, len);
    slow->queue_len += len;
    hold(uring, slow, slot);
    return true;
}

bool bench_uring_send(struct bench_uring *uring, struct bench_out *out, uint32_t slot,
                      uint32_t generation, const void *data, size_t len)
{
    uint8_t *copy = uring->arena[uring->turn & 1] + uring->arena_used;

    if (out->slow != NULL || out->turn == uring->turn || len > uring->arena_len - uring->arena_used)
        return enqueue(uring, out, slot, data, len);
    memcpy(copy, data, len);
    uring->arena_used += len;
    out->sent = copy;
    out->sent_len = (uint32_t)len;
    out->turn = uring->turn;
    prepare_send(uring, (struct bench_tag){BENCH_OP_SEND, generation, slot}, copy, len);
    return true;
}

/* An arena send that fell short: its rest goes before anything queued since. */
static void keep_rest(struct bench_uring *uring, struct bench_out *out, uint32_t slot,
                      uint32_t taken)
{
    struct bench_slow *slow = out->slow;
    uint8_t *queued = slow != NULL ? slow->queue : NULL;
    size_t queued_len = slow != NULL ? slow->queue_len : 0;

    if (slow != NULL) {
        slow->queue = NULL;
        slow->queue_len = 0;
    }
    enqueue(uring, out, slot, out->sent + taken, out->sent_len - taken);
    if (queued_len > 0)
        enqueue(uring, out, slot, queued, queued_len);
    free(queued);
}

int bench_uring_sent(struct bench_uring *uring, struct bench_out *out, struct bench_tag tag,
                     int res)
{
    struct bench_slow *slow = out->slow;

    if (tag.op == BENCH_OP_SEND) {
        if (res < 0 && res != -EAGAIN && res != -EINTR && res != -ENOMEM)
            return res;
        keep_rest(uring, out, tag.slot, res > 0 ? (uint32_t)res : 0);
        return 0;
    }
    if (slow == NULL || slow->flight == NULL)
        return -EPROTO;
    if (res < 0 && res != -EAGAIN && res != -EINTR && res != -ENOMEM) {
        free(slow->flight);
        slow->flight = NULL;
        return res;
    }
    slow->flight_off += res > 0 ? (size_t)res : 0;
    if (slow->flight_off < slow->flight_len) {
        prepare_send(uring, tag, slow->flight + slow->flight_off,
                     slow->flight_len - slow->flight_off);
        return 0;
    }
    free(slow->flight);
    slow->flight = NULL;
    if (slow->queue_len > 0)
        hold(uring, slow, tag.slot);
    else
        bench_out_clear(out);
    return 0;
}

void bench_out_clear(struct bench_out *out)
{
    if (out->slow != NULL) {
        free(out->slow->queue);
        free(out->slow->flight);
        free(out->slow);
    }
    out->slow = NULL;
}

/* A queue may go when no arena send of the same socket can still fall short: those of the
 * turn before have been reaped, those of this turn not yet submitted. */
static void send_held(struct bench_uring *uring, bench_find_out find, void *owner)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < uring->held_count; i++) {
        uint32_t slot = uring->held[i], generation;
        struct bench_out *out = find(owner, slot, &generation);
        struct bench_slow *slow = out != NULL ? out->slow : NULL;

        if (slow == NULL || !slow->listed)
            continue;
        if (out->turn == uring->turn) {
            uring->held[kept++] = slot;
            continue;
        }
        slow->listed = false;
        slow->flight = slow->queue;
        slow->flight_len = slow->queue_len;
        slow->flight_off = 0;
        slow->queue = NULL;
        slow->queue_len = 0;
        prepare_send(uring, (struct bench_tag){BENCH_OP_SEND_ON, generation, slot}, slow->flight,
                     slow->flight_len);
    }
    uring->held_count = kept;
}

void bench_uring_reaped(struct bench_uring *uring, bench_find_out find, void *owner)
{
    if (uring->held_count > 0)
        send_held(uring, find, owner);
    if (uring->returned > 0) {
        io_uring_buf_ring_advance(uring->buffers, uring->returned);
        uring->returned = 0;
    }
}
