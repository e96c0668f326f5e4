/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queues: submit, wait, reap. What operations do is kernel.c's. */
#include "fake_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"
#include "sim.h"

enum { EARLY_NS = 1000, LATE_NS = 50000, ENTER_NS = 3000, DEADLOCK_S = 1000 };

struct rl_ring *fake_ring;

/* --- Set up. --- */

static void draw_faults(struct faults *faults)
{
    unsigned *const all[] = {&faults->short_submit, &faults->late,         &faults->end_multishot,
                             &faults->short_send,   &faults->early_return, &faults->short_read};

    *faults = (struct faults){0};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (sim_chance(400))
            *all[i] = (unsigned)sim_scale(800);
    }
    if (sim_chance(100))
        faults->open_step = (unsigned)sim_scale(300);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    sim_require(memory != NULL, "no memory");
    return memory;
}

int rl_ring_new(struct rl_ring **out, const struct rl_ring_config *config, const char **advice)
{
    struct rl_ring *ring = allocate(1, sizeof(*ring));

    *advice = "";
    ring->features = config->features;
    ring->sq_entries = config->sq_entries;
    ring->cq_entries = config->cq_entries;
    ring->file_count = ring->slot_count = config->slot_count;
    ring->more_slots = config->more_slots;
    ring->files = allocate(ring->file_count, sizeof(struct ksock *));
    ring->sq = allocate(ring->sq_entries, sizeof(struct sqe));
    rl_list_init(&ring->ops);
    draw_faults(&ring->faults);
    bufs_open(&ring->bufs, ring->features);
    fake_ring = ring;
    *out = ring;
    return 0;
}

void rl_ring_free(struct rl_ring *ring)
{
    bufs_close(&ring->bufs);
    free(ring->files);
    free(ring->sq);
    free(ring->cq.items);
    free(ring->overflow.items);
    free(ring);
    fake_ring = NULL;
}

/* Files are numbered on, as if all were of one table. */
int rl_ring_extend(struct rl_ring *ring, int *first, const char **advice)
{
    uint32_t count = ring->more_slots;

    *advice = "";
    if (count == 0 || (ring->features & RL_F_DIRECT) == 0 ||
        ring->file_count > (RL_RING_TABLES - 1) * count)
        return 0;
    if (sim_chance(ring->faults.open_step))
        return -ENOMEM;
    ring->files = realloc(ring->files, (ring->file_count + count) * sizeof(struct ksock *));
    sim_require(ring->files != NULL, "no memory");
    memset(ring->files + ring->file_count, 0, count * sizeof(struct ksock *));
    *first = (int)ring->file_count;
    ring->file_count += count;
    return (int)count;
}

uint32_t rl_ring_slots(const struct rl_ring *ring)
{
    return ring->slot_count;
}

int rl_ring_features(const struct rl_ring *ring)
{
    return ring->features;
}

unsigned rl_ring_capacity(const struct rl_ring *ring)
{
    return ring->cq_entries;
}

uint64_t rl_ring_overflows(const struct rl_ring *ring)
{
    return ring->overflows;
}

unsigned rl_ring_unsubmitted(const struct rl_ring *ring)
{
    return ring->sq_count;
}

bool rl_ring_settled(const struct rl_ring *ring)
{
    return ring->sq_count == 0 && ring->cq.count == 0 && ring->overflow.count == 0;
}

/* --- Completions. --- */

static void append(struct cqe_queue *queue, const struct cqe *cqe)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        queue->items = realloc(queue->items, queue->capacity * sizeof(*queue->items));
        sim_require(queue->items != NULL, "no memory");
    }
    queue->items[queue->count++] = *cqe;
}

bool cq_is_full(const struct rl_ring *ring)
{
    return ring->overflow.count > 0 || ring->cq.count >= ring->cq_entries;
}

static void post_cqe(struct rl_ring *ring, const struct cqe *cqe)
{
    append(cq_is_full(ring) ? &ring->overflow : &ring->cq, cqe);
}

void post(struct rl_ring *ring, uint64_t user_data, int64_t res, uint32_t flags)
{
    struct cqe cqe = {.c = {.user_data = user_data, .res = (int32_t)res, .flags = flags}};

    post_cqe(ring, &cqe);
}

void post_sent(struct rl_ring *ring, uint64_t user_data, int64_t res, const struct ksock *sock)
{
    struct cqe cqe = {.c = {.user_data = user_data, .res = (int32_t)res}};

    if (res > 0) {
        cqe.peer = sock->peer->id;
        cqe.told = (uint32_t)res;
    }
    post_cqe(ring, &cqe);
}

static void drop_first(struct cqe_queue *queue, unsigned count)
{
    queue->count -= count;
    memmove(queue->items, queue->items + count, queue->count * sizeof(*queue->items));
}

static void flush_overflow(struct rl_ring *ring)
{
    unsigned count = 0;

    for (; count < ring->overflow.count && ring->cq.count < ring->cq_entries; count++)
        append(&ring->cq, &ring->overflow.items[count]);
    if (count > 0)
        drop_first(&ring->overflow, count);
}

