/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slots: what is written is found, and what is wrong is a miss. */

#include "support/contents.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "slots-int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX 0xabcdeU
#define DAY    19000
#define TAG    "\"one\""

static struct pwned_slots *open_slots(void **state)
{
	struct pwned_error problem;
	struct pwned_slots *slots =
		pwned_slots_open(*state, PWNED_SLOTS_WRITE, &problem);

	if (slots == NULL || *problem.text != '\0')
		fail_msg("%s", problem.text);
	assert_true(pwned_slots_is_writable(slots));
	return slots;
}

static enum pwned_slots_written put(struct pwned_slots *slots,
				    const struct pwned_range_label *label,
				    uint32_t seed, size_t length)
{
	struct pwned_range *range = content_range(seed, length, label);
	enum pwned_slots_written written = pwned_slots_write(slots, range);

	pwned_range_unref(&range);
	return written;
}

static void write_range(struct pwned_slots *slots, uint32_t prefix,
			uint32_t day, const char *etag, uint32_t seed,
			size_t length)
{
	struct pwned_range_label label = content_label(prefix, day, etag);

	assert_int_equal(put(slots, &label, seed, length), PWNED_SLOTS_WRITTEN);
}

/* The day of the block that answers, after its count proved right. */
static uint32_t find(const struct pwned_slots *slots, uint32_t prefix,
		     uint32_t seed, size_t i, uint64_t count)
{
	struct pwned_digest digest = content_digest(prefix, seed, i);
	unsigned char block[PWNED_BLOCK_BYTES];

	assert_int_equal(pwned_slots_find(slots, &digest, true, block),
			 PWNED_SLOTS_FOUND);
	assert_int_equal(pwned_block_find(block, digest.key), count);
	return pwned_block_day(block);
}

static void assert_holds(const struct pwned_slots *slots, uint32_t prefix,
			 uint32_t day, uint32_t seed, size_t length)
{
	for (size_t i = 0; i < length; i++)
		assert_int_equal(find(slots, prefix, seed, i, content_count(i)),
				 day);
	/* and nothing else */
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(find(slots, prefix, seed + 1000, i, 0), day);
}

static enum pwned_slots_result look(const struct pwned_slots *slots,
				    uint32_t prefix, uint32_t seed, size_t i)
{
	struct pwned_digest digest = content_digest(prefix, seed, i);
	unsigned char block[PWNED_BLOCK_BYTES];

	return pwned_slots_find(slots, &digest, true, block);
}

static int64_t offset_of(uint32_t prefix, unsigned int index)
{
	return ((int64_t)prefix + 1) * PWNED_SLOT_BYTES +
	       index * PWNED_BLOCK_BYTES;
}

static void read_raw(const struct pwned_slots *slots, void *data, size_t size,
		     int64_t offset)
{
	assert_int_equal(pread(pwned_slots_fd(slots), data, size, offset),
			 size);
}

static void write_raw(const struct pwned_slots *slots, const void *data,
		      size_t size, int64_t offset)
{
	assert_int_equal(pwrite(pwned_slots_fd(slots), data, size, offset),
			 size);
}

static void damage(const struct pwned_slots *slots, uint32_t prefix,
		   unsigned int index)
{
	int64_t offset = offset_of(prefix, index) + 2000;
	unsigned char byte;

	read_raw(slots, &byte, 1, offset);
	byte ^= 1;
	write_raw(slots, &byte, 1, offset);
}

/* Whether nothing but zeros follows in the slot. */
static bool is_empty_from(const struct pwned_slots *slots, uint32_t prefix,
			  unsigned int index)
{
	unsigned char block[PWNED_BLOCK_BYTES] = { 0 };
	struct stat st;

	assert_int_equal(fstat(pwned_slots_fd(slots), &st), 0);
	for (; index < PWNED_SLOT_BLOCKS; index++) {
		if (offset_of(prefix, index) >= st.st_size)
			break;
		read_raw(slots, block, sizeof(block), offset_of(prefix, index));
		for (size_t i = 0; i < sizeof(block); i++) {
			if (block[i] != 0)
				return false;
		}
	}
	return true;
}

