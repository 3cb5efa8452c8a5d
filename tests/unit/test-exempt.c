/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is not checked. */

#include "support/unit.h"
#include "exempt.h"

#include <string.h>

static const char everybody[] =
	"postmaster@example.com anna @Example.net 192.0.2.0/24 2001:db8::/33 "
	"198.51.100.7 2001:db8:8000::1 10.0.0.0/7";

static const struct {
	const char *user, *address;
	bool exempt;
} cases[] = {
	{ "postmaster@example.com", NULL, true },
	{ "PostMaster@Example.COM", NULL, true },
	{ "postmaster@example.org", NULL, false },
	{ "postmaster", NULL, false },
	{ "anna", NULL, true },
	{ "anna@example.com", NULL, false },
	{ "ben@example.net", NULL, true },
	{ "ben@EXAMPLE.NET", NULL, true },
	{ "ben@a@example.net", NULL, true },
	{ "ben@mail.example.net", NULL, false },
	{ "example.net", NULL, false },
	{ "ben", "192.0.2.255", true },
	{ "ben", "192.0.3.0", false },
	{ "ben", "::ffff:192.0.2.9", true },
	{ "ben", "198.51.100.7", true },
	{ "ben", "198.51.100.8", false },
	{ "ben", "11.255.255.255", true },
	{ "ben", "12.0.0.0", false },
	{ "ben", "2001:db8:7fff::", true },
	{ "ben", "2001:db8:8000::", false },
	{ "ben", "2001:db8:8000::1", true },
	{ "ben", "no address", false },
	{ "ben", NULL, false },
	{ NULL, "192.0.2.1", true },
	{ NULL, NULL, false },
};

static void users_domains_and_networks(void **state)
{
	struct pwned_exempt *exempt;
	struct pwned_error error;

	(void)state;
	assert_true(pwned_exempt_parse(everybody, &exempt, &error));
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		if (pwned_exempt_has(exempt, cases[i].user, cases[i].address) !=
		    cases[i].exempt)
			fail_msg("case %zu", i);
	}
	pwned_exempt_free(&exempt);
	assert_null(exempt);
}

static void the_network_of_all(void **state)
{
	struct pwned_exempt *exempt;
	struct pwned_error error;

	(void)state;
	assert_true(pwned_exempt_parse("0.0.0.0/0", &exempt, &error));
	assert_true(pwned_exempt_has(exempt, NULL, "203.0.113.1"));
	assert_false(pwned_exempt_has(exempt, NULL, "2001:db8::1"));
	pwned_exempt_free(&exempt);
	assert_true(pwned_exempt_parse("::/0", &exempt, &error));
	assert_true(pwned_exempt_has(exempt, NULL, "203.0.113.1"));
	assert_true(pwned_exempt_has(exempt, NULL, "2001:db8::1"));
	pwned_exempt_free(&exempt);
}

static void nobody(void **state)
{
	struct pwned_exempt *exempt;
	struct pwned_error error;

	(void)state;
	assert_true(pwned_exempt_parse(" \t ", &exempt, &error));
	assert_false(pwned_exempt_has(exempt, "", ""));
	pwned_exempt_free(&exempt);
}

static void words_that_are_none(void **state)
{
	static const struct {
		const char *text, *word;
	} bad[] = {
		{ "anna 192.0.2.0/33", "'192.0.2.0/33'" },
		{ "192.0.2.0/", "'192.0.2.0/'" },
		{ "192.0.2.0/-1", "'192.0.2.0/-1'" },
		{ "192.0.2.0/ 8", "'192.0.2.0/'" },
		{ "192.0.2", "'192.0.2'" },
		{ "2001:db8::/129", "'2001:db8::/129'" },
		{ "2001:db8::g", "'2001:db8::g'" },
		{ "example.com/24", "'example.com/24'" },
		{ "@", "'@'" },
		{ "@anna@example.com", "'@anna@example.com'" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		struct pwned_exempt *exempt;
		struct pwned_error error;

		if (pwned_exempt_parse(bad[i].text, &exempt, &error))
			fail_msg("'%s' was taken", bad[i].text);
		assert_null(exempt);
		assert_ptr_equal(strstr(error.text, bad[i].word), error.text);
		assert_non_null(strstr(error.text, "expected one such as"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_domains_and_networks),
		cmocka_unit_test(the_network_of_all),
		cmocka_unit_test(nobody),
		cmocka_unit_test(words_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
