/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of settings as what they parse to; data/settings-lines.txt has what
   is refused, and how. */

#include "support/unit.h"
#include "settings-value.h"

#include <string.h>

static const struct pwned_setting *setting(enum pwned_setting_id id)
{
	return &pwned_settings_table[id];
}

static void set_good(struct pwned_settings *set, enum pwned_setting_id id,
		     const char *value)
{
	struct pwned_error error;

	if (!pwned_setting_set(set, setting(id), value, &error))
		fail_msg("'%s' was refused: %s", value, error.text);
}

static void assert_refused(enum pwned_setting_id id, const char *value)
{
	struct pwned_settings set = { .sources = NULL };
	struct pwned_error error = { .text = "" };

	if (pwned_setting_set(&set, setting(id), value, &error))
		fail_msg("'%s' was taken", value);
	assert_string_not_equal(error.text, "");
	pwned_setting_unset(&set, setting(id));
}

static void times_have_dovecots_units(void **state)
{
	static const struct {
		const char *value;
		unsigned int msecs;
	} cases[] = {
		{ "0", 0 },           { "0 ms", 0 },         { "0s", 0 },
		{ "1 ms", 1 },        { "999 msecs", 999 },  { "1 msec", 1 },
		{ "1s", 1000 },       { "1 sec", 1000 },     { "7 secs", 7000 },
		{ "1 second", 1000 }, { "8 seconds", 8000 }, { "8000ms", 8000 },
		{ "2   s", 2000 },    { "3 S", 3000 },       { "0 min", 0 },
		{ "0 weeks", 0 },     { "0007 s", 7000 },
	};
	struct pwned_settings set = { .sources = NULL };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		set_good(&set, PWNED_SET_WAIT, cases[i].value);
		assert_int_equal(set.wait_msecs, cases[i].msecs);
	}
	set_good(&set, PWNED_SET_FETCH_TIMEOUT, "1 minute");
	assert_int_equal(set.fetch_timeout_msecs, 60000);
}

static void ages_are_whole_days(void **state)
{
	static const struct {
		const char *value;
		unsigned int days;
	} cases[] = {
		{ "1 day", 1 },  { "1d", 1 },     { "365 days", 365 },
		{ "1 week", 7 }, { "52 W", 364 }, { "2weeks", 14 },
	};
	struct pwned_settings set = { .sources = NULL };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		set_good(&set, PWNED_SET_STORE_MAX_AGE, cases[i].value);
		assert_int_equal(set.store_max_age_days, cases[i].days);
	}
	set_good(&set, PWNED_SET_STORE_STALE, "3650 days");
	assert_int_equal(set.store_stale_days, 3650);
	/* no day is cut in pieces, and none is meant without a unit */
	assert_refused(PWNED_SET_STORE_MAX_AGE, "24 hours");
	assert_refused(PWNED_SET_STORE_MAX_AGE, "86400 s");
	assert_refused(PWNED_SET_STORE_MAX_AGE, "7");
	assert_refused(PWNED_SET_STORE_MAX_AGE, "0");
	assert_refused(PWNED_SET_STORE_MAX_AGE, "366 days");
	assert_refused(PWNED_SET_STORE_MAX_AGE, "4294967297 days");
	assert_refused(PWNED_SET_STORE_MAX_AGE, "2635249153387078803 weeks");
}

static void folders_and_groups_are_names(void **state)
{
	struct pwned_settings set = { .sources = NULL };

	(void)state;
	set_good(&set, PWNED_SET_STORE, "/var/cache/dovecot pwned");
	assert_string_equal(set.store, "/var/cache/dovecot pwned");
	set_good(&set, PWNED_SET_STORE, "");
	assert_string_equal(set.store, "");
	set_good(&set, PWNED_SET_STORE_GROUP, "www-data");
	assert_string_equal(set.store_group, "www-data");
	set_good(&set, PWNED_SET_STORE_GROUP, "_Panel.1$");
	set_good(&set, PWNED_SET_STORE_GROUP, "");
	assert_string_equal(set.store_group, "");
	assert_refused(PWNED_SET_STORE, "cache");
	assert_refused(PWNED_SET_STORE, "/var/cache/dovecot-pwned/");
	assert_refused(PWNED_SET_STORE, "/var/cache/dovecot-pwned/.");
	assert_refused(PWNED_SET_STORE, "/var/cache/..");
	assert_refused(PWNED_SET_STORE, "/");
	assert_refused(PWNED_SET_STATE_DIR, "./state");
	assert_refused(PWNED_SET_STORE_GROUP, "www data");
	assert_refused(PWNED_SET_STORE_GROUP, "-g");
	assert_refused(PWNED_SET_STORE_GROUP, "a:b");
	assert_refused(PWNED_SET_STORE_GROUP, "../etc");
	assert_refused(PWNED_SET_STORE_GROUP, "bÃ¼ro");
	pwned_setting_unset(&set, setting(PWNED_SET_STORE));
	pwned_setting_unset(&set, setting(PWNED_SET_STORE_GROUP));
	assert_null(set.store);
	assert_null(set.store_group);
}