static unsigned int total_of(uint32_t seed, size_t length)
{
	struct pwned_range_label label = content_label(PREFIX, DAY, "");
	struct pwned_range *range = content_range(seed, length, &label);
	unsigned int total;

	total = pwned_range_total(range);
	pwned_range_unref(&range);
	return total;
}

static void ranges_of_all_lengths_are_found(void **state)
{
	static const size_t lengths[] = { 0, 1, 100, 1000, 1950, 2400, 5000 };
	static const uint32_t prefixes[] = { 0, PREFIX, 0xfffff };
	struct pwned_slots *slots = open_slots(state);

	for (size_t i = 0; i < N_ELEMENTS(lengths); i++) {
		for (size_t j = 0; j < N_ELEMENTS(prefixes); j++) {
			write_range(slots, prefixes[j], DAY + i, TAG, i,
				    lengths[i]);
			assert_holds(slots, prefixes[j], DAY + i, i,
				     lengths[i]);
		}
	}
	/* what the look-ups above had to guess */
	assert_int_equal(total_of(0, 100), 1);
	assert_int_equal(total_of(0, 1000), 2);
	assert_int_equal(total_of(0, 1950), 3);
	assert_in_range(total_of(0, 5000), 7, PWNED_SLOT_BLOCKS);
	assert_int_equal(look(slots, PREFIX + 1, 1, 1), PWNED_SLOTS_MISS);
	pwned_slots_close(&slots);
}

static void others_find_it_too(void **state)
{
	struct pwned_slots *slots = open_slots(state), *reader;
	struct pwned_error problem;

	write_range(slots, PREFIX, DAY, TAG, 1, 1950);
	reader = pwned_slots_open(*state, PWNED_SLOTS_READ, &problem);
	assert_non_null(reader);
	assert_string_equal(problem.text, "");
	assert_false(pwned_slots_is_writable(reader));
	assert_holds(reader, PREFIX, DAY, 1, 1950);
	write_range(slots, PREFIX, DAY + 1, TAG, 2, 100);
	assert_holds(reader, PREFIX, DAY + 1, 2, 100);
	pwned_slots_close(&reader);
	pwned_slots_close(&slots);
}

/* What the page cache has is read without waiting, unless nobody can tell. */
static void a_read_need_not_wait(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	struct pwned_digest digest = content_digest(PREFIX, 1, 1);
	unsigned char block[PWNED_BLOCK_BYTES];

	write_range(slots, PREFIX, DAY, TAG, 1, 1950);
	assert_int_equal(pwned_slots_find(slots, &digest, false, block),
			 pwned_slots_needs_thread(slots) ?
				 PWNED_SLOTS_WOULD_BLOCK :
				 PWNED_SLOTS_FOUND);
	/* out of the page cache, where there is one */
	assert_int_equal(fsync(pwned_slots_fd(slots)), 0);
	(void)posix_fadvise(pwned_slots_fd(slots), 0, 0, POSIX_FADV_DONTNEED);
	switch (pwned_slots_find(slots, &digest, false, block)) {
	case PWNED_SLOTS_FOUND:
	case PWNED_SLOTS_WOULD_BLOCK:
		break;
	default:
		fail();
	}
	assert_int_equal(pwned_slots_find(slots, &digest, true, block),
			 PWNED_SLOTS_FOUND);
	pwned_slots_close(&slots);
}

