/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text: parsed or refused, and what rl_format_duration writes is read back as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "fuzz.h"

static void check_duration(const char *text)
{
    char again[40];
    int64_t ns = -1, back;

    if (rl_parse_duration(text, true, &ns) != 0)
        return;
    rl_format_duration(ns, again, sizeof(again));
    if (rl_parse_duration(again, false, &back) != 0 || back != ns)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    int64_t integer;
    uint64_t bytes;
    double real;
    bool flag;

    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_duration(text);
    (void)rl_parse_int(text, &integer);
    (void)rl_parse_double(text, &real);
    (void)rl_parse_bool(text, &flag);
    (void)rl_parse_size(text, &bytes);
    free(text);
    return 0;
}
