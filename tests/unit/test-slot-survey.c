/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store as a whole: counted, and cleared. */

#include "support/contents.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "slot-survey.h"
#include "slots-int.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TODAY       19500
#define RANGE_BYTES (3 * PWNED_BLOCK_BYTES)

static struct pwned_slots *open_slots(void **state)
{
	struct pwned_error problem;
	struct pwned_slots *slots =
		pwned_slots_open(*state, PWNED_SLOTS_WRITE, &problem);

	assert_non_null(slots);
	return slots;
}

static void write_one(struct pwned_slots *slots, uint32_t prefix, uint32_t day)
{
	struct pwned_range_label label = content_label(prefix, day, "");
	struct pwned_range *range = content_range(prefix, 1950, &label);

	assert_int_equal(pwned_slots_write(slots, range), PWNED_SLOTS_WRITTEN);
	pwned_range_unref(&range);
}

static void spoil(struct pwned_slots *slots, uint32_t prefix,
		  unsigned int index)
{
	assert_int_equal(pwrite(pwned_slots_fd(slots), "x", 1,
				((int64_t)prefix + 1) * PWNED_SLOT_BYTES +
					index * PWNED_BLOCK_BYTES + 40),
			 1);
}

static struct pwned_store_survey survey(void **state)
{
	struct pwned_store_survey survey;
	struct pwned_error error = { "" };

	if (!pwned_store_survey(*state, TODAY, &survey, &error))
		fail_msg("%s", error.text);
	return survey;
}

static uint64_t purge(void **state, uint32_t before_day)
{
	struct pwned_error error = { "" };
	uint64_t purged;

	if (!pwned_store_purge(*state, before_day, &purged, &error))
		fail_msg("%s", error.text);
	return purged;
}

/* The ends of all ages, and some days beyond today, which a wrong clock
   makes. */
static const uint32_t ages[] = {
	0, 1, 2, 7, 8, 30, 31, 90, 91, 365, 366, 5000
};

static void write_all(struct pwned_slots *slots)
{
	for (uint32_t i = 0; i < N_ELEMENTS(ages); i++)
		write_one(slots, i * 1000, TODAY - ages[i]);
	write_one(slots, 0xfffff, TODAY + 9);
}

static void ranges_are_counted_by_age(void **state)
{
	static const uint64_t expected[PWNED_STORE_AGES] = { 3, 2, 2, 2, 2, 2 };
	struct pwned_slots *slots = open_slots(state);
	struct pwned_store_survey found = survey(state);

	assert_int_equal(found.ranges, 0);
	assert_int_equal(found.oldest_day, 0);
	assert_int_equal(found.newest_day, 0);
	write_all(slots);
	found = survey(state);
	assert_int_equal(found.ranges, 13);
	assert_int_equal(found.damaged, 0);
	assert_memory_equal(found.by_age, expected, sizeof(expected));
	assert_int_equal(found.oldest_day, TODAY - 5000);
	assert_int_equal(found.newest_day, TODAY + 9);
	assert_in_range(found.bytes_on_disk, 13 * RANGE_BYTES,
			13 * RANGE_BYTES + PWNED_SLOT_BYTES);
	for (unsigned int i = 0; i < PWNED_STORE_AGES; i++)
		assert_non_null(pwned_store_age_names[i]);

	spoil(slots, 2000, 0);
	/* where only its first block is looked at */
	spoil(slots, 3000, 1);
	found = survey(state);
	assert_int_equal(found.ranges, 12);
	assert_int_equal(found.damaged, 1);
	pwned_slots_close(&slots);
}

static void a_purge_takes_what_is_older(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	uint64_t before, generation;

	write_all(slots);
	spoil(slots, 2000, 0);
	before = pwned_slots_allocated(slots);
	/* 31, 90, 91, 365, 366, 5000 and the damaged one */
	assert_int_equal(purge(state, TODAY - 30), 7);
	for (uint32_t i = 0; i < N_ELEMENTS(ages); i++)
		assert_int_equal(pwned_slots_has(slots, i * 1000),
				 ages[i] <= 30 && i != 2);
	assert_true(pwned_slots_has(slots, 0xfffff));
	assert_true(pwned_slots_allocated(slots) <= before - 7 * RANGE_BYTES);
	assert_true(pwned_slots_generation(slots, &generation));
	assert_int_equal(generation, 1);

	/* there is nothing more, but a purge is a purge */
	assert_int_equal(purge(state, TODAY - 30), 0);
	assert_true(pwned_slots_generation(slots, &generation));
	assert_int_equal(generation, 2);
	assert_true(pwned_slots_is_in_place(slots));
	pwned_slots_close(&slots);
}

static void a_purge_of_all_leaves_nothing(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	uint32_t prefix;

	write_all(slots);
	assert_int_equal(purge(state, UINT32_MAX), 13);
	assert_false(pwned_slots_next(slots, 0, &prefix));
	assert_in_range(pwned_slots_allocated(slots), 0, PWNED_SLOT_BYTES);
	assert_int_equal(survey(state).ranges, 0);
	write_one(slots, 5, TODAY);
	assert_int_equal(survey(state).ranges, 1);
	pwned_slots_close(&slots);
}

/* A store to which nothing was written yet is empty, which is no fault. */
static void what_is_not_there_is_not_made(void **state)
{
	assert_int_equal(survey(state).ranges, 0);
	assert_int_equal(survey(state).bytes_on_disk, 0);
	assert_int_equal(purge(state, UINT32_MAX), 0);
	/* nothing is in the folder */
	assert_int_equal(rmdir(*state), 0);
	assert_int_equal(mkdir(*state, 0700), 0);
}

static void without_a_folder_there_is_none(void **state)
{
	struct pwned_store_survey found;
	struct pwned_error error = { "" };
	uint64_t purged = 9;

	assert_int_equal(rmdir(*state), 0);
	assert_false(pwned_store_survey(*state, TODAY, &found, &error));
	assert_non_null(strstr(error.text, *state));
	assert_int_equal(found.ranges, 0);
	error.text[0] = '\0';
	assert_false(pwned_store_purge(*state, UINT32_MAX, &purged, &error));
	assert_non_null(strstr(error.text, *state));
	assert_int_equal(purged, 0);
	assert_int_equal(mkdir(*state, 0700), 0);
}

static void who_may_not_write_does_not_purge(void **state)
{
	struct pwned_slots *slots = open_slots(state);
	struct pwned_error error = { "" };
	uid_t before = geteuid();
	uint64_t purged;
	bool ok;

	write_all(slots);
	assert_int_equal(fchmod(pwned_slots_fd(slots), 0444), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	if (before == 0)
		assert_int_equal(seteuid(64201), 0);
	ok = pwned_store_purge(*state, UINT32_MAX, &purged, &error);
	assert_int_equal(survey(state).ranges, 13);
	assert_int_equal(seteuid(before), 0);
	assert_false(ok);
	assert_int_equal(purged, 0);
	assert_non_null(strstr(error.text, "Permission denied"));
	pwned_slots_close(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_ON_BOTH(ranges_are_counted_by_age),
		UNIT_TEST_ON_BOTH(a_purge_takes_what_is_older),
		UNIT_TEST_ON_BOTH(a_purge_of_all_leaves_nothing),
		UNIT_TEST_ON_BOTH(what_is_not_there_is_not_made),
		UNIT_TEST_ON_BOTH(without_a_folder_there_is_none),
		UNIT_TEST_ON_BOTH(who_may_not_write_does_not_purge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
