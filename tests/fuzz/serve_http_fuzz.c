/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as HTTP: in one piece or byte by byte, the same requests end at the same places. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "serve/http_head.h"

enum { EVENTS_MAX = 64 };

struct outcome {
    size_t count;
    size_t ends[EVENTS_MAX];
    enum rl_http_event events[EVENTS_MAX];
};

static void run(const uint8_t *data, size_t size, size_t piece, struct outcome *out)
{
    struct rl_http_head head;
    size_t at = 0;

    memset(&head, 0, sizeof(head));
    out->count = 0;
    while (at < size && out->count < EVENTS_MAX) {
        size_t given = size - at < piece ? size - at : piece, used;
        enum rl_http_event event = rl_http_feed(&head, rl_slice_of(data + at, given), &used);

        if (used == 0 || used > given)
            abort();
        at += used;
        if (event == RL_HTTP_MORE)
            continue;
        out->ends[out->count] = at;
        out->events[out->count++] = event;
        if (event == RL_HTTP_BAD)
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, bytes;

    run(data, size, size, &whole);
    run(data, size, 1, &bytes);
    if (whole.count != bytes.count)
        abort();
    for (size_t i = 0; i < whole.count; i++) {
        if (whole.events[i] != bytes.events[i] || whole.ends[i] != bytes.ends[i])
            abort();
    }
    return 0;
}
