/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flags.db: the journal. */

#include "flag-db-int.h"

/* Auths look at it once a second. */
#define JOURNAL_SECS 3600

enum pwned_db_result pwned_flag_db_note(struct pwned_flag_db *db,
					unsigned int command, uint64_t now_secs,
					const char *user,
					struct pwned_error *error_r)
{
	sqlite3_stmt *statement = db->file.statements[STATEMENT_NOTE];

	bind_number(statement, 0, command);
	bind_number(statement, 1, now_secs);
	bind_text(statement, 2, user);
	return pwned_sqlite_run(&db->file, statement, error_r);
}

enum pwned_db_result pwned_flag_db_journal(struct pwned_flag_db *db,
					   uint64_t *id,
					   pwned_flag_db_read *read,
					   void *context,
					   struct pwned_error *error_r)
{
	sqlite3_stmt *statement = db->file.statements[STATEMENT_JOURNAL];
	int code;

	bind_number(statement, 0, *id);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const struct pwned_flag_db_entry entry = {
			.id = number_of(statement, 0),
			.command = (unsigned int)number_of(statement, 1),
			.at_secs = number_of(statement, 2),
			.user = text_of(statement, 3),
		};

		read(context, &entry);
		*id = entry.id;
	}
	if (code != SQLITE_DONE)
		return pwned_flag_db_error(db, statement, error_r);
	pwned_flag_db_done(statement);
	return PWNED_DB_OK;
}

enum pwned_db_result pwned_flag_db_command(struct pwned_flag_db *db,
					   unsigned int command,
					   uint64_t now_secs,
					   struct pwned_error *error_r)
{
	return pwned_flag_db_note(db, command, now_secs, "", error_r);
}

enum pwned_db_result pwned_flag_db_trim(struct pwned_flag_db *db,
					uint64_t now_secs,
					struct pwned_error *error_r)
{
	sqlite3_stmt *statement = db->file.statements[STATEMENT_TRIM];

	bind_number(statement, 0,
		    now_secs > JOURNAL_SECS ? now_secs - JOURNAL_SECS : 0);
	return pwned_sqlite_run(&db->file, statement, error_r);
}
