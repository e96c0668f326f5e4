/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz - what a fuzzer defines: eats any bytes, returns 0, and stops the program on a wrong result. */
#ifndef RL_FUZZ_H
#define RL_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
