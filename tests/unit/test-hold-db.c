/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hold.db: what MTAs read, whatever happens to who writes it, and that it says
   what flags.db says. */

#include "support/db-fixture.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "hold-sync.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME PWNED_HOLD_DB_NAME

static void hold(struct pwned_hold_db *db, const char *user, const char *text)
{
	assert_db(PWNED_DB_OK, pwned_hold_db_begin(db, &db_error));
	assert_db(PWNED_DB_OK, pwned_hold_db_set(db, user, text, &db_error));
	assert_db(PWNED_DB_OK, pwned_hold_db_commit(db, &db_error));
}

static void assert_text(struct pwned_hold_db *db, const char *user,
			const char *expected)
{
	char text[PWNED_FLAG_TEXT_MAX + 1];

	assert_db(*expected == '\0' ? PWNED_DB_NONE : PWNED_DB_OK,
		  pwned_hold_db_get(db, user, text, &db_error));
	assert_string_equal(text, expected);
}

static void names_are_what_they_are(void **state)
{
	struct pwned_hold_db *db = holds_open(*state);

	for (size_t i = 0; i < hostile_names_length; i++)
		hold(db, hostile_names[i], hostile_names[i]);
	hold(db, long_name(1000), "long");
	for (size_t i = 0; i < hostile_names_length; i++) {
		assert_text(db, hostile_names[i], hostile_names[i]);
		assert_int_equal(look_up(*state, hostile_names[i]), SQLITE_ROW);
		hold(db, hostile_names[i], "");
		assert_text(db, hostile_names[i], "");
		assert_int_equal(look_up(*state, hostile_names[i]),
				 SQLITE_DONE);
	}
	assert_text(db, long_name(1000), "long");
	pwned_hold_db_close(&db);
}

static void a_look_up_without_case_has_an_index(void **state)
{
	struct pwned_hold_db *db = holds_open(*state);

	hold(db, "User@Example.com", "text");
	pwned_hold_db_close(&db);
	assert_int_equal(look_up(*state, "uSER@eXAMPLE.COM"), SQLITE_ROW);
	assert_int_equal(
		run_sql(*state, NAME,
			"SELECT count(*) FROM sqlite_master WHERE "
			"type = 'index' AND sql LIKE '%COLLATE NOCASE%'"),
		1);
}

static void the_group_may_read_and_nobody_write(void **state)
{
	static const char *const names[] = { NAME, NAME "-wal", NAME "-shm" };
	static const mode_t masks[] = { 0, 0077 };
	struct pwned_hold_db *db;
	mode_t old = umask(0);
	struct stat st;

	for (size_t mask = 0; mask < N_ELEMENTS(masks); mask++) {
		(void)umask(masks[mask]);
		db = holds_open(*state);
		hold(db, "u", "text");
		pwned_hold_db_close(&db);
		for (size_t i = 0; i < N_ELEMENTS(names); i++) {
			assert_int_equal(stat(path_of(*state, names[i]), &st),
					 0);
			assert_int_equal(st.st_mode & 07777, 0640);
			assert_int_equal(remove(path_of(*state, names[i])), 0);
		}
	}
	(void)umask(old);
}

/* By root alone: who else has a second group? */
static void files_follow_their_folder_to_another_group(void **state)
{
	static const char *const names[] = { NAME, NAME "-wal", NAME "-shm" };
	struct pwned_hold_db *db = holds_open(*state);
	gid_t group = geteuid() == 0 ? 64203 : getegid();
	struct stat st;

	hold(db, "u", "text");
	pwned_hold_db_close(&db);
	assert_int_equal(chown(*state, (uid_t)-1, group), 0);
	assert_int_equal(chmod(*state, 02700), 0);
	assert_int_equal(chmod(path_of(*state, NAME), 0600), 0);
	db = holds_open(*state);
	pwned_hold_db_close(&db);
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		assert_int_equal(stat(path_of(*state, names[i]), &st), 0);
		assert_int_equal(st.st_gid, group);
		assert_int_equal(st.st_mode & 07777, 0640);
	}
}

