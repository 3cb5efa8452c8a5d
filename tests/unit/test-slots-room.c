/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bound of the file's size: what goes, and when. */

#include "support/contents.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "slots-int.h"
#include "slots-room.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define DAY 19000
/* of 1,950 hashes, on disk */
#define RANGE_BYTES (3 * PWNED_BLOCK_BYTES)

/* What the file system says to a hole. */
static enum { HOLES, NO_HOLES, NO_GAIN } holes;

/* The names that ld gives to both sides of a wrapped function, which has 64
   bits for offsets on each system. */
int __real_fallocate64(int fd, int mode, off_t offset, off_t length);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t length);

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t length)
{
	switch (holes) {
	case HOLES:
		break;
	case NO_HOLES:
		errno = EOPNOTSUPP;
		return -1;
	case NO_GAIN:
		return 0;
	}
	return __real_fallocate64(fd, mode, offset, length);
}

static struct pwned_slots *open_slots(void **state)
{
	struct pwned_error problem;
	struct pwned_slots *slots =
		pwned_slots_open(*state, PWNED_SLOTS_WRITE, &problem);

	holes = HOLES;
	assert_non_null(slots);
	assert_string_equal(problem.text, "");
	return slots;
}

/* All over the key space, each once. */
static uint32_t prefix_of(uint32_t i)
{
	return i * 40503 % PWNED_PREFIX_COUNT;
}

static void write_one(struct pwned_slots *slots, uint32_t i, uint32_t day)
{
	struct pwned_range_label label =
		content_label(prefix_of(i), day, "\"t\"");
	struct pwned_range *range = content_range(i, 1950, &label);

	assert_int_equal(pwned_slots_write(slots, range), PWNED_SLOTS_WRITTEN);
	pwned_range_unref(&range);
}

static bool has(const struct pwned_slots *slots, uint32_t i)
{
	return pwned_slots_has(slots, prefix_of(i));
}

static void the_bound_holds(void **state)
{
	enum { KEPT = 40, ALL = 400 };
	struct pwned_slots *slots = open_slots(state);
	const uint64_t max_bytes = KEPT * RANGE_BYTES + PWNED_SLOT_BYTES;
	pwned_slots_seed seed = 1;
	unsigned int freed, evicted = 0, kept = 0;

	for (uint32_t i = 0; i < ALL; i++) {
		assert_int_equal(pwned_slots_make_room(slots, max_bytes, 4,
						       &seed, &freed),
				 PWNED_ROOM);
		assert_in_range(freed, 0, 1);
		evicted += freed;
		write_one(slots, i, DAY + i / 100);
		assert_true(pwned_slots_allocated(slots) <= max_bytes);
	}
	for (uint32_t i = 0; i < ALL; i++)
		kept += has(slots, i);
	assert_int_equal(kept + evicted, ALL);
	assert_in_range(kept, KEPT - 2, KEPT + 1);
	pwned_slots_close(&slots);
}

static void a_bound_that_was_lowered_takes_steps(void **state)
{
	enum { ALL = 60, KEPT = 10 };
	struct pwned_slots *slots = open_slots(state);
	const uint64_t max_bytes = KEPT * RANGE_BYTES + PWNED_SLOT_BYTES;
	pwned_slots_seed seed = 1;
	unsigned int freed, rounds = 0;

	for (uint32_t i = 0; i < ALL; i++)
		write_one(slots, i, DAY);
	/* no bound */
	assert_int_equal(pwned_slots_make_room(slots, 0, 16, &seed, &freed),
			 PWNED_ROOM);
	assert_int_equal(freed, 0);
	while (pwned_slots_make_room(slots, max_bytes, 16, &seed, &freed) ==
	       PWNED_ROOM_NOT_YET) {
		assert_int_equal(freed, 16);
		rounds++;
	}
	assert_int_equal(rounds, 3);
	assert_true(pwned_slots_allocated(slots) <=
		    max_bytes - PWNED_SLOT_BYTES);
	pwned_slots_close(&slots);
}

/* The best of 16 is an old one nearly always. */
static void old_ranges_go_first(void **state)
{
	enum { ALL = 200, GONE = 60 };
	struct pwned_slots *slots = open_slots(state);
	const uint64_t max_bytes =
		(ALL - GONE) * RANGE_BYTES + PWNED_SLOT_BYTES;
	pwned_slots_seed seed = 7;
	unsigned int freed, old = 0, new = 0;

	for (uint32_t i = 0; i < ALL; i++)
		write_one(slots, i, i % 2 == 0 ? DAY : DAY + 30);
	assert_int_equal(
		pwned_slots_make_room(slots, max_bytes, ALL, &seed, &freed),
		PWNED_ROOM);
	for (uint32_t i = 0; i < ALL; i++) {
		if (i % 2 == 0)
			old += !has(slots, i);
		else
			new += !has(slots, i);
	}
	assert_int_equal(old + new, freed);
	assert_in_range(freed, GONE - 2, GONE + 2);
	assert_in_range(new, 0, 3);
	pwned_slots_close(&slots);
}

