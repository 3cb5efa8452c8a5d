/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks in memory: what stays and what goes. */

#include "support/contents.h"
#include "support/unit.h"
#include "block-cache.h"

#include <string.h>

#define SET_BYTES ((size_t)8 * PWNED_BLOCK_BYTES)
#define DAY       19000
#define TAG       "\"one\""

static struct pwned_block_cache *new_cache(size_t bytes)
{
	struct pwned_block_cache *cache = pwned_block_cache_new(bytes);

	assert_non_null(cache);
	return cache;
}

/* Puts all blocks of a range in. */
static void put(struct pwned_block_cache *cache,
		const struct pwned_range_label *label, uint32_t seed,
		size_t length)
{
	struct pwned_range *range = content_range(seed, length, label);
	unsigned int total;
	const unsigned char *blocks = pwned_range_blocks(range, &total);

	for (unsigned int i = 0; i < total; i++)
		pwned_block_cache_put(cache, blocks + i * PWNED_BLOCK_BYTES);
	pwned_range_unref(&range);
}

/* A range of one block. */
static void put_small(struct pwned_block_cache *cache, uint32_t prefix)
{
	struct pwned_range_label label = content_label(prefix, DAY, TAG);

	put(cache, &label, prefix, 10);
}

static const unsigned char *find(struct pwned_block_cache *cache,
				 uint32_t prefix, uint32_t seed, size_t i)
{
	struct pwned_digest digest = content_digest(prefix, seed, i);
	const unsigned char *block = pwned_block_cache_find(cache, &digest);

	if (block != NULL)
		assert_int_equal(pwned_block_find(block, digest.key),
				 content_count(i));
	return block;
}

static bool has_small(struct pwned_block_cache *cache, uint32_t prefix)
{
	return find(cache, prefix, prefix, 3) != NULL;
}

static unsigned int found_of(struct pwned_block_cache *cache, uint32_t prefix,
			     uint32_t seed, size_t length)
{
	unsigned int found = 0;

	for (size_t i = 0; i < length; i++)
		found += find(cache, prefix, seed, i) != NULL;
	return found;
}

static void blocks_are_found(void **state)
{
	struct pwned_block_cache *cache = new_cache(4 * SET_BYTES);
	static const uint32_t prefixes[] = { 0, 1, 0xfffff };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(prefixes); i++) {
		struct pwned_range_label label =
			content_label(prefixes[i], DAY, TAG);

		assert_int_equal(found_of(cache, prefixes[i], i, 1950), 0);
		put(cache, &label, i, 1950);
	}
	for (size_t i = 0; i < N_ELEMENTS(prefixes); i++)
		assert_int_equal(found_of(cache, prefixes[i], i, 1950), 1950);
	/* one that shares their set */
	assert_null(find(cache, 4, 0, 1));
	pwned_block_cache_free(&cache);
	assert_null(cache);
	pwned_block_cache_free(&cache);
}

static void each_block_stands_alone(void **state)
{
	struct pwned_block_cache *cache = new_cache(SET_BYTES);
	struct pwned_range_label label = content_label(5, DAY, TAG);
	struct pwned_range *range = content_range(1, 1950, &label);
	unsigned int total, found;
	const unsigned char *blocks = pwned_range_blocks(range, &total);

	(void)state;
	assert_int_equal(total, 3);
	pwned_block_cache_put(cache, blocks + PWNED_BLOCK_BYTES);
	found = found_of(cache, 5, 1, 1950);
	assert_in_range(found, 550, 750);
	pwned_block_cache_put(cache, blocks);
	assert_in_range(found_of(cache, 5, 1, 1950), found + 550, found + 750);
	pwned_range_unref(&range);
	pwned_block_cache_free(&cache);
}

static void what_was_not_used_for_longest_goes(void **state)
{
	struct pwned_block_cache *cache = new_cache(SET_BYTES);

	(void)state;
	for (uint32_t prefix = 1; prefix <= 8; prefix++)
		put_small(cache, prefix);
	for (uint32_t prefix = 1; prefix <= 8; prefix++)
		assert_true(has_small(cache, prefix));
	/* 1 was used last of them now, 2 is the oldest */
	assert_true(has_small(cache, 1));
	put_small(cache, 9);
	assert_false(has_small(cache, 2));
	assert_true(has_small(cache, 1));
	/* to be put in is a use as well */
	put_small(cache, 3);
	put_small(cache, 10);
	assert_false(has_small(cache, 4));
	assert_true(has_small(cache, 3) && has_small(cache, 9) &&
		    has_small(cache, 10));
	pwned_block_cache_free(&cache);
}

static void sets_do_not_disturb_each_other(void **state)
{
	struct pwned_block_cache *cache = new_cache(2 * SET_BYTES);

	(void)state;
	put_small(cache, 1);
	for (uint32_t prefix = 2; prefix < 100; prefix += 2)
		put_small(cache, prefix);
	assert_true(has_small(cache, 1));
	for (uint32_t prefix = 2; prefix < 100; prefix += 2)
		assert_int_equal(has_small(cache, prefix), prefix >= 84);
	pwned_block_cache_free(&cache);
}

/* It never takes more than it was given, and one set at least. */
static void the_size_is_a_bound(void **state)
{
	static const size_t bytes[] = { 0, SET_BYTES, 3 * SET_BYTES };
	static const unsigned int kept[] = { 8, 8, 16 };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(bytes); i++) {
		struct pwned_block_cache *cache = new_cache(bytes[i]);
		unsigned int found = 0;

		for (uint32_t prefix = 0; prefix < 100; prefix++)
			put_small(cache, prefix);
		for (uint32_t prefix = 0; prefix < 100; prefix++)
			found += has_small(cache, prefix);
		assert_int_equal(found, kept[i]);
		pwned_block_cache_free(&cache);
	}
}

