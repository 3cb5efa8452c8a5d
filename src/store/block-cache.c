/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks in memory, in sets. */

#include "block-cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* All blocks of a range are in one set, so that a look-up need not know how
   many there are: it compares the tags, which stand in a line of the CPU's
   cache, and each says how many. */
#define WAYS 8

/* prefix, total, index, from the highest bit; 0: free, for no total is 0. */
typedef uint64_t block_tag;

struct set {
	block_tag tags[WAYS];
	uint32_t used[WAYS]; /* when, by the cache's count of uses */
};

struct pwned_block_cache {
	uint32_t sets_mask;
	uint32_t uses;
	struct set *sets;
	unsigned char *blocks;
	size_t blocks_bytes;
};

static block_tag tag_of(uint32_t prefix, unsigned int total, unsigned int index)
{
	return (uint64_t)prefix << 32 | (uint64_t)total << 16 | index;
}

static unsigned int tag_total(block_tag tag)
{
	return (tag >> 16) & 0xffff;
}

struct pwned_block_cache *pwned_block_cache_new(size_t bytes)
{
	struct pwned_block_cache *cache = calloc(1, sizeof(*cache));
	uint32_t sets = 1;

	if (cache == NULL)
		return NULL;
	while ((size_t)sets * 2 * WAYS * PWNED_BLOCK_BYTES <= bytes)
		sets *= 2;
	cache->sets_mask = sets - 1;
	cache->blocks_bytes = (size_t)sets * WAYS * PWNED_BLOCK_BYTES;
	cache->sets = calloc(sets, sizeof(*cache->sets));
	/* not from the heap, whose pages would all be touched */
	cache->blocks = mmap(NULL, cache->blocks_bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (cache->blocks == MAP_FAILED)
		cache->blocks = NULL;
	if (cache->sets == NULL || cache->blocks == NULL)
		pwned_block_cache_free(&cache);
	return cache;
}

void pwned_block_cache_free(struct pwned_block_cache **_cache)
{
	struct pwned_block_cache *cache = *_cache;

	*_cache = NULL;
	if (cache == NULL)
		return;
	if (cache->blocks != NULL)
		(void)munmap(cache->blocks, cache->blocks_bytes);
	free(cache->sets);
	free(cache);
}

/* A prefix is a piece of a SHA-1: its bits need no further mixing. */
static struct set *set_of(const struct pwned_block_cache *cache,
			  uint32_t prefix)
{
	return &cache->sets[prefix & cache->sets_mask];
}

static unsigned char *block_at(const struct pwned_block_cache *cache,
			       const struct set *set, unsigned int way)
{
	size_t number = (size_t)(set - cache->sets) * WAYS + way;

	return cache->blocks + number * PWNED_BLOCK_BYTES;
}

const unsigned char *pwned_block_cache_find(struct pwned_block_cache *cache,
					    const struct pwned_digest *digest)
{
	struct set *set = set_of(cache, digest->prefix);

	for (unsigned int i = 0; i < WAYS; i++) {
		block_tag tag = set->tags[i];
		unsigned int total = tag_total(tag);

		if (tag != 0 && tag >> 32 == digest->prefix &&
		    (tag & 0xffff) ==
			    pwned_block_index_of(digest->key, total)) {
			set->used[i] = ++cache->uses;
			return block_at(cache, set, i);
		}
	}
	return NULL;
}

/* The free way, or the one that was used longest ago. */
static unsigned int choose_way(const struct pwned_block_cache *cache,
			       const struct set *set)
{
	unsigned int way = 0;

	for (unsigned int i = 0; i < WAYS; i++) {
		if (set->tags[i] == 0)
			return i;
		if (cache->uses - set->used[i] > cache->uses - set->used[way])
			way = i;
	}
	return way;
}

/* A range that has another total now has no block in common with what was. */
static void drop_others(struct set *set, uint32_t prefix, unsigned int total)
{
	for (unsigned int i = 0; i < WAYS; i++) {
		if (set->tags[i] >> 32 == prefix &&
		    tag_total(set->tags[i]) != total)
			set->tags[i] = 0;
	}
}

void pwned_block_cache_put(struct pwned_block_cache *cache,
			   const unsigned char *block)
{
	uint32_t prefix = pwned_block_prefix(block);
	unsigned int total = pwned_block_total(block), way;
	block_tag tag = tag_of(prefix, total, pwned_block_index(block));
	struct set *set = set_of(cache, prefix);

	drop_others(set, prefix, total);
	for (way = 0; way < WAYS && set->tags[way] != tag; way++)
		;
	if (way == WAYS)
		way = choose_way(cache, set);
	set->tags[way] = tag;
	set->used[way] = ++cache->uses;
	memcpy(block_at(cache, set, way), block, PWNED_BLOCK_BYTES);
}

void pwned_block_cache_renew(struct pwned_block_cache *cache,
			     const struct pwned_range_label *label)
{
	struct set *set = set_of(cache, label->prefix);
	struct pwned_range_label found;

	/* no tag proves nothing */
	if (*label->etag == '\0')
		return;
	for (unsigned int i = 0; i < WAYS; i++) {
		unsigned char *block = block_at(cache, set, i);

		if (set->tags[i] == 0 || set->tags[i] >> 32 != label->prefix)
			continue;
		pwned_block_label(block, &found);
		if (found.origin == label->origin &&
		    strcmp(found.etag, label->etag) == 0)
			(void)pwned_block_relabel(block, label->day,
						  label->origin, label->etag);
	}
}

void pwned_block_cache_clear(struct pwned_block_cache *cache)
{
	memset(cache->sets, 0,
	       ((size_t)cache->sets_mask + 1) * sizeof(*cache->sets));
}
