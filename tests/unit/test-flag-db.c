/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flags.db: records, the journal, forms, and what may happen to the file. */

#include "support/db-fixture.h"
#include "support/temp-folder.h"
#include "support/unit.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME     PWNED_FLAG_DB_NAME
#define MANY     100000
#define HOUR     3600
#define SOMEBODY 64201

static const struct pwned_flag everything = {
	.state = PWNED_FLAG_CLEARED,
	.since_secs = 1,
	.breached_secs = 2,
	.cleared_secs = 3,
	.contested = true,
	.decided_secs = 4,
	.stop_secs = 5,
	.refused_secs = 6,
	.band = PWNED_BAND_1000,
	.service = "a-service'\n%s",
	.suspended_secs = 7,
	.exempt_until_secs = INT64_MAX,
	.hold_text = "J\303\266rg's mail: \"blocked\"\n%s",
};

static void assert_same(const struct pwned_flag *one,
			const struct pwned_flag *other)
{
	assert_int_equal(one->state, other->state);
	assert_true(one->since_secs == other->since_secs);
	assert_true(one->breached_secs == other->breached_secs);
	assert_true(one->cleared_secs == other->cleared_secs);
	assert_int_equal(one->contested, other->contested);
	assert_true(one->decided_secs == other->decided_secs);
	assert_true(one->stop_secs == other->stop_secs);
	assert_true(one->refused_secs == other->refused_secs);
	assert_int_equal(one->band, other->band);
	assert_string_equal(one->service, other->service);
	assert_true(one->suspended_secs == other->suspended_secs);
	assert_true(one->exempt_until_secs == other->exempt_until_secs);
	assert_string_equal(one->hold_text, other->hold_text);
}

static void every_field_comes_back(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag;

	put(db, "u@example.com", &everything);
	pwned_flag_db_close(&db);
	assert_null(db);
	db = flags_open(*state);
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_get(db, "u@example.com", &flag, &db_error));
	assert_same(&flag, &everything);
	pwned_flag_db_close(&db);
}

static void names_are_what_they_are(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag;

	for (size_t i = 0; i < hostile_names_length; i++) {
		flag = flagged(i + 1, "");
		put(db, hostile_names[i], &flag);
	}
	flag = flagged(1000, "");
	put(db, long_name(1000), &flag);
	put(db, long_name(PWNED_FLAG_USER_MAX), &flag);
	assert_int_equal(count_of(db), hostile_names_length + 2);
	for (size_t i = 0; i < hostile_names_length; i++) {
		assert_db(PWNED_DB_OK, pwned_flag_db_get(db, hostile_names[i],
							 &flag, &db_error));
		assert_int_equal(flag.since_secs, i + 1);
		assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
		assert_db(
			PWNED_DB_OK,
			pwned_flag_db_remove(db, hostile_names[i], &db_error));
		assert_db(PWNED_DB_OK, pwned_flag_db_commit(db, &db_error));
		assert_false(has(db, hostile_names[i]));
	}
	assert_int_equal(count_of(db), 2);
	/* case matters: Dovecot has normalised it or not */
	assert_false(has(db, "N"));
	pwned_flag_db_close(&db);
}

static void a_name_too_long_or_empty_is_refused(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(1, "");

	assert_db(PWNED_DB_FAILED,
		  pwned_flag_db_get(db, long_name(PWNED_FLAG_USER_MAX + 1),
				    &flag, &db_error));
	assert_db(PWNED_DB_FAILED, pwned_flag_db_get(db, "", &flag, &db_error));
	flag = flagged(1, "");
	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	assert_db(PWNED_DB_FAILED,
		  pwned_flag_db_put(db, long_name(PWNED_FLAG_USER_MAX + 1),
				    &flag, 1, &db_error));
	pwned_flag_db_rollback(db);
	assert_int_equal(count_of(db), 0);
	pwned_flag_db_close(&db);
}

