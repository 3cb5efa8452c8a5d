/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FUZZ_H
#define PWNED_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* libFuzzer's entry point: one input. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert(), whatever NDEBUG says: a target finds nothing without. */
#define FUZZ_ASSERT(condition)                                                 \
	do {                                                                   \
		if (!(condition))                                              \
			abort();                                               \
	} while (0)

#endif
