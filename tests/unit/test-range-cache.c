/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ranges in memory: what stays and what goes. */

#include "support/ranges.h"
#include "support/unit.h"
#include "range-cache.h"

#define LENGTH 1000

/* What a cached range of LENGTH passwords takes, all included. */
static size_t cost_of_one(void)
{
	struct pwned_range_cache *cache = pwned_range_cache_new(1 << 20);
	struct pwned_range *range = test_range_new(LENGTH);
	size_t cost;

	assert_non_null(cache);
	assert_int_equal(pwned_range_cache_used(cache), 0);
	pwned_range_cache_add(cache, 1, range, 0);
	cost = pwned_range_cache_used(cache);
	assert_true(cost > pwned_range_memory(range));
	assert_true(cost < pwned_range_memory(range) + 256);
	pwned_range_unref(&range);
	pwned_range_cache_free(&cache);
	assert_null(cache);
	return cost;
}

static void add(struct pwned_range_cache *cache, uint32_t prefix, size_t length,
		uint64_t now_secs)
{
	struct pwned_range *range = test_range_new(length);

	pwned_range_cache_add(cache, prefix, range, now_secs);
	pwned_range_unref(&range);
}

static bool has(struct pwned_range_cache *cache, uint32_t prefix)
{
	static uint64_t now_secs = 1000; /* each use is a second later */
	uint64_t fetched_secs;

	return pwned_range_cache_find(cache, prefix, ++now_secs,
				      &fetched_secs) != NULL;
}

static void a_range_is_found_with_its_age(void **state)
{
	struct pwned_range_cache *cache = pwned_range_cache_new(1 << 20);
	struct pwned_range *range = test_range_new(3);
	uint64_t fetched_secs = 7;

	(void)state;
	assert_non_null(cache);
	assert_null(pwned_range_cache_find(cache, 5, 500, &fetched_secs));
	pwned_range_cache_add(cache, 5, range, 1234);
	assert_ptr_equal(pwned_range_cache_find(cache, 5, 500, &fetched_secs),
			 range);
	assert_int_equal(fetched_secs, 1234);
	assert_false(has(cache, 6));
	/* the reference of whoever added it is still his */
	pwned_range_cache_free(&cache);
	assert_int_equal(pwned_range_find(range, TEST_KEY_STEP), 1);
	pwned_range_unref(&range);
}

static void the_cache_keeps_its_own_reference(void **state)
{
	struct pwned_range_cache *cache = pwned_range_cache_new(1 << 20);
	struct pwned_range *range = test_range_new(3), *found;
	uint64_t fetched_secs;

	(void)state;
	assert_non_null(cache);
	pwned_range_cache_add(cache, 5, range, 0);
	pwned_range_unref(&range);
	found = pwned_range_cache_find(cache, 5, 500, &fetched_secs);
	assert_non_null(found);
	assert_int_equal(pwned_range_find(found, 2 * TEST_KEY_STEP), 1);

	/* one that was taken along outlives its place in the cache */
	pwned_range_ref(found);
	pwned_range_cache_free(&cache);
	assert_int_equal(pwned_range_find(found, 2 * TEST_KEY_STEP), 1);
	pwned_range_unref(&found);
}

static void the_least_recently_used_goes_first(void **state)
{
	size_t cost = cost_of_one();
	struct pwned_range_cache *cache = pwned_range_cache_new(3 * cost);

	(void)state;
	assert_non_null(cache);
	add(cache, 1, LENGTH, 0);
	add(cache, 2, LENGTH, 0);
	add(cache, 3, LENGTH, 0);
	assert_int_equal(pwned_range_cache_used(cache), 3 * cost);
	assert_true(has(cache, 1));
	add(cache, 4, LENGTH, 0);
	assert_false(has(cache, 2));
	assert_true(has(cache, 3));
	assert_true(has(cache, 1));
	add(cache, 5, LENGTH, 0);
	assert_false(has(cache, 4));
	assert_true(has(cache, 3) && has(cache, 1) && has(cache, 5));
	assert_int_equal(pwned_range_cache_used(cache), 3 * cost);
	pwned_range_cache_free(&cache);
}

static void the_order_of_use_counts_in_seconds(void **state)
{
	struct pwned_range_cache *cache =
		pwned_range_cache_new(2 * cost_of_one());
	uint64_t fetched_secs;

	(void)state;
	assert_non_null(cache);
	add(cache, 1, LENGTH, 10);
	add(cache, 2, LENGTH, 10);
	/* within the second in which it came it stays where it is */
	assert_non_null(pwned_range_cache_find(cache, 1, 10, &fetched_secs));
	add(cache, 3, LENGTH, 10);
	assert_false(has(cache, 1));
	pwned_range_cache_free(&cache);
}

