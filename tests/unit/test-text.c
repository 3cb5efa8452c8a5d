/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What customers read. */

#include "support/unit.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define URL "https://example.com/password"

/* Of the defaults. */
static struct pwned_policy *the_policy;

static int policy_make(void **state)
{
	struct pwned_error error;

	(void)state;
	return pwned_policy_parse("smtp=deny *=warn", &the_policy, &error) ? 0 :
									     -1;
}

static int policy_free(void **state)
{
	(void)state;
	pwned_policy_unref(&the_policy);
	return 0;
}

/* Settings with nothing in them but what the texts need; not to be freed. */
static struct pwned_settings settings(const char *url, const char *message,
				      const char *warning)
{
	return (struct pwned_settings){ .url = (char *)url,
					.message = (char *)message,
					.warning = (char *)warning,
					.hold_message = (char *)"",
					.suspend_message = (char *)"",
					.policy = the_policy };
}

static void assert_refusal(const struct pwned_settings *set,
			   const char *service, const char *expected)
{
	struct pwned_text text;

	pwned_text_refusal(set, service, &text);
	assert_string_equal(text.text, expected);
}

static void assert_warning(const struct pwned_settings *set,
			   const char *expected)
{
	struct pwned_text text;

	pwned_text_warning(set, 0, 1, &text);
	assert_string_equal(text.text, expected);
}

#define APPEARS " appears in a known data breach. Choose a new one: "

static void defaults_say_what_to_do(void **state)
{
	struct pwned_settings set = settings(URL, "", "");

	(void)state;
	assert_refusal(&set, "smtp",
		       "Sending is blocked: this password" APPEARS URL);
	assert_refusal(&set, "submission",
		       "Sending is blocked: this password" APPEARS URL);
	assert_refusal(&set, "imap",
		       "Access is blocked: this password" APPEARS URL);
	assert_refusal(&set, "smtps",
		       "Access is blocked: this password" APPEARS URL);
	assert_refusal(&set, "",
		       "Access is blocked: this password" APPEARS URL);
	assert_warning(&set, "Your mail password" APPEARS URL);
}

static void without_a_url_the_provider_is_asked(void **state)
{
	struct pwned_settings set = settings("", "", "");

	(void)state;
	assert_refusal(&set, "smtp",
		       "Sending is blocked: this password" APPEARS
		       "ask your mail provider");
	assert_refusal(&set, "pop3",
		       "Access is blocked: this password" APPEARS
		       "ask your mail provider");
	assert_warning(&set,
		       "Your mail password" APPEARS "ask your mail provider");
}

static void assert_fit_for_customers(const char *text)
{
	assert_string_not_equal(text, "");
	assert_true(strlen(text) <= PWNED_TEXT_MAX);
	for (const char *p = text; *p != '\0'; p++)
		assert_true(*p >= ' ' && *p <= '~');
	assert_null(strcasestr(text, "pwned"));
	assert_null(strchr(text, '{'));
}

/* No matter which: printable ASCII, no name of ours, nothing unexpanded. */
static void defaults_are_fit_for_customers(void **state)
{
	static const char *const services[] = { "smtp", "submission", "imap",
						"pop3", "sieve",      "lmtp" };
	static const char *const urls[] = { "", URL };

	(void)state;
	for (size_t u = 0; u < N_ELEMENTS(urls); u++) {
		struct pwned_settings set = settings(urls[u], "", "");
		struct pwned_text text;

		for (size_t i = 0; i < N_ELEMENTS(services); i++) {
			pwned_text_refusal(&set, services[i], &text);
			assert_fit_for_customers(text.text);
		}
		pwned_text_warning(&set, 0, 1, &text);
		assert_fit_for_customers(text.text);
	}
}

static void texts_of_the_operator_replace_the_defaults(void **state)
{
	struct pwned_settings set =
		settings(URL, "Go to {url}.", "See {url} or {url}");

	(void)state;
	assert_refusal(&set, "smtp", "Go to " URL ".");
	assert_refusal(&set, "imap", "Go to " URL ".");
	assert_warning(&set, "See " URL " or " URL);
}

/* The day, and another sentence while it is to come. */
static void a_warning_has_the_day_on_which_sending_stops(void **state)
{
	struct pwned_settings set = settings(URL, "", "");
	struct pwned_text text;

	(void)state;
	pwned_text_warning(&set, 1798761599, 1795000000, &text);
	assert_string_equal(text.text,
			    "Your mail password appears in a known data "
			    "breach. Sending stops on 2026-12-31. Choose a "
			    "new one: " URL);
	pwned_text_warning(&set, 1798761599, 1798761599, &text);
	assert_string_equal(text.text, "Your mail password" APPEARS URL);
	set.warning = (char *)"{date} {date}: {url}";
	pwned_text_warning(&set, 1798761600, 1795000000, &text);
	assert_string_equal(text.text, "2027-01-01 2027-01-01: " URL);
	pwned_text_warning(&set, 0, 1795000000, &text);
	assert_string_equal(text.text, "2026-11-18 2026-11-18: " URL);
}