static void an_empty_record_goes(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(1, ""), empty = { .since_secs = 1 };

	put(db, "u", &flag);
	put(db, "u", &empty);
	assert_false(has(db, "u"));
	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	assert_db(PWNED_DB_NONE,
		  pwned_flag_db_put(db, "u", &empty, 1, &db_error));
	assert_db(PWNED_DB_OK, pwned_flag_db_commit(db, &db_error));
	pwned_flag_db_close(&db);
}

struct seen {
	unsigned int length;
	char last[64];
	unsigned int at_most; /* 0: all */
	bool in_order;
};

static bool see(void *context, const char *user, const struct pwned_flag *flag)
{
	struct seen *seen = context;

	assert_int_not_equal(flag->state, PWNED_FLAG_NONE);
	if (seen->length++ > 0 && strcmp(user, seen->last) <= 0)
		seen->in_order = false;
	(void)snprintf(seen->last, sizeof(seen->last), "%s", user);
	return seen->at_most == 0 || seen->length < seen->at_most;
}

static void fill(struct pwned_flag_db *db, unsigned int users)
{
	struct pwned_flag flag = flagged(1, "");
	char user[64];

	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	for (unsigned int i = 0; i < users; i++) {
		(void)snprintf(user, sizeof(user), "%06u@example.com", i);
		assert_db(PWNED_DB_OK,
			  pwned_flag_db_put(db, user, &flag, 1, &db_error));
	}
	assert_db(PWNED_DB_OK, pwned_flag_db_commit(db, &db_error));
}

static void a_walk_meets_everyone_once_in_order(void **state)
{
	static const unsigned int limits[] = { 1000, 999, MANY, MANY + 1 };
	struct pwned_flag_db *db = flags_open(*state);

	fill(db, MANY);
	assert_int_equal(count_of(db), MANY);
	for (size_t i = 0; i < N_ELEMENTS(limits); i++) {
		struct pwned_flag_db_place place = { .user = NULL };
		struct seen seen = { .in_order = true };

		do {
			assert_db(PWNED_DB_OK,
				  pwned_flag_db_walk(db, &place, limits[i], see,
						     &seen, &db_error));
		} while (place.user != NULL);
		assert_int_equal(seen.length, MANY);
		assert_true(seen.in_order);
	}
	pwned_flag_db_close(&db);
}

static void a_walk_goes_by_domain_and_stops_when_told(void **state)
{
	static const char *const users[] = { "z", "b@A.example", "c@a.EXAMPLE",
					     "a@b.example" };
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag_db_place place = { .user = NULL };
	struct pwned_flag flag = flagged(1, "");

	for (size_t i = N_ELEMENTS(users); i > 0; i--)
		put(db, users[i - 1], &flag);
	for (size_t i = 0; i < N_ELEMENTS(users); i++) {
		struct seen seen = { .at_most = 1 };

		assert_db(PWNED_DB_OK, pwned_flag_db_walk(db, &place, 100, see,
							  &seen, &db_error));
		assert_string_equal(seen.last, users[i]);
		assert_string_equal(place.user, users[i]);
	}
	pwned_flag_db_place_free(&place);
	pwned_flag_db_close(&db);
}

static void those_held_are_found_among_many(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(1, "no");
	struct seen seen = { .length = 0 };

	fill(db, 1000);
	put(db, "held@example.com", &flag);
	assert_db(PWNED_DB_OK, pwned_flag_db_held(db, see, &seen, &db_error));
	assert_int_equal(seen.length, 1);
	assert_string_equal(seen.last, "held@example.com");
	pwned_flag_db_close(&db);
}

struct lines {
	unsigned int users, commands;
	uint64_t last_at;
	char last[64];
};

static void read_line(void *context, const struct pwned_flag_db_entry *entry)
{
	struct lines *lines = context;

	if (entry->command == 0) {
		lines->users++;
		(void)snprintf(lines->last, sizeof(lines->last), "%s",
			       entry->user);
	} else {
		lines->commands++;
		lines->last_at = entry->at_secs;
	}
}

static void send_command(struct pwned_flag_db *db, uint64_t at_secs)
{
	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_command(db, 1, at_secs, &db_error));
	assert_db(PWNED_DB_OK, pwned_flag_db_commit(db, &db_error));
}

