/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * veil - a filter (net/filter.h) that changes nothing, and says a few last words when it leaves.
 *
 * It stands where TLS would: events pass through it, sends go raw, and what it says at the end is the
 * continuation of the stream. Without the library's random numbers a seed stays one run.
 */
#ifndef RL_SIM_VEIL_H
#define RL_SIM_VEIL_H

struct user_socket;

/* On the connection of a socket that is opening. */
void veil_attach(struct user_socket *s);

#endif
