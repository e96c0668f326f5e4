/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void rl_assert_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "ringload: internal error: %s (%s:%d)\n", what, file, line);
    abort();
}