static void the_journal_tells_what_is_new(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag_db *other = flags_open(*state);
	struct pwned_flag flag = flagged(1, "");
	struct lines lines = { .users = 0 };
	uint64_t id = 0, before;
	bool news = false;

	assert_db(PWNED_DB_OK, pwned_flag_db_has_news(db, &news, &db_error));
	put(other, "new@example.com", &flag);
	put(other, "new@example.com", &flag);
	send_command(other, 77);
	assert_db(PWNED_DB_OK, pwned_flag_db_has_news(db, &news, &db_error));
	assert_true(news);
	assert_db(PWNED_DB_OK, pwned_flag_db_has_news(db, &news, &db_error));
	assert_false(news);
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_journal(db, &id, read_line, &lines, &db_error));
	assert_int_equal(lines.users, 1);
	assert_string_equal(lines.last, "new@example.com");
	assert_int_equal(lines.commands, 1);
	assert_int_equal(lines.last_at, 77);
	before = id;
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_journal(db, &id, read_line, &lines, &db_error));
	assert_int_equal(lines.users + lines.commands, 2);
	assert_true(id == before);
	pwned_flag_db_close(&db);
	pwned_flag_db_close(&other);
}

static void the_journal_keeps_an_hour_and_the_last_command(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(1, "");
	struct lines lines = { .users = 0 };
	uint64_t id = 0;

	put(db, "old@example.com", &flag); /* at 1000000 */
	send_command(db, 1000000);
	send_command(db, 1000001);
	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	assert_db(PWNED_DB_OK, pwned_flag_db_put(db, "young@example.com", &flag,
						 1000000 + HOUR, &db_error));
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_trim(db, 1000010 + HOUR, &db_error));
	assert_db(PWNED_DB_OK, pwned_flag_db_commit(db, &db_error));
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_journal(db, &id, read_line, &lines, &db_error));
	assert_int_equal(lines.users, 1);
	assert_string_equal(lines.last, "young@example.com");
	assert_int_equal(lines.commands, 1);
	assert_int_equal(lines.last_at, 1000001);
	/* numbers are not used again */
	assert_int_equal(id, 4);
	pwned_flag_db_close(&db);
}

/* As the first form was. */
static const char form_1[] =
	"PRAGMA journal_mode=WAL;"
	"CREATE TABLE flag (domain TEXT NOT NULL, username TEXT NOT NULL,"
	" state INTEGER NOT NULL DEFAULT 0, since INTEGER NOT NULL DEFAULT 0,"
	" breached INTEGER NOT NULL DEFAULT 0,"
	" cleared INTEGER NOT NULL DEFAULT 0,"
	" contested INTEGER NOT NULL DEFAULT 0,"
	" decided INTEGER NOT NULL DEFAULT 0,"
	" stop INTEGER NOT NULL DEFAULT 0, band INTEGER NOT NULL DEFAULT 0,"
	" service TEXT NOT NULL DEFAULT '',"
	" suspended INTEGER NOT NULL DEFAULT 0,"
	" exempt_until INTEGER NOT NULL DEFAULT 0,"
	" hold_text TEXT NOT NULL DEFAULT '',"
	" PRIMARY KEY (domain, username)) WITHOUT ROWID;"
	"CREATE TABLE journal (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" command INTEGER NOT NULL, at INTEGER NOT NULL,"
	" username TEXT NOT NULL);"
	"INSERT INTO flag (domain, username, state, since, breached, decided,"
	" stop, band, service, hold_text) VALUES ('example.com',"
	" 'u@example.com', 1, 10, 20, 30, 40, 2, 'smtp', 'text');"
	"INSERT INTO journal VALUES (41, 1, 5, '');"
	"PRAGMA user_version = 1";

