/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_RANGE_CACHE_H
#define PWNED_RANGE_CACHE_H

#include "range.h"

/* Ranges in memory, bounded in bytes; the one that was not used for longest
   goes first. Each has its age: the clock is the caller's, in seconds. */
struct pwned_range_cache;

/* Returns NULL when memory is short. */
struct pwned_range_cache *pwned_range_cache_new(size_t max_bytes);
void pwned_range_cache_free(struct pwned_range_cache **cache);

/* Returns the range, which stays the cache's, and when it was fetched; or NULL,
   a miss. */
struct pwned_range *pwned_range_cache_find(struct pwned_range_cache *cache,
					   uint32_t prefix, uint64_t now_secs,
					   uint64_t *fetched_secs_r);
/* Adds or replaces a range; takes a reference of its own. One that alone is
   larger than the cache, or that there is no memory for, is left out. */
void pwned_range_cache_add(struct pwned_range_cache *cache, uint32_t prefix,
			   struct pwned_range *range, uint64_t now_secs);

/* Bytes held now, all included. */
size_t pwned_range_cache_used(const struct pwned_range_cache *cache);

#endif
