/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "script/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BYTES = 256 };

void rl_out_init(struct rl_out *out, lua_State *L)
{
    out->L = L;
    out->data = lua_newuserdatauv(L, FIRST_BYTES, 0);
    out->index = lua_gettop(L);
    out->size = 0;
    out->capacity = FIRST_BYTES;
}

static void grow(struct rl_out *out, size_t size)
{
    size_t capacity = out->capacity * 2;
    char *data;

    while (capacity < out->size + size)
        capacity *= 2;
    data = lua_newuserdatauv(out->L, capacity, 0);
    memcpy(data, out->data, out->size);
    lua_replace(out->L, out->index);
    out->data = data;
    out->capacity = capacity;
}

void rl_out_add(struct rl_out *out, const void *data, size_t size)
{
    if (out->capacity - out->size < size)
        grow(out, size);
    if (size > 0)
        memcpy(out->data + out->size, data, size);
    out->size += size;
}

void rl_out_text(struct rl_out *out, const char *text)
{
    rl_out_add(out, text, strlen(text));
}

void rl_out_byte(struct rl_out *out, char byte)
{
    rl_out_add(out, &byte, 1);
}

void rl_out_push(struct rl_out *out)
{
    lua_pushlstring(out->L, out->data, out->size);
}

void rl_out_number(struct rl_out *out, lua_Number number)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    rl_out_text(out, text);
}
