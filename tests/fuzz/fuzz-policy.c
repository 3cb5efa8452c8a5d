/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy, as a passdb may return it from anywhere: it is taken or refused
   with a text, and what is asked of it agrees with itself. */

#include "fuzz.h"
#include "policy.h"

#include <string.h>

#define TEXT_MAX 4096

static const uint64_t counts[] = { 1,   9,    10,   42,    99,        100,
				   999, 1000, 1001, 54321, UINT64_MAX };
static const char *const services[] = { "smtp", "submission", "imap", "x" };

/* What a band is said to be is so for each of its counts. */
static void check_count(const struct pwned_policy *policy, uint64_t count)
{
	uint64_t grace_secs;
	bool stops = pwned_policy_stops(policy, count, &grace_secs);
	enum pwned_maybe of_band =
		pwned_policy_stops_band(policy, pwned_band_of(count));

	FUZZ_ASSERT(of_band == PWNED_PERHAPS ||
		    stops == (of_band == PWNED_YES));
	FUZZ_ASSERT(!stops || grace_secs == 0 ||
		    pwned_policy_has_grace(policy));
}

static void check_service(const struct pwned_policy *policy,
			  const char *service, uint64_t count)
{
	struct pwned_ruling ruling;
	bool stops;

	pwned_policy_decide(policy, service, count, &ruling);
	stops = ruling.action == PWNED_ACTION_DENY ||
		ruling.action == PWNED_ACTION_HOLD;
	FUZZ_ASSERT(!stops || pwned_policy_may_stop(policy, service));
	FUZZ_ASSERT(ruling.action != PWNED_ACTION_HOLD ||
		    pwned_policy_holds(policy, service));
	FUZZ_ASSERT(!pwned_policy_holds(policy, service) ||
		    pwned_policy_has_hold(policy));
	FUZZ_ASSERT(ruling.action <= pwned_policy_decide_any(policy, count));
}

static void check_policy(const struct pwned_policy *policy)
{
	char words[64];

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		check_count(policy, counts[i]);
		for (size_t j = 0; j < sizeof(services) / sizeof(*services);
		     j++)
			check_service(policy, services[j], counts[i]);
	}
	pwned_policy_describe(policy, words, sizeof(words));
	FUZZ_ASSERT(memchr(words, '\0', sizeof(words)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pwned_policy *policy;
	struct pwned_error error = { .text = "" };
	char text[TEXT_MAX + 1];

	if (size > TEXT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (pwned_policy_parse(text, &policy, &error)) {
		check_policy(policy);
		pwned_policy_unref(&policy);
	} else {
		FUZZ_ASSERT(*error.text != '\0');
	}
	return 0;
}
