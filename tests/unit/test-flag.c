/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What logins, time and operators make of a record. */

#include "support/unit.h"
#include "flag.h"

#include <string.h>

#define HOUR UINT64_C(3600)
#define DAY  (24 * HOUR)
#define NOW  UINT64_C(1795000000)
#define TEXT "no mail"

static const struct pwned_flag_rules rules = {
	.clear_after_secs = DAY,
	.expire_secs = 90 * DAY,
};

static struct pwned_flag_news breached_at(uint64_t now)
{
	return (struct pwned_flag_news){
		.user = "anna",
		.saying = PWNED_SAYING_BREACHED,
		.now_secs = now,
		.service = "imap",
		.band = PWNED_BAND_10,
		.stops = true,
		.grace_secs = 14 * DAY,
	};
}

static struct pwned_flag_news clean_at(uint64_t now)
{
	return (struct pwned_flag_news){
		.user = "anna",
		.saying = PWNED_SAYING_CLEAN,
		.now_secs = now,
		.service = "imap",
	};
}

static void says(struct pwned_flag *flag, struct pwned_flag_news news,
		 enum pwned_flag_change change)
{
	bool hold_changed;

	assert_int_equal(pwned_flag_apply(flag, &news, &rules, &hold_changed),
			 change);
}

static struct pwned_flag flagged_at(uint64_t now)
{
	struct pwned_flag flag = { .state = PWNED_FLAG_NONE };

	says(&flag, breached_at(now), PWNED_FLAG_RAISED);
	return flag;
}

static void a_breached_login_flags(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);

	(void)state;
	assert_int_equal(flag.state, PWNED_FLAG_FLAGGED);
	assert_int_equal(flag.since_secs, NOW);
	assert_int_equal(flag.breached_secs, NOW);
	assert_int_equal(flag.decided_secs, NOW);
	assert_int_equal(flag.stop_secs, NOW + 14 * DAY);
	assert_int_equal(flag.refused_secs, 0);
	assert_int_equal(flag.band, PWNED_BAND_10);
	assert_string_equal(flag.service, "imap");
	assert_false(flag.contested);
}

static void a_dry_run_starts_no_grace(void **state)
{
	struct pwned_flag flag = { .state = PWNED_FLAG_NONE };
	struct pwned_flag_news news = breached_at(NOW);

	(void)state;
	news.dry_run = true;
	says(&flag, news, PWNED_FLAG_RAISED);
	assert_int_equal(flag.decided_secs, 0);
	assert_int_equal(flag.stop_secs, 0);
	/* the first that is none does, at once */
	says(&flag, breached_at(NOW + HOUR), PWNED_FLAG_RENEWED);
	assert_int_equal(flag.decided_secs, NOW + HOUR);
	assert_int_equal(flag.stop_secs, NOW + HOUR + 14 * DAY);
	assert_int_equal(flag.since_secs, NOW);
}

static void nothing_new_is_written_once_a_day(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);
	struct pwned_flag_news news = breached_at(NOW + DAY - 1);

	(void)state;
	news.service = "pop3";
	news.band = PWNED_BAND_1;
	news.grace_secs = 20 * DAY;
	says(&flag, news, PWNED_FLAG_SAME);
	assert_string_equal(flag.service, "imap");
	news.now_secs++;
	says(&flag, news, PWNED_FLAG_RENEWED);
	assert_string_equal(flag.service, "pop3");
	assert_int_equal(flag.band, PWNED_BAND_1);
	assert_int_equal(flag.breached_secs, NOW + DAY);
	assert_int_equal(flag.decided_secs, NOW);
	assert_int_equal(flag.stop_secs, NOW + 20 * DAY);
}

