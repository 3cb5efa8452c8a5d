/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Databases of a test. */

#include "db-fixture.h"
#include "unit.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW 1000000

struct pwned_error db_error;

const char *const hostile_names[] = {
	"o'brien@example.com",
	"'; DROP TABLE flag; --@example.com",
	"\" OR 1=1 --",
	"$(reboot)`id`;|&<>@example.com",
	"two\nlines@example.com",
	"tab\there@example.com",
	"%s%n%d%08x@100%.example",
	"\\0\\x00\\",
	" blanks @ example.com ",
	"J\303\266rg@ex\303\244mple.com",
	"\346\227\245\346\234\254@example.com",
	"not\377\376utf-8\300\200@example.com",
	"half\303",
	"@",
	"@@",
	"a@b@c",
	"*",
	"_",
	"NULL",
	"\001\002\177\033[2J",
};
const size_t hostile_names_length = N_ELEMENTS(hostile_names);

const char *long_name(size_t length)
{
	static char name[8192];

	assert_true(length < sizeof(name));
	memset(name, 'n', length);
	name[length] = '\0';
	return name;
}

struct pwned_flag_db *flags_open(const char *folder)
{
	struct pwned_flag_db *db;

	assert_db(PWNED_DB_OK, pwned_flag_db_open(folder, PWNED_DB_QUICK, 5000,
						  &db, &db_error));
	return db;
}

struct pwned_hold_db *holds_open(const char *folder)
{
	struct pwned_hold_db *db;

	assert_db(PWNED_DB_OK, pwned_hold_db_open(folder, NULL, PWNED_DB_QUICK,
						  5000, &db, &db_error));
	return db;
}

void put(struct pwned_flag_db *db, const char *user,
	 const struct pwned_flag *flag)
{
	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_put(db, user, flag, NOW, &db_error));
	assert_db(PWNED_DB_OK, pwned_flag_db_commit(db, &db_error));
}

bool has(struct pwned_flag_db *db, const char *user)
{
	struct pwned_error error = { .text = "" };
	struct pwned_flag flag;
	enum pwned_db_result result =
		pwned_flag_db_get(db, user, &flag, &error);

	if (result != PWNED_DB_OK && result != PWNED_DB_NONE)
		fail_msg("%s", error.text);
	return result == PWNED_DB_OK;
}

uint64_t count_of(struct pwned_flag_db *db)
{
	uint64_t count = 0;

	assert_db(PWNED_DB_OK, pwned_flag_db_count(db, &count, &db_error));
	return count;
}

struct pwned_flag flagged(uint64_t since_secs, const char *hold_text)
{
	struct pwned_flag flag = {
		.state = PWNED_FLAG_FLAGGED,
		.since_secs = since_secs,
		.breached_secs = since_secs,
		.band = PWNED_BAND_10,
		.service = "smtp",
	};

	(void)snprintf(flag.hold_text, sizeof(flag.hold_text), "%s", hold_text);
	return flag;
}

const char *path_of(const char *folder, const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int first_number(void *context, int columns, char **values, char **names)
{
	(void)names;
	if (columns > 0 && values[0] != NULL && *(long long *)context == 0)
		*(long long *)context = atoll(values[0]);
	return 0;
}

long long run_sql(const char *folder, const char *name, const char *sql)
{
	sqlite3 *db;
	char *text = NULL;
	long long number = 0;
	int persist = 1;

	assert_int_equal(sqlite3_open(path_of(folder, name), &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, 5000);
	(void)sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL,
				   &persist);
	if (sqlite3_exec(db, sql, first_number, &number, &text) != SQLITE_OK)
		fail_msg("%s: %s", sql, text);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return number;
}

int look_up(const char *folder, const char *user)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db;
	char uri[256];
	int code;

	(void)snprintf(uri, sizeof(uri), "file:%s/%s?mode=ro&readonly_shm=1",
		       folder, PWNED_HOLD_DB_NAME);
	code = sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
			       NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db,
					  "SELECT text FROM pwned_hold WHERE "
					  "username = ? COLLATE NOCASE",
					  -1, &statement, NULL);
	if (code == SQLITE_OK) {
		(void)sqlite3_bind_text(statement, 1, user, -1, SQLITE_STATIC);
		code = sqlite3_step(statement);
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		code = sqlite3_extended_errcode(db);
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(db);
	return code;
}

void overwrite(const char *path, long offset, size_t length)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(
			pwrite(fd, "\xa5", 1, (off_t)offset + (off_t)i), 1);
	assert_int_equal(close(fd), 0);
}
