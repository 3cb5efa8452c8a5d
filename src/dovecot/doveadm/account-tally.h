/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_ACCOUNT_TALLY_H
#define PWNED_ACCOUNT_TALLY_H

#include "flag.h"
#include "policy.h"

/* How many accounts of a domain stand how. Pure. */
struct pwned_tally {
	uint64_t flagged;
	uint64_t cleared;
	uint64_t denied; /* flagged ones that were refused */
	uint64_t held;   /* whose mail is refused because they are flagged */
	/* Flagged ones whom the policy would stop: records hold bands, so it
	   may be known only from and to. Who is exempt is none of them. */
	uint64_t stops_from, stops_to;
	uint64_t suspended;
	uint64_t exempt; /* by an operator's command */
};

/* exempt: by the settings. */
void pwned_tally_add(struct pwned_tally *tally, const struct pwned_flag *flag,
		     const struct pwned_policy *policy, bool exempt,
		     uint64_t now_secs);
void pwned_tally_sum(struct pwned_tally *tally,
		     const struct pwned_tally *other);

/* "12", or "12-15". */
#define PWNED_TALLY_TEXT sizeof("18446744073709551615-18446744073709551615")
void pwned_tally_stops_text(const struct pwned_tally *tally,
			    char text_r[PWNED_TALLY_TEXT]);

#endif