static void what_is_new_is_written_at_once(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);
	struct pwned_flag_news news = breached_at(NOW + 1);

	(void)state;
	news.band = PWNED_BAND_1000;
	says(&flag, news, PWNED_FLAG_RENEWED);
	says(&flag, news, PWNED_FLAG_SAME);
	news.refused = true;
	says(&flag, news, PWNED_FLAG_RENEWED);
	assert_int_equal(flag.refused_secs, NOW + 1);
	says(&flag, news, PWNED_FLAG_SAME);
	news.grace_secs = 7 * DAY;
	says(&flag, news, PWNED_FLAG_RENEWED);
	assert_int_equal(flag.stop_secs, NOW + 7 * DAY);
	/* two protocols do not write by turns */
	news.grace_secs = 14 * DAY;
	says(&flag, news, PWNED_FLAG_SAME);
	news.stops = false;
	says(&flag, news, PWNED_FLAG_SAME);
}

static void a_clean_login_clears(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);

	(void)state;
	says(&flag, clean_at(NOW + 1), PWNED_FLAG_LOWERED);
	assert_int_equal(flag.state, PWNED_FLAG_CLEARED);
	assert_int_equal(flag.cleared_secs, NOW + 1);
	assert_int_equal(flag.since_secs, NOW);
	assert_int_equal(flag.decided_secs, NOW);
	says(&flag, clean_at(NOW + 2), PWNED_FLAG_SAME);
	flag = (struct pwned_flag){ .state = PWNED_FLAG_NONE };
	says(&flag, clean_at(NOW), PWNED_FLAG_SAME);
	assert_true(pwned_flag_is_empty(&flag));
}

/* A phone with a clean app password beside a thief. */
static void one_that_returns_is_not_cleared_at_once(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);

	(void)state;
	says(&flag, clean_at(NOW + HOUR), PWNED_FLAG_LOWERED);
	says(&flag, breached_at(NOW + 2 * HOUR), PWNED_FLAG_RETURNED);
	assert_true(flag.contested);
	assert_int_equal(flag.since_secs, NOW);
	assert_int_equal(flag.stop_secs, NOW + 14 * DAY);
	says(&flag, clean_at(NOW + 2 * HOUR + DAY - 1), PWNED_FLAG_SAME);
	assert_int_equal(flag.state, PWNED_FLAG_FLAGGED);
	says(&flag, clean_at(NOW + 2 * HOUR + DAY), PWNED_FLAG_LOWERED);
	/* from then on */
	says(&flag, breached_at(NOW + 3 * DAY), PWNED_FLAG_RETURNED);
	says(&flag, clean_at(NOW + 3 * DAY + 1), PWNED_FLAG_SAME);
}

/* Its last breached login decides, so that is written more often. */
static void the_last_breached_login_of_one_that_returned(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);

	(void)state;
	says(&flag, clean_at(NOW), PWNED_FLAG_LOWERED);
	says(&flag, breached_at(NOW), PWNED_FLAG_RETURNED);
	says(&flag, breached_at(NOW + HOUR - 1), PWNED_FLAG_SAME);
	says(&flag, breached_at(NOW + HOUR), PWNED_FLAG_RENEWED);
	says(&flag, clean_at(NOW + DAY), PWNED_FLAG_SAME);
	says(&flag, clean_at(NOW + HOUR + DAY), PWNED_FLAG_LOWERED);
}

static void holds_come_and_go(void **state)
{
	struct pwned_flag flag = { .state = PWNED_FLAG_NONE };
	struct pwned_flag_news news = breached_at(NOW);
	bool changed;

	(void)state;
	news.hold_text = TEXT;
	(void)pwned_flag_apply(&flag, &news, &rules, &changed);
	assert_true(changed);
	assert_string_equal(flag.hold_text, TEXT);
	assert_int_equal(pwned_flag_apply(&flag, &news, &rules, &changed),
			 PWNED_FLAG_SAME);
	assert_false(changed);
	/* a login at a service that holds nothing leaves it */
	news.hold_text = NULL;
	assert_int_equal(pwned_flag_apply(&flag, &news, &rules, &changed),
			 PWNED_FLAG_SAME);
	news.hold_text = "another text";
	assert_int_equal(pwned_flag_apply(&flag, &news, &rules, &changed),
			 PWNED_FLAG_RENEWED);
	assert_true(changed);
	news = clean_at(NOW + 1);
	assert_int_equal(pwned_flag_apply(&flag, &news, &rules, &changed),
			 PWNED_FLAG_LOWERED);
	assert_true(changed);
	assert_string_equal(flag.hold_text, "");
}

