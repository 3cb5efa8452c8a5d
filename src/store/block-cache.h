/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BLOCK_CACHE_H
#define PWNED_BLOCK_CACHE_H

#include "block.h"
#include "digest.h"

/* The blocks that answered last, in memory: a person logs in with the same
   password again and again. Each has proved itself when it was put in. Of fixed
   size; what was not used for longest goes first, within a set of eight. */
struct pwned_block_cache;

/* Returns NULL when memory is short. The memory is taken as it is used. */
struct pwned_block_cache *pwned_block_cache_new(size_t bytes);
void pwned_block_cache_free(struct pwned_block_cache **cache);

/* The block that a key belongs to, or NULL; the cache's, until the next put. */
const unsigned char *pwned_block_cache_find(struct pwned_block_cache *cache,
					    const struct pwned_digest *digest);
/* Puts a valid block in, instead of any that it contradicts. */
void pwned_block_cache_put(struct pwned_block_cache *cache,
			   const unsigned char *block);
/* Gives the blocks of a range that have the label's tag its day. */
void pwned_block_cache_renew(struct pwned_block_cache *cache,
			     const struct pwned_range_label *label);
void pwned_block_cache_clear(struct pwned_block_cache *cache);

#endif