static void a_file_of_the_first_form_is_brought_to_ours(void **state)
{
	struct pwned_flag_db *db;
	struct pwned_flag flag;
	struct lines lines = { .users = 0 };
	uint64_t id = 0;

	(void)run_sql(*state, NAME, form_1);
	db = flags_open(*state);
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_get(db, "u@example.com", &flag, &db_error));
	assert_int_equal(flag.since_secs, 10);
	assert_int_equal(flag.stop_secs, 40);
	assert_int_equal(flag.refused_secs, 0);
	assert_string_equal(flag.hold_text, "text");
	put(db, "u@example.com", &everything);
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_get(db, "u@example.com", &flag, &db_error));
	assert_same(&flag, &everything);
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_journal(db, &id, read_line, &lines, &db_error));
	assert_int_equal(id, 41);
	pwned_flag_db_close(&db);
	assert_int_equal(run_sql(*state, NAME, "PRAGMA user_version"), 2);
}

static void a_newer_form_is_left_alone(void **state)
{
	struct pwned_error error = { .text = "" };
	struct pwned_flag_db *db = flags_open(*state);

	pwned_flag_db_close(&db);
	(void)run_sql(*state, NAME,
		      "ALTER TABLE flag RENAME TO flags_of_tomorrow;"
		      "PRAGMA user_version = 99");
	assert_int_equal(
		pwned_flag_db_open(*state, PWNED_DB_DURABLE, 100, &db, &error),
		PWNED_DB_FAILED);
	assert_null(db);
	assert_non_null(strstr(error.text, NAME));
	assert_non_null(strstr(error.text, "form is 99"));
	assert_int_equal(run_sql(*state, NAME, "PRAGMA user_version"), 99);
	assert_int_equal(run_sql(*state, NAME,
				 "SELECT count(*) + 1 FROM flags_of_tomorrow"),
			 1);
}

