/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay - a fuzzer's main function where there is no libFuzzer.
 *
 *   program CORPUS [RUNS [SEED]]
 *
 * Feeds each file of the folder CORPUS (which need not exist), then RUNS mutations of them, to
 * LLVMFuzzerTestOneInput. The same seed makes the same inputs; it is printed, and an input that
 * crashes is number n of it.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { SEEDS_MAX = 256, INPUT_MAX = 4096 };

struct input {
    uint8_t data[INPUT_MAX];
    size_t size;
};

static struct input seeds[SEEDS_MAX] = {{.size = 0}};
static size_t seed_count = 1; /* the first is empty */
static uint64_t state;

static size_t below(size_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % limit);
}

static void read_corpus(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    while (dir != NULL && seed_count < SEEDS_MAX && (entry = readdir(dir)) != NULL) {
        char path[4096];
        FILE *file;

        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) >= (int)sizeof(path))
            continue;
        file = fopen(path, "rb");
        if (file == NULL)
            continue;
        seeds[seed_count].size = fread(seeds[seed_count].data, 1, INPUT_MAX, file);
        seed_count++;
        (void)fclose(file);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

/* Flip a bit, set, drop or repeat bytes, or append another seed's start. */
static void mutate(struct input *input)
{
    size_t at = input->size > 0 ? below(input->size) : 0;
    size_t length = 1 + below(8);
    const struct input *other;

    if (input->size == 0 || below(6) == 0) {
        other = &seeds[below(seed_count)];
        length = other->size < INPUT_MAX - input->size ? other->size : INPUT_MAX - input->size;
        memcpy(input->data + input->size, other->data, length);
        input->size += length;
        if (input->size == 0)
            input->data[input->size++] = (uint8_t)below(256);
        return;
    }
    if (length > input->size - at)
        length = input->size - at;
    switch (below(4)) {
    case 0:
        input->data[at] ^= (uint8_t)(1U << below(8));
        break;
    case 1:
        input->data[at] = (uint8_t)below(256);
        break;
    case 2:
        memmove(input->data + at, input->data + at + length, input->size - at - length);
        input->size -= length;
        break;
    default:
        if (length > INPUT_MAX - input->size)
            length = INPUT_MAX - input->size;
        memmove(input->data + at + length, input->data + at, input->size - at);
        input->size += length;
    }
}

/* A copy of exactly the input's size, so that AddressSanitizer sees a read past its end. */
static void feed(const struct input *input)
{
    uint8_t *copy = malloc(input->size > 0 ? input->size : 1);

    if (copy == NULL)
        abort();
    memcpy(copy, input->data, input->size);
    (void)LLVMFuzzerTestOneInput(copy, input->size);
    free(copy);
}

int main(int argc, char **argv)
{
    unsigned long runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000;
    unsigned long seed = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    static struct input input;

    if (argc < 2) {
        (void)fprintf(stderr, "usage: %s CORPUS [RUNS [SEED]]\n", argv[0]);
        return 2;
    }
    read_corpus(argv[1]);
    state = seed * 0x9e3779b97f4a7c15U + 1;
    (void)printf("%zu seeds, %lu mutations of seed %lu\n", seed_count, runs, seed);
    (void)fflush(stdout);
    for (size_t i = 0; i < seed_count; i++)
        feed(&seeds[i]);
    for (unsigned long i = 0; i < runs; i++) {
        if (i % 16 == 0)
            input = seeds[below(seed_count)];
        mutate(&input);
        feed(&input);
    }
    return 0;
}
