/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_DB_FIXTURE_H
#define PWNED_TEST_DB_FIXTURE_H

#include "flag-db.h"
#include "hold-db.h"

#include <stddef.h>

/* flags.db and hold.db of a test, and its other programs that read and write
   them. */

/* Names as an attacker would like to have them. */
extern const char *const hostile_names[];
extern const size_t hostile_names_length;
/* One of this length. */
const char *long_name(size_t length);

/* In folder; each fails the test where that does not work. */
struct pwned_flag_db *flags_open(const char *folder);
struct pwned_hold_db *holds_open(const char *folder);
/* Whether a call comes to what is expected; it is given &db_error. */
extern struct pwned_error db_error;
#define assert_db(expected, call)                                              \
	do {                                                                   \
		enum pwned_db_result result_;                                  \
                                                                               \
		*db_error.text = '\0';                                         \
		result_ = (call);                                              \
		if (result_ != (expected))                                     \
			fail_msg("%s: %d: %s", #call, (int)result_,            \
				 db_error.text);                               \
	} while (0)
void put(struct pwned_flag_db *db, const char *user,
	 const struct pwned_flag *flag);
bool has(struct pwned_flag_db *db, const char *user);
uint64_t count_of(struct pwned_flag_db *db);
/* A record that is flagged. */
struct pwned_flag flagged(uint64_t since_secs, const char *hold_text);

/* Another program's SQL on folder/name. Returns its first number, 0 where there
   is none. */
long long run_sql(const char *folder, const char *name, const char *sql);
/* An MTA's look-up, without write access and without waiting. Returns SQLite's
   code: 100 (a row) or 101 (none) are well. */
int look_up(const char *folder, const char *user);

const char *path_of(const char *folder, const char *name);
/* Writes over so many bytes from there on. */
void overwrite(const char *path, long offset, size_t length);

#endif
