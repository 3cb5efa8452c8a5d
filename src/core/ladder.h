/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_LADDER_H
#define PWNED_LADDER_H

#include "flag.h"
#include "policy.h"

/* From a warning to a refusal: what policy and record make of a login together.
   Pure. */
struct pwned_rung {
	enum pwned_action action; /* ALLOW, WARN, HOLD or DENY */
	/* when sending stops, or stopped; unix time, 0: it does not, or the
	   grace has not begun */
	uint64_t stop_secs;
	/* whether the policy stops sending at all, and how long after the first
	   decision */
	bool stops;
	uint64_t grace_secs;
};

/* A password that was seen count times, at a service. flag: what is on record
   of the account, or NULL where that is not known: then a grace has not ended.
   In a dry run none begins. */
void pwned_ladder_breached(const struct pwned_policy *policy,
			   const char *service, uint64_t count,
			   const struct pwned_flag *flag, uint64_t now_secs,
			   bool dry_run, struct pwned_rung *rung_r);

/* Whether an operator has suspended the account, and the service is one that
   sends. Then what is done, whatever the password. */
bool pwned_ladder_suspended(const struct pwned_policy *policy,
			    const char *service, const struct pwned_flag *flag,
			    enum pwned_action *action_r);

#endif