static void one_in_memory_is_the_same(void **state)
{
	struct pwned_slots *slots = pwned_slots_open_memory();
	struct pwned_digest digest = content_digest(PREFIX, 1, 1);
	unsigned char block[PWNED_BLOCK_BYTES];

	(void)state;
	assert_non_null(slots);
	assert_true(pwned_slots_is_writable(slots));
	assert_false(pwned_slots_needs_thread(slots));
	write_range(slots, PREFIX, DAY, TAG, 1, 1950);
	assert_holds(slots, PREFIX, DAY, 1, 1950);
	assert_int_equal(pwned_slots_find(slots, &digest, false, block),
			 PWNED_SLOTS_FOUND);
	assert_true(pwned_slots_is_in_place(slots));
	assert_true(pwned_slots_punch(slots, PREFIX));
	assert_int_equal(look(slots, PREFIX, 1, 1), PWNED_SLOTS_MISS);
	pwned_slots_close(&slots);
}

/* Eight blocks are a slot; the ninth would be another range's. */
static void what_has_more_blocks_than_a_slot_does_not_fit(void **state)
{
	struct pwned_range_label label = content_label(PREFIX, DAY, TAG);
	unsigned int total = 0, before = 0;

	(void)state;
	for (size_t length = 100; total <= PWNED_SLOT_BLOCKS; length += 100) {
		struct pwned_range *range = content_range(1, length, &label);

		before = total;
		total = pwned_range_total(range);
		assert_int_equal(pwned_slots_fits(range),
				 total <= PWNED_SLOT_BLOCKS);
		pwned_range_unref(&range);
	}
	assert_int_equal(before, PWNED_SLOT_BLOCKS);
	assert_int_equal(total, PWNED_SLOT_BLOCKS + 1);
}

static void a_shorter_range_leaves_nothing_of_the_longer(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	uint64_t before;

	write_range(slots, PREFIX, DAY, TAG, 1, 100);
	before = pwned_slots_allocated(slots);
	write_range(slots, PREFIX, DAY, TAG, 2, 5000);
	write_range(slots, PREFIX, DAY + 1, TAG, 3, 100);
	assert_true(is_empty_from(slots, PREFIX, 1));
	assert_holds(slots, PREFIX, DAY + 1, 3, 100);
	assert_int_equal(pwned_slots_allocated(slots), before);

	for (unsigned int index = 0; index < 7; index++) {
		write_range(slots, PREFIX, DAY, TAG, 2, 5000);
		damage(slots, PREFIX, index);
		write_range(slots, PREFIX, DAY + 1, TAG, 3, 1000);
		assert_true(is_empty_from(slots, PREFIX, 2));
		assert_holds(slots, PREFIX, DAY + 1, 3, 1000);
	}
	pwned_slots_close(&slots);
}

/* A writer may have ended between a write and the hole behind it. */
static void what_a_crash_left_behind_goes(void **state)
{
	static unsigned char old[PWNED_SLOT_BYTES];
	struct pwned_slots *slots = open_slots(state);
	struct pwned_range_label label = content_label(PREFIX, DAY + 2, TAG);
	int64_t second = offset_of(PREFIX, 1);

	write_range(slots, PREFIX, DAY, TAG, 1, 1950);
	read_raw(slots, old, 2 * PWNED_BLOCK_BYTES, second);
	write_range(slots, PREFIX, DAY + 1, TAG, 2, 100);
	write_raw(slots, old, 2 * PWNED_BLOCK_BYTES, second);
	write_range(slots, PREFIX, DAY + 1, TAG, 2, 100);
	assert_true(is_empty_from(slots, PREFIX, 1));
	assert_holds(slots, PREFIX, DAY + 1, 2, 100);

	write_raw(slots, old, 2 * PWNED_BLOCK_BYTES, second);
	assert_int_equal(pwned_slots_renew(slots, &label), PWNED_SLOTS_RENEWED);
	assert_true(is_empty_from(slots, PREFIX, 1));
	assert_holds(slots, PREFIX, DAY + 2, 2, 100);
	pwned_slots_close(&slots);
}

