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
	enum pwned_reason refuse;              /* at once, instead of a fetch */
	bool probe;                            /* each fetch is one */
	bool unusable;                         /* there can be none */
	struct pwned_breaker_snapshot breaker; /* of its one source */
};

extern struct fake_source fake_source;

/* Fetches are numbered in the order in which they were asked for. */
uint32_t fake_source_prefix(unsigned int number);
enum pwned_fetch_mode fake_source_mode(unsigned int number);
/* The label that it was asked with; its tag is "" where there was none. */
const struct pwned_range_label *fake_source_known(unsigned int number);
/* Ends a fetch, with a range or why there is none. */
void fake_source_end(unsigned int number, enum pwned_reason reason,
		     struct pwned_range *range);
/* Ends a fetch that had a label: what stands under it is right, as of that
   day. */
void fake_source_not_modified(unsigned int number, uint32_t day);

#endif
