/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar of rules, and what they decide. */

#include "support/unit.h"
#include "policy.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_POLICY "smtp=deny:min=1 submission=deny *=warn"
#define COUNT_MAX      (UINT64_C(1) << 63)
#define RULES_MAX      63

static struct pwned_policy *parse_good(const char *text)
{
	struct pwned_policy *policy;
	struct pwned_error error;

	if (!pwned_policy_parse(text, &policy, &error))
		fail_msg("'%s' was refused: %s", text, error.text);
	return policy;
}

static void good_policies_are_taken(void **state)
{
	static const char *const texts[] = {
		DEFAULT_POLICY,
		"*=off",
		"  *=warn  ",
		"\tsmtp=deny\t\t*=off\t",
		"imap4-ssl_2=warn",
		"abcdefghijklmnopqrstuvwxyz012345=warn",
		"smtp=deny:min=9223372036854775808",
		"smtp=deny:min=0000000000000000000001",
		"smtp=deny:min=1000 smtp=warn:min=10",
		"smtp=deny:min=3 smtp=warn:min=2 smtp=warn:min=1",
		"*=deny:min=100 *=warn smtp=off",
		"smtp=hold",
		"smtp=hold:grace=1d imap=hold:min=3:grace=3650d",
		"smtp=deny:grace=14d:min=7",
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		struct pwned_policy *policy = parse_good(texts[i]);

		pwned_policy_unref(&policy);
		assert_null(policy);
	}
}

#define NOT_A_SERVICE                                                          \
	" is not a service: expected a name such as smtp or imap in lower "    \
	"case, or *"
#define NOT_AN_ACTION " is not an action: expected off, warn, hold or deny"
#define NO_COUNT      ": expected a count from 1 to 2^63"
#define NO_GRACE      " has a meaning only with deny and hold"
#define NO_DAYS       ": expected days from 1d to 3650d"
#define UNREACHABLE(service)                                                   \
	"the second rule for " service " is never reached: write the one "     \
	"with the higher min first"

