/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The map from prefix to node, and its order. */

#include "support/unit.h"
#include "digest.h"
#include "prefix-map.h"

#include <stdlib.h>

struct item {
	struct pwned_prefix_node node;
	bool added;
};

/* The order from the oldest on, both ways along the list. */
static void assert_order(const struct pwned_prefix_map *map,
			 const uint32_t *prefixes, size_t count)
{
	const struct pwned_prefix_node *node = map->oldest, *last = NULL;

	assert_int_equal(map->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(node);
		assert_int_equal(node->prefix, prefixes[i]);
		assert_ptr_equal(node->older, last);
		last = node;
		node = node->newer;
	}
	assert_null(node);
	assert_ptr_equal(map->newest, last);
}

static void an_empty_map_has_nothing(void **state)
{
	struct pwned_prefix_map map;

	(void)state;
	assert_true(pwned_prefix_map_init(&map, 0));
	assert_null(pwned_prefix_map_find(&map, 0));
	assert_null(pwned_prefix_map_find(&map, PWNED_PREFIX_COUNT - 1));
	assert_order(&map, NULL, 0);
	pwned_prefix_map_deinit(&map);
	assert_null(map.buckets);
}

/* All of these share a bucket of a small map. */
static void prefixes_of_one_bucket_are_told_apart(void **state)
{
	struct item items[] = { { .node.prefix = 0x00001 },
				{ .node.prefix = 0x10001 },
				{ .node.prefix = 0xf0001 },
				{ .node.prefix = 0x00011 } };
	struct pwned_prefix_map map;

	(void)state;
	assert_true(pwned_prefix_map_init(&map, 1));
	for (size_t i = 0; i < N_ELEMENTS(items); i++)
		pwned_prefix_map_add(&map, &items[i].node);
	for (size_t i = 0; i < N_ELEMENTS(items); i++) {
		assert_ptr_equal(
			pwned_prefix_map_find(&map, items[i].node.prefix),
			&items[i].node);
	}
	assert_null(pwned_prefix_map_find(&map, 0x20001));

	/* from the middle, the end and the head of the chain */
	pwned_prefix_map_remove(&map, &items[1].node);
	pwned_prefix_map_remove(&map, &items[0].node);
	pwned_prefix_map_remove(&map, &items[3].node);
	assert_null(pwned_prefix_map_find(&map, 0x10001));
	assert_ptr_equal(pwned_prefix_map_find(&map, 0xf0001), &items[2].node);
	pwned_prefix_map_remove(&map, &items[2].node);
	assert_order(&map, NULL, 0);
	pwned_prefix_map_deinit(&map);
}

static void the_order_is_that_of_use(void **state)
{
	struct item items[] = { { .node.prefix = 1 },
				{ .node.prefix = 2 },
				{ .node.prefix = 3 } };
	struct pwned_prefix_map map;

	(void)state;
	assert_true(pwned_prefix_map_init(&map, 3));
	for (size_t i = 0; i < N_ELEMENTS(items); i++)
		pwned_prefix_map_add(&map, &items[i].node);
	assert_order(&map, (const uint32_t[]){ 1, 2, 3 }, 3);

	pwned_prefix_map_touch(&map, &items[2].node);
	assert_order(&map, (const uint32_t[]){ 1, 2, 3 }, 3);
	pwned_prefix_map_touch(&map, &items[0].node);
	assert_order(&map, (const uint32_t[]){ 2, 3, 1 }, 3);
	pwned_prefix_map_touch(&map, &items[1].node);
	assert_order(&map, (const uint32_t[]){ 3, 1, 2 }, 3);

	/* looking is not using */
	assert_non_null(pwned_prefix_map_find(&map, 3));
	assert_order(&map, (const uint32_t[]){ 3, 1, 2 }, 3);

	pwned_prefix_map_remove(&map, &items[0].node);
	assert_order(&map, (const uint32_t[]){ 3, 2 }, 2);
	pwned_prefix_map_remove(&map, &items[1].node);
	assert_order(&map, (const uint32_t[]){ 3 }, 1);
	pwned_prefix_map_touch(&map, &items[2].node);
	assert_order(&map, (const uint32_t[]){ 3 }, 1);
	pwned_prefix_map_remove(&map, &items[2].node);
	assert_order(&map, NULL, 0);
	pwned_prefix_map_deinit(&map);
}

/* Many more nodes than the map was meant for, coming and going. */
static void it_holds_more_than_was_expected(void **state)
{
	enum { ITEMS = 500 };
	struct item *items = calloc(ITEMS, sizeof(*items));
	struct pwned_prefix_map map;
	uint32_t random = 1;
	size_t count = 0;

	(void)state;
	assert_non_null(items);
	assert_true(pwned_prefix_map_init(&map, 20));
	for (uint32_t i = 0; i < ITEMS; i++)
		items[i].node.prefix = i * 2048 % PWNED_PREFIX_COUNT + i;
	for (unsigned int step = 0; step < 20000; step++) {
		struct item *item;

		random = random * 1664525 + 1013904223;
		item = &items[(random >> 8) % ITEMS];
		assert_ptr_equal(pwned_prefix_map_find(&map, item->node.prefix),
				 item->added ? &item->node : NULL);
		if (item->added)
			pwned_prefix_map_remove(&map, &item->node);
		else
			pwned_prefix_map_add(&map, &item->node);
		item->added = !item->added;
		count = item->added ? count + 1 : count - 1;
		assert_int_equal(map.count, count);
	}
	assert_true(count > 100);
	pwned_prefix_map_deinit(&map);
	free(items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_has_nothing),
		cmocka_unit_test(prefixes_of_one_bucket_are_told_apart),
		cmocka_unit_test(the_order_is_that_of_use),
		cmocka_unit_test(it_holds_more_than_was_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
