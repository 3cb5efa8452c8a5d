/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A whole range, as its blocks. */

#include "range.h"
#include "secret.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

/* More never fit a block: each takes a rest and a count. */
#define ENTRIES_MAX ((PWNED_BLOCK_BYTES - PWNED_BLOCK_HEADER) / 5)

/* a line of the CPU's cache */
#define ALIGNMENT 64

struct pwned_range {
	atomic_uint references;
	unsigned int total;
	size_t length;
	struct pwned_range_label label;
	alignas(ALIGNMENT) unsigned char blocks[];
};

static int entry_compare(const void *a, const void *b)
{
	const struct pwned_range_entry *one = a, *two = b;

	if (one->key == two->key)
		return 0;
	return one->key < two->key ? -1 : 1;
}

/* The real API's ranges are, but for the padding, which is gone by now. */
static bool is_sorted(const struct pwned_range_entry *entries, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (entries[i - 1].key > entries[i].key)
			return false;
	}
	return true;
}

static struct pwned_range *range_alloc(unsigned int total,
				       const struct pwned_range_label *label)
{
	struct pwned_range *range = aligned_alloc(
		ALIGNMENT, sizeof(*range) + (size_t)total * PWNED_BLOCK_BYTES);

	if (range == NULL)
		return NULL;
	atomic_init(&range->references, 1);
	range->total = total;
	range->length = 0;
	range->label = *label;
	return range;
}

/* The entries of one block. */
struct filling {
	struct pwned_block_entry entries[ENTRIES_MAX];
	unsigned int length;
};

static bool merge_entry(struct pwned_block_entry *last, uint32_t bucket,
			uint32_t rest, uint64_t count)
{
	if (last->rest != rest || last->bucket != bucket)
		return false;
	if (last->count < count)
		last->count = count;
	return true;
}

/* Returns false when the block is full. */
static bool add_entry(struct filling *filling, unsigned int total,
		      const struct pwned_range_entry *entry)
{
	unsigned int length = filling->length;
	uint32_t bucket, rest;

	pwned_block_place(entry->key, total, &bucket, &rest);
	if (length > 0 && merge_entry(&filling->entries[length - 1], bucket,
				      rest, entry->count))
		return true;
	if (length == ENTRIES_MAX)
		return false;
	filling->entries[length] = (struct pwned_block_entry){
		.bucket = bucket,
		.rest = rest,
		.count = entry->count,
	};
	filling->length++;
	return true;
}

/* Fills the range's blocks with sorted entries. Returns false when one of them
   cannot hold what belongs to it. */
static bool range_fill(struct pwned_range *range,
		       const struct pwned_range_entry *entries, size_t count)
{
	unsigned int total = range->total;
	struct filling filling;
	size_t i = 0;

	for (unsigned int index = 0; index < total; index++) {
		filling.length = 0;
		for (; i < count; i++) {
			if (pwned_block_index_of(entries[i].key, total) !=
			    index)
				break;
			if (!add_entry(&filling, total, &entries[i]))
				return false;
		}
		if (!pwned_block_write(range->blocks +
					       index * PWNED_BLOCK_BYTES,
				       &range->label, index, total,
				       filling.entries, filling.length))
			return false;
		range->length += filling.length;
	}
	return true;
}

/* What the fullest of so many blocks would take, in bytes. */
static size_t fullest_block(const struct pwned_range_entry *entries,
			    size_t count, unsigned int total,
			    const struct pwned_range_label *label)
{
	size_t fullest = 0, i = 0;

	for (unsigned int index = 0; index < total; index++) {
		size_t length = 0, large = 0, size;

		for (; i < count &&
		       pwned_block_index_of(entries[i].key, total) == index;
		     i++) {
			length++;
			large += pwned_block_count_is_large(entries[i].count);
		}
		size = pwned_block_size(label, length, large);
		if (size > fullest)
			fullest = size;
	}
	return fullest;
}

/* The smallest total of blocks that hold all, or 0. From one that is too small
   in a step as large as it is too small: each step looks at all entries, and
   who sends them may mean harm. */
static unsigned int choose_total(const struct pwned_range_entry *entries,
				 size_t count,
				 const struct pwned_range_label *label)
{
	size_t empty = pwned_block_size(label, 0, 0);
	size_t room = PWNED_BLOCK_BYTES - empty;
	size_t total = count == 0 ? 1 : (count + ENTRIES_MAX - 1) / ENTRIES_MAX;

	while (total <= PWNED_BLOCK_TOTAL_MAX) {
		size_t fullest = fullest_block(entries, count,
					       (unsigned int)total, label);
		size_t needed = (total * (fullest - empty) + room - 1) / room;

		if (fullest <= PWNED_BLOCK_BYTES)
			return (unsigned int)total;
		total = needed > total ? needed : total + 1;
	}
	return 0;
}

struct pwned_range *pwned_range_pack(struct pwned_range_entry *entries,
				     size_t count,
				     const struct pwned_range_label *label)
{
	struct pwned_range *range;
	unsigned int total;

	if (!is_sorted(entries, count))
		qsort(entries, count, sizeof(*entries), entry_compare);
	total = choose_total(entries, count, label);
	errno = E2BIG;
	if (total == 0)
		return NULL;
	range = range_alloc(total, label);
	if (range == NULL)
		errno = ENOMEM;
	else if (!range_fill(range, entries, count))
		pwned_range_unref(&range);
	return range;
}

struct pwned_range *pwned_range_ref(struct pwned_range *range)
{
	(void)atomic_fetch_add_explicit(&range->references, 1,
					memory_order_relaxed);
	return range;
}

void pwned_range_unref(struct pwned_range **_range)
{
	struct pwned_range *range = *_range;

	*_range = NULL;
	/* whoever frees has to see what others did before they let go */
	if (range != NULL &&
	    atomic_fetch_sub_explicit(&range->references, 1,
				      memory_order_acq_rel) == 1) {
		/* it tells a prefix */
		pwned_wipe(&range->label, sizeof(range->label));
		free(range);
	}
}

const unsigned char *pwned_range_block_of(const struct pwned_range *range,
					  uint64_t key)
{
	unsigned int index = pwned_block_index_of(key, range->total);

	return range->blocks + (size_t)index * PWNED_BLOCK_BYTES;
}

uint64_t pwned_range_find(const struct pwned_range *range, uint64_t key)
{
	return pwned_block_find(pwned_range_block_of(range, key), key);
}

const struct pwned_range_label *pwned_range_label(
	const struct pwned_range *range)
{
	return &range->label;
}

const unsigned char *pwned_range_blocks(const struct pwned_range *range,
					unsigned int *total_r)
{
	*total_r = range->total;
	return range->blocks;
}

unsigned int pwned_range_total(const struct pwned_range *range)
{
	return range->total;
}

size_t pwned_range_length(const struct pwned_range *range)
{
	return range->length;
}
