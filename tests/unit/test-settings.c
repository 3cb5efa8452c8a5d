/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings file as a whole: lines, comments, quotes, errors. What a line
   means stands in data/settings-lines.txt. */

#include "support/unit.h"
#include "pwned-settings.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH            "/etc/dovecot/dovecot-pwned.conf.ext"
#define LINES_TOTAL_MIN 90

static bool parse(const char *text, struct pwned_settings *set_r,
		  struct pwned_error *error_r)
{
	return pwned_settings_parse(text, strlen(text), PATH, set_r, error_r);
}

static void parse_good(const char *text, struct pwned_settings *set_r)
{
	struct pwned_error error;

	if (!parse(text, set_r, &error))
		fail_msg("refused: %s\n%s", text, error.text);
}

static void assert_empty(const struct pwned_settings *set)
{
	assert_null(set->sources);
	assert_null(set->policy);
	assert_null(set->url);
	assert_null(set->source_proxy_auth_file);
	assert_null(set->store);
	assert_null(set->state_dir);
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		assert_null(set->values[i]);
		assert_int_equal(set->lines[i], 0);
	}
}

static void assert_error(const char *text, const char *expected)
{
	struct pwned_settings set;
	struct pwned_error error;

	if (parse(text, &set, &error))
		fail_msg("taken: %s", text);
	assert_string_equal(error.text, expected);
	assert_empty(&set);
}

static void assert_value(const char *text, enum pwned_setting_id id,
			 const char *expected)
{
	struct pwned_settings set;

	parse_good(text, &set);
	assert_string_equal(set.values[id], expected);
	pwned_settings_free(&set);
}

static void an_empty_file_has_the_defaults(void **state)
{
	struct pwned_ruling ruling;
	struct pwned_settings set;

	(void)state;
	parse_good("", &set);
	assert_string_equal(set.sources[0],
			    "https://api.pwnedpasswords.com/range/");
	assert_null(set.sources[1]);
	assert_string_equal(set.source_ca_file, "");
	assert_string_equal(set.source_proxy, "");
	assert_string_equal(set.source_proxy_auth_file, "");
	assert_true(set.source_padding);
	assert_int_equal(set.wait_msecs, 1000);
	assert_int_equal(set.fetch_timeout_msecs, 5000);
	pwned_policy_decide(set.policy, "smtp", 1, &ruling);
	assert_int_equal(ruling.action, PWNED_ACTION_DENY);
	assert_int_equal(ruling.grace_secs, 0);
	assert_false(set.flags.shared);
	assert_int_equal(set.flag_expire_days, 90);
	assert_int_equal(set.clear_after_msecs, 24 * 3600 * 1000);
	assert_false(pwned_exempt_has(set.exempt, "anna", "192.0.2.1"));
	assert_string_equal(set.hold_group, "");
	assert_string_equal(set.hold_message, "");
	assert_string_equal(set.suspend_message, "");
	assert_int_equal(set.on_unknown, PWNED_ACTION_ALLOW);
	assert_false(set.dry_run);
	assert_int_equal(set.brake_share_percent, 20);
	assert_string_equal(set.url, "");
	assert_string_equal(set.message, "");
	assert_string_equal(set.warning, "");
	assert_string_equal(set.store_group, "");
	assert_int_equal(set.store_max_age_days, 7);
	assert_int_equal(set.store_stale_days, 365);
	assert_int_equal(set.store_max_size, UINT64_C(4) << 30);
	assert_int_equal(set.cache_size, 8 * 1024 * 1024);
	/* where these are, ./configure says */
	assert_int_equal(*set.store, '/');
	assert_int_equal(*set.state_dir, '/');
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		assert_string_equal(set.values[i],
				    pwned_settings_table[i].default_value);
		assert_int_equal(set.lines[i], 0);
	}
	pwned_settings_free(&set);
	assert_empty(&set);
}

/* The first setting that a line names. */
static enum pwned_setting_id setting_of(const char *line)
{
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		const char *name = pwned_settings_table[i].name;
		const char *found = strstr(line, name);

		if (found != NULL && strspn(found + strlen(name), " =") > 0)
			return i;
	}
	fail_msg("names no setting: %s", line);
	return PWNED_SET_COUNT;
}

static void check_error(const char *line, const char *expected)
{
	char text[600];

	(void)snprintf(text, sizeof(text), PATH " line 1: %s", expected);
	assert_error(line, text);
}

/* What stands behind a keyword and one blank, or nothing; NULL where the
   record is of another kind. */
