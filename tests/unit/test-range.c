/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole range: how it is packed and searched. */

#include "support/ranges.h"
#include "support/unit.h"
#include "digest.h"

#include <pthread.h>
#include <stdlib.h>

#define KEY_MAX ((UINT64_C(1) << PWNED_KEY_BITS) - 1)

static struct pwned_range *pack(struct pwned_range_entry *entries, size_t count)
{
	static const struct pwned_range_label label = {
		.prefix = 0xfedcb,
		.day = 20000,
		.origin = 7,
		.etag = "W/\"0x8DC\"",
	};
	struct pwned_range *range = pwned_range_pack(entries, count, &label);

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
	assert_int_equal(pwned_range_find(range, 128), 0);
	assert_int_equal(pwned_range_find(range, KEY_MAX - 128), 0);
	assert_int_equal(pwned_range_find(range, KEY_MAX), 2);
	pwned_range_unref(&range);
}

/* Keys that differ in one bit of the 42 that one block tells apart, and no
   more. */
static void neighbours_are_told_apart(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < PWNED_KEY_BITS; bit++) {
		struct pwned_range_entry entries[] = {
			{ .key = KEY_MAX / 3, .count = 1 },
			{ .key = KEY_MAX / 3 ^ UINT64_C(1) << bit, .count = 2 },
		};
		uint64_t one = entries[0].key, other = entries[1].key;
		struct pwned_range *range = pack(entries, N_ELEMENTS(entries));
		bool are_one = bit < 7;

		assert_int_equal(pwned_range_length(range), are_one ? 1 : 2);
		assert_int_equal(pwned_range_find(range, one), are_one ? 2 : 1);
		assert_int_equal(pwned_range_find(range, other), 2);
		pwned_range_unref(&range);
	}
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
	const uint64_t five = 5 * TEST_KEY_STEP, seven = 7 * TEST_KEY_STEP,
		       nine = 9 * TEST_KEY_STEP;
	struct pwned_range_entry entries[] = {
		{ .key = seven, .count = 3 },    { .key = nine, .count = 1 },
		{ .key = seven, .count = 1000 }, { .key = seven, .count = 3 },
		{ .key = five, .count = 255 },   { .key = five, .count = 254 },
	};
	struct pwned_range *range = pack(entries, N_ELEMENTS(entries));

	(void)state;
	assert_int_equal(pwned_range_length(range), 3);
	assert_int_equal(pwned_range_find(range, five), 255);
	assert_int_equal(pwned_range_find(range, seven), 1000);
	assert_int_equal(pwned_range_find(range, nine), 1);
	pwned_range_unref(&range);
}

/* Against the plainest search there is, for each length up to some and keys
   that crowd together: KEY_GAP apart, in one bucket or two. */
static void every_length_is_searched_right(void **state)
{
	enum { MAX_LENGTH = 130, KEYS = 300, KEY_GAP = 1 << 24 };
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
			entries[i].key = key * KEY_GAP;
			entries[i].count = count;
			if (expected[key] < count)
				expected[key] = count;
		}
		range = pack(entries, length);
		for (size_t k = 0; k < KEYS; k++) {
			uint64_t key = k * KEY_GAP;

			assert_int_equal(pwned_range_find(range, key),
					 expected[k]);
			assert_int_equal(
				pwned_range_find(range, key + KEY_GAP / 2), 0);
		}
		pwned_range_unref(&range);
	}
}

/* A range of passwords at equal distances, `large` of them seen often. */
static struct pwned_range *spread(size_t length, size_t large)
{
	static const struct pwned_range_label label = { .etag = "" };
	struct pwned_range_entry *entries =
		calloc(length + 1, sizeof(*entries));
	struct pwned_range *range;

	assert_non_null(entries);
	for (size_t i = 0; i < length; i++) {
		entries[i].key = i * (KEY_MAX / length + 1);
		entries[i].count = i < large ? 255 : 254;
	}
	range = pwned_range_pack(entries, length, &label);
	assert_non_null(range);
	free(entries);
	return range;
}

/* Of a block's 4096 bytes the header takes 32, an entry 5 and a bit, 512 bits
   more take 64 bytes: 780 entries, or 5 fewer where two are large. */