static void numbers_too_large_do_not_wrap(void **state)
{
	static const char *const values[] = {
		"1 min",
		"1 hour",
		"1 day",
		"1 week",
		"8001 ms",
		"4294967296 ms",
		"4294968296 ms",
		"4294967295 weeks",
		"99999999999999999999 s",
		"18446744073709551617 ms",
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(values); i++)
		assert_refused(PWNED_SET_WAIT, values[i]);
	assert_refused(PWNED_SET_CACHE_SIZE, "16777217 TB");
	assert_refused(PWNED_SET_CACHE_SIZE, "17179869185 G");
	assert_refused(PWNED_SET_CACHE_SIZE, "4294967295 GiB");
	assert_refused(PWNED_SET_BRAKE_SHARE, "4294967296 %");
	/* 2^64 and a little */
	assert_refused(PWNED_SET_STORE_MAX_SIZE, "16777216 TB");
	assert_refused(PWNED_SET_STORE_MAX_SIZE, "17179869184 GB");
	assert_refused(PWNED_SET_STORE_MAX_SIZE, "18446744073709551617");
	assert_refused(PWNED_SET_STORE_MAX_SIZE, "99999999999999999999");
}

static void sizes_have_dovecots_units(void **state)
{
	static const struct {
		const char *value;
		uint64_t bytes;
	} cases[] = {
		{ "65536", 65536 },       { "65536 B", 65536 },
		{ "64K", 65536 },         { "64 kb", 65536 },
		{ "65 KiB", 66560 },      { "1M", 1048576 },
		{ "64 MB", 67108864 },    { "2MiB", 2097152 },
		{ "67108864", 67108864 },
	};
	struct pwned_settings set = { .sources = NULL };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		set_good(&set, PWNED_SET_CACHE_SIZE, cases[i].value);
		assert_int_equal(set.cache_size, cases[i].bytes);
	}
	assert_refused(PWNED_SET_CACHE_SIZE, "67108865");
}

static void shares_may_have_their_sign(void **state)
{
	struct pwned_settings set = { .sources = NULL };

	(void)state;
	set_good(&set, PWNED_SET_BRAKE_SHARE, "35");
	assert_int_equal(set.brake_share_percent, 35);
	set_good(&set, PWNED_SET_BRAKE_SHARE, "100 %");
	assert_int_equal(set.brake_share_percent, 100);
	set_good(&set, PWNED_SET_BRAKE_SHARE, "0%");
	assert_int_equal(set.brake_share_percent, 0);
	assert_refused(PWNED_SET_BRAKE_SHARE, "%");
	assert_refused(PWNED_SET_BRAKE_SHARE, "20 %%");
}

static void switches_are_dovecots(void **state)
{
	struct pwned_settings set = { .dry_run = false };

	(void)state;
	set_good(&set, PWNED_SET_DRY_RUN, "yes");
	assert_true(set.dry_run);
	set_good(&set, PWNED_SET_DRY_RUN, "no");
	assert_false(set.dry_run);
	set_good(&set, PWNED_SET_DRY_RUN, "YES");
	assert_true(set.dry_run);
	set_good(&set, PWNED_SET_DRY_RUN, "No");
	assert_false(set.dry_run);
	assert_refused(PWNED_SET_DRY_RUN, "yess");
	assert_refused(PWNED_SET_DRY_RUN, "nope");
}

static void on_unknown_is_one_of_two(void **state)
{
	struct pwned_settings set = { .sources = NULL };

	(void)state;
	set_good(&set, PWNED_SET_ON_UNKNOWN, "tempfail");
	assert_int_equal(set.on_unknown, PWNED_ACTION_TEMPFAIL);
	set_good(&set, PWNED_SET_ON_UNKNOWN, "allow");
	assert_int_equal(set.on_unknown, PWNED_ACTION_ALLOW);
	assert_refused(PWNED_SET_ON_UNKNOWN, "warn");
	assert_refused(PWNED_SET_ON_UNKNOWN, "");
}

static void sources_keep_their_order(void **state)
{
	struct pwned_settings set = { .sources = NULL };

	(void)state;
	set_good(&set, PWNED_SET_SOURCE,
		 "  http://1.example/{prefix}\thttps://2.example:8443/r/  ");
	assert_string_equal(set.sources[0], "http://1.example/{prefix}");
	assert_string_equal(set.sources[1], "https://2.example:8443/r/");
	assert_null(set.sources[2]);
	set_good(&set, PWNED_SET_SOURCE,
		 "http://1/ http://2/ http://3/ "
		 "http://4/ http://5/ http://6/ "
		 "http://7/ http://8/");
	assert_string_equal(set.sources[7], "http://8/");
	assert_null(set.sources[8]);
	pwned_setting_unset(&set, setting(PWNED_SET_SOURCE));
	assert_null(set.sources);
}

