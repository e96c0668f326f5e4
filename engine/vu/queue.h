/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * queue - events that a VU has raised and not delivered.
 *
 * A program is called only from the loop. What is raised while it runs (destroy's close, a refused
 * write's error) waits here, in order, and is delivered in the loop's next ready round. Each item holds
 * the iteration and retains its socket.
 */
#ifndef RL_VU_QUEUE_H
#define RL_VU_QUEUE_H

#include "vu/socket.h"

/* Raise event now: called from the loop, while the socket is retained. What waits in the queue goes
 * first. False: the iteration has ended meanwhile, nothing of the socket may be touched. */
bool rl_event_now(struct rl_socket *socket, enum rl_event event, struct rl_slice data,
                  const struct rl_tcp_error *error);

/* The same for what arrived together with the event that was just delivered: it goes before all that
 * its handler raised (T-140). */
bool rl_event_next(struct rl_socket *socket, enum rl_event event, struct rl_slice data,
                   const struct rl_tcp_error *error);

/* Raise event later (event RL_EVENT_COUNT: none, only wake); then, if waiter is not NULL, wake it with
 * error (or status alone). */
void rl_event_later(struct rl_socket *socket, enum rl_event event, int status,
                    const struct rl_tcp_error *error, struct rl_waiter *waiter);

/* Deliver all that waits; false: the iteration has ended. From the loop only. */
bool rl_queue_deliver(struct rl_vu *vu);

/* Forget all that waits. */
void rl_queue_drop(struct rl_vu *vu);

#endif
