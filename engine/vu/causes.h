/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * causes - how often each operation failed, and why.
 *
 * tcp_errors says how many; these say of what. Few kinds exist, so they are a short list. One a
 * worker, merged when the workers have ended.
 */
#ifndef RL_VU_CAUSES_H
#define RL_VU_CAUSES_H

#include <stdint.h>

#include "vu/program.h"

enum { RL_CAUSES_MAX = 64 };

struct rl_cause {
    enum rl_method method;
    int status;
    uint64_t count;
};

struct rl_causes {
    struct rl_cause items[RL_CAUSES_MAX];
    uint32_t count;
    uint64_t others; /* past the list's end */
};

void rl_causes_add(struct rl_causes *causes, enum rl_method method, int status, uint64_t count);
void rl_causes_merge(struct rl_causes *into, const struct rl_causes *from);

/* One log line a cause, the most frequent first, with what can be done about those of this machine. */
void rl_causes_tell(struct rl_causes *causes);

#endif
