/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which accounts are listed. */

#include "account-filter.h"

#include <string.h>
#include <strings.h>

/* A word of the status; but a flag is one in any state of its grace, whatever
   an operator has said of the account besides. */
static bool is_in_state(const char *state, const struct pwned_flag *flag,
			uint64_t now_secs)
{
	if (strcmp(state, "flagged") == 0)
		return flag->state == PWNED_FLAG_FLAGGED;
	if (strcmp(state, "cleared") == 0)
		return flag->state == PWNED_FLAG_CLEARED;
	if (strcmp(state, "exempt") == 0)
		return pwned_flag_is_exempt(flag, now_secs);
	if (strcmp(state, "held") == 0)
		return *flag->hold_text != '\0';
	return strcmp(state, pwned_flag_status_name(pwned_flag_status_of(
				     flag, now_secs))) == 0;
}

bool pwned_account_state_is_valid(const char *state)
{
	for (enum pwned_flag_status i = PWNED_STATUS_CLEARED;
	     i < PWNED_STATUSES; i++) {
		if (strcmp(state, pwned_flag_status_name(i)) == 0)
			return true;
	}
	return strcmp(state, "held") == 0;
}

/* Since when anything is on record; an exemption has no such date. */
static uint64_t begin_of(const struct pwned_flag *flag)
{
	return flag->state != PWNED_FLAG_NONE ? flag->since_secs :
						flag->suspended_secs;
}

static bool is_old_enough(const struct pwned_flag *flag, uint64_t age_secs,
			  uint64_t now_secs)
{
	uint64_t begin = begin_of(flag);

	return age_secs == 0 || (begin != 0 && begin <= now_secs &&
				 now_secs - begin >= age_secs);
}

bool pwned_account_filter_has(const struct pwned_account_filter *filter,
			      const char *user, const struct pwned_flag *flag,
			      uint64_t now_secs)
{
	if (filter->state != NULL &&
	    !is_in_state(filter->state, flag, now_secs))
		return false;
	if (filter->domain != NULL &&
	    strcasecmp(filter->domain, pwned_user_domain(user)) != 0)
		return false;
	if (filter->service != NULL &&
	    strcmp(filter->service, flag->service) != 0)
		return false;
	return is_old_enough(flag, filter->age_secs, now_secs);
}
