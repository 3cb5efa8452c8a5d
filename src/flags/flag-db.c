/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flags.db: records. */

#include "flag-db-int.h"

#include <ctype.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MODE 0600

static const char *const steps[] = {
	"CREATE TABLE flag ("
	" domain TEXT NOT NULL,"
	" username TEXT NOT NULL,"
	" state INTEGER NOT NULL DEFAULT 0,"
	" since INTEGER NOT NULL DEFAULT 0,"
	" breached INTEGER NOT NULL DEFAULT 0,"
	" cleared INTEGER NOT NULL DEFAULT 0,"
	" contested INTEGER NOT NULL DEFAULT 0,"
	" decided INTEGER NOT NULL DEFAULT 0,"
	" stop INTEGER NOT NULL DEFAULT 0,"
	" band INTEGER NOT NULL DEFAULT 0,"
	" service TEXT NOT NULL DEFAULT '',"
	" suspended INTEGER NOT NULL DEFAULT 0,"
	" exempt_until INTEGER NOT NULL DEFAULT 0,"
	" hold_text TEXT NOT NULL DEFAULT '',"
	" PRIMARY KEY (domain, username)) WITHOUT ROWID;"
	"CREATE TABLE journal ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" command INTEGER NOT NULL,"
	" at INTEGER NOT NULL,"
	" username TEXT NOT NULL)",

	/* since when sending is refused */
	"ALTER TABLE flag ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;"
	/* the few among many */
	"CREATE INDEX flag_held ON flag (domain, username)"
	" WHERE hold_text <> ''",
};

/* Columns of one number, in the order of the statements. */
static const struct {
	size_t offset; /* of a uint64_t in struct pwned_flag */
} times[] = {
	{ offsetof(struct pwned_flag, since_secs) },
	{ offsetof(struct pwned_flag, breached_secs) },
	{ offsetof(struct pwned_flag, cleared_secs) },
	{ offsetof(struct pwned_flag, decided_secs) },
	{ offsetof(struct pwned_flag, stop_secs) },
	{ offsetof(struct pwned_flag, refused_secs) },
	{ offsetof(struct pwned_flag, suspended_secs) },
	{ offsetof(struct pwned_flag, exempt_until_secs) },
};
#define TIMES ((int)(sizeof(times) / sizeof(*times)))

#define COLUMNS                                                                \
	"domain, username, since, breached, cleared, decided, stop, refused, " \
	"suspended, exempt_until, state, contested, band, service, hold_text"

enum {
	COLUMN_DOMAIN,
	COLUMN_USER,
	COLUMN_TIMES,
	COLUMN_STATE = COLUMN_TIMES + (int)(sizeof(times) / sizeof(*times)),
	COLUMN_CONTESTED,
	COLUMN_BAND,
	COLUMN_SERVICE,
	COLUMN_HOLD_TEXT,
};

static const char *const statements[STATEMENTS] = {
	[STATEMENT_GET] = "SELECT " COLUMNS
			  " FROM flag WHERE domain = ? AND username = ?",
	[STATEMENT_PUT] = "REPLACE INTO flag (" COLUMNS ") VALUES "
			  "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[STATEMENT_REMOVE] =
		"DELETE FROM flag WHERE domain = ? AND username = ?",
	[STATEMENT_WALK] = "SELECT " COLUMNS " FROM flag "
			   "WHERE (domain, username) > (?, ?) "
			   "ORDER BY domain, username LIMIT ?",
	[STATEMENT_HELD] = "SELECT " COLUMNS " FROM flag WHERE hold_text <> '' "
			   "ORDER BY domain, username",
	[STATEMENT_COUNT] = "SELECT count(*) FROM flag",
	[STATEMENT_JOURNAL] = "SELECT id, command, at, username FROM journal "
			      "WHERE id > ? ORDER BY id",
	[STATEMENT_NOTE] =
		"INSERT INTO journal (command, at, username) VALUES (?, ?, ?)",
	[STATEMENT_TRIM] = "DELETE FROM journal WHERE at < ? AND id NOT IN "
			   "(SELECT max(id) FROM journal WHERE command > 0 "
			   "GROUP BY command)",
	[STATEMENT_VERSION] = "PRAGMA data_version",
};

