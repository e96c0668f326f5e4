/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A prime, so that two streams, or two places of one, agree nowhere for long. */
enum { PATTERN_BYTES = 65521, STREAM_STEP = 7919 };

#define START_NS (1000 * RL_NS_PER_S)

struct sim sim;

static uint8_t pattern[PATTERN_BYTES];

static void make_pattern(void)
{
    struct rl_rng rng;

    rl_rng_init(&rng, 1);
    for (size_t i = 0; i < PATTERN_BYTES; i++)
        pattern[i] = (uint8_t)rl_rng_next(&rng);
}

void sim_begin(uint64_t seed)
{
    if (pattern[0] == 0 && pattern[1] == 0)
        make_pattern();
    sim.seed = seed;
    sim.now_ns = sim.start_ns = START_NS;
    sim.turn = 0;
    rl_rng_init(&sim.rng, seed);
    rl_rng_init(&sim.entropy, ~seed);
}

static void print_time(FILE *out)
{
    fprintf(out, "%12.6f ms  turn %-5llu ", (double)(sim.now_ns - sim.start_ns) / 1e6,
            (unsigned long long)sim.turn);
}

void sim_trace_line(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    print_time(stdout);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void sim_tell_replay(uint64_t seed)
{
    fprintf(stderr, "replay: %s --seed %llu --trace\n", sim.program, (unsigned long long)seed);
}

void sim_fail(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    va_start(args, format);
    fprintf(stderr, "FAILED seed %llu at ", (unsigned long long)sim.seed);
    print_time(stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    sim_tell_replay(sim.seed);
    _Exit(1);
}

uint64_t sim_scale(uint64_t high)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(high);
    uint64_t top = UINT64_C(1) << sim_between(0, bits - 1);
    uint64_t limit = top * 2 - 1;

    return sim_between(top, limit < high ? limit : high);
}

/* Where offset of stream lies; *run: how many bytes follow before the pattern begins anew. */
static size_t place(uint32_t stream, uint64_t offset, size_t size, size_t *run)
{
    size_t at = (size_t)((offset + (uint64_t)stream * STREAM_STEP) % PATTERN_BYTES);

    *run = PATTERN_BYTES - at < size ? PATTERN_BYTES - at : size;
    return at;
}

void sim_fill(uint32_t stream, uint64_t offset, uint8_t *out, size_t size)
{
    for (size_t run; size > 0; size -= run, out += run, offset += run) {
        size_t at = place(stream, offset, size, &run);

        memcpy(out, pattern + at, run);
    }
}

bool sim_matches(uint32_t stream, uint64_t offset, const uint8_t *data, size_t size)
{
    for (size_t run; size > 0; size -= run, data += run, offset += run) {
        size_t at = place(stream, offset, size, &run);

        if (memcmp(data, pattern + at, run) != 0)
            return false;
    }
    return true;
}