static void what_is_damaged_goes_before(void **state)
{
	enum { ALL = 40 };
	struct pwned_slots *slots = open_slots(state);
	const uint64_t max_bytes = ALL * RANGE_BYTES + PWNED_SLOT_BYTES;
	pwned_slots_seed seed = 7;
	unsigned int freed, gone = 0;

	for (uint32_t i = 0; i < ALL; i++) {
		write_one(slots, i, 1);
		if (i % 4 == 0)
			assert_int_equal(pwrite(pwned_slots_fd(slots), "x", 1,
						((int64_t)prefix_of(i) +
						 1) * PWNED_SLOT_BYTES +
							100),
					 1);
	}
	assert_int_equal(pwned_slots_make_room(slots,
					       max_bytes - 6 * RANGE_BYTES, ALL,
					       &seed, &freed),
			 PWNED_ROOM);
	assert_in_range(freed, 5, 8);
	for (uint32_t i = 0; i < ALL; i += 4)
		gone += !has(slots, i);
	assert_true(gone + 1 >= freed);
	pwned_slots_close(&slots);
}

/* What is there stays, then. */
static void without_holes_there_is_no_room(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	pwned_slots_seed seed = 1;
	unsigned int freed;

	for (uint32_t i = 0; i < 10; i++)
		write_one(slots, i, DAY);
	holes = NO_HOLES;
	assert_int_equal(
		pwned_slots_make_room(slots, 5 * RANGE_BYTES, 4, &seed, &freed),
		PWNED_ROOM_IMPOSSIBLE);
	assert_int_equal(freed, 0);
	for (uint32_t i = 0; i < 10; i++)
		assert_true(has(slots, i));
	assert_int_equal(pwned_slots_make_room(slots, 50 * RANGE_BYTES, 4,
					       &seed, &freed),
			 PWNED_ROOM);
	pwned_slots_close(&slots);
}

/* A file system that tells of the gain later is not emptied for that. */
static void a_gain_that_is_not_seen_is_waited_for(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	pwned_slots_seed seed = 1;
	unsigned int freed;

	for (uint32_t i = 0; i < 10; i++)
		write_one(slots, i, DAY);
	holes = NO_GAIN;
	assert_int_equal(pwned_slots_make_room(slots, 5 * RANGE_BYTES, 64,
					       &seed, &freed),
			 PWNED_ROOM_NOT_YET);
	assert_int_equal(freed, 1);
	pwned_slots_close(&slots);
}

static void where_nothing_is_nothing_goes(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	pwned_slots_seed seed = 1;
	unsigned int freed;

	assert_int_equal(pwned_slots_make_room(slots, 1, 4, &seed, &freed),
			 PWNED_ROOM_IMPOSSIBLE);
	assert_int_equal(freed, 0);
	pwned_slots_close(&slots);
}

static bool is_miss(const struct pwned_slots *slots, uint32_t i, uint32_t seed)
{
	struct pwned_digest digest = content_digest(prefix_of(i), seed, 5);
	unsigned char block[PWNED_BLOCK_BYTES];

	return pwned_slots_find(slots, &digest, true, block) ==
	       PWNED_SLOTS_MISS;
}

/* Forgetting and shorter ranges need no holes: zeros do. */
static void without_holes_zeros_are_written(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	struct pwned_range_label label =
		content_label(prefix_of(1), DAY, "\"t\"");
	struct pwned_range *range = content_range(9, 100, &label);
	struct pwned_digest digest = content_digest(prefix_of(1), 9, 5);
	unsigned char block[PWNED_BLOCK_BYTES];
	uint64_t before;

	holes = NO_HOLES;
	write_one(slots, 0, DAY);
	write_one(slots, 1, DAY);
	before = pwned_slots_allocated(slots);
	assert_false(pwned_slots_punch(slots, prefix_of(0)));
	assert_false(is_miss(slots, 0, 0));
	assert_true(pwned_slots_forget(slots, prefix_of(0)));
	assert_true(is_miss(slots, 0, 0));
	assert_true(pwned_slots_forget(slots, prefix_of(5)));

	assert_int_equal(pwned_slots_write(slots, range), PWNED_SLOTS_WRITTEN);
	for (uint32_t seed = 0; seed < 20; seed++)
		assert_true(seed == 9 || seed == 1 || is_miss(slots, 5, seed));
	assert_int_equal(pwned_slots_find(slots, &digest, true, block),
			 PWNED_SLOTS_FOUND);
	assert_int_equal(pread(pwned_slots_fd(slots), block, 1,
			       ((int64_t)prefix_of(1) + 1) * PWNED_SLOT_BYTES +
				       PWNED_BLOCK_BYTES),
			 1);
	assert_int_equal(block[0], 0);
	/* and none where nothing was */
	assert_true(pwned_slots_allocated(slots) <= before);
	pwned_range_unref(&range);
	pwned_slots_close(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_ON_BOTH(the_bound_holds),
		UNIT_TEST_ON_BOTH(a_bound_that_was_lowered_takes_steps),
		UNIT_TEST_ON_BOTH(old_ranges_go_first),
		UNIT_TEST_ON_BOTH(what_is_damaged_goes_before),
		UNIT_TEST_ON_BOTH(without_holes_there_is_no_room),
		UNIT_TEST_ON_BOTH(a_gain_that_is_not_seen_is_waited_for),
		UNIT_TEST_ON_BOTH(where_nothing_is_nothing_goes),
		UNIT_TEST_ON_BOTH(without_holes_zeros_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
