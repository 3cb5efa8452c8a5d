/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AGE_H
#define PWNED_AGE_H

#include "pwned-settings.h"

#include <stdint.h>

/* What a range may be used for, by the day of its fetch. Days are those since
   1970-01-01, UTC. */
enum pwned_age {
	PWNED_AGE_FRESH,
	PWNED_AGE_STALE,   /* it decides, and the source is asked behind it */
	PWNED_AGE_TOO_OLD, /* as if it were not there */
};

uint32_t pwned_day_of(uint64_t unix_secs);
enum pwned_age pwned_age_of(uint32_t day, uint32_t today,
			    const struct pwned_settings *set);

#endif