static const char *after_keyword(const char *record, const char *keyword)
{
	size_t size = strlen(keyword);

	if (strncmp(record, keyword, size) != 0)
		return NULL;
	return record[size] == ' ' ? record + size + 1 : record + size;
}

static FILE *open_lines(void)
{
	const char *top_srcdir = getenv("top_srcdir");
	char path[4096];
	FILE *file;

	if (top_srcdir == NULL)
		top_srcdir = ".";
	(void)snprintf(path, sizeof(path),
		       "%s/tests/unit/data/settings-lines.txt", top_srcdir);
	file = fopen(path, "r");
	if (file == NULL)
		fail_msg("%s cannot be opened", path);
	return file;
}

static void every_line_means_what_the_list_says(void **state)
{
	FILE *file = open_lines();
	char record[512], line[512] = "";
	unsigned int checked = 0;
	const char *rest;

	(void)state;
	while (fgets(record, sizeof(record), file) != NULL) {
		record[strcspn(record, "\n")] = '\0';
		if (*record == '\0' || *record == '#')
			continue;
		rest = after_keyword(record, "line:");
		if (rest != NULL) {
			(void)snprintf(line, sizeof(line), "%s", rest);
			continue;
		}
		if ((rest = after_keyword(record, "value:")) != NULL)
			assert_value(line, setting_of(line), rest);
		else if ((rest = after_keyword(record, "error:")) != NULL)
			check_error(line, rest);
		else
			fail_msg("no such record: %s", record);
		checked++;
	}
	(void)fclose(file);
	assert_true(checked >= LINES_TOTAL_MIN);
}

static void comments_and_empty_lines_count_as_lines(void **state)
{
	struct pwned_settings set;

	(void)state;
	parse_good("# the file\n"
		   "\n"
		   "   # a comment with = in it\n"
		   "\t \t\n"
		   "pwned_wait = 2 s\n"
		   "#pwned_wait = 3 s\n"
		   "pwned_url = https://example.com/\n",
		   &set);
	assert_int_equal(set.wait_msecs, 2000);
	assert_int_equal(set.lines[PWNED_SET_WAIT], 5);
	assert_int_equal(set.lines[PWNED_SET_URL], 7);
	assert_int_equal(set.lines[PWNED_SET_POLICY], 0);
	pwned_settings_free(&set);
}

static void line_ends_do_not_matter(void **state)
{
	static const char *const files[] = {
		"pwned_wait = 2 s\npwned_dry_run = yes\n",
		"pwned_wait = 2 s\npwned_dry_run = yes",
		"pwned_wait = 2 s\r\npwned_dry_run = yes\r\n",
		"pwned_wait = 2 s\r\npwned_dry_run = yes",
		"\r\npwned_wait = 2 s # said\r\n\r\npwned_dry_run = yes\r\n",
		"pwned_wait\t=\t2 s\t\n\tpwned_dry_run = yes\t# now\n",
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		struct pwned_settings set;

		parse_good(files[i], &set);
		assert_int_equal(set.wait_msecs, 2000);
		assert_string_equal(set.values[PWNED_SET_WAIT], "2 s");
		assert_true(set.dry_run);
		pwned_settings_free(&set);
	}
}

static void quotes_keep_blanks(void **state)
{
	(void)state;
	assert_value("pwned_message = \"  both ends  \"  \n", PWNED_SET_MESSAGE,
		     "  both ends  ");
}

/* The fragment of a URL needs quotes; nothing of it is lost in silence. */
static void a_hash_within_a_word_is_kept_or_refused(void **state)
{
	(void)state;
	assert_value("pwned_url = 'https://example.com/#new' # where\n",
		     PWNED_SET_URL, "https://example.com/#new");
	assert_error("pwned_url = https://example.com/#new # where\n",
		     PATH " line 1: expected a blank before a comment, or "
			  "quotes around a value with a # in it");
	assert_value("pwned_message = C and #1\n", PWNED_SET_MESSAGE, "C and");
}

