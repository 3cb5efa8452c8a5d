/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges in memory. */

#include "range-cache.h"
#include "prefix-map.h"

#include <stdlib.h>

/* for the size of the map's table: what a range takes about */
#define RANGE_BYTES_USUAL 14000

struct cached_range {
	struct pwned_prefix_node node; /* must be first */
	struct pwned_range *range;
	uint64_t fetched_secs;
	uint64_t used_secs; /* of its place in the order of use */
};

struct pwned_range_cache {
	struct pwned_prefix_map map;
	size_t max_bytes, used_bytes;
};

struct pwned_range_cache *pwned_range_cache_new(size_t max_bytes)
{
	struct pwned_range_cache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
		return NULL;
	if (!pwned_prefix_map_init(&cache->map,
				   max_bytes / RANGE_BYTES_USUAL)) {
		free(cache);
		return NULL;
	}
	cache->max_bytes = max_bytes;
	return cache;
}

static size_t cost(const struct pwned_range *range)
{
	return pwned_range_memory(range) + sizeof(struct cached_range);
}

static void cache_drop(struct pwned_range_cache *cache,
		       struct cached_range *cached)
{
	pwned_prefix_map_remove(&cache->map, &cached->node);
	cache->used_bytes -= cost(cached->range);
	pwned_range_unref(&cached->range);
	free(cached);
}

void pwned_range_cache_free(struct pwned_range_cache **_cache)
{
	struct pwned_range_cache *cache = *_cache;

	*_cache = NULL;
	if (cache == NULL)
		return;
	while (cache->map.oldest != NULL)
		cache_drop(cache, (struct cached_range *)cache->map.oldest);
	pwned_prefix_map_deinit(&cache->map);
	free(cache);
}

struct pwned_range *pwned_range_cache_find(struct pwned_range_cache *cache,
					   uint32_t prefix, uint64_t now_secs,
					   uint64_t *fetched_secs_r)
{
	struct pwned_prefix_node *node =
		pwned_prefix_map_find(&cache->map, prefix);
	struct cached_range *cached = (struct cached_range *)node;

	if (node == NULL)
		return NULL;
	/* Once a second is often enough for the order of use; each time the
	   neighbours would have to come into the CPU's cache. */
	if (cached->used_secs != now_secs) {
		cached->used_secs = now_secs;
		pwned_prefix_map_touch(&cache->map, node);
	}
	*fetched_secs_r = cached->fetched_secs;
	return cached->range;
}

void pwned_range_cache_add(struct pwned_range_cache *cache, uint32_t prefix,
			   struct pwned_range *range, uint64_t now_secs)
{
	struct pwned_prefix_node *old =
		pwned_prefix_map_find(&cache->map, prefix);
	struct cached_range *cached;

	if (old != NULL)
		cache_drop(cache, (struct cached_range *)old);
	if (cost(range) > cache->max_bytes)
		return;
	while (cache->used_bytes + cost(range) > cache->max_bytes)
		cache_drop(cache, (struct cached_range *)cache->map.oldest);
	cached = malloc(sizeof(*cached));
	if (cached == NULL)
		return;
	cached->node.prefix = prefix;
	cached->range = pwned_range_ref(range);
	cached->fetched_secs = cached->used_secs = now_secs;
	pwned_prefix_map_add(&cache->map, &cached->node);
	cache->used_bytes += cost(range);
}

size_t pwned_range_cache_used(const struct pwned_range_cache *cache)
{
	return cache->used_bytes;
}