static void a_suspension_stays_whatever_the_password(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);
	struct pwned_flag_news news = breached_at(NOW + 1);
	bool changed;

	(void)state;
	pwned_flag_suspend(&flag, NOW, TEXT);
	assert_int_equal(pwned_flag_status_of(&flag, NOW),
			 PWNED_STATUS_SUSPENDED);
	news.hold_text = "another text";
	(void)pwned_flag_apply(&flag, &news, &rules, &changed);
	assert_false(changed);
	says(&flag, clean_at(NOW + 2), PWNED_FLAG_LOWERED);
	assert_string_equal(flag.hold_text, TEXT);
	assert_int_equal(flag.suspended_secs, NOW);
	pwned_flag_clear(&flag, NOW + 3);
	assert_int_equal(flag.suspended_secs, 0);
	assert_string_equal(flag.hold_text, "");
	assert_int_equal(flag.state, PWNED_FLAG_CLEARED);
	/* of one who never was flagged nothing is left */
	flag = (struct pwned_flag){ .state = PWNED_FLAG_NONE };
	pwned_flag_suspend(&flag, NOW, TEXT);
	assert_false(pwned_flag_is_empty(&flag));
	pwned_flag_clear(&flag, NOW);
	assert_true(pwned_flag_is_empty(&flag));
}

static void an_operators_clearing_keeps_the_dates(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);

	(void)state;
	pwned_flag_clear(&flag, NOW + DAY);
	assert_int_equal(flag.state, PWNED_FLAG_CLEARED);
	says(&flag, breached_at(NOW + 20 * DAY), PWNED_FLAG_RETURNED);
	assert_int_equal(flag.since_secs, NOW);
	assert_int_equal(flag.stop_secs, NOW + 14 * DAY);
	assert_int_equal(pwned_flag_status_of(&flag, NOW + 20 * DAY),
			 PWNED_STATUS_STOPPED);
}

static void what_was_said_before_a_clearing_is_old(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);

	(void)state;
	pwned_flag_clear(&flag, NOW + 2);
	says(&flag, breached_at(NOW + 1), PWNED_FLAG_SAME);
	assert_int_equal(flag.state, PWNED_FLAG_CLEARED);
	says(&flag, breached_at(NOW + 2), PWNED_FLAG_RETURNED);
}

/* By a host that could not write for long. */
static void what_is_written_long_after_it_was_said(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);
	struct pwned_flag_news news = breached_at(NOW + HOUR);

	(void)state;
	news.hold_text = TEXT;
	says(&flag, clean_at(NOW + 2 * HOUR), PWNED_FLAG_LOWERED);
	news.applied_secs = NOW + 3 * HOUR;
	says(&flag, news, PWNED_FLAG_SAME);
	assert_int_equal(flag.state, PWNED_FLAG_CLEARED);
	assert_string_equal(flag.hold_text, "");
	/* a clock that was set back in between */
	news.applied_secs = NOW + HOUR + 1;
	says(&flag, news, PWNED_FLAG_RETURNED);
}

static void a_contested_one_is_renewed_in_parts(void **state)
{
	const struct pwned_flag_rules soon = {
		.clear_after_secs = HOUR,
		.expire_secs = 90 * DAY,
	};
	struct pwned_flag flag = flagged_at(NOW);
	struct pwned_flag_news news = breached_at(NOW + 59 * 60);
	bool ignored;

	(void)state;
	flag.contested = true;
	assert_int_equal(pwned_flag_apply(&flag, &news, &soon, &ignored),
			 PWNED_FLAG_RENEWED);
	news = clean_at(NOW + HOUR);
	assert_int_equal(pwned_flag_apply(&flag, &news, &soon, &ignored),
			 PWNED_FLAG_SAME);
}

