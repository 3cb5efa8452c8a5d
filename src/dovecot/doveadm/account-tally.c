/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts accounts for a report. */

#include "account-tally.h"

#include <inttypes.h>
#include <stdio.h>

static void add_flagged(struct pwned_tally *tally,
			const struct pwned_flag *flag)
{
	tally->flagged++;
	if (flag->refused_secs != 0)
		tally->denied++;
	if (*flag->hold_text != '\0' && flag->suspended_secs == 0)
		tally->held++;
}

static void add_stops(struct pwned_tally *tally, enum pwned_maybe stops)
{
	if (stops != PWNED_NO)
		tally->stops_to++;
	if (stops == PWNED_YES)
		tally->stops_from++;
}

void pwned_tally_add(struct pwned_tally *tally, const struct pwned_flag *flag,
		     const struct pwned_policy *policy, bool exempt,
		     uint64_t now_secs)
{
	bool exempt_for_now = pwned_flag_is_exempt(flag, now_secs);

	if (flag->suspended_secs != 0)
		tally->suspended++;
	if (exempt_for_now)
		tally->exempt++;
	if (flag->state == PWNED_FLAG_CLEARED) {
		tally->cleared++;
	} else if (flag->state == PWNED_FLAG_FLAGGED) {
		add_flagged(tally, flag);
		if (!exempt && !exempt_for_now)
			add_stops(tally,
				  pwned_policy_stops_band(policy, flag->band));
	}
}

void pwned_tally_sum(struct pwned_tally *tally, const struct pwned_tally *other)
{
	tally->flagged += other->flagged;
	tally->cleared += other->cleared;
	tally->denied += other->denied;
	tally->held += other->held;
	tally->stops_from += other->stops_from;
	tally->stops_to += other->stops_to;
	tally->suspended += other->suspended;
	tally->exempt += other->exempt;
}

void pwned_tally_stops_text(const struct pwned_tally *tally,
			    char text_r[PWNED_TALLY_TEXT])
{
	if (tally->stops_from == tally->stops_to)
		(void)snprintf(text_r, PWNED_TALLY_TEXT, "%" PRIu64,
			       tally->stops_to);
	else
		(void)snprintf(text_r, PWNED_TALLY_TEXT, "%" PRIu64 "-%" PRIu64,
			       tally->stops_from, tally->stops_to);
}