static const struct {
	const char *text;
	const char *error;
} bad_cases[] = {
	{ "", "expected at least one rule, such as *=warn" },
	{ " \t ", "expected at least one rule, such as *=warn" },
	{ "smtp", "'smtp' is not a rule: expected service=action" },
	{ "*=warn deny", "'deny' is not a rule: expected service=action" },
	{ "smtp = deny", "'smtp' is not a rule: expected service=action" },
	{ "=deny", "''" NOT_A_SERVICE },
	{ "SMTP=deny", "'SMTP'" NOT_A_SERVICE },
	{ "**=deny", "'**'" NOT_A_SERVICE },
	{ "s*=deny", "'s*'" NOT_A_SERVICE },
	{ "imap,pop3=deny", "'imap,pop3'" NOT_A_SERVICE },
	{ "abcdefghijklmnopqrstuvwxyz0123456=warn",
	  "'abcdefghijklmnopqrstuvwxyz0123456'" NOT_A_SERVICE },
	{ "smtp=", "''" NOT_AN_ACTION },
	{ "smtp=allow", "'allow'" NOT_AN_ACTION },
	{ "smtp=tempfail", "'tempfail'" NOT_AN_ACTION },
	{ "smtp=Deny", "'Deny'" NOT_AN_ACTION },
	{ "smtp=den", "'den'" NOT_AN_ACTION },
	{ "smtp=deny=warn", "'deny=warn'" NOT_AN_ACTION },
	{ "smtp=deny,imap=warn", "'deny,imap=warn'" NOT_AN_ACTION },
	{ "smtp=deny:", "'' is not an option: expected min=COUNT or "
			"grace=DAYSd" },
	{ "smtp=deny:10", "'10' is not an option: expected min=COUNT or "
			  "grace=DAYSd" },
	{ "smtp=deny:max=10",
	  "'max=10' is not an option: expected min=COUNT or "
	  "grace=DAYSd" },
	{ "smtp=deny:min", "'min' is not an option: expected min=COUNT or "
			   "grace=DAYSd" },
	{ "smtp=deny:min=5:", "'' is not an option: expected min=COUNT or "
			      "grace=DAYSd" },
	{ "smtp=deny:min=", "'min='" NO_COUNT },
	{ "smtp=deny:min=0", "'min=0'" NO_COUNT },
	{ "smtp=deny:min=-1", "'min=-1'" NO_COUNT },
	{ "smtp=deny:min=+1", "'min=+1'" NO_COUNT },
	{ "smtp=deny:min=1k", "'min=1k'" NO_COUNT },
	{ "smtp=deny:min=0x10", "'min=0x10'" NO_COUNT },
	{ "smtp=deny:min=9223372036854775809",
	  "'min=9223372036854775809'" NO_COUNT },
	{ "smtp=deny:min=18446744073709551617",
	  "'min=18446744073709551617'" NO_COUNT },
	{ "smtp=deny:min=1:min=5", "'min=5': min stands twice" },
	{ "imap=off:min=2", "'min=2' has no meaning with off" },
	{ "imap=off:grace=2d", "'grace=2d' has no meaning with off" },
	{ "imap=warn:grace=2d", "'grace=2d'" NO_GRACE },
	{ "smtp=deny:grace=1d:grace=2d", "'grace=2d': grace stands twice" },
	{ "smtp=deny:grace=", "'grace='" NO_DAYS },
	{ "smtp=deny:grace=0d", "'grace=0d'" NO_DAYS },
	{ "smtp=deny:grace=14", "'grace=14'" NO_DAYS },
	{ "smtp=deny:grace=14h", "'grace=14h'" NO_DAYS },
	{ "smtp=deny:grace=14dd", "'grace=14dd'" NO_DAYS },
	{ "smtp=deny:grace=-1d", "'grace=-1d'" NO_DAYS },
	{ "smtp=hold:grace=3651d", "'grace=3651d'" NO_DAYS },
	/* rules that can never decide */
	{ "smtp=deny smtp=warn", UNREACHABLE("smtp") },
	{ "smtp=deny:min=10 smtp=warn:min=10", UNREACHABLE("smtp") },
	{ "smtp=deny:min=10 *=warn smtp=warn:min=11", UNREACHABLE("smtp") },
	{ "*=off *=warn", UNREACHABLE("*") },
	{ "imap=warn:min=5 imap=off", UNREACHABLE("imap") },
};

static void bad_policies_are_refused_with_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(bad_cases); i++) {
		struct pwned_policy *policy;
		struct pwned_error error;

		if (pwned_policy_parse(bad_cases[i].text, &policy, &error))
			fail_msg("'%s' was taken", bad_cases[i].text);
		assert_null(policy);
		assert_string_equal(error.text, bad_cases[i].error);
	}
}

static void the_number_of_rules_is_bounded(void **state)
{
	char text[(RULES_MAX + 1) * 16] = "";
	struct pwned_policy *policy;
	struct pwned_error error;
	size_t size = 0;

	(void)state;
	for (unsigned int i = 0; i < RULES_MAX; i++) {
		size += (size_t)snprintf(text + size, sizeof(text) - size,
					 "service%u=deny ", i);
	}
	policy = parse_good(text);
	assert_true(pwned_policy_may_stop(policy, "service62"));
	pwned_policy_unref(&policy);

	(void)snprintf(text + size, sizeof(text) - size, "*=off");
	assert_false(pwned_policy_parse(text, &policy, &error));
	assert_string_equal(error.text, "more than 63 rules");
}