static void a_block_replaces_itself(void **state)
{
	struct pwned_block_cache *cache = new_cache(SET_BYTES);
	struct pwned_range_label label = content_label(7, DAY, TAG);
	const unsigned char *block;

	(void)state;
	for (uint32_t prefix = 1; prefix <= 7; prefix++)
		put_small(cache, prefix);
	for (uint32_t i = 0; i < 20; i++) {
		label.day = DAY + i;
		put(cache, &label, 100 + i, 10);
	}
	block = find(cache, 7, 119, 3);
	assert_non_null(block);
	assert_int_equal(pwned_block_day(block), DAY + 19);
	for (uint32_t prefix = 1; prefix <= 6; prefix++)
		assert_true(has_small(cache, prefix));
	pwned_block_cache_free(&cache);
}

/* Of a range that has grown or shrunk the old blocks would answer too. */
static void another_total_drops_the_others(void **state)
{
	struct pwned_block_cache *cache = new_cache(SET_BYTES);
	struct pwned_range_label label = content_label(5, DAY, TAG);
	struct pwned_range *range = content_range(2, 100, &label);
	unsigned int total;

	(void)state;
	put_small(cache, 6);
	put(cache, &label, 1, 1950);
	pwned_block_cache_put(cache, pwned_range_blocks(range, &total));
	assert_int_equal(total, 1);
	for (size_t i = 0; i < 1950; i++) {
		struct pwned_digest digest = content_digest(5, 1, i);
		const unsigned char *block =
			pwned_block_cache_find(cache, &digest);

		assert_non_null(block);
		assert_int_equal(pwned_block_total(block), 1);
	}
	assert_int_equal(found_of(cache, 5, 2, 100), 100);
	assert_true(has_small(cache, 6));
	pwned_range_unref(&range);
	pwned_block_cache_free(&cache);
}

static void more_blocks_than_a_set_has_are_no_harm(void **state)
{
	struct pwned_block_cache *cache = new_cache(SET_BYTES);
	struct pwned_range_label label = content_label(0xfffff, DAY, TAG);
	struct pwned_range *range = content_range(1, 10000, &label);
	unsigned int total, found;

	(void)state;
	total = pwned_range_total(range);
	assert_in_range(total, 13, 20);
	pwned_range_unref(&range);
	put(cache, &label, 1, 10000);
	found = found_of(cache, 0xfffff, 1, 10000);
	assert_in_range(found, 10000 * 7 / total, 10000 * 9 / total);
	pwned_block_cache_free(&cache);
}

static void assert_day(struct pwned_block_cache *cache, uint32_t prefix,
		       uint32_t seed, size_t length, uint32_t day)
{
	for (size_t i = 0; i < length; i++) {
		const unsigned char *block = find(cache, prefix, seed, i);

		assert_non_null(block);
		assert_int_equal(pwned_block_day(block), day);
		assert_int_equal(
			pwned_block_verify(
				block, prefix,
				pwned_block_index_of(content_key(seed, i),
						     pwned_block_total(block))),
			PWNED_BLOCK_VALID);
	}
}

static void a_tag_renews_what_has_it(void **state)
{
	struct pwned_block_cache *cache = new_cache(SET_BYTES);
	struct pwned_range_label label = content_label(5, DAY, TAG);
	struct pwned_range_label other = content_label(6, DAY, TAG);

	(void)state;
	put(cache, &label, 1, 1950);
	put(cache, &other, 2, 100);
	label.day = DAY + 3;
	pwned_block_cache_renew(cache, &label);
	assert_day(cache, 5, 1, 1950, DAY + 3);
	assert_day(cache, 6, 2, 100, DAY);

	/* another tag, another source, none */
	other = content_label(5, DAY + 4, "\"two\"");
	pwned_block_cache_renew(cache, &other);
	other = content_label(5, DAY + 4, TAG);
	other.origin++;
	pwned_block_cache_renew(cache, &other);
	other = content_label(5, DAY + 4, "");
	pwned_block_cache_renew(cache, &other);
	assert_day(cache, 5, 1, 1950, DAY + 3);
	put(cache, &other, 1, 1950);
	other.day++;
	pwned_block_cache_renew(cache, &other);
	assert_day(cache, 5, 1, 1950, DAY + 4);
	pwned_block_cache_free(&cache);
}

static void all_can_be_taken_out(void **state)
{
	struct pwned_block_cache *cache = new_cache(2 * SET_BYTES);

	(void)state;
	for (uint32_t prefix = 0; prefix < 16; prefix++)
		put_small(cache, prefix);
	pwned_block_cache_clear(cache);
	for (uint32_t prefix = 0; prefix < 16; prefix++)
		assert_false(has_small(cache, prefix));
	put_small(cache, 3);
	assert_true(has_small(cache, 3));
	pwned_block_cache_free(&cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_found),
		cmocka_unit_test(each_block_stands_alone),
		cmocka_unit_test(what_was_not_used_for_longest_goes),
		cmocka_unit_test(sets_do_not_disturb_each_other),
		cmocka_unit_test(the_size_is_a_bound),
		cmocka_unit_test(a_block_replaces_itself),
		cmocka_unit_test(another_total_drops_the_others),
		cmocka_unit_test(more_blocks_than_a_set_has_are_no_harm),
		cmocka_unit_test(a_tag_renews_what_has_it),
		cmocka_unit_test(all_can_be_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
