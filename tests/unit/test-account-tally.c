/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a report counts. */

#include "support/unit.h"
#include "account-tally.h"

#include <string.h>

#define NOW UINT64_C(1795717441)

static struct pwned_policy *policy_of(const char *text)
{
	struct pwned_policy *policy;
	struct pwned_error error;

	if (!pwned_policy_parse(text, &policy, &error))
		fail_msg("'%s': %s", text, error.text);
	return policy;
}

static const struct pwned_flag flagged = {
	.state = PWNED_FLAG_FLAGGED,
	.since_secs = NOW - 10,
	.breached_secs = NOW - 10,
	.band = PWNED_BAND_10,
};

static void accounts_are_counted(void **state)
{
	struct pwned_policy *policy = policy_of("*=warn");
	struct pwned_tally tally = { .flagged = 0 };
	struct pwned_flag flag = flagged;

	(void)state;
	pwned_tally_add(&tally, &flag, policy, false, NOW);
	flag.refused_secs = NOW;
	pwned_tally_add(&tally, &flag, policy, false, NOW);
	strcpy(flag.hold_text, "No.");
	pwned_tally_add(&tally, &flag, policy, false, NOW);
	/* his mail is refused, but not because he is flagged */
	flag.suspended_secs = NOW;
	pwned_tally_add(&tally, &flag, policy, false, NOW);
	flag = (struct pwned_flag){ .exempt_until_secs = NOW + 1 };
	pwned_tally_add(&tally, &flag, policy, false, NOW);
	flag.exempt_until_secs = NOW;
	pwned_tally_add(&tally, &flag, policy, false, NOW);
	flag = flagged;
	flag.state = PWNED_FLAG_CLEARED;
	flag.refused_secs = NOW;
	pwned_tally_add(&tally, &flag, policy, false, NOW);
	assert_int_equal(tally.flagged, 4);
	assert_int_equal(tally.denied, 3);
	assert_int_equal(tally.held, 1);
	assert_int_equal(tally.suspended, 1);
	assert_int_equal(tally.exempt, 1);
	assert_int_equal(tally.cleared, 1);
	assert_int_equal(tally.stops_to, 0);
	pwned_policy_unref(&policy);
}

static void assert_stops(const char *rules, const char *expected)
{
	struct pwned_policy *policy = policy_of(rules);
	struct pwned_tally tally = { .flagged = 0 };
	struct pwned_flag flag = flagged;
	char text[PWNED_TALLY_TEXT];

	for (enum pwned_band band = PWNED_BAND_1; band <= PWNED_BAND_1000;
	     band++) {
		flag.band = band;
		pwned_tally_add(&tally, &flag, policy, false, NOW);
		/* none of these */
		pwned_tally_add(&tally, &flag, policy, true, NOW);
		flag.state = PWNED_FLAG_CLEARED;
		pwned_tally_add(&tally, &flag, policy, false, NOW);
		flag.state = PWNED_FLAG_FLAGGED;
		flag.exempt_until_secs = NOW + 1;
		pwned_tally_add(&tally, &flag, policy, false, NOW);
		flag.exempt_until_secs = 0;
	}
	pwned_tally_stops_text(&tally, text);
	assert_string_equal(text, expected);
	pwned_policy_unref(&policy);
}

static void who_would_be_stopped(void **state)
{
	(void)state;
	assert_stops("*=warn", "0");
	assert_stops("smtp=deny", "4");
	assert_stops("smtp=deny:min=10", "3");
	assert_stops("smtp=deny:min=1000:grace=14d", "1");
	assert_stops("smtp=deny:min=50", "2-3");
	assert_stops("imap=hold:min=5", "3-4");
	assert_stops("smtp=deny:min=2000", "0-1");
}

static void sums(void **state)
{
	static const struct pwned_tally one = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct pwned_tally sum = one;
	char text[PWNED_TALLY_TEXT];

	(void)state;
	pwned_tally_sum(&sum, &one);
	assert_int_equal(sum.flagged, 2);
	assert_int_equal(sum.cleared, 4);
	assert_int_equal(sum.denied, 6);
	assert_int_equal(sum.held, 8);
	assert_int_equal(sum.suspended, 14);
	assert_int_equal(sum.exempt, 16);
	pwned_tally_stops_text(&sum, text);
	assert_string_equal(text, "10-12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts_are_counted),
		cmocka_unit_test(who_would_be_stopped),
		cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
