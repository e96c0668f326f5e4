/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What struct rl_script is, for the room itself. */
#ifndef RL_SCRIPT_SCRIPT_IMPL_H
#define RL_SCRIPT_SCRIPT_IMPL_H

#include "base/arena.h"
#include "script/compile.h"
#include "script/script.h"

struct rl_script {
    char *directory; /* of the main file: what open starts from */
    struct rl_file *main, *files;
    struct rl_shared_array *arrays;
    struct rl_arena arena; /* of options */
    struct rl_value *options;
    char **functions; /* exported; NULL-terminated */
    size_t function_count;
};

#endif
