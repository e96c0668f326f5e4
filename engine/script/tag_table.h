/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tag_table - a Lua table of tags as a tag set (T-006, E-322). */
#ifndef RL_SCRIPT_TAG_TABLE_H
#define RL_SCRIPT_TAG_TABLE_H

#include <lua.h>

#include "metrics/tags.h"

enum { RL_TAG_TEXT_BYTES = 32 };

/* The text of the string, number or boolean at index: its own, or in buffer; NULL: of another
 * type. Does not change the value. */
const char *rl_tag_text(lua_State *L, int index, char buffer[RL_TAG_TEXT_BYTES]);

/* base with the table's tags on top. *bad: NULL, or the name of a tag whose value has a wrong
 * type (its text is good while the table is); that one is left out. [-0, +0, -] */
const struct rl_tagset *rl_tag_table(lua_State *L, int index, struct rl_tags *tags,
                                     const struct rl_tagset *base, const char **bad);

/* The tags argument of check, add and the like: NULL for none; wrong values raise under the option
 * throw and are left out with a warning otherwise (E-322). what: for the warning. [-0, +0, v] */
const struct rl_tagset *rl_tag_argument(lua_State *L, int index, const char *what);

#endif
