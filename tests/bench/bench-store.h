/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BENCH_STORE_H
#define PWNED_BENCH_STORE_H

#include "digest.h"

#include <stdbool.h>

/* The whole store as auth has it, on a folder that is filled: the way of a
   login from its digest to the answer. */
struct bench_store;

struct bench_store *bench_store_new(const char *folder, const char *cache_size);
void bench_store_free(struct bench_store *store);
/* As subjects of bench-measure.h: what has to come from the memory of blocks,
   and what from the file. */
uint64_t bench_store_find(void *context, const struct pwned_digest *digest);

#endif