/* The policy may have changed since, or the password. */
static void whom_nothing_holds_any_more_is_released(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);
	struct pwned_flag_news news = breached_at(NOW + 1);
	bool changed;

	(void)state;
	news.hold_text = TEXT;
	(void)pwned_flag_apply(&flag, &news, &rules, &changed);
	news.hold_text = NULL;
	news.frees = true;
	assert_int_equal(pwned_flag_apply(&flag, &news, &rules, &changed),
			 PWNED_FLAG_RENEWED);
	assert_true(changed);
	assert_string_equal(flag.hold_text, "");
	pwned_flag_suspend(&flag, NOW, TEXT);
	(void)pwned_flag_apply(&flag, &news, &rules, &changed);
	assert_string_equal(flag.hold_text, TEXT);
}

/* Told by a login that could not know it. */
static void who_is_exempt_is_not_held(void **state)
{
	struct pwned_flag flag = { .exempt_until_secs = NOW + DAY };
	struct pwned_flag_news news = breached_at(NOW);
	bool changed;

	(void)state;
	news.hold_text = TEXT;
	assert_int_equal(pwned_flag_apply(&flag, &news, &rules, &changed),
			 PWNED_FLAG_RAISED);
	assert_false(changed);
	assert_string_equal(flag.hold_text, "");
}

static void exempt_until_a_time(void **state)
{
	struct pwned_flag flag = { .state = PWNED_FLAG_NONE };
	struct pwned_flag_news news = breached_at(NOW);
	bool changed;

	(void)state;
	news.hold_text = TEXT;
	(void)pwned_flag_apply(&flag, &news, &rules, &changed);
	pwned_flag_exempt(&flag, NOW + DAY, NOW);
	assert_string_equal(flag.hold_text, "");
	assert_true(pwned_flag_is_exempt(&flag, NOW + DAY - 1));
	assert_false(pwned_flag_is_exempt(&flag, NOW + DAY));
	assert_int_equal(pwned_flag_status_of(&flag, NOW), PWNED_STATUS_EXEMPT);
	assert_int_equal(pwned_flag_age(&flag, NOW + DAY, &rules, &changed),
			 PWNED_FLAG_RENEWED);
	assert_int_equal(flag.exempt_until_secs, 0);
	/* who is suspended is not let off by it */
	pwned_flag_suspend(&flag, NOW, TEXT);
	pwned_flag_exempt(&flag, NOW + DAY, NOW);
	assert_string_equal(flag.hold_text, TEXT);
}

static void what_is_not_seen_expires(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);
	bool changed;

	(void)state;
	memcpy(flag.hold_text, TEXT, sizeof(TEXT));
	assert_int_equal(
		pwned_flag_age(&flag, NOW + 90 * DAY - 1, &rules, &changed),
		PWNED_FLAG_SAME);
	assert_int_equal(
		pwned_flag_age(&flag, NOW + 90 * DAY, &rules, &changed),
		PWNED_FLAG_LOWERED);
	assert_true(changed);
	assert_int_equal(flag.cleared_secs, NOW + 90 * DAY);
	assert_int_equal(
		pwned_flag_age(&flag, NOW + 180 * DAY - 1, &rules, &changed),
		PWNED_FLAG_SAME);
	assert_int_equal(
		pwned_flag_age(&flag, NOW + 180 * DAY, &rules, &changed),
		PWNED_FLAG_RENEWED);
	assert_true(pwned_flag_is_empty(&flag));
}

/* After that it is somebody else's first time. */
static void one_that_has_expired_begins_anew(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);
	uint64_t later = NOW + 200 * DAY;

	(void)state;
	says(&flag, clean_at(NOW + 1), PWNED_FLAG_LOWERED);
	says(&flag, breached_at(later), PWNED_FLAG_RAISED);
	assert_int_equal(flag.since_secs, later);
	assert_int_equal(flag.decided_secs, later);
	assert_false(flag.contested);
}