/* A value that is refused leaves no trace, also where others were good. */
static void what_is_refused_changes_nothing(void **state)
{
	struct pwned_settings set = { .sources = NULL };
	struct pwned_error error;

	(void)state;
	set_good(&set, PWNED_SET_SOURCE, "https://good.example/");
	set_good(&set, PWNED_SET_WAIT, "3 s");
	assert_false(pwned_setting_set(&set, setting(PWNED_SET_SOURCE),
				       "https://other.example/ bad", &error));
	assert_false(pwned_setting_set(&set, setting(PWNED_SET_WAIT), "9 s",
				       &error));
	assert_string_equal(set.sources[0], "https://good.example/");
	assert_int_equal(set.wait_msecs, 3000);
	pwned_setting_unset(&set, setting(PWNED_SET_SOURCE));
}

static void texts_are_one_line_of_printable_ascii(void **state)
{
	struct pwned_settings set = { .sources = NULL };
	char all[96];

	(void)state;
	for (unsigned int c = ' '; c <= '~'; c++)
		all[c - ' '] = (char)c;
	all['~' - ' ' + 1] = '\0';
	set_good(&set, PWNED_SET_MESSAGE, all);
	assert_string_equal(set.message, all);
	pwned_setting_unset(&set, setting(PWNED_SET_MESSAGE));

	assert_refused(PWNED_SET_MESSAGE, "two\nlines");
	assert_refused(PWNED_SET_MESSAGE, "two\rlines");
	assert_refused(PWNED_SET_MESSAGE, "a\ttab");
	assert_refused(PWNED_SET_MESSAGE, "\x1b[31mred");
	assert_refused(PWNED_SET_MESSAGE, "\x7f");
	assert_refused(PWNED_SET_MESSAGE, "Ge\xc3\xa4ndert");
	assert_refused(PWNED_SET_WARNING, "\x01");
	assert_refused(PWNED_SET_URL, "https://example.com/\xc3\xa4");
	assert_refused(PWNED_SET_SOURCE, "https://ex\x01mple.com/");
}

static void the_policy_is_replaced(void **state)
{
	struct pwned_settings set = { .sources = NULL };

	(void)state;
	set_good(&set, PWNED_SET_POLICY, "*=deny");
	set_good(&set, PWNED_SET_POLICY, "imap=warn");
	assert_false(pwned_policy_may_stop(set.policy, "smtp"));
	assert_true(pwned_policy_checks(set.policy, "imap"));
	pwned_setting_unset(&set, setting(PWNED_SET_POLICY));
	assert_null(set.policy);
	assert_refused(PWNED_SET_POLICY, "imap=warn imap=off");
}

static void ranges_are_said_in_words(void **state)
{
	static const struct {
		enum pwned_setting_id id;
		const char *words;
	} cases[] = {
		{ PWNED_SET_WAIT, "a time from 0 ms to 8 s" },
		{ PWNED_SET_FETCH_TIMEOUT, "a time from 100 ms to 60 s" },
		{ PWNED_SET_CACHE_SIZE, "a size from 64 KB to 64 MB" },
		{ PWNED_SET_STORE_MAX_SIZE, "a size from 0 to 64 GB" },
		{ PWNED_SET_STORE_MAX_AGE, "a time from 1 to 365 days" },
		{ PWNED_SET_BRAKE_SHARE, "a share from 0 to 100 %" },
		{ PWNED_SET_DRY_RUN, "yes or no" },
		{ PWNED_SET_SOURCE, "" },
		{ PWNED_SET_URL, "" },
		{ PWNED_SET_STORE, "" },
		{ PWNED_SET_STORE_GROUP, "" },
		{ PWNED_SET_POLICY, "" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char text[64] = "untouched";

		pwned_setting_write_range(setting(cases[i].id), text,
					  sizeof(text));
		assert_string_equal(text, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_have_dovecots_units),
		cmocka_unit_test(ages_are_whole_days),
		cmocka_unit_test(folders_and_groups_are_names),
		cmocka_unit_test(numbers_too_large_do_not_wrap),
		cmocka_unit_test(sizes_have_dovecots_units),
		cmocka_unit_test(shares_may_have_their_sign),
		cmocka_unit_test(switches_are_dovecots),
		cmocka_unit_test(on_unknown_is_one_of_two),
		cmocka_unit_test(sources_keep_their_order),
		cmocka_unit_test(what_is_refused_changes_nothing),
		cmocka_unit_test(texts_are_one_line_of_printable_ascii),
		cmocka_unit_test(the_policy_is_replaced),
		cmocka_unit_test(ranges_are_said_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
