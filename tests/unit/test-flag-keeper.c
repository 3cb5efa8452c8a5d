/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of accounts for a loop: real files, a real thread. */

#include "support/fake-loop.h"
#include "support/log-lines.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "flag-db.h"
#include "flag-keeper.h"
#include "hold-db.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY      86400
#define NOW      UINT64_C(1795000000)
#define TEXT     "no mail"
#define USER     "anna@example.com"
#define NEWS_MAX 65536
/* What was told is written by then. */
#define WRITTEN_MSECS 700
#define LOOKED_MSECS  1200

struct fixture {
	const char *folder;
	char hold[4096];
	struct pwned_loop *loop;
	struct log_lines lines;
	struct pwned_log log;
	struct pwned_reporter reporter;
	struct pwned_counters counters;
	struct pwned_settings set;
	struct pwned_flag_keeper *keeper;
	struct pwned_flags *flags;

	/* reports */
	unsigned int raised, returned, lowered, expired, held, released;
	unsigned int flag_faults, hold_faults;
	char fault[512];
	/* commands */
	unsigned int commands;
	uint64_t sent_secs;
	/* an answer */
	bool answered, has_flag, written;
	struct pwned_flag flag;
};

static void on_flag(void *context, const struct pwned_flag_report *report)
{
	struct fixture *f = context;

	f->raised += report->change == PWNED_FLAG_RAISED;
	f->returned += report->change == PWNED_FLAG_RETURNED;
	f->lowered += report->change == PWNED_FLAG_LOWERED;
	f->expired += report->expired;
	f->held += report->held;
	f->released += report->released;
}

static void on_fault(void *context, enum pwned_store_fault fault,
		     const char *text)
{
	struct fixture *f = context;

	f->flag_faults += fault == PWNED_FAULT_FLAGS;
	f->hold_faults += fault == PWNED_FAULT_HOLD;
	(void)snprintf(f->fault, sizeof(f->fault), "%s", text);
}

static void on_command(void *context, enum pwned_flag_command command,
		       uint64_t sent_secs)
{
	struct fixture *f = context;

	assert_int_equal(command, PWNED_COMMAND_RESUME);
	f->commands++;
	f->sent_secs = sent_secs;
}

static void open_keeper(struct fixture *f)
{
	f->keeper = pwned_flag_keeper_new(&f->set, 1, f->loop, &f->reporter,
					  &f->counters, on_command, f);
	assert_non_null(f->keeper);
	f->flags = pwned_flag_keeper_flags(f->keeper);
	assert_non_null(f->flags);
}

static void close_keeper(struct fixture *f)
{
	pwned_flag_keeper_free(&f->keeper);
	f->flags = NULL;
}

static void parse(struct fixture *f)
{
	struct pwned_error error;
	char text[9000];

	(void)snprintf(text, sizeof(text),
		       "pwned_store =\npwned_state_dir = %s\npwned_hold = "
		       "%s\n",
		       f->folder, f->hold);
	if (!pwned_settings_parse(text, strlen(text), "file", &f->set, &error))
		fail_msg("%s", error.text);
}

static int set_up(void **state)
{
	static struct fixture f;

	if (temp_folder_make(state) != 0)
		return -1;
	f = (struct fixture){ .folder = *state, .loop = fake_loop_new() };
	(void)snprintf(f.hold, sizeof(f.hold), "%s/hold", f.folder);
	assert_int_equal(mkdir(f.hold, 0700), 0);
	fake_loop_set_unix(f.loop, NOW);
	f.log = log_lines_open(&f.lines);
	f.reporter = (struct pwned_reporter){
		.log = &f.log, .store = on_fault, .flag = on_flag, .context = &f
	};
	parse(&f);
	open_keeper(&f);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	void *folder = (void *)f->folder;

	close_keeper(f);
	pwned_settings_free(&f->set);
	fake_loop_free(&f->loop);
	return temp_folder_remove(&folder);
}

static struct pwned_flag_news breached(const char *user)
{
	return (struct pwned_flag_news){
		.user = user,
		.saying = PWNED_SAYING_BREACHED,
		.now_secs = NOW,
		.service = "smtp",
		.band = PWNED_BAND_10,
	};
}

static struct pwned_flag_news clean(const char *user)
{
	return (struct pwned_flag_news){
		.user = user,
		.saying = PWNED_SAYING_CLEAN,
		.now_secs = NOW,
		.service = "imap",
	};
}

static void tell(struct fixture *f, struct pwned_flag_news news)
{
	assert_null(f->flags->v->tell(f->flags, &news, NULL, NULL));
}

