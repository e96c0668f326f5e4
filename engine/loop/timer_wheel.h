/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * timer_wheel - the deadlines of one worker.
 *
 * A tick is 2^14 ns (16 us), written in base 64. A timer waits at the level of
 * the highest digit in which its due tick differs from now, in that digit's slot:
 *
 *      now  .. 0 5 12
 *      due  .. 0 5 40   differs in digit 0   ->  level 0, slot 40
 *      due  .. 0 7  3   differs in digit 1   ->  level 1, slot 7
 *
 * When now reaches the start of a slot, its timers fire or move to a lower level.
 * Arming and cancelling are O(1). Late by a tick at most, and never early.
 *
 * Thread: one worker's; nothing locks. Memory: the caller owns each rl_timer and
 * cancels it before it goes; nothing here allocates.
 */
#ifndef RL_LOOP_TIMER_WHEEL_H
#define RL_LOOP_TIMER_WHEEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum { RL_WHEEL_LEVELS = 9, RL_WHEEL_SLOTS = 64 }; /* 54 bits hold any tick */

struct rl_timer {
    struct rl_list link; /* self-linked while idle */
    uint64_t due_tick;
    void (*fire)(struct rl_timer *timer);
};

struct rl_timer_wheel {
    uint64_t now_tick;
    uint64_t occupied[RL_WHEEL_LEVELS]; /* a set bit may outlive its slot's last timer */
    struct rl_list slots[RL_WHEEL_LEVELS][RL_WHEEL_SLOTS];
    struct rl_list due; /* left over by the last call, earliest first */
};

void rl_timer_wheel_init(struct rl_timer_wheel *wheel, uint64_t now_ns);
void rl_timer_init(struct rl_timer *timer, void (*fire)(struct rl_timer *timer));
void rl_timer_arm(struct rl_timer_wheel *wheel, struct rl_timer *timer, uint64_t due_ns);
void rl_timer_cancel(struct rl_timer *timer);

/* Fire what is due, earliest first but no more than limit, and return how many fired; the next call goes on.
 * A callback may arm or cancel any timer; one that it arms in the past fires in the next call. */
size_t rl_timer_wheel_advance(struct rl_timer_wheel *wheel, uint64_t now_ns, size_t limit);

/* How long the worker may sleep: a time no later than the first deadline. */
uint64_t rl_timer_wheel_next_ns(const struct rl_timer_wheel *wheel);

/* Assert that each timer is where the rule above puts it. For tests. */
void rl_timer_wheel_check(struct rl_timer_wheel *wheel);

#endif
