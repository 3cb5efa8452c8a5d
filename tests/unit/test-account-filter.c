/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which accounts are listed. */

#include "support/unit.h"
#include "account-filter.h"

#include <string.h>

#define DAY UINT64_C(86400)
#define NOW (UINT64_C(20000) * DAY)

static const char user[] = "anna@Example.com";

static struct pwned_flag flagged(void)
{
	return (struct pwned_flag){
		.state = PWNED_FLAG_FLAGGED,
		.since_secs = NOW - 10 * DAY,
		.breached_secs = NOW - DAY,
		.service = "imap",
	};
}

static bool has(const struct pwned_account_filter *filter,
		const struct pwned_flag *flag)
{
	return pwned_account_filter_has(filter, user, flag, NOW);
}

static void states_are_known(void **state)
{
	static const char *const good[] = { "flagged", "grace",   "stopped",
					    "held",    "cleared", "suspended",
					    "exempt" };
	static const char *const bad[] = { "", "none", "Flagged", "breached",
					   "flagged " };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(good); i++) {
		assert_true(pwned_account_state_is_valid(good[i]));
		assert_non_null(strstr(PWNED_ACCOUNT_STATES, good[i]));
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++)
		assert_false(pwned_account_state_is_valid(bad[i]));
}

/* The states that it is listed under, as letters. */
static void assert_states(const struct pwned_flag *flag, const char *expected)
{
	static const char *const states[] = { "flagged", "grace",   "stopped",
					      "held",    "cleared", "suspended",
					      "exempt" };
	char letters[N_ELEMENTS(states) + 1] = "";
	size_t length = 0;

	for (size_t i = 0; i < N_ELEMENTS(states); i++) {
		struct pwned_account_filter filter = { .state = states[i] };

		if (has(&filter, flag))
			letters[length++] = "fgshcue"[i];
	}
	assert_string_equal(letters, expected);
}

static void by_state(void **state)
{
	struct pwned_flag flag = flagged();

	(void)state;
	assert_states(&flag, "f");
	flag.stop_secs = NOW + 1;
	assert_states(&flag, "fg");
	flag.stop_secs = NOW;
	assert_states(&flag, "fs");
	strcpy(flag.hold_text, "No.");
	assert_states(&flag, "fsh");
	flag.exempt_until_secs = NOW + 1;
	assert_states(&flag, "fhe");
	flag.suspended_secs = NOW;
	assert_states(&flag, "fhue");
	flag = (struct pwned_flag){ .exempt_until_secs = NOW };
	assert_states(&flag, "");
	flag.state = PWNED_FLAG_CLEARED;
	assert_states(&flag, "c");
}

static void by_domain(void **state)
{
	struct pwned_account_filter filter = { .domain = "eXample.com" };
	struct pwned_flag flag = flagged();

	(void)state;
	assert_true(has(&filter, &flag));
	assert_false(pwned_account_filter_has(&filter, "anna", &flag, NOW));
	filter.domain = "ample.com";
	assert_false(has(&filter, &flag));
	filter.domain = "";
	assert_false(has(&filter, &flag));
	assert_true(pwned_account_filter_has(&filter, "anna", &flag, NOW));
}

static void by_service(void **state)
{
	struct pwned_account_filter filter = { .service = "imap" };
	struct pwned_flag flag = flagged();

	(void)state;
	assert_true(has(&filter, &flag));
	filter.service = "smtp";
	assert_false(has(&filter, &flag));
}

static void by_age(void **state)
{
	struct pwned_account_filter filter = { .age_secs = 10 * DAY };
	struct pwned_flag flag = flagged();

	(void)state;
	assert_true(has(&filter, &flag));
	filter.age_secs++;
	assert_false(has(&filter, &flag));
	/* the clock went back */
	flag.since_secs = NOW + 1;
	assert_false(has(&filter, &flag));
	flag = (struct pwned_flag){ .suspended_secs = NOW - 20 * DAY };
	assert_true(has(&filter, &flag));
	flag = (struct pwned_flag){ .exempt_until_secs = NOW + 20 * DAY };
	assert_false(has(&filter, &flag));
	filter.age_secs = 0;
	assert_true(has(&filter, &flag));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_are_known),
		cmocka_unit_test(by_state),
		cmocka_unit_test(by_domain),
		cmocka_unit_test(by_service),
		cmocka_unit_test(by_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
