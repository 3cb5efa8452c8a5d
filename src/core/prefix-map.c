/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A map from prefix to node, in order of use. */

#include "prefix-map.h"

#include <stdlib.h>

bool pwned_prefix_map_init(struct pwned_prefix_map *map, size_t expected)
{
	size_t buckets = 16;

	while (buckets < expected)
		buckets *= 2;
	*map = (struct pwned_prefix_map){ .bucket_mask = buckets - 1 };
	map->buckets = calloc(buckets, sizeof(*map->buckets));
	return map->buckets != NULL;
}

void pwned_prefix_map_deinit(struct pwned_prefix_map *map)
{
	free(map->buckets);
	*map = (struct pwned_prefix_map){ .buckets = NULL };
}

/* A prefix is a piece of a SHA-1: its bits need no further mixing. */
static struct pwned_prefix_node **bucket_of(const struct pwned_prefix_map *map,
					    uint32_t prefix)
{
	return &map->buckets[prefix & map->bucket_mask];
}

struct pwned_prefix_node *pwned_prefix_map_find(
	const struct pwned_prefix_map *map, uint32_t prefix)
{
	struct pwned_prefix_node *node = *bucket_of(map, prefix);

	while (node != NULL && node->prefix != prefix)
		node = node->chain;
	return node;
}

static void order_add_newest(struct pwned_prefix_map *map,
			     struct pwned_prefix_node *node)
{
	node->newer = NULL;
	node->older = map->newest;
	if (map->newest != NULL)
		map->newest->newer = node;
	else
		map->oldest = node;
	map->newest = node;
}

static void order_remove(struct pwned_prefix_map *map,
			 struct pwned_prefix_node *node)
{
	if (node->older != NULL)
		node->older->newer = node->newer;
	else
		map->oldest = node->newer;
	if (node->newer != NULL)
		node->newer->older = node->older;
	else
		map->newest = node->older;
}

void pwned_prefix_map_add(struct pwned_prefix_map *map,
			  struct pwned_prefix_node *node)
{
	struct pwned_prefix_node **bucket = bucket_of(map, node->prefix);

	node->chain = *bucket;
	*bucket = node;
	order_add_newest(map, node);
	map->count++;
}

void pwned_prefix_map_remove(struct pwned_prefix_map *map,
			     struct pwned_prefix_node *node)
{
	struct pwned_prefix_node **link = bucket_of(map, node->prefix);

	while (*link != node)
		link = &(*link)->chain;
	*link = node->chain;
	order_remove(map, node);
	map->count--;
}

void pwned_prefix_map_touch(struct pwned_prefix_map *map,
			    struct pwned_prefix_node *node)
{
	order_remove(map, node);
	order_add_newest(map, node);
}
