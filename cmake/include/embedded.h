/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * embedded - the files that are compiled into the program.
 *
 * The build writes the table from lua/ringload/: the file lua/ringload/a/b.lua is the entry
 * "ringload/a/b". It ends with an entry whose name is NULL. A zero byte follows the data, which
 * size does not count. Read-only, any thread.
 */
#ifndef RL_EMBEDDED_H
#define RL_EMBEDDED_H

#include <stddef.h>

struct rl_embedded {
    const char *name;
    const unsigned char *data;
    size_t size;
};

extern const struct rl_embedded rl_embedded_modules[];

#endif