static void a_range_has_as_few_blocks_as_it_needs(void **state)
{
	static const struct {
		size_t length, large;
		unsigned int total;
	} cases[] = {
		{ 0, 0, 1 },    { 1, 0, 1 },    { 780, 0, 1 },  { 781, 0, 2 },
		{ 1560, 0, 2 }, { 1561, 0, 3 }, { 2340, 0, 3 }, { 2341, 0, 4 },
		{ 776, 2, 1 },  { 777, 2, 2 },  { 1552, 2, 2 },
	};
	unsigned int total;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct pwned_range *range =
			spread(cases[i].length, cases[i].large);

		total = pwned_range_total(range);
		assert_int_equal(total, cases[i].total);
		assert_int_equal(pwned_range_length(range), cases[i].length);
		pwned_range_unref(&range);
	}
}

/* What stands in memory is what may be written: each block proves itself. */
static void blocks_carry_their_place_and_label(void **state)
{
	struct pwned_range_label label = {
		.prefix = 0xfffff,
		.day = 20000,
		.origin = UINT32_MAX,
		.etag = "\"0x8DC\"",
	};
	struct pwned_range *range = test_range_labelled(2000, &label);
	const unsigned char *blocks;
	unsigned int total, length = 0;

	(void)state;
	blocks = pwned_range_blocks(range, &total);
	assert_int_equal(total, 3);
	assert_int_equal((uintptr_t)blocks % 64, 0);
	for (unsigned int i = 0; i < total; i++) {
		const unsigned char *block = blocks + i * PWNED_BLOCK_BYTES;
		struct pwned_range_label found;

		assert_int_equal(pwned_block_verify(block, label.prefix, i),
				 PWNED_BLOCK_VALID);
		assert_int_equal(pwned_block_total(block), total);
		pwned_block_label(block, &found);
		assert_int_equal(found.prefix, label.prefix);
		assert_int_equal(found.day, label.day);
		assert_int_equal(found.origin, label.origin);
		assert_string_equal(found.etag, label.etag);
		length += pwned_block_length(block);
	}
	assert_int_equal(length, 2000);
	for (unsigned int i = 0; i < 2000; i++) {
		uint64_t key = i * TEST_KEY_STEP;
		unsigned int index = pwned_block_index_of(key, total);

		assert_ptr_equal(pwned_range_block_of(range, key),
				 blocks + index * PWNED_BLOCK_BYTES);
	}
	label.prefix = 0; /* it was copied */
	assert_int_equal(pwned_range_label(range)->prefix, 0xfffff);
	pwned_range_unref(&range);
}

static void what_no_blocks_can_hold_is_refused(void **state)
{
	static const struct pwned_range_label label = { .etag = "" };
	struct pwned_range_entry entries[781];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(entries); i++) {
		entries[i].key = i << 16;
		entries[i].count = 1;
	}
	assert_null(pwned_range_pack(entries, N_ELEMENTS(entries), &label));
}

/* Threads that share a range drop it in any order; a sanitizer sees what goes
   wrong. */
static void *ref_and_unref(void *context)
{
	for (unsigned int i = 0; i < 10000; i++) {
		struct pwned_range *mine = pwned_range_ref(context);

		pwned_range_unref(&mine);
	}
	return NULL;
}

static void references_are_counted_across_threads(void **state)
{
	struct pwned_range *range = test_range_new(3);
	pthread_t threads[2];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(threads); i++) {
		assert_int_equal(
			pthread_create(&threads[i], NULL, ref_and_unref, range),
			0);
	}
	for (size_t i = 0; i < N_ELEMENTS(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(pwned_range_find(range, TEST_KEY_STEP), 1);
	pwned_range_unref(&range);
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
		cmocka_unit_test(a_range_has_as_few_blocks_as_it_needs),
		cmocka_unit_test(blocks_carry_their_place_and_label),
		cmocka_unit_test(what_no_blocks_can_hold_is_refused),
		cmocka_unit_test(references_are_counted_across_threads),
		cmocka_unit_test(the_last_reference_frees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