static void what_an_operator_said_does_not_expire(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);
	bool changed;

	(void)state;
	pwned_flag_suspend(&flag, NOW, TEXT);
	(void)pwned_flag_age(&flag, NOW + 90 * DAY, &rules, &changed);
	(void)pwned_flag_age(&flag, NOW + 180 * DAY, &rules, &changed);
	assert_int_equal(flag.state, PWNED_FLAG_NONE);
	assert_int_equal(flag.since_secs, 0);
	assert_int_equal(flag.suspended_secs, NOW);
	assert_string_equal(flag.hold_text, TEXT);
}

static void a_clock_that_goes_back(void **state)
{
	struct pwned_flag flag = flagged_at(NOW);
	bool changed;

	(void)state;
	assert_int_equal(pwned_flag_age(&flag, NOW - DAY, &rules, &changed),
			 PWNED_FLAG_SAME);
	/* a record of the time to come would never be renewed */
	says(&flag, breached_at(NOW - DAY), PWNED_FLAG_RENEWED);
	assert_int_equal(flag.breached_secs, NOW - DAY);
	says(&flag, clean_at(NOW - DAY), PWNED_FLAG_LOWERED);
	says(&flag, breached_at(NOW - 2 * DAY), PWNED_FLAG_RETURNED);
	says(&flag, clean_at(NOW - 3 * DAY), PWNED_FLAG_SAME);
}

static void how_an_account_stands(void **state)
{
	struct pwned_flag flag = { .state = PWNED_FLAG_NONE };

	(void)state;
	assert_int_equal(pwned_flag_status_of(&flag, NOW), PWNED_STATUS_NONE);
	flag = flagged_at(NOW);
	assert_int_equal(pwned_flag_status_of(&flag, NOW), PWNED_STATUS_GRACE);
	assert_int_equal(pwned_flag_status_of(&flag, NOW + 14 * DAY),
			 PWNED_STATUS_STOPPED);
	flag.stop_secs = 0;
	assert_int_equal(pwned_flag_status_of(&flag, NOW),
			 PWNED_STATUS_FLAGGED);
	pwned_flag_clear(&flag, NOW);
	assert_int_equal(pwned_flag_status_of(&flag, NOW),
			 PWNED_STATUS_CLEARED);
	assert_string_equal(pwned_flag_status_name(PWNED_STATUS_GRACE),
			    "grace");
}

static void domains(void **state)
{
	(void)state;
	assert_string_equal(pwned_user_domain("anna@Example.com"),
			    "Example.com");
	assert_string_equal(pwned_user_domain("a@b@c"), "c");
	assert_string_equal(pwned_user_domain("anna"), "");
	assert_string_equal(pwned_user_domain("anna@"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_breached_login_flags),
		cmocka_unit_test(a_dry_run_starts_no_grace),
		cmocka_unit_test(nothing_new_is_written_once_a_day),
		cmocka_unit_test(what_is_new_is_written_at_once),
		cmocka_unit_test(a_clean_login_clears),
		cmocka_unit_test(one_that_returns_is_not_cleared_at_once),
		cmocka_unit_test(the_last_breached_login_of_one_that_returned),
		cmocka_unit_test(holds_come_and_go),
		cmocka_unit_test(a_suspension_stays_whatever_the_password),
		cmocka_unit_test(an_operators_clearing_keeps_the_dates),
		cmocka_unit_test(what_was_said_before_a_clearing_is_old),
		cmocka_unit_test(what_is_written_long_after_it_was_said),
		cmocka_unit_test(a_contested_one_is_renewed_in_parts),
		cmocka_unit_test(whom_nothing_holds_any_more_is_released),
		cmocka_unit_test(who_is_exempt_is_not_held),
		cmocka_unit_test(exempt_until_a_time),
		cmocka_unit_test(what_is_not_seen_expires),
		cmocka_unit_test(one_that_has_expired_begins_anew),
		cmocka_unit_test(what_an_operator_said_does_not_expire),
		cmocka_unit_test(a_clock_that_goes_back),
		cmocka_unit_test(how_an_account_stands),
		cmocka_unit_test(domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
