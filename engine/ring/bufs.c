/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receive buffers: lending, views, taking back. The kinds are described in lane.h. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/sanitize.h"
#include "ring/ring_impl.h"

enum {
    INC_COUNT = 16,
    INC_BYTES = 64 * 1024,
    FURTHER_INC_BYTES = 16 * 1024, /* all lanes together are to stay in the cache */
    CLASSIC_COUNT = 256,
    CLASSIC_BYTES = 4 * 1024,
    OWN_BYTES = 16 * 1024,
};

static void lend(struct rl_bufs *bufs, unsigned id)
{
    uint8_t *start = bufs->base + id * bufs->buf_bytes;

    if (bufs->incremental)
        bufs->used[id] = 0;
    RL_POISON(start, bufs->buf_bytes);
    io_uring_buf_ring_add(bufs->ring, start, (unsigned)bufs->buf_bytes,
                          (unsigned short)(bufs->first_id + id), io_uring_buf_ring_mask(bufs->count), (int)bufs->to_publish);
    bufs->to_publish++;
}

void rl_bufs_publish(struct rl_bufs *bufs)
{
    if (bufs->to_publish == 0)
        return;
    io_uring_buf_ring_advance(bufs->ring, (int)bufs->to_publish);
    bufs->to_publish = 0;
}

int rl_bufs_open(struct rl_bufs *bufs, struct io_uring *uring, int features, unsigned lane)
{
    int rc = 0;

    *bufs = (struct rl_bufs){.incremental = (features & RL_F_BUF_INC) != 0};
    if ((features & RL_F_BUF_RING) == 0)
        return 0;
    bufs->count = bufs->incremental ? INC_COUNT : CLASSIC_COUNT;
    bufs->buf_bytes = !bufs->incremental ? CLASSIC_BYTES : lane == 0 ? INC_BYTES : FURTHER_INC_BYTES;
    bufs->first_id = lane * bufs->count;
    bufs->base = mmap(NULL, bufs->count * bufs->buf_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bufs->base == MAP_FAILED)
        return -ENOMEM;
    bufs->used = calloc(bufs->count, sizeof(*bufs->used));
    if (bufs->used == NULL) {
        rc = -ENOMEM;
        goto unmap;
    }
    bufs->ring = io_uring_setup_buf_ring(uring, bufs->count, RL_BUF_GROUP,
                                         bufs->incremental ? IOU_PBUF_RING_INC : 0, &rc);
    if (bufs->ring == NULL)
        goto free_used;
    for (unsigned id = 0; id < bufs->count; id++)
        lend(bufs, id);
    rl_bufs_publish(bufs);
    return 0;

free_used:
    free(bufs->used);
unmap:
    munmap(bufs->base, bufs->count * bufs->buf_bytes);
    return rc;
}

void rl_bufs_close(struct rl_bufs *bufs, struct io_uring *uring)
{
    if (bufs->ring != NULL) {
        RL_UNPOISON(bufs->base, bufs->count * bufs->buf_bytes);
        io_uring_free_buf_ring(uring, bufs->ring, bufs->count, RL_BUF_GROUP);
        munmap(bufs->base, bufs->count * bufs->buf_bytes);
        free(bufs->used);
    }
    *bufs = (struct rl_bufs){0};
}

void rl_own_blocks_free(struct rl_own_blocks *own)
{
    for (uint32_t i = 0; i < own->count; i++)
        free(own->items[i].data);
    free(own->items);
    *own = (struct rl_own_blocks){0};
}

/* The block for a receive without a buffer ring; NULL when memory is out. */
static uint8_t *own_block(struct rl_own_blocks *own, uint32_t index)
{
    if (index >= own->count) {
        uint32_t count = index < 256 ? 256 : index * 2;
        struct rl_own_block *items = realloc(own->items, count * sizeof(*items));

        if (items == NULL)
            return NULL;
        memset(items + own->count, 0, (count - own->count) * sizeof(*items));
        own->items = items;
        own->count = count;
    }
    if (own->items[index].data == NULL)
        own->items[index].data = malloc(OWN_BYTES);
    own->items[index].armed = true;
    return own->items[index].data;
}

static struct rl_slice own_view(struct rl_own_blocks *own, const struct rl_completion *c)
{
    uint32_t index = (uint32_t)rl_op_handle(c->user_data);

    if (index < own->count)
        own->items[index].armed = false;
    if (c->res <= 0)
        return rl_slice_of(NULL, 0);
    RL_CHECK(index < own->count && own->items[index].data != NULL);
    return rl_slice_of(own->items[index].data, (size_t)c->res);
}

/* Between the view and now it may have been armed again. */
static void own_return(struct rl_own_blocks *own, const struct rl_completion *c)
{
    uint32_t index = (uint32_t)rl_op_handle(c->user_data);

    if (c->res > 0 || index >= own->count || own->items[index].armed)
        return;
    free(own->items[index].data);
    own->items[index].data = NULL;
}

void rl_ring_recv(struct rl_ring *ring, int file, uint64_t user_data)
{
    struct rl_lane *lane = rl_ring_lane(ring, file);
    struct io_uring_sqe *sqe = rl_lane_sqe(lane, 1);

    if (lane->bufs.ring != NULL) {
        io_uring_prep_recv_multishot(sqe, rl_ring_slot(file), NULL, 0, 0);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = RL_BUF_GROUP;
    } else {
        uint8_t *block = own_block(&ring->own, (uint32_t)rl_op_handle(user_data));

        /* Without memory the receive fails with -EFAULT or -ENOBUFS and the connection ends. */
        io_uring_prep_recv(sqe, rl_ring_slot(file), block, block == NULL ? 0 : OWN_BYTES, 0);
    }
    /* Not POLL_FIRST: where data and a reset have come before the arming, 6.18 then delivers the data and
     * never the reset. */
    rl_ring_target(ring, sqe);
    io_uring_sqe_set_data64(sqe, user_data);
}

struct rl_slice rl_ring_view(struct rl_ring *ring, const struct rl_completion *c)
{
    size_t size = c->res > 0 ? (size_t)c->res : 0;
    unsigned id = c->flags >> IORING_CQE_BUFFER_SHIFT;
    const uint8_t *start;
    struct rl_bufs *bufs;

    if (RL_UNLIKELY(ring->first.bufs.ring == NULL))
        return own_view(&ring->own, c);
    if ((c->flags & IORING_CQE_F_BUFFER) == 0)
        return rl_slice_of(NULL, 0);

    bufs = &rl_ring_lane_of_buf(ring, id)->bufs;
    id -= bufs->first_id;
    RL_CHECK(id < bufs->count);
    start = bufs->base + id * bufs->buf_bytes;
    if (bufs->incremental) {
        start += bufs->used[id];
        bufs->used[id] += (uint32_t)size;
        RL_CHECK(bufs->used[id] <= bufs->buf_bytes);
    }
    RL_UNPOISON(start, size);
    return rl_slice_of(start, size);
}

void rl_ring_return(struct rl_ring *ring, const struct rl_completion *c)
{
    unsigned id = c->flags >> IORING_CQE_BUFFER_SHIFT;
    struct rl_bufs *bufs;

    if (RL_UNLIKELY(ring->first.bufs.ring == NULL)) {
        own_return(&ring->own, c);
        return;
    }
    if ((c->flags & IORING_CQE_F_BUFFER) == 0)
        return;
    bufs = &rl_ring_lane_of_buf(ring, id)->bufs;
    if (!bufs->incremental || (c->flags & IORING_CQE_F_BUF_MORE) == 0)
        lend(bufs, id - bufs->first_id);
}