static void on_told(void *context, bool written)
{
	struct fixture *f = context;

	f->answered = true;
	f->written = written;
}

static bool tell_and_wait(struct fixture *f, struct pwned_flag_news news)
{
	f->answered = false;
	assert_non_null(f->flags->v->tell(f->flags, &news, on_told, f));
	fake_loop_serve(f->loop, &f->answered);
	return f->written;
}

static void on_found(void *context, const struct pwned_flag *flag)
{
	struct fixture *f = context;

	f->answered = true;
	f->has_flag = flag != NULL;
	if (flag != NULL)
		f->flag = *flag;
}

static const struct pwned_flag *find(struct fixture *f, const char *user)
{
	f->answered = false;
	assert_non_null(f->flags->v->find(f->flags, user, on_found, f));
	fake_loop_serve(f->loop, &f->answered);
	return f->has_flag ? &f->flag : NULL;
}

/* What another program finds. */
static struct pwned_flag written(const struct fixture *f, const char *user)
{
	struct pwned_flag_db *db;
	struct pwned_error error;
	struct pwned_flag flag;

	assert_int_equal(pwned_flag_db_open(f->folder, PWNED_DB_DURABLE, 1000,
					    &db, &error),
			 PWNED_DB_OK);
	(void)pwned_flag_db_get(db, user, &flag, &error);
	pwned_flag_db_close(&db);
	return flag;
}

static bool is_held(const struct fixture *f, const char *user)
{
	char text[PWNED_FLAG_TEXT_MAX + 1];
	struct pwned_hold_db *db;
	struct pwned_error error;

	assert_int_equal(pwned_hold_db_open(f->hold, "", PWNED_DB_DURABLE, 1000,
					    &db, &error),
			 PWNED_DB_OK);
	(void)pwned_hold_db_get(db, user, text, &error);
	pwned_hold_db_close(&db);
	return *text != '\0';
}

static void news_are_known_at_once_and_written_soon(void **state)
{
	struct fixture *f = *state;

	tell(f, breached(USER));
	assert_true(f->flags->v->may_have(f->flags, USER));
	assert_true(f->flags->v->is_busy(f->flags));
	assert_int_equal(find(f, USER)->state, PWNED_FLAG_FLAGGED);
	assert_int_equal(f->raised, 0);
	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	assert_int_equal(f->raised, 1);
	assert_int_equal(written(f, USER).state, PWNED_FLAG_FLAGGED);
	assert_false(f->flags->v->is_busy(f->flags));
	tell(f, clean(USER));
	assert_int_equal(find(f, USER)->state, PWNED_FLAG_CLEARED);
	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	assert_int_equal(f->lowered, 1);
	assert_int_equal(written(f, USER).state, PWNED_FLAG_CLEARED);
}

/* The second is told while the first is being written, for longer than the
   second is to wait. */
static void what_is_told_during_a_slow_flush_is_written(void **state)
{
	struct fixture *f = *state;

	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	tell(f, breached(USER));
	fake_loop_advance(f->loop, WRITTEN_MSECS);
	tell(f, breached("ben@example.com"));
	fake_loop_advance(f->loop, WRITTEN_MSECS);
	fake_loop_serve_msecs(f->loop, 2 * WRITTEN_MSECS);
	assert_int_equal(f->raised, 2);
	assert_int_equal(written(f, "ben@example.com").state,
			 PWNED_FLAG_FLAGGED);
}

static void nobody_else_may_be_on_record(void **state)
{
	struct fixture *f = *state;

	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	tell(f, breached(USER));
	assert_true(f->flags->v->may_have(f->flags, USER));
	assert_false(f->flags->v->may_have(f->flags, "ben@example.com"));
	assert_int_equal(find(f, "ben@example.com")->state, PWNED_FLAG_NONE);
}

static void a_hold_is_there_when_it_is_told(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag_news news = breached(USER);

	news.hold_text = TEXT;
	assert_true(tell_and_wait(f, news));
	assert_true(is_held(f, USER));
	assert_string_equal(written(f, USER).hold_text, TEXT);
	assert_int_equal(f->held, 1);
	assert_true(tell_and_wait(f, clean(USER)));
	assert_false(is_held(f, USER));
	assert_int_equal(f->released, 1);
}

/* What was told and is not written yet is no hold that MTAs read. */
static void a_hold_that_is_not_written_does_not_stand(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag_news news = breached(USER);

	news.hold_text = TEXT;
	tell(f, news);
	assert_int_equal(find(f, USER)->state, PWNED_FLAG_FLAGGED);
	assert_string_equal(find(f, USER)->hold_text, "");
	assert_true(tell_and_wait(f, news));
	assert_string_equal(find(f, USER)->hold_text, TEXT);
}

