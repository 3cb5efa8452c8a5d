/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_FAKE_STORE_H
#define PWNED_TEST_FAKE_STORE_H

#include "store.h"

/* Stands in for store.h, so that a test says what is found, how old it is, and
   when the disk answers. There is one of it, and it holds one range. */
#define FAKE_STORE_READS_MAX 70000

enum fake_store_place {
	FAKE_STORE_NOWHERE,
	FAKE_STORE_IN_MEMORY,
	FAKE_STORE_IN_FILE, /* and at hand */
	FAKE_STORE_ON_DISK,
};

struct fake_store {
	enum fake_store_place place; /* of its range */
	uint32_t day;                /* when that was fetched */
	bool refuse;                 /* the disk is not to be asked */
	unsigned int length;         /* all reads that were ever asked for */
	unsigned int reading;
	/* what it was told of */
	unsigned int added, renewed;
	struct pwned_range_label renewed_label; /* the last one */
	struct pwned_store_queue queue;
};

extern struct fake_store fake_store;

/* Gives it a range, by a reference of its own. */
void fake_store_hold(struct pwned_range *range, enum fake_store_place place,
		     uint32_t day);
/* Ends a read with what it holds now. Reads are numbered in the order in which
   they were asked for. */
void fake_store_end(unsigned int number);

#endif
