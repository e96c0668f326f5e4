/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modes - what the server does with a connection: a table of handlers. */
#ifndef RL_SERVE_MODES_H
#define RL_SERVE_MODES_H

#include "serve/session.h"

/* NULL: there is no such mode. */
const struct rl_serve_mode *rl_serve_mode(const char *name);

#endif
