/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SLOT_SURVEY_H
#define PWNED_SLOT_SURVEY_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>

/* The store as a whole, for operators. Takes seconds where it is full: never in
   auth. */

#define PWNED_STORE_AGES 6
/* "0-1 days", and so on, as struct pwned_store_survey counts them. */
extern const char *const pwned_store_age_names[PWNED_STORE_AGES];

struct pwned_store_survey {
	uint64_t ranges;
	uint64_t damaged; /* slots whose first block does not prove itself; what
			     a newer release wrote is in neither */
	uint64_t bytes_on_disk;
	uint64_t by_age[PWNED_STORE_AGES];
	uint32_t oldest_day, newest_day; /* 0: no ranges */
};

/* today: days since 1970-01-01. Returns false with what is wrong; a folder
   without a file of ours yet is an empty store. */
bool pwned_store_survey(const char *folder, uint32_t today,
			struct pwned_store_survey *survey_r,
			struct pwned_error *error_r);

/* Removes ranges that were fetched before a day, UINT32_MAX: all, and gives
   their space back to the file system. Auth notices at its next login, at most
   a second later. Returns false with what is wrong. */
bool pwned_store_purge(const char *folder, uint32_t before_day,
		       uint64_t *purged_r, struct pwned_error *error_r);

#endif