static void it_is_read_after_a_close_and_after_a_kill(void **state)
{
	struct pwned_hold_db *db = holds_open(*state);
	int status;
	pid_t pid;

	hold(db, "u", "text");
	assert_int_equal(look_up(*state, "u"), SQLITE_ROW);
	pwned_hold_db_close(&db);
	assert_int_equal(look_up(*state, "u"), SQLITE_ROW);
	pid = fork();
	if (pid == 0) {
		struct pwned_error error;

		db = holds_open(*state);
		hold(db, "v", "text");
		(void)pwned_hold_db_begin(db, &error);
		(void)pwned_hold_db_set(db, "w", "text", &error);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(look_up(*state, "v"), SQLITE_ROW);
	assert_int_equal(look_up(*state, "w"), SQLITE_DONE);
}

/* As auth that ends and comes again. */
static void write_and_end(const char *folder, bool killed)
{
	struct pwned_hold_db *db = holds_open(folder);

	hold(db, "v", killed ? "text" : "");
	hold(db, "w", killed ? "" : "text");
	if (killed)
		(void)raise(SIGKILL);
	pwned_hold_db_close(&db);
	_exit(0);
}

/* Nobody else has the file open: SQLite alone fails about one for each end. */
static void no_look_up_fails_when_a_writer_ends_and_comes(void **state)
{
	struct pwned_hold_db *db = holds_open(*state);
	int status, code;
	pid_t pid;

	hold(db, "u", "text");
	pwned_hold_db_close(&db);
	for (unsigned int i = 0; i < 200; i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			write_and_end(*state, i % 2 == 0);
		while (waitpid(pid, &status, WNOHANG) == 0) {
			code = look_up(*state, "u");
			if (code != SQLITE_ROW)
				fail_msg("writer %u: %d: %s", i, code,
					 sqlite3_errstr(code));
		}
		assert_true(status == 0 || WIFSIGNALED(status));
	}
}

static void write_note(const char *folder, const char *text)
{
	FILE *note = fopen(path_of(folder, NAME "-boot"), "w");

	assert_non_null(note);
	assert_true(fputs(text, note) >= 0);
	assert_int_equal(fclose(note), 0);
}

/* After the system went down the index may say anything. */
static void an_index_of_another_boot_is_made_anew(void **state)
{
	static const char *const notes[] = { "", "another-boot 1 2 3 4\n" };
	struct pwned_hold_db *db = holds_open(*state);

	hold(db, "u", "text");
	pwned_hold_db_close(&db);
	for (size_t i = 0; i < N_ELEMENTS(notes); i++) {
		write_note(*state, notes[i]);
		overwrite(path_of(*state, NAME "-shm"), 136, 30000);
		db = holds_open(*state);
		assert_text(db, "u", "text");
		pwned_hold_db_close(&db);
		assert_int_equal(look_up(*state, "u"), SQLITE_ROW);
	}
	/* its own checksum tells a broken head */
	overwrite(path_of(*state, NAME "-shm"), 0, 96);
	db = holds_open(*state);
	assert_text(db, "u", "text");
	pwned_hold_db_close(&db);
}

/* To another process: whether somebody has the index open. */
static bool is_used(const char *folder)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = 128,
		.l_len = 1,
	};
	int status, fd;
	pid_t pid = fork();

	if (pid == 0) {
		fd = open(path_of(folder, NAME "-shm"), O_RDWR);
		if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0)
			_exit(2);
		_exit(lock.l_type == F_UNLCK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_in_range(WEXITSTATUS(status), 0, 1);
	return WEXITSTATUS(status) == 1;
}

static void one_of_two_that_closes_takes_no_lock_along(void **state)
{
	struct pwned_hold_db *one, *other;

	/* a new one, and one that is kept */
	for (unsigned int i = 0; i < 2; i++) {
		one = holds_open(*state);
		other = holds_open(*state);
		pwned_hold_db_close(&other);
		assert_true(is_used(*state));
		hold(one, "u", "text");
		pwned_hold_db_close(&one);
		assert_false(is_used(*state));
	}
}

