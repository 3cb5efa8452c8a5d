/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_FAKE_SOURCE_H
#define PWNED_TEST_FAKE_SOURCE_H

#include "source.h"

/* Stands in for source.h, so that a test says what is answered and when. There
   is one of it. */
#define FAKE_SOURCE_FETCHES_MAX 512

struct fake_source {
	unsigned int length; /* all fetches that were ever asked for */
	unsigned int running;
	enum pwned_reason known; /* at once, instead of a fetch */
	bool unusable;           /* there can be none */
};

extern struct fake_source fake_source;

/* Fetches are numbered in the order in which they were asked for. */
uint32_t fake_source_prefix(unsigned int number);
bool fake_source_is_urgent(unsigned int number);
/* Ends a fetch, with a range or why there is none. */
void fake_source_end(unsigned int number, enum pwned_reason reason,
		     struct pwned_range *range);

#endif
