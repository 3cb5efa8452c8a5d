/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The compact form of a range and its search. */

#include "support/ranges.h"
#include "support/unit.h"
#include "digest.h"

#include <stdlib.h>

#define KEY_MAX ((UINT64_C(1) << PWNED_KEY_BITS) - 1)

static struct pwned_range *pack(struct pwned_range_entry *entries, size_t count)
{
	struct pwned_range *range = pwned_range_pack(entries, count);

	assert_non_null(range);
	return range;
}

static void an_empty_range_holds_nothing(void **state)
{
	struct pwned_range *range = pack(NULL, 0);

	(void)state;
	assert_int_equal(pwned_range_length(range), 0);
	assert_int_equal(pwned_range_find(range, 0), 0);
	assert_int_equal(pwned_range_find(range, KEY_MAX), 0);
	pwned_range_unref(&range);
	assert_null(range);
}

static void both_ends_of_the_key_space_are_found(void **state)
{
	struct pwned_range_entry entries[] = {
		{ .key = KEY_MAX, .count = 2 },
		{ .key = 0, .count = 1 },
	};
	struct pwned_range *range = pack(entries, N_ELEMENTS(entries));

	(void)state;
	assert_int_equal(pwned_range_find(range, 0), 1);
	assert_int_equal(pwned_range_find(range, 1), 0);
	assert_int_equal(pwned_range_find(range, KEY_MAX - 1), 0);
	assert_int_equal(pwned_range_find(range, KEY_MAX), 2);
	pwned_range_unref(&range);
}

/* keys that differ in their last bits alone, and in all but those */
static void neighbours_are_told_apart(void **state)
{
	struct pwned_range_entry entries[] = {
		{ .key = 0x000100000001, .count = 1 },
		{ .key = 0x000100000002, .count = 2 },
		{ .key = 0x00010000ffff, .count = 3 },
		{ .key = 0x000100010001, .count = 4 },
		{ .key = 0x000200000001, .count = 5 },
	};
	struct pwned_range *range = pack(entries, N_ELEMENTS(entries));

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(entries); i++) {
		assert_int_equal(pwned_range_find(range, entries[i].key),
				 entries[i].count);
	}
	assert_int_equal(pwned_range_find(range, 0x000100000000), 0);
	assert_int_equal(pwned_range_find(range, 0x000100000003), 0);
	assert_int_equal(pwned_range_find(range, 0x000100010000), 0);
	assert_int_equal(pwned_range_find(range, 0x000100020001), 0);
	assert_int_equal(pwned_range_find(range, 0x000200000002), 0);
	pwned_range_unref(&range);
}

static void counts_are_exact(void **state)
{
	static const uint64_t counts[] = {
		1,
		2,
		254,
		255,
		256,
		65535,
		65536,
		UINT32_MAX,
		UINT64_C(1) << 32,
		(UINT64_C(1) << 63) - 1,
		UINT64_C(1) << 63,
	};
	struct pwned_range_entry entries[N_ELEMENTS(counts)];
	struct pwned_range *range;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(counts); i++) {
		entries[i].key = (N_ELEMENTS(counts) - i) * TEST_KEY_STEP;
		entries[i].count = counts[i];
	}
	range = pack(entries, N_ELEMENTS(entries));
	for (size_t i = 0; i < N_ELEMENTS(counts); i++) {
		uint64_t key = (N_ELEMENTS(counts) - i) * TEST_KEY_STEP;

		assert_int_equal(pwned_range_find(range, key), counts[i]);
	}
	pwned_range_unref(&range);
}

static void of_a_key_twice_the_larger_count_stands(void **state)
{
	struct pwned_range_entry entries[] = {
		{ .key = 7, .count = 3 },    { .key = 9, .count = 1 },
		{ .key = 7, .count = 1000 }, { .key = 7, .count = 3 },
		{ .key = 5, .count = 255 },  { .key = 5, .count = 254 },
	};
	struct pwned_range *range = pack(entries, N_ELEMENTS(entries));

	(void)state;
	assert_int_equal(pwned_range_length(range), 3);
	assert_int_equal(pwned_range_find(range, 5), 255);
	assert_int_equal(pwned_range_find(range, 7), 1000);
	assert_int_equal(pwned_range_find(range, 9), 1);
	pwned_range_unref(&range);
}

/* Against the plainest search there is, for each length up to some and keys
   that crowd together. */
static void every_length_is_searched_right(void **state)
{
	enum { MAX_LENGTH = 130, KEYS = 300 };
	struct pwned_range_entry entries[MAX_LENGTH];
	uint64_t expected[KEYS];
	uint32_t random = 1;

	(void)state;
	for (size_t length = 0; length <= MAX_LENGTH; length++) {
		struct pwned_range *range;

		for (size_t k = 0; k < KEYS; k++)
			expected[k] = 0;
		for (size_t i = 0; i < length; i++) {
			uint64_t key, count;

			random = random * 1664525 + 1013904223;
			key = (random >> 8) % KEYS;
			count = 1 + (random >> 20) % 300;
			entries[i].key = key << 15;
			entries[i].count = count;
			if (expected[key] < count)
				expected[key] = count;
		}
		range = pack(entries, length);
		for (size_t k = 0; k < KEYS; k++) {
			assert_int_equal(pwned_range_find(range, k << 15),
					 expected[k]);
			assert_int_equal(pwned_range_find(range, (k << 15) + 1),
					 0);
		}
		pwned_range_unref(&range);
	}
}

static void an_entry_takes_about_seven_bytes(void **state)
{
	struct pwned_range *empty = test_range_new(0);
	struct pwned_range *usual = test_range_new(2000);

	(void)state;
	assert_int_equal(pwned_range_length(usual), 2000);
	assert_int_equal(pwned_range_memory(usual) - pwned_range_memory(empty),
			 14000);
	pwned_range_unref(&empty);
	pwned_range_unref(&usual);
}

static void the_last_reference_frees(void **state)
{
	struct pwned_range *range = test_range_new(3), *mine;

	(void)state;
	mine = pwned_range_ref(range);
	assert_ptr_equal(mine, range);
	pwned_range_unref(&range);
	assert_null(range);
	assert_int_equal(pwned_range_find(mine, 2 * TEST_KEY_STEP), 1);
	pwned_range_unref(&mine);
	assert_null(mine);
	pwned_range_unref(&mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_range_holds_nothing),
		cmocka_unit_test(both_ends_of_the_key_space_are_found),
		cmocka_unit_test(neighbours_are_told_apart),
		cmocka_unit_test(counts_are_exact),
		cmocka_unit_test(of_a_key_twice_the_larger_count_stands),
		cmocka_unit_test(every_length_is_searched_right),
		cmocka_unit_test(an_entry_takes_about_seven_bytes),
		cmocka_unit_test(the_last_reference_frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
