/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edit_distance - how many typing mistakes lie between two words; for "did you mean". */
#ifndef RL_BASE_EDIT_DISTANCE_H
#define RL_BASE_EDIT_DISTANCE_H

#include <stdbool.h>

/* Insertions, deletions, replacements and swapped neighbours, any case; words longer than 63 bytes are
 * cut there. */
unsigned rl_edit_distance(const char *a, const char *b);

/* Whether a person who wrote word may have meant known: few mistakes for its length. */
bool rl_is_near(const char *word, const char *known);

#endif