/* In processes of their own. */
static void all_at_once(unsigned int processes, int (*run)(const char *folder),
			const char *folder)
{
	pid_t pids[16];
	int status;

	for (unsigned int i = 0; i < processes; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(run(folder));
	}
	for (unsigned int i = 0; i < processes; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

static int open_once(const char *folder)
{
	struct pwned_error error = { .text = "" };
	struct pwned_flag_db *db;

	if (pwned_flag_db_open(folder, PWNED_DB_QUICK, 10000, &db, &error) !=
	    PWNED_DB_OK) {
		(void)fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	pwned_flag_db_close(&db);
	return 0;
}

/* Another that has just made the file, and is to make it one with a WAL. */
static pid_t begin_one(const char *folder, unsigned int for_usecs)
{
	int ready[2];
	char byte = 0;
	sqlite3 *db;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (sqlite3_open(path_of(folder, NAME), &db) != SQLITE_OK ||
		    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
			    SQLITE_OK ||
		    write(ready[1], &byte, 1) != 1)
			_exit(1);
		(void)usleep(for_usecs);
		_exit(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return pid;
}

static void one_that_another_is_making_is_waited_for(void **state)
{
	pid_t pid = begin_one(*state, 300000);
	int status;

	assert_int_equal(chmod(path_of(*state, NAME), 0600), 0);
	assert_int_equal(open_once(*state), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void two_may_make_it_at_once(void **state)
{
	for (unsigned int i = 0; i < 10; i++) {
		all_at_once(8, open_once, *state);
		assert_int_equal(run_sql(*state, NAME, "PRAGMA user_version"),
				 2);
		(void)remove(path_of(*state, NAME));
		(void)remove(path_of(*state, NAME "-wal"));
		(void)remove(path_of(*state, NAME "-shm"));
	}
}

static void two_may_bring_it_to_our_form_at_once(void **state)
{
	(void)run_sql(*state, NAME, form_1);
	all_at_once(8, open_once, *state);
	assert_int_equal(run_sql(*state, NAME, "PRAGMA user_version"), 2);
	assert_int_equal(run_sql(*state, NAME, "SELECT since FROM flag"), 10);
}

#define INCREMENTS 100

static int increment(const char *folder)
{
	struct pwned_error error = { .text = "" };
	enum pwned_db_result result;
	struct pwned_flag_db *db;
	struct pwned_flag flag;

	result = pwned_flag_db_open(folder, PWNED_DB_QUICK, 30000, &db, &error);
	for (int i = 0; i < INCREMENTS && result == PWNED_DB_OK; i++) {
		result = pwned_flag_db_begin(db, &error);
		if (result == PWNED_DB_OK)
			result = pwned_flag_db_get(db, "u", &flag, &error);
		flag.since_secs++;
		if (result == PWNED_DB_OK)
			result = pwned_flag_db_put(db, "u", &flag, 1, &error);
		if (result == PWNED_DB_OK)
			result = pwned_flag_db_commit(db, &error);
	}
	pwned_flag_db_close(&db);
	if (result != PWNED_DB_OK)
		(void)fprintf(stderr, "%s\n", error.text);
	return result != PWNED_DB_OK;
}

static void no_change_of_two_writers_is_lost(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(1, "");

	put(db, "u", &flag);
	pwned_flag_db_close(&db);
	all_at_once(4, increment, *state);
	assert_int_equal(run_sql(*state, NAME, "SELECT since FROM flag"),
			 1 + 4 * INCREMENTS);
}

static void a_locked_file_is_busy_and_still_read(void **state)
{
	struct pwned_flag_db *db = flags_open(*state), *other;
	struct pwned_error error = { .text = "" };
	struct pwned_flag flag = flagged(1, "");

	put(db, "u", &flag);
	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	assert_int_equal(
		pwned_flag_db_open(*state, PWNED_DB_QUICK, 50, &other, &error),
		PWNED_DB_OK);
	assert_int_equal(pwned_flag_db_begin(other, &error), PWNED_DB_BUSY);
	assert_non_null(strstr(error.text, "/" NAME ": database is locked"));
	assert_true(has(other, "u"));
	pwned_flag_db_rollback(db);
	assert_db(PWNED_DB_OK, pwned_flag_db_begin(other, &db_error));
	pwned_flag_db_rollback(other);
	pwned_flag_db_close(&other);
	pwned_flag_db_close(&db);
}

static void what_was_not_committed_is_not_there(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(1, "");
	int status;
	pid_t pid;

	pwned_flag_db_close(&db);
	pid = fork();
	if (pid == 0) {
		struct pwned_error error;

		db = flags_open(*state);
		put(db, "committed", &flag);
		(void)pwned_flag_db_begin(db, &error);
		(void)pwned_flag_db_put(db, "not", &flag, 1, &error);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	db = flags_open(*state);
	assert_true(has(db, "committed"));
	assert_false(has(db, "not"));
	put(db, "after", &flag);
	pwned_flag_db_close(&db);
}

static void a_full_disk_is_told_and_passes(void **state)
{
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(1, "");
	struct pwned_error error = { .text = "" };
	struct rlimit limit, old;
	enum pwned_db_result result = PWNED_DB_OK;

	put(db, "before", &flag);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 65536;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	for (unsigned int i = 0; i < 1000 && result == PWNED_DB_OK; i++)
		result = pwned_flag_db_put(db, long_name(500 + i), &flag, 1,
					   &error);
	if (result == PWNED_DB_OK)
		result = pwned_flag_db_commit(db, &error);
	pwned_flag_db_rollback(db);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(result, PWNED_DB_FAILED);
	assert_non_null(strstr(error.text, "/" NAME ": "));
	assert_null(strstr(error.text, "nnn"));
	assert_true(has(db, "before"));
	assert_int_equal(count_of(db), 1);
	put(db, "after", &flag);
	pwned_flag_db_close(&db);
}

static void assert_open(const char *folder, enum pwned_db_result expected)
{
	struct pwned_error error = { .text = "" };
	struct pwned_flag_db *db;

	assert_int_equal(
		pwned_flag_db_open(folder, PWNED_DB_QUICK, 100, &db, &error),
		expected);
	assert_null(db);
	if (strstr(error.text, folder) == NULL)
		fail_msg("no path: %s", error.text);
}

static void make_full(const char *folder)
{
	struct pwned_flag_db *db = flags_open(folder);

	fill(db, 2000);
	pwned_flag_db_close(&db);
	(void)run_sql(folder, NAME, "PRAGMA wal_checkpoint(TRUNCATE)");
}

static void garbage_is_damage(void **state)
{
	make_full(*state);
	overwrite(path_of(*state, NAME), 0, 4096);
	assert_open(*state, PWNED_DB_DAMAGED);
}

static void other_peoples_tables_are_damage(void **state)
{
	(void)run_sql(*state, NAME,
		      "CREATE TABLE mine (a); PRAGMA user_version = 2");
	assert_open(*state, PWNED_DB_DAMAGED);
	(void)run_sql(*state, NAME, "PRAGMA user_version = 1");
	assert_open(*state, PWNED_DB_DAMAGED);
}

static bool ignore(void *context, const char *user,
		   const struct pwned_flag *flag)
{
	(void)context;
	(void)user;
	(void)flag;
	return true;
}

/* What the whole of it shows, when the file is opened or later. */
static enum pwned_db_result read_all(const char *folder)
{
	struct pwned_flag_db_place place = { .user = NULL };
	struct pwned_error error = { .text = "" };
	struct pwned_flag_db *db;
	enum pwned_db_result result =
		pwned_flag_db_open(folder, PWNED_DB_QUICK, 100, &db, &error);

	if (result == PWNED_DB_OK)
		result = pwned_flag_db_walk(db, &place, MANY, ignore, NULL,
					    &error);
	pwned_flag_db_place_free(&place);
	pwned_flag_db_close(&db);
	return result;
}

static void a_cut_file_is_damage(void **state)
{
	make_full(*state);
	assert_int_equal(truncate(path_of(*state, NAME), 20000), 0);
	assert_int_equal(read_all(*state), PWNED_DB_DAMAGED);
}

static void a_broken_page_is_damage(void **state)
{
	make_full(*state);
	for (long page = 5; page < 20; page++)
		overwrite(path_of(*state, NAME), page * 4096, 512);
	assert_int_equal(read_all(*state), PWNED_DB_DAMAGED);
}

static void a_damaged_file_is_set_aside(void **state)
{
	struct pwned_error error = { .text = "" };
	struct pwned_flag flag = flagged(1, "");
	struct pwned_flag_db *db;
	struct stat st;

	for (unsigned int i = 0; i < 2; i++) {
		make_full(*state);
		overwrite(path_of(*state, NAME), 0, 4096);
		assert_open(*state, PWNED_DB_DAMAGED);
		assert_true(pwned_sqlite_set_aside(*state, PWNED_FLAG_DB_NAME,
						   &error));
		assert_int_equal(stat(path_of(*state, NAME ".damaged"), &st),
				 0);
		assert_true(st.st_size > 4096);
		db = flags_open(*state);
		assert_int_equal(count_of(db), 0);
		put(db, "u", &flag);
		pwned_flag_db_close(&db);
	}
}

static void an_empty_file_is_begun(void **state)
{
	struct pwned_flag_db *db;
	FILE *file = fopen(path_of(*state, NAME), "w");

	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	db = flags_open(*state);
	assert_int_equal(count_of(db), 0);
	pwned_flag_db_close(&db);
}

static void removed_or_replaced_is_seen(void **state)
{
	struct pwned_flag_db *db = flags_open(*state), *other;
	struct pwned_flag flag = flagged(1, "");

	put(db, "u", &flag);
	assert_true(pwned_sqlite_is_in_place(pwned_flag_db_file(db)));
	assert_int_equal(remove(path_of(*state, NAME)), 0);
	assert_false(pwned_sqlite_is_in_place(pwned_flag_db_file(db)));
	(void)remove(path_of(*state, NAME "-wal"));
	(void)remove(path_of(*state, NAME "-shm"));
	other = flags_open(*state);
	assert_false(pwned_sqlite_is_in_place(pwned_flag_db_file(db)));
	assert_true(pwned_sqlite_is_in_place(pwned_flag_db_file(other)));
	pwned_flag_db_close(&db);
	assert_int_equal(count_of(other), 0);
	pwned_flag_db_close(&other);
}

static void the_file_is_private(void **state)
{
	static const char *const names[] = { NAME, NAME "-wal", NAME "-shm" };
	mode_t old = umask(0);
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(1, "");
	struct stat st;

	put(db, "u", &flag);
	pwned_flag_db_close(&db);
	(void)umask(old);
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		assert_int_equal(stat(path_of(*state, names[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
}

static void what_is_no_file_is_left_alone(void **state)
{
	char path[256];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/target", (const char *)*state);
	assert_int_equal(symlink(path, path_of(*state, NAME)), 0);
	assert_open(*state, PWNED_DB_FAILED);
	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(remove(path_of(*state, NAME)), 0);
	assert_int_equal(mkfifo(path_of(*state, NAME), 0600), 0);
	assert_open(*state, PWNED_DB_FAILED);
	assert_int_equal(remove(path_of(*state, NAME)), 0);
	assert_int_equal(mkdir(path_of(*state, NAME), 0700), 0);
	assert_open(*state, PWNED_DB_FAILED);
}

static void a_folder_that_others_read_is_refused(void **state)
{
	assert_int_equal(chmod(*state, 0755), 0);
	assert_open(*state, PWNED_DB_FAILED);
	assert_int_equal(access(path_of(*state, NAME), F_OK), -1);
}

/* Root may write anywhere: it becomes somebody else. */
static void rights_that_lack_are_told(void **state)
{
	static const char *const names[] = { "", NAME, NAME "-wal",
					     NAME "-shm" };
	struct pwned_flag_db *db = flags_open(*state);
	bool is_root = geteuid() == 0;

	pwned_flag_db_close(&db);
	assert_int_equal(chmod(path_of(*state, NAME), 0400), 0);
	for (size_t i = 0; i < N_ELEMENTS(names) && is_root; i++)
		assert_int_equal(chown(path_of(*state, names[i]), SOMEBODY, -1),
				 0);
	assert_true(!is_root || seteuid(SOMEBODY) == 0);
	assert_open(*state, PWNED_DB_FAILED);
	assert_int_equal(chmod(path_of(*state, NAME), 0600), 0);
	assert_int_equal(remove(path_of(*state, NAME "-wal")), 0);
	assert_int_equal(remove(path_of(*state, NAME "-shm")), 0);
	assert_int_equal(chmod(*state, 0500), 0);
	assert_open(*state, PWNED_DB_FAILED);
	assert_true(!is_root || seteuid(0) == 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, temp_folder_make,                \
					temp_folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_field_comes_back),
		TEST(names_are_what_they_are),
		TEST(a_name_too_long_or_empty_is_refused),
		TEST(an_empty_record_goes),
		TEST(a_walk_meets_everyone_once_in_order),
		TEST(a_walk_goes_by_domain_and_stops_when_told),
		TEST(those_held_are_found_among_many),
		TEST(the_journal_tells_what_is_new),
		TEST(the_journal_keeps_an_hour_and_the_last_command),
		TEST(a_file_of_the_first_form_is_brought_to_ours),
		TEST(a_newer_form_is_left_alone),
		TEST(one_that_another_is_making_is_waited_for),
		TEST(two_may_make_it_at_once),
		TEST(two_may_bring_it_to_our_form_at_once),
		TEST(no_change_of_two_writers_is_lost),
		TEST(a_locked_file_is_busy_and_still_read),
		TEST(what_was_not_committed_is_not_there),
		TEST(a_full_disk_is_told_and_passes),
		TEST(garbage_is_damage),
		TEST(other_peoples_tables_are_damage),
		TEST(a_cut_file_is_damage),
		TEST(a_broken_page_is_damage),
		TEST(a_damaged_file_is_set_aside),
		TEST(an_empty_file_is_begun),
		TEST(removed_or_replaced_is_seen),
		TEST(the_file_is_private),
		TEST(what_is_no_file_is_left_alone),
		TEST(a_folder_that_others_read_is_refused),
		TEST(rights_that_lack_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