static void what_ends_is_written(void **state)
{
	struct fixture *f = *state;

	tell(f, breached(USER));
	close_keeper(f);
	assert_int_equal(f->raised, 1);
	assert_int_equal(written(f, USER).state, PWNED_FLAG_FLAGGED);
	open_keeper(f);
	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	assert_true(f->flags->v->may_have(f->flags, USER));
	assert_false(f->flags->v->may_have(f->flags, "ben@example.com"));
}

/* A request of which nobody wants to hear any more. */
static void a_forgotten_request_is_silent(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag_news news = breached(USER);
	struct pwned_flags_request *request;

	news.hold_text = TEXT;
	f->answered = false;
	request = f->flags->v->find(f->flags, USER, on_found, f);
	f->flags->v->forget_request(&request);
	assert_null(request);
	request = f->flags->v->tell(f->flags, &news, on_told, f);
	f->flags->v->forget_request(&request);
	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	assert_false(f->answered);
	assert_true(is_held(f, USER));
}

static void another_program_writes(const struct fixture *f, const char *user)
{
	const struct pwned_flag flag = { .suspended_secs = NOW };
	struct pwned_flag_db *db;
	struct pwned_error error;

	assert_int_equal(pwned_flag_db_open(f->folder, PWNED_DB_DURABLE, 1000,
					    &db, &error),
			 PWNED_DB_OK);
	assert_int_equal(pwned_flag_db_begin(db, &error), PWNED_DB_OK);
	assert_int_equal(pwned_flag_db_put(db, user, &flag, NOW, &error),
			 PWNED_DB_OK);
	assert_int_equal(pwned_flag_db_commit(db, &error), PWNED_DB_OK);
	pwned_flag_db_close(&db);
}

static void what_others_write_is_seen_within_a_second(void **state)
{
	struct fixture *f = *state;
	struct pwned_error error;

	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	another_program_writes(f, USER);
	assert_true(pwned_flag_command_send(&f->set, PWNED_COMMAND_RESUME,
					    NOW - 7, &error));
	fake_loop_serve_msecs(f->loop, LOOKED_MSECS);
	assert_true(f->flags->v->may_have(f->flags, USER));
	assert_int_equal(find(f, USER)->suspended_secs, NOW);
	assert_int_equal(f->commands, 1);
	assert_int_equal(f->sent_secs, NOW - 7);
	fake_loop_serve_msecs(f->loop, LOOKED_MSECS);
	assert_int_equal(f->commands, 1);
	/* also by one that comes later */
	close_keeper(f);
	open_keeper(f);
	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	assert_int_equal(f->commands, 2);
}

static void another_program_holds_the_file(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag_db *db;
	struct pwned_error error;

	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	assert_int_equal(pwned_flag_db_open(f->folder, PWNED_DB_DURABLE, 1000,
					    &db, &error),
			 PWNED_DB_OK);
	assert_int_equal(pwned_flag_db_begin(db, &error), PWNED_DB_OK);
	tell(f, breached(USER));
	fake_loop_serve_msecs(f->loop, 2 * WRITTEN_MSECS);
	assert_int_equal(f->raised, 0);
	assert_int_equal(f->flag_faults, 0);
	/* who looks is not kept waiting */
	assert_int_equal(find(f, USER)->state, PWNED_FLAG_FLAGGED);
	fake_loop_serve_msecs(f->loop, 4000);
	assert_int_equal(f->flag_faults, 1);
	pwned_flag_db_rollback(db);
	pwned_flag_db_close(&db);
	fake_loop_serve_msecs(f->loop, 5000);
	assert_int_equal(f->raised, 1);
	assert_int_equal(written(f, USER).state, PWNED_FLAG_FLAGGED);
}

static void remove_file(const struct fixture *f, const char *name)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char path[4200];

	for (size_t i = 0; i < N_ELEMENTS(parts); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s%s", f->folder, name,
			       parts[i]);
		(void)unlink(path);
	}
}

static void files_that_are_removed_are_made_anew(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag_news news = breached(USER);

	news.hold_text = TEXT;
	assert_true(tell_and_wait(f, news));
	remove_file(f, "hold/" PWNED_HOLD_DB_NAME);
	fake_loop_serve_msecs(f->loop, LOOKED_MSECS);
	assert_true(is_held(f, USER));
	/* what MTAs read outlives the records, and its user can get rid of it
	 */
	remove_file(f, PWNED_FLAG_DB_NAME);
	fake_loop_serve_msecs(f->loop, LOOKED_MSECS);
	assert_string_equal(written(f, USER).hold_text, TEXT);
	assert_true(tell_and_wait(f, clean(USER)));
	assert_false(is_held(f, USER));
}

