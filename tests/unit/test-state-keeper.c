/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state file for a loop. Its thread can be held up at the file here, as a
   disk does it. */

#include "support/fake-loop.h"
#include "support/log-lines.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "state-file.h"
#include "state-keeper.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define STARTED      UINT64_C(1700000000)
#define MINUTE_MSECS 60000

/* The disk that the thread is at. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool hangs;
	/* what came to it, and what of that it has done */
	unsigned int arrived, reads, writes;
} disk = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	   .changed = PTHREAD_COND_INITIALIZER };

static void disk_arrive(void)
{
	(void)pthread_mutex_lock(&disk.mutex);
	disk.arrived++;
	(void)pthread_cond_broadcast(&disk.changed);
	while (disk.hangs)
		(void)pthread_cond_wait(&disk.changed, &disk.mutex);
	(void)pthread_mutex_unlock(&disk.mutex);
}

static void disk_leave(unsigned int *counter)
{
	(void)pthread_mutex_lock(&disk.mutex);
	(*counter)++;
	(void)pthread_mutex_unlock(&disk.mutex);
}

static void disk_hang(bool hangs)
{
	(void)pthread_mutex_lock(&disk.mutex);
	disk.hangs = hangs;
	(void)pthread_cond_broadcast(&disk.changed);
	(void)pthread_mutex_unlock(&disk.mutex);
}

/* Until the thread is there. */
static void disk_wait_for(unsigned int arrived)
{
	(void)pthread_mutex_lock(&disk.mutex);
	while (disk.arrived < arrived)
		(void)pthread_cond_wait(&disk.changed, &disk.mutex);
	(void)pthread_mutex_unlock(&disk.mutex);
}

/* the names that ld gives to both sides of a wrapped function */
enum pwned_state_read __real_pwned_state_file_read(const char *folder,
						   struct pwned_state *state_r,
						   struct pwned_error *error_r);
enum pwned_state_read __wrap_pwned_state_file_read(const char *folder,
						   struct pwned_state *state_r,
						   struct pwned_error *error_r);
enum pwned_state_written __real_pwned_state_file_write(
	const char *folder, const struct pwned_state *state,
	struct pwned_error *error_r);
enum pwned_state_written __wrap_pwned_state_file_write(
	const char *folder, const struct pwned_state *state,
	struct pwned_error *error_r);

enum pwned_state_read __wrap_pwned_state_file_read(const char *folder,
						   struct pwned_state *state_r,
						   struct pwned_error *error_r)
{
	enum pwned_state_read result;

	disk_arrive();
	result = __real_pwned_state_file_read(folder, state_r, error_r);
	disk_leave(&disk.reads);
	return result;
}

enum pwned_state_written __wrap_pwned_state_file_write(
	const char *folder, const struct pwned_state *state,
	struct pwned_error *error_r)
{
	enum pwned_state_written result;

	disk_arrive();
	result = __real_pwned_state_file_write(folder, state, error_r);
	disk_leave(&disk.writes);
	return result;
}

struct fixture {
	const char *folder;
	struct pwned_loop *loop;
	struct log_lines lines;
	struct pwned_log log;
	struct pwned_reporter reporter;
	unsigned int faults; /* that were told */
	char fault[512];
	struct pwned_state_keeper *keeper;
};

static void on_fault(void *context, enum pwned_store_fault fault,
		     const char *text)
{
	struct fixture *f = context;

	assert_int_equal(fault, PWNED_FAULT_STATE);
	f->faults++;
	(void)snprintf(f->fault, sizeof(f->fault), "%s", text);
}

static int set_up(void **state)
{
	static struct fixture f;

	if (temp_folder_make(state) != 0)
		return -1;
	f = (struct fixture){ .folder = *state, .loop = fake_loop_new() };
	f.log = log_lines_open(&f.lines);
	f.reporter = (struct pwned_reporter){ .log = &f.log,
					      .store = on_fault,
					      .context = &f };
	disk.hangs = false;
	disk.arrived = disk.reads = disk.writes = 0;
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	void *folder = (void *)f->folder;

	pwned_state_keeper_free(&f->keeper);
	fake_loop_free(&f->loop);
	return temp_folder_remove(&folder);
}

static void keeper_open(struct fixture *f)
{
	f->keeper = pwned_state_keeper_new(f->folder, f->loop, &f->reporter);
	assert_non_null(f->keeper);
}

/* A state of an auth that started then; pid tells it from others here. */
static struct pwned_state state_of(uint64_t started_secs, uint64_t pid)
{
	return (struct pwned_state){ .started_secs = started_secs,
				     .written_secs = started_secs,
				     .pid = pid };
}

