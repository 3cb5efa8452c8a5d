/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of verdicts, reasons, actions and origins. */

#include "verdict.h"

static const char *const verdict_names[] = {
	[PWNED_VERDICT_CLEAN] = "clean",
	[PWNED_VERDICT_BREACHED] = "breached",
	[PWNED_VERDICT_UNKNOWN] = "unknown",
	[PWNED_VERDICT_UNCHECKED] = "unchecked",
};

static const char *const action_names[] = {
	[PWNED_ACTION_OFF] = "off",   [PWNED_ACTION_ALLOW] = "allow",
	[PWNED_ACTION_WARN] = "warn", [PWNED_ACTION_DENY] = "deny",
	[PWNED_ACTION_HOLD] = "hold", [PWNED_ACTION_TEMPFAIL] = "tempfail",
};

static const char *const origin_names[] = {
	[PWNED_ORIGIN_NONE] = "none",     [PWNED_ORIGIN_CACHE] = "cache",
	[PWNED_ORIGIN_STORE] = "store",   [PWNED_ORIGIN_STALE] = "stale",
	[PWNED_ORIGIN_SOURCE] = "source",
};

static const struct {
	const char *name;
	const char *text;
} reasons[PWNED_REASON_COUNT] = {
	[PWNED_REASON_NONE] = { "none", "no reason" },
	[PWNED_REASON_CONFIG] = { "config", "the settings have a mistake" },
	[PWNED_REASON_SERVICE_OFF] = { "service_off",
				       "the policy leaves this service out" },
	[PWNED_REASON_MASTER_USER] = { "master_user",
				       "a master user logged in" },
	[PWNED_REASON_MECHANISM] = { "mechanism",
				     "the mechanism shows no password" },
	[PWNED_REASON_NO_PASSWORD] = { "no_password", "there is no password" },
	[PWNED_REASON_EXEMPT] = { "exempt", "the user or network is exempt" },
	[PWNED_REASON_NO_WAIT] = { "no_wait",
				   "the answer was not at hand, and logins "
				   "are told not to wait" },
	[PWNED_REASON_QUEUE_FULL] = { "queue_full",
				      "too many look-ups are waiting" },
	[PWNED_REASON_SHUTDOWN] = { "shutdown", "the server is stopping" },
	[PWNED_REASON_INTERNAL] = { "internal", "a look-up could not start" },
	[PWNED_REASON_STORE_SLOW] = { "store_slow",
				      "the store's disk did not answer in "
				      "time" },
	[PWNED_REASON_TIMEOUT] = { "timeout", "no answer in time" },
	[PWNED_REASON_RESOLVE] = { "resolve", "its name does not resolve" },
	[PWNED_REASON_CONNECT] = { "connect", "the connection failed" },
	[PWNED_REASON_TLS] = { "tls",
			       "TLS failed, or its certificate is not valid" },
	[PWNED_REASON_PROXY] = { "proxy", "the proxy refused" },
	[PWNED_REASON_HTTP_STATUS] = { "http_status", "unexpected status" },
	[PWNED_REASON_PROTOCOL] = { "protocol", "the answer is broken HTTP" },
	[PWNED_REASON_CUT_BODY] = { "cut_body", "the answer was cut" },
	[PWNED_REASON_NO_LENGTH] = { "no_length",
				     "the answer does not say where it ends" },
	[PWNED_REASON_EMPTY_BODY] = { "empty_body", "the answer is empty" },
	[PWNED_REASON_TOO_LARGE] = { "too_large", "the answer is too large" },
	[PWNED_REASON_BAD_LINE] = { "bad_line", "the answer is not a range" },
	[PWNED_REASON_BREAKER_OPEN] = { "breaker_open",
					"it failed before, and is left alone "
					"for a while" },
};

const char *pwned_verdict_name(enum pwned_verdict verdict)
{
	return verdict_names[verdict];
}

const char *pwned_action_name(enum pwned_action action)
{
	return action_names[action];
}

const char *pwned_origin_name(enum pwned_origin origin)
{
	return origin_names[origin];
}

const char *pwned_reason_name(enum pwned_reason reason)
{
	return reasons[reason].name;
}

const char *pwned_reason_text(enum pwned_reason reason)
{
	return reasons[reason].text;
}

static const char *const band_texts[] = {
	[PWNED_BAND_NONE] = "none",  [PWNED_BAND_1] = "1-9",
	[PWNED_BAND_10] = "10-99",   [PWNED_BAND_100] = "100-999",
	[PWNED_BAND_1000] = "1000+",
};

enum pwned_band pwned_band_of(uint64_t count)
{
	if (count == 0)
		return PWNED_BAND_NONE;
	if (count < 10)
		return PWNED_BAND_1;
	if (count < 100)
		return PWNED_BAND_10;
	return count < 1000 ? PWNED_BAND_100 : PWNED_BAND_1000;
}

void pwned_band_range(enum pwned_band band, uint64_t *first_r, uint64_t *end_r)
{
	static const uint64_t firsts[] = {
		[PWNED_BAND_NONE] = 0,    [PWNED_BAND_1] = 1,
		[PWNED_BAND_10] = 10,     [PWNED_BAND_100] = 100,
		[PWNED_BAND_1000] = 1000,
	};

	*first_r = firsts[band];
	*end_r = band == PWNED_BAND_1000 ? UINT64_MAX : firsts[band + 1];
}

const char *pwned_band_text(enum pwned_band band)
{
	return band_texts[band];
}
