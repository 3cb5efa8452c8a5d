/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_FREED_H
#define PWNED_TEST_FREED_H

#include <stdbool.h>
#include <stddef.h>

/* Looks at what code under test gives back to the allocator. A program that
   links this must be linked with -Wl,--wrap=free as well. */

/* From now on each freed block is searched for these bytes, which are not
   copied. */
void test_freed_watch(const void *secret, size_t size);
/* Ends the watch. Returns whether a freed block still held the bytes. */
bool test_freed_had_secret(void);

#endif
