/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set of users that something may be on record of. */

#include "support/unit.h"
#include "flag-filter.h"

#include <stdio.h>

static const char *user(unsigned int number, const char *kind)
{
	static char name[64];

	(void)snprintf(name, sizeof(name), "%s%u@example.com", kind, number);
	return name;
}

static unsigned int taken_for_one(const struct pwned_flag_filter *filter,
				  unsigned int of)
{
	unsigned int taken = 0;

	for (unsigned int i = 0; i < of; i++)
		taken += pwned_flag_filter_may_have(filter, user(i, "other"));
	return taken;
}

static void nobody_is_forgotten(void **state)
{
	struct pwned_flag_filter *filter = pwned_flag_filter_new(0, 7);

	(void)state;
	assert_non_null(filter);
	assert_false(pwned_flag_filter_may_have(filter, ""));
	assert_int_equal(taken_for_one(filter, 1000), 0);
	for (unsigned int i = 0; i < 200000; i++)
		pwned_flag_filter_add(filter, user(i, "flagged"));
	for (unsigned int i = 0; i < 200000; i++)
		assert_true(
			pwned_flag_filter_may_have(filter, user(i, "flagged")));
	pwned_flag_filter_free(&filter);
	assert_null(filter);
}

/* Where it is as full as it was made for. */
static void few_others_are_taken_for_one(void **state)
{
	struct pwned_flag_filter *filter = pwned_flag_filter_new(1000000, 1);

	(void)state;
	assert_non_null(filter);
	for (unsigned int i = 0; i < 1000000; i++)
		pwned_flag_filter_add(filter, user(i, "flagged"));
	assert_in_range(taken_for_one(filter, 100000), 1, 600);
	pwned_flag_filter_free(&filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_forgotten),
		cmocka_unit_test(few_others_are_taken_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
