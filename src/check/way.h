/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_WAY_H
#define PWNED_WAY_H

#include "check.h"
#include "flags.h"
#include "ladder.h"
#include "range-query.h"

/* What is found out about a login, and what is made of it; without waiting. */

/* What is on record of the account. */
enum pwned_way_record {
	PWNED_RECORD_NONE,    /* certainly nothing */
	PWNED_RECORD_ASKED,   /* it is being looked up */
	PWNED_RECORD_KNOWN,   /* flag */
	PWNED_RECORD_UNKNOWN, /* it could not be told, or not in time */
};

/* Of a login that is decided at once it lives on the stack. */
struct pwned_way {
	struct pwned_engine *engine;
	const struct pwned_settings *set;
	struct pwned_policy *policy;
	const char *service; /* NULL: any, for a password that is chosen */
	const char *user;    /* NULL: nobody's */
	struct pwned_finding finding;
	enum pwned_way_record record;
	struct pwned_flag flag;
};

/* Why the range is not asked. NONE: it is. */
enum pwned_reason pwned_way_why_not(const struct pwned_way *way,
				    const struct pwned_login *login);
/* Whether anything may be on record that matters: of a login that is not
   checked, for that reason, only a suspension, or a hold of one who is exempt
   now; nothing where the password is a master's. */
bool pwned_way_may_have_record(const struct pwned_way *way,
			       enum pwned_reason reason);
/* Whether the answer needs the record. Not at a service where nobody is refused
   for what is on record, and nothing is held that a clean login could set
   free. */
bool pwned_way_needs_record(const struct pwned_way *way);
/* Whether a hold is to be written, the only thing that is waited for where
   nothing is on record. */
bool pwned_way_may_hold(const struct pwned_way *way);

/* Of one that is not checked. set NULL: they have a mistake. */
void pwned_way_skip(const struct pwned_settings *set, enum pwned_reason reason,
		    struct pwned_decision *decision_r);
/* Of finding and record. */
void pwned_way_decide(struct pwned_way *way, struct pwned_rung *rung_r,
		      struct pwned_decision *decision_r);
/* Counts a login, once, when it is answered. */
void pwned_way_count(struct pwned_engine *engine,
		     const struct pwned_decision *decision);
/* Tells what the login says of its account. moves_hold_r: it changes what MTAs
   read; then callback (NULL: nobody waits) comes when they do, and the request
   is returned. */
struct pwned_flags_request *pwned_way_tell(
	const struct pwned_way *way, const struct pwned_decision *decision,
	const struct pwned_rung *rung, pwned_flags_told_callback *callback,
	void *context, bool *moves_hold_r);

#endif
