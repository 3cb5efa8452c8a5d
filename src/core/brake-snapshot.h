/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BRAKE_SNAPSHOT_H
#define PWNED_BRAKE_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

/* The hour that the brake looks back. */
#define PWNED_BRAKE_MINUTES 60

/* What the brake counts users by. */
enum pwned_brake_occasion {
	PWNED_BRAKE_VERIFIED,
	PWNED_BRAKE_MAY_DENY,     /* verified where a denial is possible */
	PWNED_BRAKE_NEWLY_DENIED, /* or held back by the brake */

	PWNED_BRAKE_OCCASIONS
};

/* What of a brake outlives the process: how many, and nobody. Minutes are of
   unix time. */
struct pwned_brake_snapshot {
	uint64_t saved_minute; /* 0: nothing was saved */
	bool engaged;
	uint64_t engaged_minute; /* when its counts last engaged it; 0: never */
	/* users whose last time it was, by minutes before saved_minute */
	uint32_t counts[PWNED_BRAKE_OCCASIONS][PWNED_BRAKE_MINUTES];
};

#endif
