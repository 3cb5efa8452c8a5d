/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hold.db: whose mail MTAs refuse. */

#include "hold-db.h"
#include "flag.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MODE 0640

/* A public interface (doc/HOLD). */
static const char *const steps[] = {
	"CREATE TABLE pwned_hold ("
	" username TEXT NOT NULL PRIMARY KEY,"
	" text TEXT NOT NULL) WITHOUT ROWID;"
	/* for look-ups that compare without case */
	"CREATE INDEX pwned_hold_nocase ON"
	" pwned_hold (username COLLATE NOCASE)",
};

enum statement {
	STATEMENT_GET,
	STATEMENT_SET,
	STATEMENT_REMOVE,
	STATEMENT_LIST,

	STATEMENTS
};

static const char *const statements[STATEMENTS] = {
	[STATEMENT_GET] = "SELECT text FROM pwned_hold WHERE username = ?",
	[STATEMENT_SET] =
		"REPLACE INTO pwned_hold (username, text) VALUES (?, ?)",
	[STATEMENT_REMOVE] = "DELETE FROM pwned_hold WHERE username = ?",
	[STATEMENT_LIST] =
		"SELECT username, text FROM pwned_hold ORDER BY username",
};

static const struct pwned_sqlite_kind kind = {
	.name = PWNED_HOLD_DB_NAME,
	.mode = FILE_MODE,
	.steps = steps,
	.steps_count = sizeof(steps) / sizeof(*steps),
	.statements = statements,
	.statements_count = STATEMENTS,
};

struct pwned_hold_db {
	struct pwned_sqlite file;
};

enum pwned_db_result pwned_hold_db_open(const char *folder, const char *group,
					enum pwned_db_durability durability,
					unsigned int busy_msecs,
					struct pwned_hold_db **db_r,
					struct pwned_error *error_r)
{
	const struct pwned_sqlite_params params = {
		.kind = &kind,
		.folder = folder,
		.group = group,
		.durability = durability,
		.busy_msecs = busy_msecs,
	};
	struct pwned_hold_db *db = calloc(1, sizeof(*db));
	enum pwned_db_result result = PWNED_DB_FAILED;

	if (db == NULL)
		(void)pwned_error_set(error_r, "out of memory");
	else
		result = pwned_sqlite_open(&params, &db->file, error_r);
	*db_r = result == PWNED_DB_OK ? db : NULL;
	if (result != PWNED_DB_OK)
		free(db);
	return result;
}

void pwned_hold_db_close(struct pwned_hold_db **_db)
{
	struct pwned_hold_db *db = *_db;

	*_db = NULL;
	if (db == NULL)
		return;
	pwned_sqlite_close(&db->file);
	free(db);
}

struct pwned_sqlite *pwned_hold_db_file(struct pwned_hold_db *db)
{
	return &db->file;
}

enum pwned_db_result pwned_hold_db_begin(struct pwned_hold_db *db,
					 struct pwned_error *error_r)
{
	return pwned_sqlite_begin(&db->file, error_r);
}

enum pwned_db_result pwned_hold_db_commit(struct pwned_hold_db *db,
					  struct pwned_error *error_r)
{
	return pwned_sqlite_commit(&db->file, error_r);
}

void pwned_hold_db_rollback(struct pwned_hold_db *db)
{
	pwned_sqlite_rollback(&db->file);
}

enum pwned_db_result pwned_hold_db_set(struct pwned_hold_db *db,
				       const char *user, const char *text,
				       struct pwned_error *error_r)
{
	enum statement which = *text == '\0' ? STATEMENT_REMOVE : STATEMENT_SET;
	sqlite3_stmt *statement = db->file.statements[which];

	(void)sqlite3_bind_text(statement, 1, user, -1, SQLITE_STATIC);
	if (which == STATEMENT_SET)
		(void)sqlite3_bind_text(statement, 2, text, -1, SQLITE_STATIC);
	return pwned_sqlite_run(&db->file, statement, error_r);
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text == NULL ? "" : (const char *)text;
}

enum pwned_db_result pwned_hold_db_get(struct pwned_hold_db *db,
				       const char *user, char *text_r,
				       struct pwned_error *error_r)
{
	sqlite3_stmt *statement = db->file.statements[STATEMENT_GET];
	enum pwned_db_result result = PWNED_DB_OK;

	*text_r = '\0';
	(void)sqlite3_bind_text(statement, 1, user, -1, SQLITE_STATIC);
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		(void)snprintf(text_r, PWNED_FLAG_TEXT_MAX + 1, "%s",
			       text_of(statement, 0));
		break;
	case SQLITE_DONE:
		result = PWNED_DB_NONE;
		break;
	default:
		result = pwned_sqlite_error(&db->file, error_r);
		break;
	}
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return result;
}

enum pwned_db_result pwned_hold_db_list(
	struct pwned_hold_db *db,
	bool (*visit)(void *context, const char *user, const char *text),
	void *context, struct pwned_error *error_r)
{
	sqlite3_stmt *statement = db->file.statements[STATEMENT_LIST];
	enum pwned_db_result result = PWNED_DB_OK;
	int code = SQLITE_DONE;

	while ((code = sqlite3_step(statement)) == SQLITE_ROW &&
	       visit(context, text_of(statement, 0), text_of(statement, 1)))
		;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		result = pwned_sqlite_error(&db->file, error_r);
	(void)sqlite3_reset(statement);
	return result;
}
