/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_STORE_FIXTURE_H
#define PWNED_TEST_STORE_FIXTURE_H

#include "store.h"

/* A store with all that it needs, and what it told. */
struct store_fixture {
	struct pwned_settings set;
	struct pwned_loop *loop;
	struct pwned_counters counters;
	struct pwned_reporter reporter;
	struct pwned_store *store;

	unsigned int faults[PWNED_FAULTS];
	char fault[512]; /* the last one's text */
};

/* A folder "" is none. Opens nothing yet, so that settings can be changed. */
void store_fixture_init(struct store_fixture *fixture, char *folder);
void store_fixture_open(struct store_fixture *fixture,
			enum pwned_store_access access);
/* Closes the store, unless that was done, and the loop. */
void store_fixture_free(struct store_fixture *fixture);

/* Lets threads do what they have to, and tells of it in the loop. */
void store_fixture_settle(struct store_fixture *fixture);
/* The store looks at its file at once a second, when it is used: so it does
   now, and what comes of it. */
void store_fixture_look(struct store_fixture *fixture);

/* Adds a range of support/contents.h, and has it written. */
void store_fixture_add(struct store_fixture *fixture,
		       const struct pwned_range_label *label, uint32_t seed,
		       size_t length);

/* Looks up, wherever that is. Returns false where it is a miss. answer->block
   is NULL. */
bool store_fixture_find(struct store_fixture *fixture, uint32_t prefix,
			uint32_t seed, size_t i,
			struct pwned_store_answer *answer_r);

/* The day that the loop's clock starts with. */
uint32_t store_fixture_today(const struct store_fixture *fixture);

unsigned int store_fixture_counted(const struct store_fixture *fixture,
				   enum pwned_counter counter);
/* Fails the test where another fault was told, or not so many. */
void store_fixture_assert_faults(const struct store_fixture *fixture,
				 enum pwned_store_fault fault,
				 unsigned int count);
void store_fixture_assert_no_faults(const struct store_fixture *fixture);

#endif
