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
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		struct pwned_policy *policy = parse_good(texts[i]);

		pwned_policy_free(&policy);
		assert_null(policy);
	}
}

#define NOT_A_SERVICE                                                          \
	" is not a service: expected a name such as smtp or imap in lower "    \
	"case, or *"
#define NOT_AN_ACTION " is not an action: expected off, warn or deny"
#define NO_COUNT      ": expected a count from 1 to 2^63"
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
	{ "smtp=deny:", "'' is not an option: expected min=COUNT" },
	{ "smtp=deny:10", "'10' is not an option: expected min=COUNT" },
	{ "smtp=deny:max=10", "'max=10' is not an option: expected min=COUNT" },
	{ "smtp=deny:min", "'min' is not an option: expected min=COUNT" },
	{ "smtp=deny:min=5:", "'' is not an option: expected min=COUNT" },
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
	assert_true(pwned_policy_may_deny(policy, "service62"));
	pwned_policy_free(&policy);

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

		if (pwned_policy_decide(policy, decisions[i].service,
					decisions[i].count) !=
		    decisions[i].action)
			fail_msg("decision %zu: %s at '%s'", i,
				 decisions[i].policy, decisions[i].service);
		pwned_policy_free(&policy);
	}
}

static void off_and_no_rule_mean_no_check(void **state)
{
	struct pwned_policy *policy = parse_good("smtp=deny imap=off");

	(void)state;
	assert_true(pwned_policy_checks(policy, "smtp"));
	assert_false(pwned_policy_checks(policy, "imap"));
	assert_false(pwned_policy_checks(policy, "pop3"));
	pwned_policy_free(&policy);

	policy = parse_good("*=off smtp=warn");
	assert_true(pwned_policy_checks(policy, "smtp"));
	assert_false(pwned_policy_checks(policy, "imap"));
	pwned_policy_free(&policy);

	policy = parse_good("*=warn:min=100");
	assert_true(pwned_policy_checks(policy, "imap"));
	pwned_policy_free(&policy);
}

static void may_deny_looks_at_all_rules_of_the_service(void **state)
{
	struct pwned_policy *policy =
		parse_good("imap=deny:min=1000 imap=warn pop3=warn *=deny");

	(void)state;
	assert_true(pwned_policy_may_deny(policy, "imap"));
	assert_false(pwned_policy_may_deny(policy, "pop3"));
	assert_true(pwned_policy_may_deny(policy, "sieve"));
	pwned_policy_free(&policy);
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
		pwned_policy_free(&policy);
	}
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
	pwned_policy_free(&policy);
}

static void a_rule_for_all_names_no_others(void **state)
{
	struct pwned_policy *policy = parse_good("*=deny:min=10 *=warn");
	char text[256];

	(void)state;
	pwned_policy_describe(policy, text, sizeof(text));
	assert_string_equal(text, "refused at any service (seen 10 times or "
				  "more), warned about at any service");
	pwned_policy_free(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_policies_are_taken),
		cmocka_unit_test(
			bad_policies_are_refused_with_what_was_expected),
		cmocka_unit_test(the_number_of_rules_is_bounded),
		cmocka_unit_test(decisions_are_right),
		cmocka_unit_test(off_and_no_rule_mean_no_check),
		cmocka_unit_test(may_deny_looks_at_all_rules_of_the_service),
		cmocka_unit_test(a_new_password_meets_the_worst_service),
		cmocka_unit_test(policies_are_said_in_words),
		cmocka_unit_test(a_rule_for_all_names_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