static const struct {
	const char *policy;
	const char *service;
	uint64_t count;
	enum pwned_action action;
} decisions[] = {
	{ DEFAULT_POLICY, "smtp", 1, PWNED_ACTION_DENY },
	{ DEFAULT_POLICY, "submission", 1, PWNED_ACTION_DENY },
	{ DEFAULT_POLICY, "imap", 1, PWNED_ACTION_WARN },
	{ DEFAULT_POLICY, "", 1, PWNED_ACTION_WARN },
	{ DEFAULT_POLICY, "SMTP", COUNT_MAX, PWNED_ACTION_WARN },
	{ DEFAULT_POLICY, "smtps", 1, PWNED_ACTION_WARN },
	{ DEFAULT_POLICY, "smt", 1, PWNED_ACTION_WARN },
	/* a minimum: below, at, above */
	{ "smtp=deny:min=10", "smtp", 9, PWNED_ACTION_ALLOW },
	{ "smtp=deny:min=10", "smtp", 10, PWNED_ACTION_DENY },
	{ "smtp=deny:min=10", "smtp", 11, PWNED_ACTION_DENY },
	{ "smtp=deny:min=9223372036854775808", "smtp", COUNT_MAX - 1,
	  PWNED_ACTION_ALLOW },
	{ "smtp=deny:min=9223372036854775808", "smtp", COUNT_MAX,
	  PWNED_ACTION_DENY },
	/* steps */
	{ "*=deny:min=100 *=warn:min=5", "imap", 4, PWNED_ACTION_ALLOW },
	{ "*=deny:min=100 *=warn:min=5", "imap", 5, PWNED_ACTION_WARN },
	{ "*=deny:min=100 *=warn:min=5", "imap", 99, PWNED_ACTION_WARN },
	{ "*=deny:min=100 *=warn:min=5", "imap", 100, PWNED_ACTION_DENY },
	/* a service with a rule of its own never falls through to * */
	{ "smtp=deny:min=10 *=deny", "smtp", 9, PWNED_ACTION_ALLOW },
	{ "*=deny smtp=deny:min=10", "smtp", 9, PWNED_ACTION_ALLOW },
	{ "*=deny smtp=off", "smtp", COUNT_MAX, PWNED_ACTION_ALLOW },
	/* no rule at all */
	{ "smtp=deny", "imap", COUNT_MAX, PWNED_ACTION_ALLOW },
	/* a name that is the asterisk has no meaning of its own */
	{ "smtp=deny *=warn", "*", 1, PWNED_ACTION_WARN },
};

static void decisions_are_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(decisions); i++) {
		struct pwned_policy *policy = parse_good(decisions[i].policy);

		struct pwned_ruling ruling;

		pwned_policy_decide(policy, decisions[i].service,
				    decisions[i].count, &ruling);
		if (ruling.action != decisions[i].action)
			fail_msg("decision %zu: %s at '%s'", i,
				 decisions[i].policy, decisions[i].service);
		pwned_policy_unref(&policy);
	}
}

static void off_and_no_rule_mean_no_check(void **state)
{
	struct pwned_policy *policy = parse_good("smtp=deny imap=off");

	(void)state;
	assert_true(pwned_policy_checks(policy, "smtp"));
	assert_false(pwned_policy_checks(policy, "imap"));
	assert_false(pwned_policy_checks(policy, "pop3"));
	pwned_policy_unref(&policy);

	policy = parse_good("*=off smtp=warn");
	assert_true(pwned_policy_checks(policy, "smtp"));
	assert_false(pwned_policy_checks(policy, "imap"));
	pwned_policy_unref(&policy);

	policy = parse_good("*=warn:min=100");
	assert_true(pwned_policy_checks(policy, "imap"));
	pwned_policy_unref(&policy);
}

static void may_deny_looks_at_all_rules_of_the_service(void **state)
{
	struct pwned_policy *policy =
		parse_good("imap=deny:min=1000 imap=warn pop3=warn *=deny");

	(void)state;
	assert_true(pwned_policy_may_stop(policy, "imap"));
	assert_false(pwned_policy_may_stop(policy, "pop3"));
	assert_true(pwned_policy_may_stop(policy, "sieve"));
	pwned_policy_unref(&policy);
}