/* The engine knows now what these tell. */
static void tell(struct rl_ring *ring, const struct cqe *cqe)
{
    struct peer *peer = cqe->told > 0 ? peer_at(cqe->peer) : NULL;

    if (rl_op_kind(cqe->c.user_data) == RL_OP_RECV)
        bufs_expect(&ring->bufs, &cqe->c);
    if (peer != NULL && peer->sock != NULL)
        peer->sock->told += cqe->told;
}

unsigned rl_ring_reap(struct rl_ring *ring, struct rl_completion *out, unsigned max)
{
    unsigned count = ring->cq.count < max ? ring->cq.count : max;

    for (unsigned i = 0; i < count; i++) {
        out[i] = ring->cq.items[i].c;
        tell(ring, &ring->cq.items[i]);
    }
    if (count > 0)
        drop_first(&ring->cq, count);
    if (ring->overflow.count > 0) {
        ring->overflows++;
        flush_overflow(ring);
    }
    if (rl_ring_settled(ring)) {
        for (struct rl_list *node = ksocks.next; node != &ksocks; node = node->next) {
            struct ksock *sock = rl_container_of(node, struct ksock, link);

            sock->owed = sock->told;
        }
    }
    return count;
}

/* --- Submissions. --- */

/* A chain is not cut. */
static void submit(struct rl_ring *ring)
{
    unsigned count = ring->sq_count, done = 0;

    if (count > 0 && sim_chance(ring->faults.short_submit))
        count = (unsigned)sim_between(0, count);
    while (done < ring->sq_count &&
           (done < count || (done > 0 && ring->sq[done - 1].type == SQE_BIND))) {
        kernel_run(ring, &ring->sq[done]);
        done++;
    }
    ring->sq_count -= done;
    memmove(ring->sq, ring->sq + done, ring->sq_count * sizeof(*ring->sq));
}

void sq_push(struct rl_ring *ring, const struct sqe *sqe, unsigned needed)
{
    while (ring->sq_entries - ring->sq_count < needed)
        submit(ring);
    ring->sq[ring->sq_count++] = *sqe;
}

/* --- Time. --- */

/* Let time pass until something may have become ready, or until end_ns. */
static void pass_time(struct rl_ring *ring, uint64_t end_ns)
{
    uint64_t next_ns = kernel_next_ns(ring);

    sim_require(next_ns != UINT64_MAX || end_ns != UINT64_MAX, "the loop waits for ever");
    if (next_ns > end_ns)
        next_ns = end_ns;
    if (next_ns > sim.now_ns)
        sim.now_ns = next_ns;
    kernel_act();
}

static void wait(struct rl_ring *ring, uint64_t timeout_ns)
{
    uint64_t end_ns = timeout_ns == UINT64_MAX ? UINT64_MAX : sim.now_ns + timeout_ns;

    if (sim_chance(ring->faults.early_return)) {
        sim.now_ns += sim_between(0, timeout_ns < EARLY_NS ? timeout_ns : EARLY_NS);
        return;
    }
    while (ring->cq.count == 0 && sim.now_ns < end_ns) {
        pass_time(ring, end_ns);
        kernel_complete(ring, false);
    }
    sim.now_ns += sim_between(0, LATE_NS);
}

int rl_ring_enter(struct rl_ring *ring, uint64_t timeout_ns)
{
    unsigned before = ring->sq_count;

    if (ring->on_enter != NULL)
        ring->on_enter();
    bufs_publish(&ring->bufs);
    submit(ring);
    if (ring->sq_count > 0 && before > 0)
        submit(ring);
    sim.now_ns += sim_between(1, ENTER_NS);
    flush_overflow(ring);
    kernel_act();
    kernel_complete(ring, false);
    if (ring->cq.count == 0 && timeout_ns > 0) {
        kernel_complete(ring, true);
        if (ring->cq.count == 0 && ring->sq_count == 0 && ring->on_sleep != NULL)
            ring->on_sleep();
        if (ring->cq.count == 0)
            wait(ring, timeout_ns);
    }
    return 0;
}

void rl_ring_submit(struct rl_ring *ring)
{
    bufs_publish(&ring->bufs);
    submit(ring);
    sim.now_ns += sim_between(1, ENTER_NS);
}

/* --- Looked at from outside. --- */

struct ksock *fake_ring_sock(const struct rl_ring *ring, int file)
{
    return ring->files[kernel_index(ring, file)];
}

bool fake_ring_has(const struct rl_ring *ring, const struct ksock *sock, enum sqe_type type)
{
    for (struct rl_list *node = ring->ops.next; node != &ring->ops; node = node->next) {
        const struct op *op = rl_container_of(node, struct op, link);

        if (op->sock == sock && op->type == type)
            return true;
    }
    return false;
}

void fake_ring_check_idle(const struct rl_ring *ring)
{
    const struct op *op = rl_container_of(ring->ops.next, struct op, link);

    sim_require(rl_list_empty(&ring->ops), "an operation of kind %d is left in flight",
                (int)rl_op_kind(op->user_data));
    sim_require(ring->sq_count == 0, "%u submissions are left", ring->sq_count);
    sim_require(rl_list_empty(&ksocks), "socket %d is still open",
                rl_container_of(ksocks.next, struct ksock, link)->file);
    sim_require(ring->bufs.expected_count == 0, "%u receive completions were never looked at",
                ring->bufs.expected_count);
}