static const struct pwned_sqlite_kind kind = {
	.name = PWNED_FLAG_DB_NAME,
	.mode = FILE_MODE,
	.steps = steps,
	.steps_count = sizeof(steps) / sizeof(*steps),
	.statements = statements,
	.statements_count = STATEMENTS,
};

enum pwned_db_result pwned_flag_db_open(const char *folder,
					enum pwned_db_durability durability,
					unsigned int busy_msecs,
					struct pwned_flag_db **db_r,
					struct pwned_error *error_r)
{
	const struct pwned_sqlite_params params = {
		.kind = &kind,
		.folder = folder,
		.durability = durability,
		.busy_msecs = busy_msecs,
	};
	struct pwned_flag_db *db = calloc(1, sizeof(*db));
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

void pwned_flag_db_close(struct pwned_flag_db **_db)
{
	struct pwned_flag_db *db = *_db;

	*_db = NULL;
	if (db == NULL)
		return;
	pwned_sqlite_close(&db->file);
	free(db);
}

struct pwned_sqlite *pwned_flag_db_file(struct pwned_flag_db *db)
{
	return &db->file;
}

enum pwned_db_result pwned_flag_db_begin(struct pwned_flag_db *db,
					 struct pwned_error *error_r)
{
	return pwned_sqlite_begin(&db->file, error_r);
}

enum pwned_db_result pwned_flag_db_commit(struct pwned_flag_db *db,
					  struct pwned_error *error_r)
{
	return pwned_sqlite_commit(&db->file, error_r);
}

void pwned_flag_db_rollback(struct pwned_flag_db *db)
{
	pwned_sqlite_rollback(&db->file);
}

enum pwned_db_result pwned_flag_db_error(struct pwned_flag_db *db,
					 sqlite3_stmt *statement,
					 struct pwned_error *error_r)
{
	enum pwned_db_result result = pwned_sqlite_error(&db->file, error_r);

	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return result;
}

void pwned_flag_db_done(sqlite3_stmt *statement)
{
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
}

/* ASCII alone, as mail domains are; what else there is stays. */
static bool set_domain(struct pwned_flag_db *db, const char *user)
{
	const char *from = pwned_user_domain(user);
	size_t length = strlen(from);

	if (*user == '\0' || strlen(user) > PWNED_FLAG_USER_MAX)
		return false;
	for (size_t i = 0; i <= length; i++)
		db->domain[i] = (char)(isascii((unsigned char)from[i]) ?
					       tolower((unsigned char)from[i]) :
					       from[i]);
	return true;
}

static enum pwned_db_result bind_user(struct pwned_flag_db *db,
				      enum pwned_flag_statement which,
				      const char *user,
				      sqlite3_stmt **statement_r,
				      struct pwned_error *error_r)
{
	*statement_r = db->file.statements[which];
	if (!set_domain(db, user)) {
		(void)pwned_error_set(error_r,
				      "%s: empty names and those of more than "
				      "%u bytes are not recorded",
				      db->file.path, PWNED_FLAG_USER_MAX);
		return PWNED_DB_FAILED;
	}
	bind_text(*statement_r, COLUMN_DOMAIN, db->domain);
	bind_text(*statement_r, COLUMN_USER, user);
	return PWNED_DB_OK;
}

/* Columns that memory was too short for have been read as empty. */
static bool is_read(const struct pwned_flag_db *db)
{
	return sqlite3_errcode(db->file.db) != SQLITE_NOMEM;
}

/* Another program may have written anything. */
static void read_flag(sqlite3_stmt *statement, struct pwned_flag *flag_r)
{
	uint64_t state = number_of(statement, COLUMN_STATE);
	uint64_t band = number_of(statement, COLUMN_BAND);

	*flag_r = (struct pwned_flag){
		.state = state <= PWNED_FLAG_CLEARED ? (unsigned int)state :
						       PWNED_FLAG_NONE,
		.contested = number_of(statement, COLUMN_CONTESTED) != 0,
		.band = band <= PWNED_BAND_1000 ? (unsigned int)band :
						  PWNED_BAND_NONE,
	};
	for (int i = 0; i < TIMES; i++)
		*(uint64_t *)((char *)flag_r + times[i].offset) =
			number_of(statement, COLUMN_TIMES + i);
	(void)snprintf(flag_r->service, sizeof(flag_r->service), "%s",
		       text_of(statement, COLUMN_SERVICE));
	(void)snprintf(flag_r->hold_text, sizeof(flag_r->hold_text), "%s",
		       text_of(statement, COLUMN_HOLD_TEXT));
}

enum pwned_db_result pwned_flag_db_get(struct pwned_flag_db *db,
				       const char *user,
				       struct pwned_flag *flag_r,
				       struct pwned_error *error_r)
{
	sqlite3_stmt *statement;
	enum pwned_db_result result =
		bind_user(db, STATEMENT_GET, user, &statement, error_r);