static void what_does_not_prove_itself_is_a_miss(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	unsigned int found = 0, damaged = 0;
	unsigned char block[PWNED_BLOCK_BYTES];

	write_range(slots, PREFIX, DAY, TAG, 1, 1950);
	damage(slots, PREFIX, 1);
	for (size_t i = 0; i < 1950; i++) {
		enum pwned_slots_result result = look(slots, PREFIX, 1, i);

		found += result == PWNED_SLOTS_FOUND;
		damaged += result == PWNED_SLOTS_DAMAGED;
	}
	/* a third of them */
	assert_int_equal(found + damaged, 1950);
	assert_in_range(damaged, 500, 800);

	/* one that stands in another's place */
	read_raw(slots, block, sizeof(block), offset_of(PREFIX, 0));
	for (unsigned int index = 0; index < PWNED_SLOT_BLOCKS; index++)
		write_raw(slots, block, sizeof(block),
			  offset_of(PREFIX + 9, index));
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(look(slots, PREFIX + 9, 1, i),
				 PWNED_SLOTS_DAMAGED);
	pwned_slots_close(&slots);
}

static void a_hole_in_a_range_is_a_miss(void **state)
{
	static const unsigned char zeros[PWNED_BLOCK_BYTES];
	struct pwned_slots *slots = open_slots(state);
	unsigned int found = 0;

	write_range(slots, PREFIX, DAY, TAG, 1, 1950);
	write_raw(slots, zeros, sizeof(zeros), offset_of(PREFIX, 0));
	for (size_t i = 0; i < 1950; i++) {
		enum pwned_slots_result result = look(slots, PREFIX, 1, i);

		assert_true(result == PWNED_SLOTS_FOUND ||
			    result == PWNED_SLOTS_MISS);
		found += result == PWNED_SLOTS_FOUND;
	}
	assert_in_range(found, 1150, 1450);
	pwned_slots_close(&slots);
}

static void all_blocks_are_renewed(void **state)
{
	static const size_t lengths[] = { 0, 100, 1950, 5000 };
	struct pwned_slots *slots = open_slots(state);
	struct pwned_range_label label = content_label(PREFIX, DAY + 5, TAG);

	for (size_t i = 0; i < N_ELEMENTS(lengths); i++) {
		write_range(slots, PREFIX, DAY, TAG, i, lengths[i]);
		assert_int_equal(pwned_slots_renew(slots, &label),
				 PWNED_SLOTS_RENEWED);
		assert_holds(slots, PREFIX, DAY + 5, i, lengths[i]);
	}
	pwned_slots_close(&slots);
}

/* Has a range of three blocks and one that is made of it by `spoil`. */
static void assert_forgotten(struct pwned_slots *slots,
			     void (*spoil)(const struct pwned_slots *slots,
					   unsigned int index))
{
	struct pwned_range_label label = content_label(PREFIX, DAY + 5, TAG);

	for (unsigned int index = 0; index < 3; index++) {
		write_range(slots, PREFIX, DAY, TAG, 1, 1950);
		spoil(slots, index);
		assert_int_equal(pwned_slots_renew(slots, &label),
				 PWNED_SLOTS_FORGOTTEN);
		assert_true(is_empty_from(slots, PREFIX, 0));
		assert_false(pwned_slots_has(slots, PREFIX));
	}
}

static void spoil_damage(const struct pwned_slots *slots, unsigned int index)
{
	damage(slots, PREFIX, index);
}

static void spoil_missing(const struct pwned_slots *slots, unsigned int index)
{
	static const unsigned char zeros[PWNED_BLOCK_BYTES];

	write_raw(slots, zeros, sizeof(zeros), offset_of(PREFIX, index));
}

static void relabel(const struct pwned_slots *slots, unsigned int index,
		    uint32_t origin, const char *etag)
{
	unsigned char block[PWNED_BLOCK_BYTES];

	read_raw(slots, block, sizeof(block), offset_of(PREFIX, index));
	assert_true(pwned_block_relabel(block, DAY, origin, etag));
	write_raw(slots, block, sizeof(block), offset_of(PREFIX, index));
}

