/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_PREFIX_MAP_H
#define PWNED_PREFIX_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A map from prefix to a struct of the caller's, which has a node as its first
   member; it remembers in which order nodes were added or touched. It owns
   nothing but its table. */
struct pwned_prefix_node {
	uint32_t prefix;
	struct pwned_prefix_node *chain; /* same bucket */
	struct pwned_prefix_node *older, *newer;
};

struct pwned_prefix_map {
	struct pwned_prefix_node **buckets;
	size_t bucket_mask;
	struct pwned_prefix_node *oldest, *newest;
	size_t count;
};

/* A map meant for about `expected` nodes; more only make it slower. Returns
   false when memory is short. */
bool pwned_prefix_map_init(struct pwned_prefix_map *map, size_t expected);
/* The nodes must have been removed or given up before. */
void pwned_prefix_map_deinit(struct pwned_prefix_map *map);

struct pwned_prefix_node *pwned_prefix_map_find(
	const struct pwned_prefix_map *map, uint32_t prefix);
/* Adds a node, whose prefix is set and not in the map yet, as the newest. */
void pwned_prefix_map_add(struct pwned_prefix_map *map,
			  struct pwned_prefix_node *node);
void pwned_prefix_map_remove(struct pwned_prefix_map *map,
			     struct pwned_prefix_node *node);
/* Makes a node of the map the newest. */
void pwned_prefix_map_touch(struct pwned_prefix_map *map,
			    struct pwned_prefix_node *node);

#endif