/* Values as Dovecot 2.4 hands them over. */
static void values_need_no_file(void **state)
{
	const char *values[PWNED_SET_COUNT] = {
		[PWNED_SET_WAIT] = "1500 ms",
		[PWNED_SET_POLICY] = "imap=deny",
		[PWNED_SET_MESSAGE] = " C# and $5 ",
	};
	struct pwned_settings set;
	struct pwned_error error;

	(void)state;
	assert_true(pwned_settings_from_values(values, &set, &error));
	assert_int_equal(set.wait_msecs, 1500);
	assert_true(pwned_policy_may_stop(set.policy, "imap"));
	assert_string_equal(set.message, " C# and $5 ");
	assert_int_equal(set.fetch_timeout_msecs, 5000);
	assert_int_equal(set.lines[PWNED_SET_WAIT], 0);
	pwned_settings_free(&set);

	values[PWNED_SET_FETCH_TIMEOUT] = "1 s";
	assert_false(pwned_settings_from_values(values, &set, &error));
	assert_string_equal(error.text,
			    "pwned_wait: expected pwned_wait to be no longer "
			    "than pwned_fetch_timeout");
	assert_empty(&set);
	values[PWNED_SET_FETCH_TIMEOUT] = "soon";
	assert_false(pwned_settings_from_values(values, &set, &error));
	assert_string_equal(error.text,
			    "pwned_fetch_timeout: 'soon': expected a time from "
			    "100 ms to 60 s");
	assert_empty(&set);
}

static void parse_two(const char *one, const char *two,
		      enum pwned_settings_part part, const char *expected)
{
	struct pwned_settings sets[2];
	enum pwned_setting_id id;

	parse_good(one, &sets[0]);
	parse_good(two, &sets[1]);
	if (!pwned_settings_differ(&sets[0], &sets[1], part, &id))
		assert_null(expected);
	else if (expected == NULL)
		fail_msg("%s differs", pwned_settings_table[id].name);
	else
		assert_string_equal(pwned_settings_table[id].name, expected);
	pwned_settings_free(&sets[0]);
	pwned_settings_free(&sets[1]);
}

static void a_difference_is_one_of_meaning(void **state)
{
	(void)state;
	parse_two("pwned_wait = 2 s\npwned_dry_run = yes\n"
		  "pwned_cache_size = 1 MB\n",
		  "pwned_wait = 2000 ms\npwned_dry_run = Y\n"
		  "pwned_cache_size = 1024K\n",
		  PWNED_SETTINGS_ALL, NULL);
	parse_two("pwned_wait = 2 s\n", "", PWNED_SETTINGS_ALL, "pwned_wait");
	parse_two("pwned_source = https://a.example/\n", "", PWNED_SETTINGS_ALL,
		  "pwned_source");
	parse_two("pwned_cache_size = 1 MB\n", "", PWNED_SETTINGS_ALL,
		  "pwned_cache_size");
	parse_two("pwned_message = a\n", "pwned_message = b\n",
		  PWNED_SETTINGS_ALL, "pwned_message");
	parse_two("pwned_store_max_age = 2 weeks\n"
		  "pwned_store_max_size = 8589934592\n",
		  "pwned_store_max_age = 14 days\n"
		  "pwned_store_max_size = 8 GB\n",
		  PWNED_SETTINGS_ALL, NULL);
	parse_two("pwned_store_max_age = 8 days\n", "", PWNED_SETTINGS_ALL,
		  "pwned_store_max_age");
	parse_two("pwned_store =\n", "", PWNED_SETTINGS_ALL, "pwned_store");
}

static void some_settings_are_one_for_a_server(void **state)
{
	(void)state;
	parse_two("pwned_policy = *=off\npwned_message = a\n"
		  "pwned_warning = b\npwned_url = https://a.example/\n"
		  "pwned_wait = 0\npwned_on_unknown = tempfail\n"
		  "pwned_dry_run = yes\n",
		  "", PWNED_SETTINGS_SERVER, NULL);
	parse_two("pwned_source = https://a.example/\n", "",
		  PWNED_SETTINGS_SERVER, "pwned_source");
	parse_two("pwned_source_padding = no\n", "", PWNED_SETTINGS_SERVER,
		  "pwned_source_padding");
	parse_two("pwned_fetch_timeout = 6 s\n", "", PWNED_SETTINGS_SERVER,
		  "pwned_fetch_timeout");
	parse_two("pwned_brake_share = 5\n", "", PWNED_SETTINGS_SERVER,
		  "pwned_brake_share");
	parse_two("pwned_cache_size = 1 MB\n", "", PWNED_SETTINGS_SERVER,
		  "pwned_cache_size");
	parse_two("pwned_store =\n", "", PWNED_SETTINGS_SERVER, "pwned_store");
	parse_two("pwned_store_max_size = 0\n", "", PWNED_SETTINGS_SERVER,
		  "pwned_store_max_size");
	parse_two("pwned_state_dir =\n", "", PWNED_SETTINGS_SERVER,
		  "pwned_state_dir");
}

