/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What operators read of an account, and the days that they write. */

#include "support/unit.h"
#include "account-words.h"

#include <string.h>

#define DAY UINT64_C(86400)
/* 2026-11-26T18:24:01Z */
#define NOW UINT64_C(1795717441)

static const struct pwned_outlook outlook = {
	.now_secs = NOW,
	.rules.clear_after_secs = DAY,
	.rules.expire_secs = 90 * DAY,
};

static void times_are_told(void **state)
{
	char text[PWNED_TIME_TEXT];

	(void)state;
	assert_string_equal(pwned_time_text(0, text), "never");
	assert_string_equal(pwned_time_text(NOW, text), "2026-11-26T18:24:01Z");
	assert_string_equal(pwned_day_text(NOW, text), "2026-11-26");
	assert_string_equal(pwned_time_text(253402300799, text),
			    "9999-12-31T23:59:59Z");
	/* a damaged record */
	assert_non_null(pwned_time_text(UINT64_MAX, text));
	assert_string_equal(pwned_day_text(UINT64_MAX / 2, text),
			    "never to come");
}

static void days_are_read(void **state)
{
	static const struct {
		const char *text, *end;
	} good[] = {
		{ "2026-11-26", "2026-11-26T23:59:59Z" },
		{ "2028-02-29", "2028-02-29T23:59:59Z" },
		{ "9999-12-31", "9999-12-31T23:59:59Z" },
	};
	static const char *const bad[] = {
		"",
		"tomorrow",
		"2026-1-1",
		"2026-11-31",
		"2027-02-29",
		"2026-00-10",
		"2026-13-01",
		"2026-11-00",
		"2026-11-26 ",
		" 2026-11-26",
		"26-11-2026",
		"2026/11/26",
		"2026-11-2x",
		"+026-11-26",
		"0000-00-00",
		"1969-12-31",
	};
	char text[PWNED_TIME_TEXT];
	uint64_t secs;

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(good); i++) {
		assert_true(pwned_day_end_parse(good[i].text, &secs));
		assert_string_equal(pwned_time_text(secs, text), good[i].end);
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		if (pwned_day_end_parse(bad[i], &secs))
			fail_msg("'%s' was read", bad[i]);
	}
}

static void numbers_are_read(void **state)
{
	static const char *const bad[] = {
		"",   "x",  "-1",  "+1", " 1",
		"1 ", "1d", "1.5", "11", "18446744073709551617"
	};
	uint64_t number;

	(void)state;
	assert_true(pwned_number_parse("0", 10, &number));
	assert_int_equal(number, 0);
	assert_true(pwned_number_parse("10", 10, &number));
	assert_int_equal(number, 10);
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		if (pwned_number_parse(bad[i], 10, &number))
			fail_msg("'%s' was read", bad[i]);
	}
}

static struct pwned_flag flagged(void)
{
	return (struct pwned_flag){
		.state = PWNED_FLAG_FLAGGED,
		.since_secs = NOW - DAY,
		.breached_secs = NOW - DAY,
		.decided_secs = NOW - DAY,
		.band = PWNED_BAND_10,
		.service = "imap",
	};
}

static void assert_outlook(const struct pwned_flag *flag, const char *expected)
{
	char text[PWNED_OUTLOOK_TEXT];

	pwned_outlook_text(&outlook, flag, text);
	assert_string_equal(text, expected);
}

#define CLEARS  "; a login with a clean password clears it"
#define EXPIRES "; unseen, it expires on 2027-02-23"

static void outlooks_of_flags(void **state)
{
	struct pwned_flag flag = flagged();

	(void)state;
	assert_outlook(
		&flag,
		"nothing: no rule of the policy stops sending" CLEARS EXPIRES);
	flag.decided_secs = 0;
	assert_outlook(
		&flag,
		"nothing: it was seen in a dry run alone" CLEARS EXPIRES);
	flag.decided_secs = NOW - DAY;
	flag.stop_secs = NOW + 13 * DAY;
	assert_outlook(&flag, "sending stops on 2026-12-09" CLEARS EXPIRES);
	flag.stop_secs = NOW;
	assert_outlook(&flag, "logins to send are refused" CLEARS EXPIRES);
	strcpy(flag.hold_text, "No.");
	assert_outlook(&flag, "MTAs refuse its mail" CLEARS EXPIRES);
	flag.contested = true;
	assert_outlook(&flag, "MTAs refuse its mail" CLEARS
			      " if none with a breached one came in time "
			      "before, so not before 2026-11-26" EXPIRES);
}

static void outlooks_of_others(void **state)
{
	struct pwned_flag flag = { .state = PWNED_FLAG_NONE };

	(void)state;
	assert_outlook(&flag, "nothing");
	flag = flagged();
	flag.exempt_until_secs = NOW + 1;
	assert_outlook(&flag, "it is not checked until the end of 2026-11-26");
	flag.suspended_secs = NOW;
	assert_outlook(&flag, "sending is refused until an operator clears it");
	flag = flagged();
	flag.state = PWNED_FLAG_CLEARED;
	flag.cleared_secs = NOW;
	assert_outlook(&flag, "its dates are forgotten on 2027-02-24");
}

static void a_dry_run_is_told(void **state)
{
	struct pwned_outlook dry = outlook;
	struct pwned_flag flag = flagged();
	char text[PWNED_OUTLOOK_TEXT];

	(void)state;
	dry.dry_run = true;
	flag.suspended_secs = NOW;
	pwned_outlook_text(&dry, &flag, text);
	assert_string_equal(text,
			    "sending is refused until an operator clears it; "
			    "in a dry run, as now, nobody is refused");
	/* the longest */
	flag.suspended_secs = 0;
	flag.contested = true;
	pwned_outlook_text(&dry, &flag, text);
	assert_non_null(strstr(text, "nobody is refused"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_told),
		cmocka_unit_test(days_are_read),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(outlooks_of_flags),
		cmocka_unit_test(outlooks_of_others),
		cmocka_unit_test(a_dry_run_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
