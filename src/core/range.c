/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The compact form of a range and its search. */

#include "range.h"

#include <stdbool.h>
#include <stdlib.h>

/* keys in a line of the CPU's cache */
#define STEP_FIRST 16

/* A count that does not fit its byte stands in a list of the few large ones. */
#define COUNT_LARGE UINT8_MAX

struct large_count {
	uint64_t count;
	uint32_t index;
};

/* The arrays are one allocation, in falling order of alignment. A key is cut
   in 32 and 16 bits, so that an entry takes 7 bytes and the search stays in
   the 4-byte part. */
struct pwned_range {
	unsigned int references;
	uint32_t length;
	uint32_t large_length;
	struct large_count *large;
	uint32_t *high;
	uint16_t *low;
	uint8_t *counts;
};

static int entry_compare(const void *a, const void *b)
{
	const struct pwned_range_entry *one = a, *two = b;

	if (one->key != two->key)
		return one->key < two->key ? -1 : 1;
	if (one->count != two->count)
		return one->count > two->count ? -1 : 1;
	return 0;
}

/* The real API's ranges are, but for the padding, which is gone by now. */
static bool is_sorted(const struct pwned_range_entry *entries, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (entry_compare(&entries[i - 1], &entries[i]) > 0)
			return false;
	}
	return true;
}

/* Sorts, and keeps the first of each key: the one with the largest count. */
static size_t sort_unique(struct pwned_range_entry *entries, size_t count)
{
	size_t kept = 0;

	if (!is_sorted(entries, count))
		qsort(entries, count, sizeof(*entries), entry_compare);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || entries[i].key != entries[kept - 1].key)
			entries[kept++] = entries[i];
	}
	return kept;
}

static size_t memory_for(size_t length, size_t large)
{
	return sizeof(struct pwned_range) + large * sizeof(struct large_count) +
	       length * (sizeof(uint32_t) + sizeof(uint16_t) + sizeof(uint8_t));
}

static struct pwned_range *range_alloc(size_t length, size_t large)
{
	struct pwned_range *range = malloc(memory_for(length, large));

	if (range == NULL)
		return NULL;
	range->references = 1;
	range->length = (uint32_t)length;
	range->large_length = 0;
	range->large = (void *)(range + 1);
	range->high = (void *)(range->large + large);
	range->low = (void *)(range->high + length);
	range->counts = (void *)(range->low + length);
	return range;
}

static void range_set(struct pwned_range *range, uint32_t i,
		      const struct pwned_range_entry *entry)
{
	range->high[i] = (uint32_t)(entry->key >> 16);
	range->low[i] = (uint16_t)entry->key;
	if (entry->count < COUNT_LARGE) {
		range->counts[i] = (uint8_t)entry->count;
		return;
	}
	range->counts[i] = COUNT_LARGE;
	range->large[range->large_length++] =
		(struct large_count){ .count = entry->count, .index = i };
}

struct pwned_range *pwned_range_pack(struct pwned_range_entry *entries,
				     size_t count)
{
	size_t length = sort_unique(entries, count), large = 0;
	struct pwned_range *range;

	for (size_t i = 0; i < length; i++)
		large += entries[i].count >= COUNT_LARGE;
	range = range_alloc(length, large);
	if (range == NULL)
		return NULL;
	for (size_t i = 0; i < length; i++)
		range_set(range, (uint32_t)i, &entries[i]);
	return range;
}

struct pwned_range *pwned_range_ref(struct pwned_range *range)
{
	range->references++;
	return range;
}

void pwned_range_unref(struct pwned_range **_range)
{
	struct pwned_range *range = *_range;

	*_range = NULL;
	if (range != NULL && --range->references == 0)
		free(range);
}

static bool is_below(const struct pwned_range *range, uint32_t i, uint64_t key)
{
	uint32_t high = (uint32_t)(key >> 16);

	return range->high[i] < high ||
	       (range->high[i] == high && range->low[i] < (uint16_t)key);
}

/* Hashes are spread evenly, so a key stands near where its value says. From
   there in growing steps to two indexes that it stands between: a binary
   search of the whole range would miss the CPU's cache three times as often. */
static void bracket(const struct pwned_range *range, uint64_t key,
		    uint32_t *first_r, uint32_t *last_r)
{
	uint32_t guess = (uint32_t)((key >> 16) * range->length >> 32);
	uint32_t first = guess, last = guess, step = STEP_FIRST;

	for (; last < range->length && is_below(range, last, key); step *= 2) {
		first = last + 1;
		last = range->length - last > step ? last + step :
						     range->length;
	}
	for (; first > 0 && !is_below(range, first - 1, key); step *= 2) {
		last = first - 1;
		first = first > step ? first - step : 0;
	}
	*first_r = first;
	*last_r = last;
}

/* The first index whose key is not below the one sought. */
static uint32_t lower_bound(const struct pwned_range *range, uint64_t key)
{
	uint32_t first, last;

	bracket(range, key, &first, &last);
	while (first < last) {
		uint32_t middle = first + (last - first) / 2;

		if (is_below(range, middle, key))
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

static int large_compare(const void *key, const void *item)
{
	const uint32_t *index = key;
	const struct large_count *large = item;

	if (*index == large->index)
		return 0;
	return *index < large->index ? -1 : 1;
}

static uint64_t large_find(const struct pwned_range *range, uint32_t index)
{
	const struct large_count *large =
		bsearch(&index, range->large, range->large_length,
			sizeof(*large), large_compare);

	return large->count;
}

uint64_t pwned_range_find(const struct pwned_range *range, uint64_t key)
{
	uint32_t i = lower_bound(range, key);

	if (i == range->length || range->high[i] != (uint32_t)(key >> 16) ||
	    range->low[i] != (uint16_t)key)
		return 0;
	if (range->counts[i] != COUNT_LARGE)
		return range->counts[i];
	return large_find(range, i);
}

size_t pwned_range_memory(const struct pwned_range *range)
{
	return memory_for(range->length, range->large_length);
}

size_t pwned_range_length(const struct pwned_range *range)
{
	return range->length;
}