static void spoil(const struct fixture *f, const char *name)
{
	char path[4200];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	for (unsigned int i = 0; i < 1000; i++)
		(void)fprintf(file, "no database but a letter to my aunt\n");
	assert_int_equal(fclose(file), 0);
}

static void a_damaged_file_is_set_aside(void **state)
{
	struct fixture *f = *state;
	char aside[4200];

	tell(f, breached(USER));
	close_keeper(f);
	remove_file(f, PWNED_FLAG_DB_NAME);
	spoil(f, PWNED_FLAG_DB_NAME);
	open_keeper(f);
	fake_loop_serve_msecs(f->loop, LOOKED_MSECS);
	(void)snprintf(aside, sizeof(aside), "%s/%s.damaged", f->folder,
		       PWNED_FLAG_DB_NAME);
	assert_int_equal(access(aside, F_OK), 0);
	assert_int_equal(f->flag_faults, 1);
	assert_non_null(strstr(f->fault, aside));
	tell(f, breached(USER));
	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	assert_int_equal(written(f, USER).state, PWNED_FLAG_FLAGGED);
	assert_int_equal(f->flag_faults, 1);
}

static void a_folder_that_cannot_be_used(void **state)
{
	struct fixture *f = *state;

	close_keeper(f);
	remove_file(f, PWNED_FLAG_DB_NAME);
	assert_int_equal(chmod(f->folder, 0755), 0);
	open_keeper(f);
	fake_loop_serve_msecs(f->loop, LOOKED_MSECS);
	assert_int_equal(f->flag_faults, 1);
	assert_non_null(strstr(f->fault, f->folder));
	assert_null(f->flags->v->find(f->flags, USER, on_found, f));
	tell(f, breached(USER));
	fake_loop_serve_msecs(f->loop, LOOKED_MSECS);
	assert_false(f->flags->v->is_busy(f->flags));
	assert_int_equal(chmod(f->folder, 0700), 0);
	fake_loop_serve_msecs(f->loop, 4 * LOOKED_MSECS);
	assert_int_equal(written(f, USER).state, PWNED_FLAG_FLAGGED);
	assert_non_null(strstr(f->lines.text, "can be read and written again"));
}

static void time_clears_and_erases(void **state)
{
	struct fixture *f = *state;

	tell(f, breached(USER));
	close_keeper(f);
	fake_loop_set_unix(f->loop, NOW + 90 * DAY);
	open_keeper(f);
	fake_loop_serve_msecs(f->loop, 2 * WRITTEN_MSECS);
	assert_int_equal(f->lowered, 1);
	assert_int_equal(f->expired, 1);
	assert_int_equal(written(f, USER).state, PWNED_FLAG_CLEARED);
	close_keeper(f);
	fake_loop_set_unix(f->loop, NOW + 181 * DAY);
	open_keeper(f);
	fake_loop_serve_msecs(f->loop, 2 * WRITTEN_MSECS);
	assert_true(pwned_flag_is_empty(
		&(struct pwned_flag){ .state = written(f, USER).state }));
}

static void many_users_at_once(void **state)
{
	struct fixture *f = *state;
	char user[32];

	for (unsigned int i = 0; i < 10000; i++) {
		(void)snprintf(user, sizeof(user), "user%u@example.com", i);
		tell(f, breached(user));
	}
	while (f->raised < 10000)
		fake_loop_serve_msecs(f->loop, 100);
	assert_int_equal(written(f, "user9999@example.com").state,
			 PWNED_FLAG_FLAGGED);
	assert_int_equal(pwned_counted(&f->counters, PWNED_COUNT_FLAGS_DROPPED),
			 0);
	assert_false(f->flags->v->is_busy(f->flags));
}

/* More cannot be kept while the file cannot be written: whoever waits for his
   hold is told that there is none. */
static void a_hold_that_is_lost_is_no_hold(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag_news news = breached(USER);
	struct pwned_flag_db *db;
	struct pwned_error error;
	char user[32];

	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	assert_int_equal(pwned_flag_db_open(f->folder, PWNED_DB_DURABLE, 1000,
					    &db, &error),
			 PWNED_DB_OK);
	assert_int_equal(pwned_flag_db_begin(db, &error), PWNED_DB_OK);
	for (unsigned int i = 0; i < NEWS_MAX; i++) {
		(void)snprintf(user, sizeof(user), "user%u@example.com", i);
		tell(f, breached(user));
		if (i % 1000 == 0)
			fake_loop_serve_msecs(f->loop, 1);
	}
	news.hold_text = TEXT;
	assert_false(tell_and_wait(f, news));
	assert_int_equal(pwned_counted(&f->counters, PWNED_COUNT_FLAGS_DROPPED),
			 1);
	pwned_flag_db_rollback(db);
	pwned_flag_db_close(&db);
	/* or the end would not wait for all of it */
	while (f->raised < NEWS_MAX)
		fake_loop_serve_msecs(f->loop, 100);
}

