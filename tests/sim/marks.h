/* SPDX-License-Identifier: GPL-3.0-or-later */
/* marks - what is true up to which place of a stream: places ascend, each with a number. */
#ifndef RL_SIM_MARKS_H
#define RL_SIM_MARKS_H

#include <stddef.h>
#include <stdint.h>

struct mark {
    uint64_t at, number;
};

/* Zeroed: none. */
struct marks {
    struct mark *items;
    size_t count, capacity;
};

void marks_add(struct marks *marks, uint64_t at, uint64_t number);
void marks_free(struct marks *marks);

/* The last one that is not behind at; NULL. */
const struct mark *marks_last(const struct marks *marks, uint64_t at);

#endif