static void the_size_ends_the_text(void **state)
{
	static const char text[] = "pwned_wait = 2 s\npwned_wait = 3 s\n";
	struct pwned_settings set;
	struct pwned_error error;

	(void)state;
	assert_true(pwned_settings_parse(text, 17, PATH, &set, &error));
	assert_int_equal(set.wait_msecs, 2000);
	pwned_settings_free(&set);
}

static void of_a_setting_twice_the_last_counts(void **state)
{
	struct pwned_settings set;

	(void)state;
	parse_good("pwned_source = https://a.example/ https://b.example/\n"
		   "pwned_policy = *=deny\n"
		   "pwned_url = https://a.example/\n"
		   "pwned_source = https://c.example/\n"
		   "pwned_policy = *=off\n"
		   "pwned_url = https://c.example/\n",
		   &set);
	assert_string_equal(set.sources[0], "https://c.example/");
	assert_null(set.sources[1]);
	assert_false(pwned_policy_checks(set.policy, "smtp"));
	assert_string_equal(set.url, "https://c.example/");
	assert_int_equal(set.lines[PWNED_SET_URL], 6);
	pwned_settings_free(&set);
}

static void errors_name_the_line(void **state)
{
	(void)state;
	assert_error("# one\n\npwned_url = https://example.com/\nbogus = 1\n",
		     PATH " line 4: Unknown setting: bogus");
	assert_error("pwned_dry_run = no\r\n\r\npwned_wait = soon\r\n",
		     PATH " line 3: pwned_wait: 'soon': expected a time "
			  "from 0 ms to 8 s");
	assert_error("\n= 1 s\n", PATH " line 2: Unknown setting: ");
	assert_error("\npwned_wait",
		     PATH " line 2: 'pwned_wait': expected name = value");
	/* the first of several */
	assert_error("pwned_wait = 9 s\npwned_dry_run = maybe\n",
		     PATH " line 1: pwned_wait: '9 s': expected a time from "
			  "0 ms to 8 s");
}

/* What two lines say together is reported for the one that was written. */
static void errors_of_two_settings_name_one(void **state)
{
	(void)state;
	assert_error("pwned_fetch_timeout = 500 ms\n",
		     PATH " line 1: pwned_fetch_timeout: expected pwned_wait "
			  "to be no longer than pwned_fetch_timeout");
	assert_error("pwned_fetch_timeout = 2 s\npwned_wait = 3 s\n",
		     PATH " line 2: pwned_wait: expected pwned_wait to be no "
			  "longer than pwned_fetch_timeout");
	assert_error("pwned_store_stale = 6 days\n",
		     PATH " line 1: pwned_store_stale: expected "
			  "pwned_store_max_age to be no longer than "
			  "pwned_store_stale");
	assert_error("pwned_store_stale = 30 days\n"
		     "pwned_store_max_age = 31 days\n",
		     PATH " line 2: pwned_store_max_age: expected "
			  "pwned_store_max_age to be no longer than "
			  "pwned_store_stale");
}

static void some_settings_are_for_logins_alone(void **state)
{
	(void)state;
	parse_two("pwned_wait = 0\npwned_on_unknown = tempfail\n"
		  "pwned_brake_share = 5\npwned_url = https://a.example/\n"
		  "pwned_message = a\npwned_warning = b\n"
		  "pwned_cache_size = 1 MB\npwned_store_group = panel\n"
		  "pwned_store_max_size = 0\npwned_state_dir =\n",
		  "", PWNED_SETTINGS_CHOICE, NULL);
	parse_two("pwned_policy = *=off\n", "", PWNED_SETTINGS_CHOICE,
		  "pwned_policy");
	parse_two("pwned_dry_run = yes\n", "", PWNED_SETTINGS_CHOICE,
		  "pwned_dry_run");
	parse_two("pwned_store =\n", "", PWNED_SETTINGS_CHOICE, "pwned_store");
	parse_two("pwned_store_stale = 30 days\n", "", PWNED_SETTINGS_CHOICE,
		  "pwned_store_stale");
	parse_two("pwned_source = https://a.example/\n", "",
		  PWNED_SETTINGS_CHOICE, "pwned_source");
}

static void a_nul_byte_is_no_text(void **state)
{
	static const char text[] = "pwned_wait = 2 s\n\0pwned_dry_run = yes\n";
	struct pwned_settings set;
	struct pwned_error error;

	(void)state;
	assert_false(pwned_settings_parse(text, sizeof(text) - 1, PATH, &set,
					  &error));
	assert_string_equal(error.text, PATH ": expected a text file, found a "
					     "NUL byte");
	assert_empty(&set);
}

