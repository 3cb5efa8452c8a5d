/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy and record. */

#include "ladder.h"

static bool is_in_grace(const struct pwned_ruling *ruling,
			uint64_t decided_secs, uint64_t now_secs)
{
	if (ruling->grace_secs == 0)
		return false;
	return decided_secs == 0 ||
	       now_secs < decided_secs + ruling->grace_secs;
}

void pwned_ladder_breached(const struct pwned_policy *policy,
			   const char *service, uint64_t count,
			   const struct pwned_flag *flag, uint64_t now_secs,
			   bool dry_run, struct pwned_rung *rung_r)
{
	uint64_t decided_secs = flag == NULL ? 0 : flag->decided_secs;
	struct pwned_ruling ruling;

	if (decided_secs == 0 && flag != NULL && !dry_run)
		decided_secs = now_secs;
	*rung_r = (struct pwned_rung){ .stop_secs = 0 };
	rung_r->stops = pwned_policy_stops(policy, count, &rung_r->grace_secs);
	if (rung_r->stops && decided_secs != 0)
		rung_r->stop_secs = decided_secs + rung_r->grace_secs;
	pwned_policy_decide(policy, service, count, &ruling);
	rung_r->action = ruling.action;
	if ((ruling.action == PWNED_ACTION_DENY ||
	     ruling.action == PWNED_ACTION_HOLD) &&
	    is_in_grace(&ruling, decided_secs, now_secs))
		rung_r->action = PWNED_ACTION_WARN;
}

bool pwned_ladder_suspended(const struct pwned_policy *policy,
			    const char *service, const struct pwned_flag *flag,
			    enum pwned_action *action_r)
{
	if (flag->suspended_secs == 0 || !pwned_service_sends(service))
		return false;
	*action_r = pwned_policy_holds(policy, service) ? PWNED_ACTION_HOLD :
							  PWNED_ACTION_DENY;
	return true;
}
