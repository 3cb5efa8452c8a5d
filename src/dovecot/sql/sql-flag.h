/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SQL_FLAG_H
#define PWNED_SQL_FLAG_H

#include "flag.h"
#include "sql-client.h"

/* The records of accounts in PostgreSQL (doc/flags-pgsql.sql): what is asked,
   and how a row is read. A record is changed only if it still is what was read:
   each write gives it a version, a random number, by which its writer also
   recognises a write of which the reply was lost. */

#define PWNED_SQL_TEXT_MAX 1200
/* Whether PostgreSQL takes the name: valid UTF-8, and not longer than what it
   can put in an index. */
bool pwned_sql_can_have(const char *name);

struct pwned_sql_record {
	uint64_t version; /* 0: there is none */
	struct pwned_flag flag;
};

struct pwned_sql_query *pwned_sql_flag_get(const char *user);
/* result NULL: there is none. */
void pwned_sql_flag_read(struct sql_result *result,
			 struct pwned_sql_record *record_r);
/* Makes of the record that was read the one of the flag: it is made, changed,
   or removed where it is empty. The answer has a row if that was done. */
struct pwned_sql_query *pwned_sql_flag_put(const char *user,
					   const struct pwned_sql_record *read,
					   const struct pwned_flag *flag,
					   uint64_t version);
/* The answer has a row if there was one. */
struct pwned_sql_query *pwned_sql_flag_forget(const char *user);
uint64_t pwned_sql_flag_new_version(void);

/* Several rows: the first column of each says how many there are. */
unsigned int pwned_sql_rows(struct sql_result *result);
const char *pwned_sql_row_user(struct sql_result *result);

/* So many records at most, by domain and user, behind that one. */
struct pwned_sql_query *pwned_sql_flag_list(const char *after_user,
					    unsigned int limit);
/* Users of whose record time makes something else, by name. */
struct pwned_sql_query *pwned_sql_flag_lapsed(
	const char *after_user, uint64_t now_secs,
	const struct pwned_flag_rules *rules, unsigned int limit);

#endif
