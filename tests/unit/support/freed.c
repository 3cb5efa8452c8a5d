/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets in freed memory. */

#include "freed.h"

#include <malloc.h>
#include <string.h>

/* the names that ld gives to both sides of a wrapped function */
void __real_free(void *block);
void __wrap_free(void *block);

static const void *watched;
static size_t watched_size;
static bool found;

void __wrap_free(void *block)
{
	if (block != NULL && watched != NULL &&
	    memmem(block, malloc_usable_size(block), watched, watched_size) !=
		    NULL)
		found = true;
	__real_free(block);
}

void test_freed_watch(const void *secret, size_t size)
{
	found = false;
	watched_size = size;
	watched = secret;
}

bool test_freed_had_secret(void)
{
	watched = NULL;
	return found;
}
