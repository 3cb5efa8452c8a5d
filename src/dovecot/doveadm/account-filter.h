/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_ACCOUNT_FILTER_H
#define PWNED_ACCOUNT_FILTER_H

#include "flag.h"

/* Which accounts an operator wants to see. Pure. */
struct pwned_account_filter {
	const char *state;   /* NULL: any */
	const char *domain;  /* without case; NULL: any */
	const char *service; /* of the last breached login; NULL: any */
	uint64_t age_secs;   /* on record for so long at least */
};

/* Whether it names a state, and which there are. */
bool pwned_account_state_is_valid(const char *state);
#define PWNED_ACCOUNT_STATES                                                   \
	"flagged, grace, stopped, held, cleared, suspended or exempt"

bool pwned_account_filter_has(const struct pwned_account_filter *filter,
			      const char *user, const struct pwned_flag *flag,
			      uint64_t now_secs);

#endif
