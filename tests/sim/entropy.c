/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random numbers and the date for the TLS library, in place of libc's: so that a seed is one run with it,
 * too. The library seeds a generator for each session from /dev/urandom, which is a file of ours here; it asks for
 * the date when it looks at certificates and tickets, and gets the simulation's clock.
 */
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

enum { SEED_BYTES = 1024, SEED_WORDS = SEED_BYTES / sizeof(uint64_t) };

#define EPOCH_S 1767225600 /* 2026: when the clock was 0 */

int open(const char *path, int flags, ...);

/* New bytes with each opening, and a new file: processes that were forked share what is open. */
static int open_seeds(void)
{
    int file = memfd_create("seeds", MFD_CLOEXEC);
    uint64_t words[SEED_WORDS];

    for (unsigned i = 0; i < SEED_WORDS; i++)
        words[i] = rl_rng_next(&sim.entropy);
    sim_require(file >= 0 && pwrite(file, words, sizeof(words), 0) == sizeof(words) &&
                    lseek(file, 0, SEEK_SET) == 0, "no file for the library's seeds");
    return file;
}

/* Nothing here makes files, so there is no mode. */
int open(const char *path, int flags, ...)
{
    if (strcmp(path, "/dev/urandom") == 0)
        return open_seeds();
    return (int)syscall(SYS_openat, -100 /* AT_FDCWD */, path, flags, 0);
}

time_t time(time_t *out)
{
    time_t now = (time_t)(EPOCH_S + sim.now_ns / RL_NS_PER_S);

    if (out != NULL)
        *out = now;
    return now;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    (void)zone;
    out->tv_sec = time(NULL);
    out->tv_usec = (suseconds_t)(sim.now_ns % RL_NS_PER_S / 1000);
    return 0;
}