static void spoil_tag(const struct pwned_slots *slots, unsigned int index)
{
	relabel(slots, index, 7, "\"two\"");
}

static void spoil_origin(const struct pwned_slots *slots, unsigned int index)
{
	relabel(slots, index, 8, TAG);
}

static void spoil_total(const struct pwned_slots *slots, unsigned int index)
{
	struct pwned_range_label label = content_label(PREFIX, DAY, TAG);
	struct pwned_range *range = content_range(1, 2400, &label);
	unsigned int total;
	const unsigned char *blocks = pwned_range_blocks(range, &total);

	assert_int_equal(total, 4);
	write_raw(slots, blocks + index * PWNED_BLOCK_BYTES, PWNED_BLOCK_BYTES,
		  offset_of(PREFIX, index));
	pwned_range_unref(&range);
}

static void what_is_not_whole_is_forgotten(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	struct pwned_range_label label = content_label(PREFIX, DAY, TAG);
	struct pwned_range_label none = content_label(PREFIX, DAY + 1, "");

	assert_forgotten(slots, spoil_damage);
	assert_forgotten(slots, spoil_missing);
	assert_forgotten(slots, spoil_tag);
	assert_forgotten(slots, spoil_origin);
	assert_forgotten(slots, spoil_total);
	/* where nothing is, nothing is to be done */
	assert_int_equal(pwned_slots_renew(slots, &label),
			 PWNED_SLOTS_FORGOTTEN);
	/* no tag proves nothing */
	write_range(slots, PREFIX, DAY, "", 1, 1950);
	assert_int_equal(pwned_slots_renew(slots, &none),
			 PWNED_SLOTS_FORGOTTEN);
	assert_int_equal(look(slots, PREFIX, 1, 1), PWNED_SLOTS_MISS);
	pwned_slots_close(&slots);
}

static void label_of(const struct pwned_slots *slots, unsigned int index,
		     struct pwned_range_label *label_r)
{
	unsigned char block[PWNED_BLOCK_BYTES];

	read_raw(slots, block, sizeof(block), offset_of(PREFIX, index));
	assert_int_equal(pwned_block_verify(block, PREFIX, index),
			 PWNED_BLOCK_VALID);
	pwned_block_label(block, label_r);
}

static void assert_labels(const struct pwned_slots *slots, uint32_t day,
			  uint32_t origin, const char *etag)
{
	struct pwned_range_label label;

	for (unsigned int index = 0; index < 3; index++) {
		label_of(slots, index, &label);
		assert_int_equal(label.day, day);
		assert_int_equal(label.origin, origin);
		assert_string_equal(label.etag, etag);
	}
}

static void an_untagged_range_takes_the_tag_of_its_like(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	struct pwned_range_label label = content_label(PREFIX, DAY + 1, "");

	write_range(slots, PREFIX, DAY, TAG, 1, 1950);
	label.origin = 9;
	assert_int_equal(put(slots, &label, 1, 1950), PWNED_SLOTS_RENEWED);
	assert_labels(slots, DAY + 1, 7, TAG);
	assert_holds(slots, PREFIX, DAY + 1, 1, 1950);

	/* others do not */
	assert_int_equal(put(slots, &label, 1, 1949), PWNED_SLOTS_WRITTEN);
	assert_labels(slots, DAY + 1, 9, "");
	assert_holds(slots, PREFIX, DAY + 1, 1, 1949);
	write_range(slots, PREFIX, DAY, TAG, 1, 1950);
	assert_int_equal(put(slots, &label, 2, 1950), PWNED_SLOTS_WRITTEN);
	assert_labels(slots, DAY + 1, 9, "");

	/* where there is none to take, it is of its own origin */
	label.origin = 10;
	label.day++;
	assert_int_equal(put(slots, &label, 2, 1950), PWNED_SLOTS_WRITTEN);
	assert_labels(slots, DAY + 2, 10, "");
	pwned_slots_close(&slots);
}

