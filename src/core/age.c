/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The age of ranges. */

#include "age.h"

#define DAY_SECS 86400

uint32_t pwned_day_of(uint64_t unix_secs)
{
	return (uint32_t)(unix_secs / DAY_SECS);
}

enum pwned_age pwned_age_of(uint32_t day, uint32_t today,
			    const struct pwned_settings *set)
{
	/* A clock was wrong, then or now: nothing can be told, so the source
	   is asked. */
	if (day > today)
		return PWNED_AGE_STALE;
	if (today - day < set->store_max_age_days)
		return PWNED_AGE_FRESH;
	return today - day <= set->store_stale_days ? PWNED_AGE_STALE :
						      PWNED_AGE_TOO_OLD;
}