/* As when a protocol has settings of its own. */
static void a_dry_run_that_is_none_for_all_ends(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag_news news = breached(USER);

	close_keeper(f);
	f->set.dry_run = true;
	open_keeper(f);
	news.hold_text = TEXT;
	assert_true(tell_and_wait(f, news));
	assert_false(is_held(f, USER));
	pwned_flag_keeper_end_dry_run(f->keeper);
	fake_loop_serve_msecs(f->loop, LOOKED_MSECS);
	assert_true(is_held(f, USER));
}

/* They wait for hold.db, and nobody else does. */
static void holds_that_cannot_be_written_are_in_nobodys_way(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag_news news;
	char user[32];

	close_keeper(f);
	(void)snprintf(f->hold, sizeof(f->hold), "%s/nowhere", f->folder);
	pwned_settings_free(&f->set);
	parse(f);
	open_keeper(f);
	for (unsigned int i = 0; i < 1500; i++) {
		(void)snprintf(user, sizeof(user), "user%u@example.com", i);
		news = breached(user);
		news.hold_text = TEXT;
		tell(f, news);
	}
	tell(f, breached(USER));
	fake_loop_serve_msecs(f->loop, 2 * WRITTEN_MSECS);
	assert_int_equal(written(f, USER).state, PWNED_FLAG_FLAGGED);
	assert_int_equal(f->raised, 1);
	assert_int_equal(mkdir(f->hold, 0700), 0);
	while (f->raised < 1501)
		fake_loop_serve_msecs(f->loop, 100);
	assert_true(is_held(f, "user1499@example.com"));
}

static void names_that_are_not_recorded(void **state)
{
	struct fixture *f = *state;
	static char user[PWNED_FLAG_USER_MAX + 2];

	memset(user, 'u', sizeof(user) - 1);
	tell(f, breached(user));
	tell(f, breached(""));
	assert_int_equal(pwned_counted(&f->counters, PWNED_COUNT_FLAGS_DROPPED),
			 2);
	assert_null(f->flags->v->find(f->flags, user, on_found, f));
	user[PWNED_FLAG_USER_MAX] = '\0';
	tell(f, breached(user));
	fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
	assert_int_equal(written(f, user).state, PWNED_FLAG_FLAGGED);
}

/* A child tells, is killed, and leaves what was written. */
static void a_crash_loses_what_was_told_last(void **state)
{
	struct fixture *f = *state;
	int pipe_fds[2], status;
	char byte;
	pid_t pid;

	close_keeper(f);
	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		open_keeper(f);
		tell(f, breached(USER));
		fake_loop_serve_msecs(f->loop, WRITTEN_MSECS);
		tell(f, breached("ben@example.com"));
		if (write(pipe_fds[1], "x", 1) == 1)
			(void)pause();
		_exit(1);
	}
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
	open_keeper(f);
	assert_int_equal(find(f, USER)->state, PWNED_FLAG_FLAGGED);
	assert_int_equal(find(f, "ben@example.com")->state, PWNED_FLAG_NONE);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(news_are_known_at_once_and_written_soon),
		TEST(what_is_told_during_a_slow_flush_is_written),
		TEST(nobody_else_may_be_on_record),
		TEST(a_hold_is_there_when_it_is_told),
		TEST(a_hold_that_is_not_written_does_not_stand),
		TEST(what_ends_is_written),
		TEST(a_forgotten_request_is_silent),
		TEST(what_others_write_is_seen_within_a_second),
		TEST(another_program_holds_the_file),
		TEST(files_that_are_removed_are_made_anew),
		TEST(a_damaged_file_is_set_aside),
		TEST(a_folder_that_cannot_be_used),
		TEST(time_clears_and_erases),
		TEST(many_users_at_once),
		TEST(a_hold_that_is_lost_is_no_hold),
		TEST(a_dry_run_that_is_none_for_all_ends),
		TEST(holds_that_cannot_be_written_are_in_nobodys_way),
		TEST(names_that_are_not_recorded),
		TEST(a_crash_loses_what_was_told_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
