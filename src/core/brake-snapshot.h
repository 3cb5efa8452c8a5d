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

/* A user of the last hour. Ages are in minutes before saved_minute, and
   PWNED_BRAKE_MINUTES where it did not happen within the hour. */
struct pwned_brake_user {
	uint64_t hash; /* under the snapshot's seed; never 0 */
	uint8_t ages[PWNED_BRAKE_OCCASIONS];
	bool denied; /* so that he stays denied; false: or held back */
};

/* Where there are more of them, a sample stands for all. */
#define PWNED_BRAKE_SAVED_USERS     1024
#define PWNED_BRAKE_SAMPLE_BITS_MAX 32

/* What of a brake outlives the process: users as hashes, so that one who comes
   again is the same one, and no names. Minutes are of unix time. */
struct pwned_brake_snapshot {
	uint64_t saved_minute; /* 0: nothing was saved */
	bool engaged;
	uint64_t engaged_minute; /* when its counts last engaged it; 0: never */
	uint64_t seed;
	/* of the users only those whose hash ends in so many zeros */
	uint64_t sample_bits;
	struct pwned_brake_user users[PWNED_BRAKE_SAVED_USERS];
	unsigned int users_length;
};

#endif
