/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy and record together. */

#include "support/unit.h"
#include "ladder.h"

#define DAY UINT64_C(86400)
#define NOW UINT64_C(1795000000)

static struct pwned_policy *policy_of(const char *text)
{
	struct pwned_policy *policy;
	struct pwned_error error;

	if (!pwned_policy_parse(text, &policy, &error))
		fail_msg("%s", error.text);
	return policy;
}

static const struct {
	const char *policy, *service;
	int decided_days; /* ago; -1: never, -2: not known */
	bool dry_run;
	enum pwned_action action;
	int stop_days; /* from now; 1000: no date */
} cases[] = {
	{ "smtp=deny:grace=14d *=warn", "smtp", -1, false, PWNED_ACTION_WARN,
	  14 },
	{ "smtp=deny:grace=14d *=warn", "imap", -1, false, PWNED_ACTION_WARN,
	  14 },
	{ "smtp=deny:grace=14d *=warn", "smtp", 13, false, PWNED_ACTION_WARN,
	  1 },
	{ "smtp=deny:grace=14d *=warn", "smtp", 14, false, PWNED_ACTION_DENY,
	  0 },
	{ "smtp=hold:grace=14d *=warn", "smtp", 20, false, PWNED_ACTION_HOLD,
	  -6 },
	{ "smtp=deny:grace=14d *=warn", "imap", 20, false, PWNED_ACTION_WARN,
	  -6 },
	/* without grace */
	{ "smtp=deny *=warn", "smtp", -1, false, PWNED_ACTION_DENY, 0 },
	{ "smtp=deny *=warn", "smtp", -2, false, PWNED_ACTION_DENY, 1000 },
	/* what is not known is not held against anybody */
	{ "smtp=deny:grace=14d", "smtp", -2, false, PWNED_ACTION_WARN, 1000 },
	/* a dry run begins nothing, and goes on with what was begun */
	{ "smtp=deny:grace=14d", "smtp", -1, true, PWNED_ACTION_WARN, 1000 },
	{ "smtp=deny:grace=14d", "smtp", 15, true, PWNED_ACTION_DENY, -1 },
	{ "smtp=deny", "smtp", -1, true, PWNED_ACTION_DENY, 1000 },
	/* a policy that stops nobody has no date */
	{ "*=warn", "smtp", 20, false, PWNED_ACTION_WARN, 1000 },
	{ "smtp=deny:min=100 *=warn", "smtp", 20, false, PWNED_ACTION_ALLOW,
	  1000 },
};

static void steps(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct pwned_policy *policy = policy_of(cases[i].policy);
		struct pwned_flag flag = { .state = PWNED_FLAG_NONE };
		struct pwned_rung rung;
		uint64_t stop =
			cases[i].stop_days == 1000 ?
				0 :
				NOW + (uint64_t)cases[i].stop_days * DAY;

		if (cases[i].decided_days >= 0)
			flag.decided_secs =
				NOW - (uint64_t)cases[i].decided_days * DAY;
		pwned_ladder_breached(policy, cases[i].service, 50,
				      cases[i].decided_days == -2 ? NULL :
								    &flag,
				      NOW, cases[i].dry_run, &rung);
		if (rung.action != cases[i].action || rung.stop_secs != stop)
			fail_msg("case %zu", i);
		pwned_policy_unref(&policy);
	}
}

static void suspended(void **state)
{
	struct pwned_policy *policy =
		policy_of("smtp=hold submission=deny *=off");
	struct pwned_flag flag = { .suspended_secs = NOW };
	enum pwned_action action = PWNED_ACTION_ALLOW;

	(void)state;
	assert_true(pwned_ladder_suspended(policy, "smtp", &flag, &action));
	assert_int_equal(action, PWNED_ACTION_HOLD);
	assert_true(
		pwned_ladder_suspended(policy, "submission", &flag, &action));
	assert_int_equal(action, PWNED_ACTION_DENY);
	assert_false(pwned_ladder_suspended(policy, "imap", &flag, &action));
	flag.suspended_secs = 0;
	assert_false(pwned_ladder_suspended(policy, "smtp", &flag, &action));
	pwned_policy_unref(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),
		cmocka_unit_test(suspended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