static void a_reader_who_stays_does_not_stop_a_writer(void **state)
{
	struct pwned_hold_db *db = holds_open(*state);
	sqlite3 *reader;
	char user[32];

	hold(db, "u", "text");
	assert_int_equal(sqlite3_open_v2(path_of(*state, NAME), &reader,
					 SQLITE_OPEN_READONLY, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT * FROM pwned_hold",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	for (unsigned int i = 0; i < 100; i++) {
		(void)snprintf(user, sizeof(user), "u%u", i);
		hold(db, user, "text");
	}
	assert_db(PWNED_DB_OK,
		  pwned_sqlite_checkpoint(pwned_hold_db_file(db), &db_error));
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
	pwned_hold_db_close(&db);
}

static void damage_is_told_when_it_is_opened(void **state)
{
	struct pwned_error error = { .text = "" };
	struct pwned_hold_db *db = holds_open(*state);

	pwned_hold_db_close(&db);
	(void)run_sql(*state, NAME, "PRAGMA wal_checkpoint(TRUNCATE)");
	overwrite(path_of(*state, NAME), 0, 100);
	assert_int_equal(pwned_hold_db_open(*state, NULL, PWNED_DB_QUICK, 100,
					    &db, &error),
			 PWNED_DB_DAMAGED);
	assert_non_null(strstr(error.text, "/" NAME ": "));
	assert_true(pwned_sqlite_set_aside(*state, PWNED_HOLD_DB_NAME, &error));
	db = holds_open(*state);
	assert_text(db, "u", "");
	pwned_hold_db_close(&db);
}

static const struct pwned_hold_rules rules = { .suspend_text = "suspended" };

struct both {
	struct pwned_flag_db *flags;
	struct pwned_hold_db *holds;
};

static struct both both_open(const char *folder)
{
	return (struct both){ flags_open(folder), holds_open(folder) };
}

static void both_close(struct both *both)
{
	pwned_flag_db_close(&both->flags);
	pwned_hold_db_close(&both->holds);
}

static void a_row_and_its_record_are_brought_together(void **state)
{
	struct both both = both_open(*state);
	struct pwned_flag held = flagged(1, "record's"), flag = flagged(2, "");

	put(both.flags, "same", &held);
	hold(both.holds, "same", "record's");
	put(both.flags, "other text", &held);
	hold(both.holds, "other text", "row's");
	put(both.flags, "no row", &held);
	put(both.flags, "released", &flag);
	hold(both.holds, "released", "row's");
	hold(both.holds, "no record", "row's");
	hold(both.holds, "of an operator", "suspended");
	hold(both.holds, long_name(PWNED_FLAG_USER_MAX + 1), "row's");
	assert_db(PWNED_DB_OK, pwned_hold_sync(both.flags, both.holds, &rules,
					       77, &db_error));
	assert_text(both.holds, "same", "record's");
	assert_text(both.holds, "other text", "record's");
	assert_text(both.holds, "no row", "record's");
	assert_text(both.holds, "released", "");
	assert_text(both.holds, "no record", "row's");
	assert_text(both.holds, long_name(PWNED_FLAG_USER_MAX + 1), "");
	assert_text(both.holds, "of an operator", "suspended");
	assert_db(PWNED_DB_OK, pwned_flag_db_get(both.flags, "of an operator",
						 &flag, &db_error));
	assert_int_equal(flag.state, PWNED_FLAG_NONE);
	assert_int_equal(flag.suspended_secs, 77);
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_get(both.flags, "no record", &flag, &db_error));
	assert_int_equal(flag.state, PWNED_FLAG_FLAGGED);
	assert_int_equal(flag.since_secs, 77);
	assert_string_equal(flag.service, "");
	assert_string_equal(flag.hold_text, "row's");
	both_close(&both);
}

/* And after it they come back. */
static void in_a_dry_run_nobody_is_held(void **state)
{
	const struct pwned_hold_rules dry_run = {
		.dry_run = true,
		.suspend_text = "suspended",
	};
	struct both both = both_open(*state);
	struct pwned_flag held = flagged(1, "text"), flag;

	put(both.flags, "held", &held);
	hold(both.holds, "held", "text");
	hold(both.holds, "no record", "text");
	assert_db(PWNED_DB_OK, pwned_hold_sync(both.flags, both.holds, &dry_run,
					       77, &db_error));
	assert_text(both.holds, "held", "");
	assert_text(both.holds, "no record", "");
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_get(both.flags, "held", &flag, &db_error));
	assert_string_equal(flag.hold_text, "text");
	assert_db(PWNED_DB_OK, pwned_hold_sync(both.flags, both.holds, &rules,
					       77, &db_error));
	assert_text(both.holds, "held", "text");
	assert_text(both.holds, "no record", "text");
	both_close(&both);
}

/* A command that has written its hold and not yet its record. */
static void what_another_is_writing_is_waited_for(void **state)
{
	struct both both = both_open(*state), other;
	struct pwned_flag flag = flagged(1, "text");
	struct pwned_error error = { .text = "" };

	assert_int_equal(pwned_flag_db_open(*state, PWNED_DB_QUICK, 50,
					    &other.flags, &error),
			 PWNED_DB_OK);
	other.holds = holds_open(*state);
	flag.suspended_secs = 5;
	assert_db(PWNED_DB_OK, pwned_flag_db_begin(both.flags, &db_error));
	hold(both.holds, "u", "text");
	assert_int_equal(
		pwned_hold_sync(other.flags, other.holds, &rules, 77, &error),
		PWNED_DB_BUSY);
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_put(both.flags, "u", &flag, 1, &db_error));
	assert_db(PWNED_DB_OK, pwned_flag_db_commit(both.flags, &db_error));
	assert_db(PWNED_DB_OK, pwned_hold_sync(other.flags, other.holds, &rules,
					       77, &db_error));
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_get(other.flags, "u", &flag, &db_error));
	assert_int_equal(flag.suspended_secs, 5);
	assert_text(other.holds, "u", "text");
	both_close(&both);
	both_close(&other);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, temp_folder_make,                \
					temp_folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_are_what_they_are),
		TEST(a_look_up_without_case_has_an_index),
		TEST(the_group_may_read_and_nobody_write),
		TEST(files_follow_their_folder_to_another_group),
		TEST(it_is_read_after_a_close_and_after_a_kill),
		TEST(no_look_up_fails_when_a_writer_ends_and_comes),
		TEST(an_index_of_another_boot_is_made_anew),
		TEST(one_of_two_that_closes_takes_no_lock_along),
		TEST(a_reader_who_stays_does_not_stop_a_writer),
		TEST(damage_is_told_when_it_is_opened),
		TEST(a_row_and_its_record_are_brought_together),
		TEST(in_a_dry_run_nobody_is_held),
		TEST(what_another_is_writing_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
