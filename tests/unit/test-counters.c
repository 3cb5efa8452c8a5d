/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters, and the names that metrics and scripts rely on. */

#include "support/unit.h"
#include "counters.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

/* The names are an interface: whoever renames one has to change it here, and
   think of those who count by it. */
static const char *const names[PWNED_COUNTERS] = {
	"from_cache",
	"from_store",
	"stale",
	"misses",
	"damaged_blocks",
	"read_errors",
	"reads_skipped",
	"written",
	"renewed",
	"write_errors",
	"writes_dropped",
	"too_long",
	"no_room",
	"evicted",
	"fetched",
	"not_modified",
	"fetches_failed",
	"breaker_opened",
	"late_breached",
	"logins_checked",
	"logins_unknown",
	"unchecked_config",
	"unchecked_service_off",
	"unchecked_master_user",
	"unchecked_mechanism",
	"unchecked_no_password",
	"unchecked_exempt",
	"logins_refused",
	"logins_held",
	"holds_late",
	"flags_slow",
	"flags_dropped",
};

static void every_counter_has_its_name(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PWNED_COUNTERS; i++) {
		const char *name = pwned_counter_name(i);

		assert_non_null(names[i]);
		assert_string_equal(name, names[i]);
		for (const char *p = name; *p != '\0'; p++)
			assert_true(islower((unsigned char)*p) || *p == '_');
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(name, pwned_counter_name(k));
	}
}

static void each_counts_by_itself(void **state)
{
	struct pwned_counters counters = { .values = { 0 } };

	(void)state;
	for (unsigned int i = 0; i < PWNED_COUNTERS; i++) {
		for (unsigned int k = 0; k <= i; k++)
			pwned_count(&counters, i);
	}
	for (unsigned int i = 0; i < PWNED_COUNTERS; i++)
		assert_int_equal(pwned_counted(&counters, i), i + 1);
}

static void *count_much(void *context)
{
	for (unsigned int i = 0; i < 100000; i++)
		pwned_count(context, PWNED_COUNT_WRITTEN);
	return NULL;
}

static void threads_lose_no_count(void **state)
{
	struct pwned_counters counters = { .values = { 0 } };
	pthread_t threads[2];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(threads); i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, count_much,
						&counters),
				 0);
	}
	for (size_t i = 0; i < N_ELEMENTS(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(pwned_counted(&counters, PWNED_COUNT_WRITTEN), 200000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_counter_has_its_name),
		cmocka_unit_test(each_counts_by_itself),
		cmocka_unit_test(threads_lose_no_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
