/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loop/timer_wheel.h"

#include <assert.h>

#include "base/assert.h"

enum { TICK_SHIFT = 14, DIGIT_BITS = 6 };

static_assert(1 << DIGIT_BITS == RL_WHEEL_SLOTS, "a slot is one digit");
static_assert(RL_WHEEL_LEVELS * DIGIT_BITS >= 64 - TICK_SHIFT, "the digits cover the clock");

static unsigned digit(uint64_t tick, unsigned level)
{
    return (unsigned)(tick >> (level * DIGIT_BITS)) % RL_WHEEL_SLOTS;
}

/* The highest digit in which two ticks differ; 0 if they are equal. */
static unsigned level_of(uint64_t due_tick, uint64_t now_tick)
{
    unsigned highest_bit = 63 - (unsigned)__builtin_clzll((due_tick ^ now_tick) | 1);

    return highest_bit / DIGIT_BITS;
}

static void place(struct rl_timer_wheel *wheel, struct rl_timer *timer)
{
    unsigned level = level_of(timer->due_tick, wheel->now_tick);
    unsigned slot = digit(timer->due_tick, level);

    wheel->occupied[level] |= UINT64_C(1) << slot;
    rl_list_push(&wheel->slots[level][slot], &timer->link);
}

/* The start of the earliest slot in use, UINT64_MAX if none. A lower level always
 * comes first: its timers share more leading digits with now. */
static uint64_t first_start(const struct rl_timer_wheel *wheel, unsigned *level)
{
    for (unsigned i = 0; i < RL_WHEEL_LEVELS; i++) {
        if (wheel->occupied[i] != 0) {
            uint64_t now = wheel->now_tick >> (i * DIGIT_BITS);
            uint64_t slot = (uint64_t)__builtin_ctzll(wheel->occupied[i]);

            *level = i;
            return (now - now % RL_WHEEL_SLOTS + slot) << (i * DIGIT_BITS);
        }
    }
    return UINT64_MAX;
}

void rl_timer_wheel_init(struct rl_timer_wheel *wheel, uint64_t now_ns)
{
    *wheel = (struct rl_timer_wheel){.now_tick = now_ns >> TICK_SHIFT};
    for (unsigned level = 0; level < RL_WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < RL_WHEEL_SLOTS; slot++)
            rl_list_init(&wheel->slots[level][slot]);
    }
    rl_list_init(&wheel->due);
}

void rl_timer_init(struct rl_timer *timer, void (*fire)(struct rl_timer *timer))
{
    rl_list_init(&timer->link);
    timer->due_tick = 0;
    timer->fire = fire;
}

void rl_timer_arm(struct rl_timer_wheel *wheel, struct rl_timer *timer, uint64_t due_ns)
{
    uint64_t tick_mask = (UINT64_C(1) << TICK_SHIFT) - 1;
    uint64_t due_tick = (due_ns >> TICK_SHIFT) + ((due_ns & tick_mask) != 0); /* never early */

    rl_list_remove(&timer->link);
    timer->due_tick = due_tick > wheel->now_tick ? due_tick : wheel->now_tick;
    place(wheel, timer);
}

void rl_timer_cancel(struct rl_timer *timer)
{
    rl_list_remove(&timer->link);
}

/* From the slots to the end of what is due. */
static void collect_due(struct rl_timer_wheel *wheel, uint64_t target)
{
    unsigned level = 0;
    struct rl_list *node;
    uint64_t start;

    while ((start = first_start(wheel, &level)) <= target) {
        unsigned slot = digit(start, level);

        wheel->now_tick = start;
        wheel->occupied[level] &= ~(UINT64_C(1) << slot);
        while ((node = rl_list_pop(&wheel->slots[level][slot])) != NULL) {
            struct rl_timer *timer = rl_container_of(node, struct rl_timer, link);

            if (timer->due_tick == start)
                rl_list_push(&wheel->due, node);
            else
                place(wheel, timer); /* to a lower level, so this loop ends */
        }
    }
    wheel->now_tick = target;
}

size_t rl_timer_wheel_advance(struct rl_timer_wheel *wheel, uint64_t now_ns, size_t limit)
{
    uint64_t target = now_ns >> TICK_SHIFT;
    struct rl_list *node;
    size_t fired = 0;

    RL_ASSERT(target >= wheel->now_tick);
    collect_due(wheel, target);
    /* Popped one at a time, because a callback may cancel one that is still here. */
    while (fired < limit && (node = rl_list_pop(&wheel->due)) != NULL) {
        struct rl_timer *timer = rl_container_of(node, struct rl_timer, link);

        timer->fire(timer);
        fired++;
    }
    return fired;
}

uint64_t rl_timer_wheel_next_ns(const struct rl_timer_wheel *wheel)
{
    unsigned level;
    uint64_t start = first_start(wheel, &level);

    if (!rl_list_empty(&wheel->due))
        start = wheel->now_tick;
    return start > UINT64_MAX >> TICK_SHIFT ? UINT64_MAX : start << TICK_SHIFT;
}

void rl_timer_wheel_check(struct rl_timer_wheel *wheel)
{
    for (unsigned level = 0; level < RL_WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < RL_WHEEL_SLOTS; slot++) {
            struct rl_list *head = &wheel->slots[level][slot];

            for (struct rl_list *node = head->next; node != head; node = node->next) {
                struct rl_timer *timer = rl_container_of(node, struct rl_timer, link);

                RL_CHECK(timer->due_tick >= wheel->now_tick);
                RL_CHECK(level_of(timer->due_tick, wheel->now_tick) == level);
                RL_CHECK(digit(timer->due_tick, level) == slot);
                RL_CHECK((wheel->occupied[level] >> slot & 1) == 1);
                RL_CHECK(node->next->prev == node);
            }
        }
    }
}