static void a_mix_of_tags_gives_none(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	struct pwned_range_label label = content_label(PREFIX, DAY + 1, "");

	for (unsigned int index = 0; index < 3; index++) {
		write_range(slots, PREFIX, DAY, TAG, 1, 1950);
		spoil_tag(slots, index);
		assert_int_equal(put(slots, &label, 1, 1950),
				 PWNED_SLOTS_WRITTEN);
		assert_labels(slots, DAY + 1, 7, "");
		assert_holds(slots, PREFIX, DAY + 1, 1, 1950);
	}
	pwned_slots_close(&slots);
}

/* The file, as anybody reads it, up to the hole at its end. */
static unsigned char *read_file(void **state, size_t *size_r)
{
	struct pwned_slots *slots = open_slots(state);
	unsigned char *data;
	uint32_t prefix;

	assert_false(pwned_slots_next(slots, 4, &prefix));
	*size_r = (size_t)offset_of(4, 0);
	data = malloc(*size_r);
	assert_non_null(data);
	read_raw(slots, data, *size_r, 0);
	pwned_slots_close(&slots);
	return data;
}

static unsigned char *file_made_now(void **state, size_t *size_r)
{
	struct pwned_slots *slots;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", (char *)*state,
		       PWNED_SLOTS_FILE);
	(void)unlink(path);
	slots = open_slots(state);
	write_range(slots, 3, DAY, TAG, 1, 1950);
	write_range(slots, 1, DAY, "", 2, 100);
	write_range(slots, 2, DAY, TAG, 3, 2400);
	assert_true(pwned_slots_next_generation(slots));
	pwned_slots_close(&slots);
	return read_file(state, size_r);
}

/* A day is all that is known of a fetch. */
static void no_time_is_in_the_file(void **state)
{
	size_t size, later_size;
	unsigned char *data, *later;

	data = file_made_now(state, &size);
	(void)usleep(1100 * 1000);
	later = file_made_now(state, &later_size);
	assert_int_equal(size, later_size);
	assert_memory_equal(data, later, size);
	free(data);
	free(later);
}

static void a_file_that_is_cut_has_misses(void **state)
{
	static const uint32_t prefixes[] = { 3, 20, 40 };
	struct pwned_slots *slots = open_slots(state);
	const int64_t cuts[] = { offset_of(20, 1) + 1000, offset_of(20, 0),
				 offset_of(3, 2) + 1, 20, 0 };
	struct pwned_error problem;
	struct pwned_slots *reader =
		pwned_slots_open(*state, PWNED_SLOTS_READ, &problem);

	assert_non_null(reader);
	for (size_t i = 0; i < N_ELEMENTS(prefixes); i++)
		write_range(slots, prefixes[i], DAY, TAG, 1, 1950);
	for (size_t cut = 0; cut < N_ELEMENTS(cuts); cut++) {
		unsigned int found[3] = { 0 };

		assert_int_equal(ftruncate(pwned_slots_fd(slots), cuts[cut]),
				 0);
		for (size_t i = 0; i < 3 * 1950; i++) {
			enum pwned_slots_result result =
				look(reader, prefixes[i % 3], 1, i / 3);

			assert_true(result == PWNED_SLOTS_FOUND ||
				    result == PWNED_SLOTS_MISS ||
				    result == PWNED_SLOTS_DAMAGED);
			found[i % 3] += result == PWNED_SLOTS_FOUND;
		}
		assert_int_equal(found[2], 0);
		assert_true(cut == 0 ? found[1] > 0 && found[1] < 1950 :
				       found[1] == 0);
		assert_true(cut >= 2 || found[0] == 1950);
		assert_true(cut < 3 || found[0] == 0);
		assert_int_equal(pwned_slots_is_in_place(reader), cut < 3);
	}
	pwned_slots_close(&reader);
	pwned_slots_close(&slots);
}