static void the_bound_in_bytes_is_exact(void **state)
{
	size_t cost = cost_of_one();
	struct pwned_range_cache *cache = pwned_range_cache_new(2 * cost - 1);

	(void)state;
	assert_non_null(cache);
	add(cache, 1, LENGTH, 0);
	add(cache, 2, LENGTH, 0);
	assert_false(has(cache, 1));
	assert_true(has(cache, 2));
	assert_int_equal(pwned_range_cache_used(cache), cost);
	pwned_range_cache_free(&cache);
}

static void a_large_one_makes_room_for_itself(void **state)
{
	size_t cost = cost_of_one();
	struct pwned_range_cache *cache = pwned_range_cache_new(4 * cost);

	(void)state;
	assert_non_null(cache);
	for (uint32_t prefix = 1; prefix <= 4; prefix++)
		add(cache, prefix, LENGTH, 0);
	add(cache, 5, LENGTH * 5 / 2, 0);
	assert_false(has(cache, 1) || has(cache, 2) || has(cache, 3));
	assert_true(has(cache, 4) && has(cache, 5));
	assert_true(pwned_range_cache_used(cache) <= 4 * cost);
	pwned_range_cache_free(&cache);
}

static void one_larger_than_the_cache_is_left_out(void **state)
{
	size_t cost = cost_of_one();
	struct pwned_range_cache *cache = pwned_range_cache_new(cost);

	(void)state;
	assert_non_null(cache);
	add(cache, 1, LENGTH, 0);
	add(cache, 2, LENGTH + 1, 0);
	assert_false(has(cache, 2));
	/* the others do not have to go for it */
	assert_true(has(cache, 1));
	assert_int_equal(pwned_range_cache_used(cache), cost);
	pwned_range_cache_free(&cache);
}

static void a_new_one_replaces_the_old(void **state)
{
	size_t cost = cost_of_one();
	struct pwned_range_cache *cache = pwned_range_cache_new(3 * cost);
	struct pwned_range *range;
	uint64_t fetched_secs;

	(void)state;
	assert_non_null(cache);
	add(cache, 1, LENGTH, 100);
	add(cache, 2, LENGTH, 100);
	add(cache, 1, LENGTH / 2, 200);
	range = pwned_range_cache_find(cache, 1, 500, &fetched_secs);
	assert_non_null(range);
	assert_int_equal(pwned_range_length(range), LENGTH / 2);
	assert_int_equal(fetched_secs, 200);
	assert_true(pwned_range_cache_used(cache) < 2 * cost);
	assert_true(has(cache, 2));

	/* the same one anew is only younger */
	pwned_range_ref(range);
	pwned_range_cache_add(cache, 1, range, 300);
	assert_ptr_equal(pwned_range_cache_find(cache, 1, 500, &fetched_secs),
			 range);
	assert_int_equal(fetched_secs, 300);
	pwned_range_unref(&range);
	pwned_range_cache_free(&cache);
}

/* What is too large now must not leave the outdated one behind. */
static void one_too_large_takes_the_old_with_it(void **state)
{
	size_t cost = cost_of_one();
	struct pwned_range_cache *cache = pwned_range_cache_new(cost);

	(void)state;
	assert_non_null(cache);
	add(cache, 1, LENGTH, 0);
	add(cache, 1, LENGTH + 1, 0);
	assert_false(has(cache, 1));
	assert_int_equal(pwned_range_cache_used(cache), 0);
	pwned_range_cache_free(&cache);
}

static void the_bound_holds_whatever_comes(void **state)
{
	enum { BYTES = 64 * 1024 };
	struct pwned_range_cache *cache = pwned_range_cache_new(BYTES);
	uint32_t random = 1;

	(void)state;
	assert_non_null(cache);
	for (unsigned int i = 0; i < 3000; i++) {
		uint32_t prefix;

		random = random * 1664525 + 1013904223;
		prefix = (random >> 8) % 50;
		if ((random >> 20) % 3 == 0)
			(void)has(cache, prefix);
		else
			add(cache, prefix, (random >> 16) % 4000, i);
		assert_true(pwned_range_cache_used(cache) <= BYTES);
	}
	assert_true(pwned_range_cache_used(cache) > BYTES / 4);
	pwned_range_cache_free(&cache);
}

static void freeing_nothing_is_allowed(void **state)
{
	struct pwned_range_cache *cache = NULL;

	(void)state;
	pwned_range_cache_free(&cache);
	assert_null(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_is_found_with_its_age),
		cmocka_unit_test(the_cache_keeps_its_own_reference),
		cmocka_unit_test(the_least_recently_used_goes_first),
		cmocka_unit_test(the_order_of_use_counts_in_seconds),
		cmocka_unit_test(the_bound_in_bytes_is_exact),
		cmocka_unit_test(a_large_one_makes_room_for_itself),
		cmocka_unit_test(one_larger_than_the_cache_is_left_out),
		cmocka_unit_test(a_new_one_replaces_the_old),
		cmocka_unit_test(one_too_large_takes_the_old_with_it),
		cmocka_unit_test(the_bound_holds_whatever_comes),
		cmocka_unit_test(freeing_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