static void a_new_password_meets_the_worst_service(void **state)
{
	static const struct {
		const char *policy;
		uint64_t count;
		enum pwned_action action;
	} cases[] = {
		{ DEFAULT_POLICY, 1, PWNED_ACTION_DENY },
		{ "*=warn", 1, PWNED_ACTION_WARN },
		{ "*=off", COUNT_MAX, PWNED_ACTION_ALLOW },
		{ "*=warn smtp=deny:min=10", 9, PWNED_ACTION_WARN },
		{ "*=warn smtp=deny:min=10", 10, PWNED_ACTION_DENY },
		{ "smtp=deny:min=10 imap=warn:min=5", 4, PWNED_ACTION_ALLOW },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct pwned_policy *policy = parse_good(cases[i].policy);

		assert_int_equal(
			pwned_policy_decide_any(policy, cases[i].count),
			cases[i].action);
		pwned_policy_unref(&policy);
	}
}

#define DAY 86400

static void a_ruling_has_its_rules_grace(void **state)
{
	struct pwned_policy *policy = parse_good(
		"smtp=deny:min=10:grace=3d smtp=hold:grace=14d *=warn");
	struct pwned_ruling ruling;

	(void)state;
	pwned_policy_decide(policy, "smtp", 10, &ruling);
	assert_int_equal(ruling.action, PWNED_ACTION_DENY);
	assert_int_equal(ruling.grace_secs, 3 * DAY);
	pwned_policy_decide(policy, "smtp", 9, &ruling);
	assert_int_equal(ruling.action, PWNED_ACTION_HOLD);
	assert_int_equal(ruling.grace_secs, 14 * DAY);
	pwned_policy_decide(policy, "imap", 10, &ruling);
	assert_int_equal(ruling.action, PWNED_ACTION_WARN);
	assert_int_equal(ruling.grace_secs, 0);
	assert_true(pwned_policy_holds(policy, "smtp"));
	assert_false(pwned_policy_holds(policy, "imap"));
	assert_true(pwned_policy_has_hold(policy));
	assert_true(pwned_policy_has_grace(policy));
	pwned_policy_unref(&policy);
	policy = parse_good(DEFAULT_POLICY);
	assert_false(pwned_policy_has_hold(policy));
	assert_false(pwned_policy_has_grace(policy));
	pwned_policy_unref(&policy);
}