static void who_is_held_is_told_to_log_in(void **state)
{
	struct pwned_settings set = settings(URL, "", "");
	struct pwned_text text;

	(void)state;
	pwned_text_hold(&set, &text);
	assert_string_equal(text.text,
			    "Sending is blocked: this password appears in a "
			    "known data breach. Choose a new one, then log in "
			    "with it: " URL);
	set.hold_message = (char *)"Held. {url} {date}";
	pwned_text_hold(&set, &text);
	assert_string_equal(text.text, "Held. " URL " {date}");
	pwned_text_suspension(&set, &text);
	assert_string_equal(text.text, "Sending is suspended for this account. "
				       "Ask your mail provider.");
	set.suspend_message = (char *)"See {url}";
	pwned_text_suspension(&set, &text);
	assert_string_equal(text.text, "See " URL);
}

static void only_url_is_a_placeholder(void **state)
{
	struct pwned_settings set =
		settings(URL, "%2F %s %u # {prefix} {date} {URL} {url }",
			 "{url}{url}{{url}}{url");

	(void)state;
	assert_refusal(&set, "smtp",
		       "%2F %s %u # {prefix} {date} {URL} {url }");
	assert_warning(&set, URL URL "{" URL "}{url");
}

/* What the URL holds is not expanded in turn. */
static void the_url_is_taken_as_it_is(void **state)
{
	struct pwned_settings set =
		settings("https://example.com/{url}?a=%2F", "{url}", "");

	(void)state;
	assert_refusal(&set, "smtp", "https://example.com/{url}?a=%2F");
}

static void fill(char *text, size_t size)
{
	memset(text, 'm', size);
	text[size] = '\0';
}

static void the_limit_is_exact(void **state)
{
	char text[PWNED_TEXT_MAX + 2];
	struct pwned_settings set = settings("", text, "");
	enum pwned_setting_id id = PWNED_SET_COUNT;
	struct pwned_text expanded;

	(void)state;
	fill(text, PWNED_TEXT_MAX);
	assert_true(pwned_texts_fit(&set, &id));
	assert_refusal(&set, "smtp", text);

	fill(text, PWNED_TEXT_MAX + 1);
	assert_false(pwned_texts_fit(&set, &id));
	assert_int_equal(id, PWNED_SET_MESSAGE);
	/* and what is too long is cut, not written behind the end */
	pwned_text_refusal(&set, "smtp", &expanded);
	assert_int_equal(strlen(expanded.text), PWNED_TEXT_MAX);

	set = settings("", "", text);
	assert_false(pwned_texts_fit(&set, &id));
	assert_int_equal(id, PWNED_SET_WARNING);
	fill(text, PWNED_TEXT_MAX);
	assert_true(pwned_texts_fit(&set, &id));
}

/* Returns the size of {url} with `rest` other bytes behind or before it, or 0
   where that does not fit. */
static size_t size_with_url(size_t rest, bool url_first)
{
	char bytes[PWNED_TEXT_MAX + 1], text[PWNED_TEXT_MAX + 16];
	struct pwned_settings set = settings(URL, text, "");
	enum pwned_setting_id id = PWNED_SET_COUNT;
	struct pwned_text expanded;

	fill(bytes, rest);
	(void)snprintf(text, sizeof(text), "%s%s%s", url_first ? "{url}" : "",
		       bytes, url_first ? "" : "{url}");
	if (!pwned_texts_fit(&set, &id)) {
		assert_int_equal(id, PWNED_SET_MESSAGE);
		return 0;
	}
	pwned_text_refusal(&set, "smtp", &expanded);
	return strlen(expanded.text);
}

static void the_url_counts_wherever_it_stands(void **state)
{
	size_t room = PWNED_TEXT_MAX - strlen(URL);

	(void)state;
	assert_int_equal(size_with_url(room, true), PWNED_TEXT_MAX);
	assert_int_equal(size_with_url(room, false), PWNED_TEXT_MAX);
	assert_int_equal(size_with_url(room + 1, true), 0);
	assert_int_equal(size_with_url(room + 1, false), 0);
}

static void a_url_too_long_for_the_defaults_is_named(void **state)
{
	char url[PWNED_TEXT_MAX + 1];
	size_t room = PWNED_TEXT_MAX - strlen("Sending is blocked: this "
					      "password" APPEARS);
	struct pwned_settings set = settings(url, "", "");
	enum pwned_setting_id id = PWNED_SET_COUNT;

	(void)state;
	fill(url, room);
	assert_true(pwned_texts_fit(&set, &id));
	fill(url, room + 1);
	assert_false(pwned_texts_fit(&set, &id));
	assert_int_equal(id, PWNED_SET_URL);
	/* texts without the URL do not mind */
	set = settings(url, "short", "short");
	assert_true(pwned_texts_fit(&set, &id));
	/* the refusal is fine, the default warning is not */
	fill(url, PWNED_TEXT_MAX);
	set = settings(url, "short", "");
	assert_false(pwned_texts_fit(&set, &id));
	assert_int_equal(id, PWNED_SET_URL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_say_what_to_do),
		cmocka_unit_test(without_a_url_the_provider_is_asked),
		cmocka_unit_test(defaults_are_fit_for_customers),
		cmocka_unit_test(texts_of_the_operator_replace_the_defaults),
		cmocka_unit_test(a_warning_has_the_day_on_which_sending_stops),
		cmocka_unit_test(who_is_held_is_told_to_log_in),
		cmocka_unit_test(only_url_is_a_placeholder),
		cmocka_unit_test(the_url_is_taken_as_it_is),
		cmocka_unit_test(the_limit_is_exact),
		cmocka_unit_test(the_url_counts_wherever_it_stands),
		cmocka_unit_test(a_url_too_long_for_the_defaults_is_named),
	};

	return cmocka_run_group_tests(tests, policy_make, policy_free);
}
