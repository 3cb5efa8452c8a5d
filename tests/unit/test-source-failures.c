/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of prefixes that failed. */

#include "support/unit.h"
#include "source-failures.h"
#include "source.h"

static struct pwned_failures failures;

static int set_up(void **state)
{
	(void)state;
	assert_true(pwned_failures_init(&failures));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pwned_failures_deinit(&failures);
	return 0;
}

static void assert_paused(uint32_t prefix, uint64_t from_msecs,
			  uint64_t pause_msecs, enum pwned_reason reason)
{
	assert_int_equal(pwned_failures_find(&failures, prefix, from_msecs),
			 reason);
	assert_int_equal(pwned_failures_find(&failures, prefix,
					     from_msecs + pause_msecs - 1),
			 reason);
	assert_int_equal(pwned_failures_find(&failures, prefix,
					     from_msecs + pause_msecs),
			 PWNED_REASON_NONE);
}

static void nothing_is_known_at_first(void **state)
{
	(void)state;
	assert_int_equal(pwned_failures_find(&failures, 1, 0),
			 PWNED_REASON_NONE);
	pwned_failures_forget(&failures, 1);
}

static void the_pause_doubles_up_to_its_bound(void **state)
{
	uint64_t now = 1000, pause = PWNED_SOURCE_RETRY_MSECS;

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		pwned_failures_add(&failures, 1, PWNED_REASON_TIMEOUT, now);
		assert_paused(1, now, pause, PWNED_REASON_TIMEOUT);
		now += pause + i;
		pause *= 2;
		if (pause > PWNED_SOURCE_RETRY_MAX_MSECS)
			pause = PWNED_SOURCE_RETRY_MAX_MSECS;
	}
	/* the last reason is the one that is told */
	pwned_failures_add(&failures, 1, PWNED_REASON_TLS, now);
	assert_paused(1, now, pause, PWNED_REASON_TLS);
	/* each for itself */
	pwned_failures_add(&failures, 2, PWNED_REASON_CONNECT, now);
	assert_paused(2, now, PWNED_SOURCE_RETRY_MSECS, PWNED_REASON_CONNECT);
}

static void what_is_forgotten_begins_anew(void **state)
{
	(void)state;
	for (uint32_t prefix = 1; prefix <= 3; prefix++) {
		pwned_failures_add(&failures, prefix, PWNED_REASON_TLS, 0);
		pwned_failures_add(&failures, prefix, PWNED_REASON_TLS, 0);
	}
	pwned_failures_forget(&failures, 1);
	assert_int_equal(pwned_failures_find(&failures, 1, 0),
			 PWNED_REASON_NONE);
	assert_int_equal(pwned_failures_find(&failures, 2, 0),
			 PWNED_REASON_TLS);
	pwned_failures_add(&failures, 1, PWNED_REASON_TLS, 0);
	assert_paused(1, 0, PWNED_SOURCE_RETRY_MSECS, PWNED_REASON_TLS);
	pwned_failures_forget_all(&failures);
	for (uint32_t prefix = 1; prefix <= 3; prefix++)
		assert_int_equal(pwned_failures_find(&failures, prefix, 0),
				 PWNED_REASON_NONE);
}

static void those_that_failed_last_are_remembered(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < PWNED_FAILURES_MAX; i++)
		pwned_failures_add(&failures, i, PWNED_REASON_TLS, 0);
	/* the oldest fails again, and is not the oldest any more */
	pwned_failures_add(&failures, 0, PWNED_REASON_TLS, 0);
	pwned_failures_add(&failures, PWNED_FAILURES_MAX, PWNED_REASON_TLS, 0);
	assert_int_equal(pwned_failures_find(&failures, 0, 0),
			 PWNED_REASON_TLS);
	assert_int_equal(pwned_failures_find(&failures, 1, 0),
			 PWNED_REASON_NONE);
	assert_int_equal(pwned_failures_find(&failures, 2, 0),
			 PWNED_REASON_TLS);
	assert_int_equal(failures.map.count, PWNED_FAILURES_MAX);
}

#define with_failures(test)                                                    \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_failures(nothing_is_known_at_first),
		with_failures(the_pause_doubles_up_to_its_bound),
		with_failures(what_is_forgotten_begins_anew),
		with_failures(those_that_failed_last_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
