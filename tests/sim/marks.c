/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "marks.h"

#include <stdlib.h>

#include "sim.h"

void marks_add(struct marks *marks, uint64_t at, uint64_t number)
{
    if (marks->count == marks->capacity) {
        marks->capacity = marks->capacity == 0 ? 16 : marks->capacity * 2;
        marks->items = realloc(marks->items, marks->capacity * sizeof(*marks->items));
        sim_require(marks->items != NULL, "no memory");
    }
    marks->items[marks->count++] = (struct mark){at, number};
}

void marks_free(struct marks *marks)
{
    free(marks->items);
}

const struct mark *marks_last(const struct marks *marks, uint64_t at)
{
    size_t low = 0, high = marks->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (marks->items[middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &marks->items[low - 1];
}