	*flag_r = (struct pwned_flag){ .state = PWNED_FLAG_NONE };
	if (result != PWNED_DB_OK)
		return result;
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		read_flag(statement, flag_r);
		if (!is_read(db))
			return pwned_flag_db_error(db, statement, error_r);
		break;
	case SQLITE_DONE:
		result = PWNED_DB_NONE;
		break;
	default:
		return pwned_flag_db_error(db, statement, error_r);
	}
	pwned_flag_db_done(statement);
	return result;
}

static enum pwned_db_result replace(struct pwned_flag_db *db, const char *user,
				    const struct pwned_flag *flag,
				    struct pwned_error *error_r)
{
	sqlite3_stmt *statement;
	enum pwned_db_result result =
		bind_user(db, STATEMENT_PUT, user, &statement, error_r);

	if (result != PWNED_DB_OK)
		return result;
	for (int i = 0; i < TIMES; i++)
		bind_number(statement, COLUMN_TIMES + i,
			    *(const uint64_t *)((const char *)flag +
						times[i].offset));
	bind_number(statement, COLUMN_STATE, flag->state);
	bind_number(statement, COLUMN_CONTESTED, flag->contested);
	bind_number(statement, COLUMN_BAND, flag->band);
	bind_text(statement, COLUMN_SERVICE, flag->service);
	bind_text(statement, COLUMN_HOLD_TEXT, flag->hold_text);
	return pwned_sqlite_run(&db->file, statement, error_r);
}

enum pwned_db_result pwned_flag_db_put(struct pwned_flag_db *db,
				       const char *user,
				       const struct pwned_flag *flag,
				       uint64_t now_secs,
				       struct pwned_error *error_r)
{
	struct pwned_flag before;
	enum pwned_db_result result;

	if (pwned_flag_is_empty(flag))
		return pwned_flag_db_remove(db, user, error_r);
	result = pwned_flag_db_get(db, user, &before, error_r);
	if (result == PWNED_DB_NONE)
		result = pwned_flag_db_note(db, 0, now_secs, user, error_r);
	return result == PWNED_DB_OK ? replace(db, user, flag, error_r) :
				       result;
}

enum pwned_db_result pwned_flag_db_remove(struct pwned_flag_db *db,
					  const char *user,
					  struct pwned_error *error_r)
{
	sqlite3_stmt *statement;
	enum pwned_db_result result =
		bind_user(db, STATEMENT_REMOVE, user, &statement, error_r);

	if (result != PWNED_DB_OK)
		return result;
	result = pwned_sqlite_run(&db->file, statement, error_r);
	if (result == PWNED_DB_OK && sqlite3_changes(db->file.db) == 0)
		result = PWNED_DB_NONE;
	return result;
}

