/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports to whoever hosts the engine. */

#include "report.h"

static const char *const breaker_names[] = {
	[PWNED_BREAKER_CLOSED] = "closed",
	[PWNED_BREAKER_OPEN] = "open",
	[PWNED_BREAKER_PROBING] = "probing",
};

static const char *const fault_names[PWNED_FAULTS] = {
	[PWNED_FAULT_OPEN] = "open",       [PWNED_FAULT_READ] = "read",
	[PWNED_FAULT_WRITE] = "write",     [PWNED_FAULT_FULL] = "full",
	[PWNED_FAULT_DAMAGED] = "damaged", [PWNED_FAULT_REMOVED] = "removed",
	[PWNED_FAULT_STALLED] = "stalled", [PWNED_FAULT_STATE] = "state",
	[PWNED_FAULT_FLAGS] = "flags",     [PWNED_FAULT_HOLD] = "hold",
};

const char *pwned_breaker_state_name(enum pwned_breaker_state state)
{
	return breaker_names[state];
}

const char *pwned_store_fault_name(enum pwned_store_fault fault)
{
	return fault_names[fault];
}

void pwned_report_fetch(const struct pwned_reporter *reporter,
			const struct pwned_fetch_report *report)
{
	if (reporter->fetch != NULL)
		reporter->fetch(reporter->context, report);
}

void pwned_report_breaker(const struct pwned_reporter *reporter,
			  const struct pwned_breaker_report *report)
{
	if (reporter->breaker != NULL)
		reporter->breaker(reporter->context, report);
}

void pwned_report_store(const struct pwned_reporter *reporter,
			enum pwned_store_fault fault, const char *text)
{
	if (reporter->store != NULL)
		reporter->store(reporter->context, fault, text);
}

void pwned_report_flag(const struct pwned_reporter *reporter,
		       const struct pwned_flag_report *report)
{
	if (reporter->flag != NULL)
		reporter->flag(reporter->context, report);
}
