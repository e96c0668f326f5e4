/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receive buffers: few and small, so that they run out. Poisoned but while the engine may look. */
#include <stdlib.h>
#include <string.h>

#include "base/sanitize.h"
#include "fake_ring.h"
#include "sim.h"

enum { OWN_BYTES = 16 * 1024, COUNT_MOST = 8, INC_MOST = 64 * 1024, CLASSIC_MOST = 4096 };

static uint8_t *start_of(const struct fake_bufs *bufs, unsigned id)
{
    return bufs->base + id * bufs->buf_bytes;
}

static void lend(struct fake_bufs *bufs, unsigned id)
{
    sim_require(bufs->lent_count < bufs->count, "a buffer was given back twice");
    bufs->filled[id] = bufs->viewed[id] = 0;
    RL_POISON(start_of(bufs, id), bufs->buf_bytes);
    bufs->lent[bufs->lent_count++] = id;
}

void bufs_publish(struct fake_bufs *bufs)
{
    bufs->published_count = bufs->lent_count;
}

void bufs_open(struct fake_bufs *bufs, int features)
{
    *bufs = (struct fake_bufs){.incremental = (features & RL_F_BUF_INC) != 0};
    if ((features & RL_F_BUF_RING) == 0)
        return;
    bufs->count = (size_t)sim_between(1, COUNT_MOST);
    bufs->buf_bytes = 8 * (size_t)sim_scale(bufs->incremental ? INC_MOST / 8 : CLASSIC_MOST / 8);
    bufs->base = malloc(bufs->count * bufs->buf_bytes);
    bufs->filled = calloc(bufs->count, sizeof(*bufs->filled));
    bufs->viewed = calloc(bufs->count, sizeof(*bufs->viewed));
    bufs->lent = calloc(bufs->count, sizeof(*bufs->lent));
    sim_require(bufs->base != NULL && bufs->filled != NULL && bufs->viewed != NULL &&
                    bufs->lent != NULL, "no memory");
    for (unsigned id = 0; id < bufs->count; id++)
        lend(bufs, id);
    bufs_publish(bufs);
}

void bufs_close(struct fake_bufs *bufs)
{
    if (bufs->count > 0)
        RL_UNPOISON(bufs->base, bufs->count * bufs->buf_bytes);
    for (uint32_t i = 0; i < bufs->own_count; i++)
        free(bufs->own[i].data);
    free(bufs->base);
    free(bufs->filled);
    free(bufs->viewed);
    free(bufs->lent);
    free(bufs->own);
    free(bufs->expected);
}

/* --- The kernel's side. --- */

void bufs_arm(struct fake_bufs *bufs, uint32_t index)
{
    if (bufs->count > 0)
        return;
    if (index >= bufs->own_count) {
        bufs->own = realloc(bufs->own, (index + 1) * sizeof(*bufs->own));
        sim_require(bufs->own != NULL, "no memory");
        memset(bufs->own + bufs->own_count, 0,
               (index + 1 - bufs->own_count) * sizeof(*bufs->own));
        bufs->own_count = index + 1;
    }
    if (bufs->own[index].data == NULL)
        bufs->own[index].data = malloc(OWN_BYTES);
    sim_require(bufs->own[index].data != NULL, "no memory");
    bufs->own[index].armed = true;
    RL_POISON(bufs->own[index].data, OWN_BYTES);
}

bool bufs_out(const struct fake_bufs *bufs)
{
    return bufs->count > 0 && bufs->published_count == 0;
}

uint8_t *bufs_room(struct fake_bufs *bufs, uint32_t index, size_t *room)
{
    unsigned id;

    if (bufs->count == 0) {
        *room = OWN_BYTES;
        RL_UNPOISON(bufs->own[index].data, OWN_BYTES);
        return bufs->own[index].data;
    }
    if (bufs_out(bufs))
        return NULL;
    id = bufs->lent[0];
    *room = bufs->buf_bytes - bufs->filled[id];
    RL_UNPOISON(start_of(bufs, id) + bufs->filled[id], *room);
    return start_of(bufs, id) + bufs->filled[id];
}

uint32_t bufs_fill(struct fake_bufs *bufs, size_t size)
{
    unsigned id;
    uint32_t flags;

    if (bufs->count == 0)
        return 0;
    id = bufs->lent[0];
    flags = F_BUFFER | id << F_BUFFER_SHIFT;
    /* Not what lies before: the engine may be looking at it. */
    RL_POISON(start_of(bufs, id) + bufs->filled[id], bufs->buf_bytes - bufs->filled[id]);
    bufs->filled[id] += size;
    if (bufs->incremental && bufs->filled[id] < bufs->buf_bytes)
        return flags | F_BUF_MORE;
    bufs->lent_count--;
    bufs->published_count--;
    memmove(bufs->lent, bufs->lent + 1, bufs->lent_count * sizeof(*bufs->lent));
    return flags;
}

/* --- The engine's side: each completion is viewed once, in order, and returned once. --- */

void bufs_expect(struct fake_bufs *bufs, const struct rl_completion *c)
{
    if (bufs->expected_count == bufs->expected_capacity) {
        bufs->expected_capacity = bufs->expected_capacity == 0 ? 64 : bufs->expected_capacity * 2;
        bufs->expected =
            realloc(bufs->expected, bufs->expected_capacity * sizeof(*bufs->expected));
        sim_require(bufs->expected != NULL, "no memory");
    }
    bufs->expected[bufs->expected_count++] = *c;
}

static void meet(struct fake_bufs *bufs, const struct rl_completion *c)
{
    sim_require(bufs->expected_count > 0, "a completion is viewed that was never reaped");
    sim_require(memcmp(&bufs->expected[0], c, sizeof(*c)) == 0,
                "receive completions are viewed out of order");
    bufs->expected_count--;
    memmove(bufs->expected, bufs->expected + 1, bufs->expected_count * sizeof(*bufs->expected));
    sim_require(bufs->viewed_count++ == 0, "a view was not returned before the next");
}

struct rl_slice rl_ring_view(struct rl_ring *ring, const struct rl_completion *c)
{
    struct fake_bufs *bufs = &ring->bufs;
    size_t size = c->res > 0 ? (size_t)c->res : 0;
    uint32_t index = (uint32_t)rl_op_handle(c->user_data);
    unsigned id = c->flags >> F_BUFFER_SHIFT;
    const uint8_t *start;

    meet(bufs, c);
    if (bufs->count == 0 && index < bufs->own_count)
        bufs->own[index].armed = false;
    if (size == 0)
        return rl_slice_of(NULL, 0);
    if (bufs->count == 0) {
        start = bufs->own[index].data;
    } else {
        start = start_of(bufs, id) + bufs->viewed[id];
        if (bufs->incremental)
            bufs->viewed[id] += size;
    }
    RL_UNPOISON(start, size);
    return rl_slice_of(start, size);
}

void rl_ring_return(struct rl_ring *ring, const struct rl_completion *c)
{
    struct fake_bufs *bufs = &ring->bufs;
    uint32_t index = (uint32_t)rl_op_handle(c->user_data);
    unsigned id = c->flags >> F_BUFFER_SHIFT;

    sim_require(bufs->viewed_count-- == 1, "a completion is returned that was not viewed");
    if (bufs->count > 0) {
        if ((c->flags & F_BUFFER) == 0)
            return;
        if (!bufs->incremental || (c->flags & F_BUF_MORE) == 0)
            lend(bufs, id);
        return;
    }
    if (c->res <= 0 && index < bufs->own_count && !bufs->own[index].armed) {
        free(bufs->own[index].data);
        bufs->own[index].data = NULL;
    }
}