void pwned_flag_db_place_free(struct pwned_flag_db_place *place)
{
	free(place->domain);
	free(place->user);
	*place = (struct pwned_flag_db_place){ .user = NULL };
}

static bool place_set(struct pwned_flag_db_place *place,
		      sqlite3_stmt *statement)
{
	pwned_flag_db_place_free(place);
	place->domain = strdup(text_of(statement, COLUMN_DOMAIN));
	place->user = strdup(text_of(statement, COLUMN_USER));
	if (place->domain != NULL && place->user != NULL)
		return true;
	pwned_flag_db_place_free(place);
	return false;
}

enum pwned_db_result pwned_flag_db_walk(struct pwned_flag_db *db,
					struct pwned_flag_db_place *place,
					unsigned int limit,
					pwned_flag_db_visit *visit,
					void *context,
					struct pwned_error *error_r)
{
	sqlite3_stmt *statement = db->file.statements[STATEMENT_WALK];
	enum pwned_db_result result = PWNED_DB_OK;
	bool at_begin = place->user == NULL, goes_on = true;
	unsigned int visited = 0;
	struct pwned_flag flag;
	int code = SQLITE_DONE;

	bind_text(statement, 0, at_begin ? "" : place->domain);
	bind_text(statement, 1, at_begin ? "" : place->user);
	bind_number(statement, 2, limit);
	while (goes_on && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *user = text_of(statement, COLUMN_USER);

		read_flag(statement, &flag);
		if (!is_read(db))
			return pwned_flag_db_error(db, statement, error_r);
		goes_on = visit(context, user, &flag);
		/* the bindings point to the place, and have been used */
		if (++visited == limit || !goes_on)
			break;
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return pwned_flag_db_error(db, statement, error_r);
	if (code == SQLITE_DONE) {
		pwned_flag_db_place_free(place);
	} else if (!place_set(place, statement)) {
		(void)pwned_error_set(error_r, "out of memory");
		result = PWNED_DB_FAILED;
	}
	pwned_flag_db_done(statement);
	return result;
}

enum pwned_db_result pwned_flag_db_held(struct pwned_flag_db *db,
					pwned_flag_db_visit *visit,
					void *context,
					struct pwned_error *error_r)
{
	sqlite3_stmt *statement = db->file.statements[STATEMENT_HELD];
	struct pwned_flag flag;
	int code;

	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *user = text_of(statement, COLUMN_USER);

		read_flag(statement, &flag);
		if (!is_read(db))
			return pwned_flag_db_error(db, statement, error_r);
		if (!visit(context, user, &flag))
			break;
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return pwned_flag_db_error(db, statement, error_r);
	pwned_flag_db_done(statement);
	return PWNED_DB_OK;
}

enum pwned_db_result pwned_flag_db_count(struct pwned_flag_db *db,
					 uint64_t *count_r,
					 struct pwned_error *error_r)
{
	sqlite3_stmt *statement = db->file.statements[STATEMENT_COUNT];

	if (sqlite3_step(statement) != SQLITE_ROW)
		return pwned_flag_db_error(db, statement, error_r);
	*count_r = number_of(statement, 0);
	pwned_flag_db_done(statement);
	return PWNED_DB_OK;
}

enum pwned_db_result pwned_flag_db_has_news(struct pwned_flag_db *db,
					    bool *news_r,
					    struct pwned_error *error_r)
{
	sqlite3_stmt *statement = db->file.statements[STATEMENT_VERSION];
	int64_t version;

	if (sqlite3_step(statement) != SQLITE_ROW)
		return pwned_flag_db_error(db, statement, error_r);
	version = sqlite3_column_int64(statement, 0);
	*news_r = version != db->version;
	db->version = version;
	pwned_flag_db_done(statement);
	return PWNED_DB_OK;
}
