/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SQL_REQUEST_H
#define PWNED_SQL_REQUEST_H

#include "flags.h"

struct pwned_sql_query;
struct sql_flags;

/* Somebody waits: for a record, or until what he told is written. */
struct pwned_flags_request {
	struct pwned_flags_request *prev, *next; /* of those that told */
	struct sql_flags *flags;
	char *user;
	uint64_t number;               /* of what was told */
	struct pwned_sql_query *query; /* of a look-up */
	pwned_flags_found_callback *found;
	pwned_flags_told_callback *told; /* with found NULL: forgotten */
	void *context;
};

struct pwned_flags_request *pwned_sql_request_new(struct sql_flags *flags,
						  const char *user,
						  void *context);
void pwned_sql_request_free(struct pwned_flags_request *request);

/* Answers those who told something of that user, up to that number; user NULL:
   all. They leave the list. Callbacks may forget others. */
void pwned_sql_tellers_answer(struct pwned_flags_request **tellers,
			      const char *user, uint64_t number, bool written);
bool pwned_sql_somebody_waits(const struct pwned_flags_request *tellers,
			      const char *user);

#endif