/* When sending stops, as customers are told at services that never stop it. */
static void sending_stops_at_the_earliest(void **state)
{
	static const struct {
		const char *policy;
		uint64_t count;
		bool stops;
		unsigned int days;
	} cases[] = {
		{ "smtp=deny:grace=14d *=warn", 1, true, 14 },
		{ "smtp=deny:grace=14d submission=deny:grace=7d", 1, true, 7 },
		{ "smtp=deny:grace=14d submission=deny", 1, true, 0 },
		{ "smtp=deny:min=5:grace=14d", 4, false, 0 },
		{ "smtp=deny:min=5:grace=14d", 5, true, 14 },
		/* who cannot read can send */
		{ "imap=deny *=warn", 1, false, 0 },
		{ "imap=hold:grace=2d *=warn", 1, true, 2 },
		{ "*=deny:grace=9d", 1, true, 9 },
		{ "*=deny smtp=warn submission=warn", 1, false, 0 },
		{ "*=hold:grace=1d smtp=off submission=off", 1, true, 1 },
		{ "*=warn", COUNT_MAX, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct pwned_policy *policy = parse_good(cases[i].policy);
		uint64_t grace;

		assert_int_equal(
			pwned_policy_stops(policy, cases[i].count, &grace),
			cases[i].stops);
		assert_int_equal(grace, cases[i].days * DAY);
		pwned_policy_unref(&policy);
	}
}

/* Records hold bands. */
static void bands_are_exact_at_their_ends(void **state)
{
	static const struct {
		const char *policy;
		enum pwned_maybe of[5]; /* none, 1, 10, 100, 1000 */
	} cases[] = {
		{ "smtp=deny",
		  { PWNED_NO, PWNED_YES, PWNED_YES, PWNED_YES, PWNED_YES } },
		{ "smtp=deny:min=10",
		  { PWNED_NO, PWNED_NO, PWNED_YES, PWNED_YES, PWNED_YES } },
		{ "smtp=deny:min=100",
		  { PWNED_NO, PWNED_NO, PWNED_NO, PWNED_YES, PWNED_YES } },
		{ "smtp=deny:min=1000",
		  { PWNED_NO, PWNED_NO, PWNED_NO, PWNED_NO, PWNED_YES } },
		{ "smtp=deny:min=11",
		  { PWNED_NO, PWNED_NO, PWNED_PERHAPS, PWNED_YES, PWNED_YES } },
		{ "smtp=deny:min=1001",
		  { PWNED_NO, PWNED_NO, PWNED_NO, PWNED_NO, PWNED_PERHAPS } },
		{ "smtp=warn:min=50 smtp=deny",
		  { PWNED_NO, PWNED_YES, PWNED_PERHAPS, PWNED_NO, PWNED_NO } },
		{ "*=warn",
		  { PWNED_NO, PWNED_NO, PWNED_NO, PWNED_NO, PWNED_NO } },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct pwned_policy *policy = parse_good(cases[i].policy);

		for (unsigned int band = 0; band < 5; band++)
			assert_int_equal(pwned_policy_stops_band(policy, band),
					 cases[i].of[band]);
		pwned_policy_unref(&policy);
	}
}

static void a_policy_lives_as_long_as_somebody_has_it(void **state)
{
	struct pwned_policy *policy = parse_good("*=warn"), *other = policy;

	(void)state;
	pwned_policy_ref(policy);
	pwned_policy_unref(&policy);
	assert_null(policy);
	assert_true(pwned_policy_checks(other, "imap"));
	pwned_policy_unref(&other);
	pwned_policy_unref(&other);
}

static void policies_are_said_in_words(void **state)
{
	struct pwned_policy *policy =
		parse_good("smtp=deny submission=deny:min=10 sieve=off *=warn");
	char text[256], small[16];

	(void)state;
	pwned_policy_describe(policy, text, sizeof(text));
	assert_string_equal(text, "refused at smtp, refused at submission "
				  "(seen 10 times or more), not checked at "
				  "sieve, warned about at any other service");
	/* cut where it does not fit, and ended */
	memset(small, 'x', sizeof(small));
	pwned_policy_describe(policy, small, sizeof(small));
	assert_string_equal(small, "refused at smtp");
	pwned_policy_unref(&policy);
}

static void a_rule_for_all_names_no_others(void **state)
{
	struct pwned_policy *policy = parse_good("*=deny:min=10 *=warn");
	char text[256];

	(void)state;
	pwned_policy_describe(policy, text, sizeof(text));
	assert_string_equal(text, "refused at any service (seen 10 times or "
				  "more), warned about at any service");
	pwned_policy_unref(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_policies_are_taken),
		cmocka_unit_test(
			bad_policies_are_refused_with_what_was_expected),
		cmocka_unit_test(the_number_of_rules_is_bounded),
		cmocka_unit_test(decisions_are_right),
		cmocka_unit_test(a_ruling_has_its_rules_grace),
		cmocka_unit_test(sending_stops_at_the_earliest),
		cmocka_unit_test(bands_are_exact_at_their_ends),
		cmocka_unit_test(a_policy_lives_as_long_as_somebody_has_it),
		cmocka_unit_test(off_and_no_rule_mean_no_check),
		cmocka_unit_test(may_deny_looks_at_all_rules_of_the_service),
		cmocka_unit_test(a_new_password_meets_the_worst_service),
		cmocka_unit_test(policies_are_said_in_words),
		cmocka_unit_test(a_rule_for_all_names_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