/* Of the size that the real service's have. */
static void a_hash_takes_seven_bytes_at_most(void **state)
{
	enum { RANGES = 1000 };
	struct pwned_slots *slots = open_slots(state);
	uint64_t hashes = 0;

	for (uint32_t i = 0; i < RANGES; i++) {
		size_t length = 1900 + i * 7919 % 101;

		/* all over the key space, and each beside one */
		write_range(slots, (i * 1039 + i % 2) % PWNED_PREFIX_COUNT, DAY,
			    "\"0x8DC5D0D1B0A7C2F\"", i, length);
		hashes += length;
	}
	assert_int_equal(fsync(pwned_slots_fd(slots)), 0);
	assert_true(pwned_slots_allocated(slots) <= 7 * hashes);
	assert_true(pwned_slots_allocated(slots) > 5 * hashes);
	pwned_slots_close(&slots);
}

static void slots_are_walked_in_order(void **state)
{
	static const uint32_t prefixes[] = { 0, 5, 6, PREFIX, 0xfffff };
	struct pwned_slots *slots = open_slots(state);
	uint32_t prefix, next = 0, day;

	assert_false(pwned_slots_next(slots, 0, &prefix));
	for (size_t i = 0; i < N_ELEMENTS(prefixes); i++)
		write_range(slots, prefixes[i], DAY + i, TAG, 1, 1950);
	for (size_t i = 0; i < N_ELEMENTS(prefixes); i++) {
		assert_true(pwned_slots_next(slots, next, &prefix));
		assert_int_equal(prefix, prefixes[i]);
		assert_true(pwned_slots_has(slots, prefix));
		assert_int_equal(pwned_slots_day(slots, prefix, &day),
				 PWNED_BLOCK_VALID);
		assert_int_equal(day, DAY + i);
		next = prefix + 1;
	}
	assert_false(pwned_slots_next(slots, next, &prefix));
	assert_false(pwned_slots_has(slots, 4));
	assert_int_equal(pwned_slots_day(slots, 4, &day), PWNED_BLOCK_ABSENT);
	damage(slots, 5, 0);
	assert_int_equal(pwned_slots_day(slots, 5, &day), PWNED_BLOCK_DAMAGED);

	assert_true(pwned_slots_punch(slots, 5));
	assert_false(pwned_slots_has(slots, 5));
	assert_true(pwned_slots_forget(slots, 6));
	assert_false(pwned_slots_has(slots, 6));
	assert_true(pwned_slots_next(slots, 1, &prefix));
	assert_int_equal(prefix, PREFIX);
	assert_holds(slots, PREFIX, DAY + 3, 1, 1950);
	pwned_slots_close(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_ON_BOTH(ranges_of_all_lengths_are_found),
		UNIT_TEST_ON_BOTH(others_find_it_too),
		UNIT_TEST_ON_BOTH(a_read_need_not_wait),
		cmocka_unit_test(one_in_memory_is_the_same),
		cmocka_unit_test(what_has_more_blocks_than_a_slot_does_not_fit),
		UNIT_TEST_ON_BOTH(a_shorter_range_leaves_nothing_of_the_longer),
		UNIT_TEST_ON_BOTH(what_a_crash_left_behind_goes),
		UNIT_TEST_ON_BOTH(what_does_not_prove_itself_is_a_miss),
		UNIT_TEST_ON_BOTH(a_hole_in_a_range_is_a_miss),
		UNIT_TEST_ON_BOTH(all_blocks_are_renewed),
		UNIT_TEST_ON_BOTH(what_is_not_whole_is_forgotten),
		UNIT_TEST_ON_BOTH(an_untagged_range_takes_the_tag_of_its_like),
		UNIT_TEST_ON_BOTH(a_mix_of_tags_gives_none),
		UNIT_TEST_ON_BOTH(no_time_is_in_the_file),
		UNIT_TEST_ON_BOTH(a_file_that_is_cut_has_misses),
		UNIT_TEST_ON_BOTH(a_hash_takes_seven_bytes_at_most),
		UNIT_TEST_ON_BOTH(slots_are_walked_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