static void save(struct fixture *f, uint64_t pid)
{
	const struct pwned_state state = state_of(STARTED, pid);

	pwned_state_keeper_save(f->keeper, &state);
}

/* Whose state is in the file; 0: there is none. */
static uint64_t pid_in_file(struct fixture *f)
{
	struct pwned_state state;
	struct pwned_error error;
	enum pwned_state_read result =
		__real_pwned_state_file_read(f->folder, &state, &error);

	if (result == PWNED_STATE_UNREAD)
		fail_msg("%s", error.text);
	return state.pid;
}

/* Lets the loop run until so many were written. */
static void serve_until_written(struct fixture *f, unsigned int writes)
{
	bool done = false;

	for (unsigned int i = 0; i < 10000 && !done; i++) {
		fake_loop_serve_msecs(f->loop, 1);
		(void)pthread_mutex_lock(&disk.mutex);
		done = disk.writes >= writes;
		(void)pthread_mutex_unlock(&disk.mutex);
	}
	assert_true(done);
}

/* Until the loop knows of it as well. */
static void serve_until_quiet(struct fixture *f)
{
	for (unsigned int i = 0;
	     i < 10000 && pwned_state_keeper_is_busy(f->keeper); i++)
		fake_loop_serve_msecs(f->loop, 1);
	assert_false(pwned_state_keeper_is_busy(f->keeper));
}

/* Saves, and waits until that is over. */
static void save_by_another(struct fixture *f, uint64_t pid)
{
	keeper_open(f);
	save(f, pid);
	pwned_state_keeper_free(&f->keeper);
}

static void what_was_kept_is_found(void **state)
{
	struct fixture *f = *state;

	keeper_open(f);
	assert_null(pwned_state_keeper_found(f->keeper));
	save(f, 1);
	serve_until_written(f, 1);
	assert_int_equal(pid_in_file(f), 1);
	pwned_state_keeper_free(&f->keeper);

	keeper_open(f);
	assert_non_null(pwned_state_keeper_found(f->keeper));
	assert_int_equal(pwned_state_keeper_found(f->keeper)->pid, 1);
	/* and that stays what it was */
	save(f, 2);
	serve_until_written(f, 2);
	assert_int_equal(pwned_state_keeper_found(f->keeper)->pid, 1);
	assert_int_equal(f->faults, 0);
}

static void of_those_that_wait_the_last_is_written(void **state)
{
	struct fixture *f = *state;

	keeper_open(f);
	disk_hang(true);
	save(f, 1);
	disk_wait_for(2);
	save(f, 2);
	save(f, 3);
	save(f, 4);
	disk_hang(false);
	serve_until_written(f, 2);
	pwned_state_keeper_free(&f->keeper);
	assert_int_equal(disk.writes, 2);
	assert_int_equal(pid_in_file(f), 4);
}

static void the_end_writes_what_waits(void **state)
{
	struct fixture *f = *state;

	for (uint64_t pid = 1; pid < 50; pid += 3) {
		keeper_open(f);
		save(f, pid);
		save(f, pid + 1);
		save(f, pid + 2);
		/* nobody serves the loop any more */
		pwned_state_keeper_free(&f->keeper);
		assert_int_equal(pid_in_file(f), pid + 2);
	}
}

static void a_disk_that_hangs_holds_nobody_up(void **state)
{
	struct fixture *f = *state;

	save_by_another(f, 1);
	disk_hang(true);
	/* it comes back though nothing answers; and says so */
	keeper_open(f);
	assert_null(pwned_state_keeper_found(f->keeper));
	assert_int_equal(f->faults, 1);
	assert_non_null(strstr(f->fault, "does not answer"));
	save(f, 2);
	save(f, 3);
	assert_int_equal(disk.writes, 1);
	/* and goes on when the disk does */
	disk_hang(false);
	serve_until_written(f, 2);
	pwned_state_keeper_free(&f->keeper);
	assert_int_equal(disk.reads, 2);
	assert_int_equal(disk.writes, 2);
	assert_int_equal(pid_in_file(f), 3);
	assert_int_equal(f->faults, 1);
}

