/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_DB_INT_H
#define PWNED_FLAG_DB_INT_H

#include "flag-db.h"

#include <sqlite3.h>

/* What flag-db.c and flag-journal.c share of one database. */

enum pwned_flag_statement {
	STATEMENT_GET,
	STATEMENT_PUT,
	STATEMENT_REMOVE,
	STATEMENT_WALK,
	STATEMENT_HELD,
	STATEMENT_COUNT,
	STATEMENT_JOURNAL,
	STATEMENT_NOTE,
	STATEMENT_TRIM,
	STATEMENT_VERSION,

	STATEMENTS
};

struct pwned_flag_db {
	struct pwned_sqlite file;
	int64_t version; /* of the data, as it was last looked at */
	char domain[PWNED_FLAG_USER_MAX + 1]; /* bound to a statement */
};

/* What went wrong with a statement, which is reset. */
enum pwned_db_result pwned_flag_db_error(struct pwned_flag_db *db,
					 sqlite3_stmt *statement,
					 struct pwned_error *error_r);
void pwned_flag_db_done(sqlite3_stmt *statement);
/* A line of the journal; command 0: a new record. */
enum pwned_db_result pwned_flag_db_note(struct pwned_flag_db *db,
					unsigned int command, uint64_t now_secs,
					const char *user,
					struct pwned_error *error_r);

/* Nothing is copied, so that a bind cannot fail. */
static inline void bind_text(sqlite3_stmt *statement, int column,
			     const char *text)
{
	(void)sqlite3_bind_text(statement, column + 1, text, -1, SQLITE_STATIC);
}

static inline void bind_number(sqlite3_stmt *statement, int column,
			       uint64_t number)
{
	(void)sqlite3_bind_int64(statement, column + 1, (int64_t)number);
}

static inline const char *text_of(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text == NULL ? "" : (const char *)text;
}

static inline uint64_t number_of(sqlite3_stmt *statement, int column)
{
	int64_t number = sqlite3_column_int64(statement, column);

	return number < 0 ? 0 : (uint64_t)number;
}

#endif