static bool parse_warning(const char *url, const char *warning,
			  struct pwned_error *error_r)
{
	struct pwned_settings set;
	char text[512];
	bool ok;

	(void)snprintf(text, sizeof(text),
		       "pwned_url = %s\npwned_warning = %s\n", url, warning);
	ok = parse(text, &set, error_r);
	if (ok)
		pwned_settings_free(&set);
	return ok;
}

/* A text that only just fits with its URL, and one byte more. */
static void texts_are_measured_with_their_url(void **state)
{
	char url[101] = "https://example.com/";
	char fits[] = "a text of fifty bytes, with the URL behind it once "
		      "{url} and again a text of forty-seven bytes: nobody "
		      "reads";
	char exceeds[sizeof(fits) + 1];
	struct pwned_error error;
	size_t room = PWNED_TEXT_MAX - (strlen(fits) - strlen("{url}"));

	(void)state;
	memset(url + strlen(url), 'u', room - strlen(url));
	assert_int_equal(strlen(url), room);
	(void)snprintf(exceeds, sizeof(exceeds), "%s!", fits);
	assert_true(parse_warning(url, fits, &error));
	assert_false(parse_warning(url, exceeds, &error));
	assert_string_equal(
		error.text,
		PATH " line 2: pwned_warning: expected at most "
		     "200 bytes in a text with {url} and {date} expanded");
}

static void a_url_too_long_for_the_defaults_is_refused(void **state)
{
	char text[300];
	size_t size;

	(void)state;
	size = (size_t)snprintf(text, sizeof(text),
				"\npwned_url = https://example.com/");
	memset(text + size, 'x', sizeof(text) - size - 1);
	text[sizeof(text) - 1] = '\0';
	assert_error(text,
		     PATH " line 2: pwned_url: expected at most 200 "
			  "bytes in a text with {url} and {date} expanded");
}

static void no_error_repeats_a_password(void **state)
{
	static const char *const lines[] = {
		"pwned_source_proxy = http://user:hunter2@proxy:3128\n",
		"pwned_source_proxy = user:hunter2@proxy:3128\n",
		"pwned_source_proxy = htp://user:hunter2@proxy:3128\n",
		"pwned_source = https://user:hunter2@example.com/\n",
		"pwned_source = user:hunter2@example.com\n",
		"pwned_url = https://user:hunter2@example.com/\n",
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(lines); i++) {
		struct pwned_settings set;
		struct pwned_error error;

		assert_false(parse(lines[i], &set, &error));
		if (strstr(error.text, "hunter2") != NULL)
			fail_msg("the error repeats it: %s", error.text);
	}
}

static void error_texts_name_path_line_and_setting(void **state)
{
	struct pwned_settings set;
	struct pwned_error error;

	(void)state;
	parse_good("\n\npwned_source_ca_file = /nowhere\n", &set);
	assert_false(pwned_settings_error(&set, PWNED_SET_SOURCE_CA_FILE, PATH,
					  "not there", &error));
	assert_string_equal(error.text,
			    PATH " line 3: pwned_source_ca_file: not there");
	assert_false(pwned_settings_error(&set, PWNED_SET_URL, PATH, "absent",
					  &error));
	assert_string_equal(error.text, PATH ": pwned_url: absent");
	pwned_settings_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_has_the_defaults),
		cmocka_unit_test(every_line_means_what_the_list_says),
		cmocka_unit_test(comments_and_empty_lines_count_as_lines),
		cmocka_unit_test(line_ends_do_not_matter),
		cmocka_unit_test(quotes_keep_blanks),
		cmocka_unit_test(a_hash_within_a_word_is_kept_or_refused),
		cmocka_unit_test(values_need_no_file),
		cmocka_unit_test(a_difference_is_one_of_meaning),
		cmocka_unit_test(some_settings_are_one_for_a_server),
		cmocka_unit_test(some_settings_are_for_logins_alone),
		cmocka_unit_test(the_size_ends_the_text),
		cmocka_unit_test(of_a_setting_twice_the_last_counts),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(errors_of_two_settings_name_one),
		cmocka_unit_test(a_nul_byte_is_no_text),
		cmocka_unit_test(texts_are_measured_with_their_url),
		cmocka_unit_test(a_url_too_long_for_the_defaults_is_refused),
		cmocka_unit_test(no_error_repeats_a_password),
		cmocka_unit_test(error_texts_name_path_line_and_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