static void a_newer_auth_is_left_alone_for_a_minute(void **state)
{
	struct fixture *f = *state;
	struct pwned_state newer = state_of(STARTED + 1, 7);
	struct pwned_error error;

	keeper_open(f);
	save(f, 8);
	serve_until_written(f, 1);
	assert_int_equal(
		__real_pwned_state_file_write(f->folder, &newer, &error),
		PWNED_STATE_WRITTEN);
	save(f, 8);
	serve_until_written(f, 2);
	serve_until_quiet(f);
	/* until then it does not even try */
	fake_loop_advance(f->loop, MINUTE_MSECS / 2);
	save(f, 9);
	assert_false(pwned_state_keeper_is_busy(f->keeper));
	fake_loop_advance(f->loop, MINUTE_MSECS / 2);
	save(f, 10);
	serve_until_written(f, 3);
	serve_until_quiet(f);
	assert_int_equal(pid_in_file(f), 7);
	/* once that one has ended, its turn has come again */
	newer.ended = true;
	assert_int_equal(
		__real_pwned_state_file_write(f->folder, &newer, &error),
		PWNED_STATE_WRITTEN);
	save(f, 11);
	pwned_state_keeper_free(&f->keeper);
	assert_int_equal(disk.writes, 3);
	keeper_open(f);
	save(f, 12);
	pwned_state_keeper_free(&f->keeper);
	assert_int_equal(pid_in_file(f), 12);
	assert_int_equal(f->faults, 0);
}

/* Tries to save, minute after minute, until so many faults were told of; and
   then for some more. */
static void save_in_vain(struct fixture *f, unsigned int faults)
{
	unsigned int more = 10;

	for (unsigned int i = 0; i < 10000 && more > 0; i++) {
		save(f, i + 1);
		fake_loop_serve_msecs(f->loop, 1);
		fake_loop_advance(f->loop, MINUTE_MSECS);
		if (f->faults >= faults)
			more--;
	}
	assert_int_equal(f->faults, faults);
}

static void a_wrong_folder_is_told_of_once(void **state)
{
	struct fixture *f = *state;
	void *folder = (void *)f->folder;

	assert_int_equal(chmod(f->folder, 0755), 0);
	keeper_open(f);
	assert_null(pwned_state_keeper_found(f->keeper));
	assert_int_equal(f->faults, 1);
	assert_non_null(strstr(f->fault, f->folder));
	assert_non_null(strstr(f->fault, "755"));
	save_in_vain(f, 1);
	assert_int_equal(disk.writes, 0);
	/* mended, it is used; and the same fault is a new one then */
	assert_int_equal(chmod(f->folder, 0700), 0);
	save(f, 100);
	serve_until_written(f, 1);
	assert_int_equal(chmod(f->folder, 0755), 0);
	save_in_vain(f, 2);
	assert_non_null(strstr(f->fault, "755"));
	/* another one is told of as well */
	assert_int_equal(chmod(f->folder, 0700), 0);
	assert_int_equal(temp_folder_remove(&folder), 0);
	save_in_vain(f, 3);
	assert_non_null(strstr(f->fault, "does not exist"));
	assert_int_equal(mkdir(f->folder, 0700), 0);
}

static void a_damaged_file_is_told_of_and_replaced(void **state)
{
	struct fixture *f = *state;
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", f->folder,
		       PWNED_STATE_FILE_NAME);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("dovecot-pwned state 1\nstarted = late\n", file) >=
		    0);
	assert_int_equal(fclose(file), 0);
	keeper_open(f);
	assert_null(pwned_state_keeper_found(f->keeper));
	assert_int_equal(f->faults, 1);
	assert_non_null(strstr(f->fault, path));
	save(f, 5);
	pwned_state_keeper_free(&f->keeper);
	assert_int_equal(pid_in_file(f), 5);
	assert_int_equal(f->faults, 1);
}

/* The last test: its thread hangs until the program ends. */
static void a_disk_that_hangs_does_not_hold_up_the_end(void **state)
{
	struct fixture *f = *state;

	keeper_open(f);
	disk_hang(true);
	save(f, 1);
	disk_wait_for(2);
	save(f, 2);
	pwned_state_keeper_free(&f->keeper);
	assert_int_equal(disk.writes, 0);
	assert_int_equal(pid_in_file(f), 0);
}

#define with_folder(test)                                                      \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_folder(what_was_kept_is_found),
		with_folder(of_those_that_wait_the_last_is_written),
		with_folder(the_end_writes_what_waits),
		with_folder(a_disk_that_hangs_holds_nobody_up),
		with_folder(a_newer_auth_is_left_alone_for_a_minute),
		with_folder(a_wrong_folder_is_told_of_once),
		with_folder(a_damaged_file_is_told_of_and_replaced),
		with_folder(a_disk_that_hangs_does_not_hold_up_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
