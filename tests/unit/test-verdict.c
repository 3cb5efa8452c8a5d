/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of outcomes, which metrics and scripts rely on. */

#include "support/unit.h"
#include "verdict.h"

#include <ctype.h>
#include <string.h>

/* The names are an interface: whoever renames one has to change it here, and
   think of those who count by it. */
static const char *const verdicts[] = { "clean", "breached", "unknown",
					"unchecked" };
static const char *const actions[] = { "off",  "allow", "warn",
				       "hold", "deny",  "tempfail" };
static const char *const origins[] = { "none", "cache", "store", "stale",
				       "source" };
static const char *const reasons[PWNED_REASON_COUNT] = {
	"none",         "config",      "service_off", "master_user",
	"mechanism",    "no_password", "exempt",      "no_wait",
	"queue_full",   "shutdown",    "internal",    "store_slow",
	"timeout",      "resolve",     "connect",     "tls",
	"proxy",        "http_status", "protocol",    "cut_body",
	"no_length",    "empty_body",  "too_large",   "bad_line",
	"breaker_open",
};

static const char *reason_name(unsigned int reason)
{
	return pwned_reason_name(reason);
}

static const char *verdict_name(unsigned int verdict)
{
	return pwned_verdict_name(verdict);
}

static const char *action_name(unsigned int action)
{
	return pwned_action_name(action);
}

static const char *origin_name(unsigned int origin)
{
	return pwned_origin_name(origin);
}

/* Lower case, so that they fit events and metrics; each of its own. */
static void assert_names(const char *(*name_of)(unsigned int),
			 const char *const *expected, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_non_null(expected[i]);
		assert_string_equal(name_of(i), expected[i]);
		for (const char *p = name_of(i); *p != '\0'; p++)
			assert_true(islower((unsigned char)*p) || *p == '_');
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(name_of(i), name_of(k));
	}
}

static void every_value_has_its_name(void **state)
{
	(void)state;
	assert_names(verdict_name, verdicts, N_ELEMENTS(verdicts));
	assert_names(action_name, actions, N_ELEMENTS(actions));
	assert_names(origin_name, origins, N_ELEMENTS(origins));
	assert_names(reason_name, reasons, N_ELEMENTS(reasons));
}

static void every_reason_has_half_a_sentence(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < PWNED_REASON_COUNT; i++) {
		const char *text = pwned_reason_text(i);

		assert_non_null(text);
		assert_true(strchr(text, ' ') != NULL);
		assert_true(text[strlen(text) - 1] != '.');
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(text, pwned_reason_text(k));
	}
}

static void counts_are_told_in_bands(void **state)
{
	static const struct {
		uint64_t count;
		enum pwned_band band;
		const char *text;
	} cases[] = {
		{ 0, PWNED_BAND_NONE, "none" },
		{ 1, PWNED_BAND_1, "1-9" },
		{ 9, PWNED_BAND_1, "1-9" },
		{ 10, PWNED_BAND_10, "10-99" },
		{ 99, PWNED_BAND_10, "10-99" },
		{ 100, PWNED_BAND_100, "100-999" },
		{ 999, PWNED_BAND_100, "100-999" },
		{ 1000, PWNED_BAND_1000, "1000+" },
		{ UINT64_MAX, PWNED_BAND_1000, "1000+" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		enum pwned_band band = pwned_band_of(cases[i].count);

		assert_int_equal(band, cases[i].band);
		assert_string_equal(pwned_band_text(band), cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_its_name),
		cmocka_unit_test(every_reason_has_half_a_sentence),
		cmocka_unit_test(counts_are_told_in_bands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
