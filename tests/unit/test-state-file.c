/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state file on disk: whose it is, and that it is always whole. */

#include "support/temp-folder.h"
#include "support/unit.h"
#include "state-file.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STARTED UINT64_C(1700000000)

static const char *below(const char *folder, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const char *file_of(const char *folder)
{
	return below(folder, PWNED_STATE_FILE_NAME);
}

static struct pwned_state state_of(uint64_t started_secs, uint64_t pid)
{
	return (struct pwned_state){
		.started_secs = started_secs,
		.pid = pid,
		.written_secs = STARTED + 1000,
	};
}

static enum pwned_state_written write_state(const char *folder,
					    uint64_t started_secs, uint64_t pid)
{
	const struct pwned_state state = state_of(started_secs, pid);
	struct pwned_error error;

	return pwned_state_file_write(folder, &state, &error);
}

static void write_text(const char *path, const char *text, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void assert_read(const char *folder, uint64_t pid)
{
	struct pwned_state state;
	struct pwned_error error;

	if (pwned_state_file_read(folder, &state, &error) != PWNED_STATE_READ)
		fail_msg("%s", error.text);
	assert_int_equal(state.pid, pid);
}

static void assert_unread(const char *folder, const char *expected)
{
	struct pwned_state state, none;
	struct pwned_error error = { .text = "" };

	memset(&state, 1, sizeof(state));
	memset(&none, 0, sizeof(none));
	assert_int_equal(pwned_state_file_read(folder, &state, &error),
			 PWNED_STATE_UNREAD);
	if (strstr(error.text, folder) == NULL ||
	    strstr(error.text, expected) == NULL)
		fail_msg("expected \"%s\": %s", expected, error.text);
	assert_memory_equal(&state, &none, sizeof(state));
}

static void what_is_written_is_read(void **state)
{
	const char *folder = *state;
	struct pwned_state one;
	struct pwned_error error;
	struct stat st;

	assert_int_equal(pwned_state_file_read(folder, &one, &error),
			 PWNED_STATE_NONE);
	assert_int_equal(
		pwned_state_file_read(below(folder, "missing"), &one, &error),
		PWNED_STATE_NONE);
	assert_int_equal(write_state(folder, STARTED, 7), PWNED_STATE_WRITTEN);
	assert_read(folder, 7);
	assert_int_equal(write_state(folder, STARTED, 7), PWNED_STATE_WRITTEN);
	assert_int_equal(stat(file_of(folder), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* and nothing else is there */
	assert_int_equal(unlink(file_of(folder)), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
}

static void the_newer_auth_owns_it(void **state)
{
	const char *folder = *state;

	assert_int_equal(write_state(folder, STARTED, 7), PWNED_STATE_WRITTEN);
	assert_int_equal(write_state(folder, STARTED + 1, 3),
			 PWNED_STATE_WRITTEN);
	assert_int_equal(write_state(folder, STARTED, 7), PWNED_STATE_NOT_OURS);
	assert_read(folder, 3);
	assert_int_equal(write_state(folder, STARTED + 1, 4),
			 PWNED_STATE_WRITTEN);
	assert_int_equal(write_state(folder, STARTED + 1, 3),
			 PWNED_STATE_NOT_OURS);
	assert_read(folder, 4);
	/* a wrong clock wrote it: else nobody ever could again */
	assert_int_equal(write_state(folder, STARTED + 100000, 5),
			 PWNED_STATE_WRITTEN);
	assert_int_equal(write_state(folder, STARTED, 7), PWNED_STATE_WRITTEN);
}

/* Returns the number of a process that has been. */
static uint64_t pid_of_nobody(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return (uint64_t)pid;
}

/* Whether an older auth may write over what `pid`, a newer one, has left so
   many seconds ago. */
static bool is_given_back(const char *folder, uint64_t pid, bool ended,
			  int64_t secs)
{
	struct pwned_state state = state_of(STARTED + 1, pid);
	struct pwned_error error;

	(void)unlink(file_of(folder));
	state.ended = ended;
	state.written_secs -= (uint64_t)secs;
	assert_int_equal(pwned_state_file_write(folder, &state, &error),
			 PWNED_STATE_WRITTEN);
	return write_state(folder, STARTED, 7) == PWNED_STATE_WRITTEN;
}

static void one_that_is_gone_owns_nothing(void **state)
{
	const char *folder = *state;
	uint64_t gone = pid_of_nobody(), running = (uint64_t)getpid();

	assert_true(is_given_back(folder, running, true, 0));
	/* killed */
	assert_false(is_given_back(folder, gone, false, 300));
	assert_true(is_given_back(folder, gone, false, 301));
	assert_true(is_given_back(folder, gone, false, -301));
	assert_true(is_given_back(folder, 0, false, 301));
	/* the number is ours now */
	assert_true(is_given_back(folder, 7, false, 301));
	/* idle */
	assert_false(is_given_back(folder, running, false, 301));
	assert_false(is_given_back(folder, running, false, 3600));
	assert_true(is_given_back(folder, running, false, 3601));
}

static void a_damaged_file_is_named_and_replaced(void **state)
{
	static char large[PWNED_STATE_FILE_MAX + 1];
	const char *folder = *state;
	const char *text = "dovecot-pwned state 1\npid = many\n";

	write_text(file_of(folder), text, strlen(text));
	assert_unread(folder, "auth.state: line 2: ");
	assert_int_equal(write_state(folder, STARTED, 7), PWNED_STATE_WRITTEN);
	assert_read(folder, 7);
	write_text(file_of(folder), "", 0);
	assert_unread(folder, "auth.state: line 1: ");
	memset(large, '\n', sizeof(large));
	write_text(file_of(folder), large, sizeof(large));
	assert_unread(folder, "too large");
	assert_int_equal(write_state(folder, STARTED, 7), PWNED_STATE_WRITTEN);
}

static void a_link_is_not_followed(void **state)
{
	const char *folder = *state;
	char target[128];
	struct stat st;

	(void)snprintf(target, sizeof(target), "%s/target", folder);
	write_text(target, "mine\n", 5);
	assert_int_equal(symlink(target, file_of(folder)), 0);
	assert_unread(folder, "symbolic link");
	/* written in its place, not through it */
	assert_int_equal(write_state(folder, STARTED, 7), PWNED_STATE_WRITTEN);
	assert_int_equal(lstat(file_of(folder), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 5);
	/* nor one to the folder */
	assert_int_equal(symlink(folder, below(folder, "link")), 0);
	assert_unread(below(folder, "link"), "not a link");
}

static void what_is_no_file_is_not_waited_for(void **state)
{
	const char *folder = *state;

	assert_int_equal(mkfifo(file_of(folder), 0600), 0);
	assert_unread(folder, "no regular file");
	assert_int_equal(unlink(file_of(folder)), 0);
	assert_int_equal(mkdir(file_of(folder), 0700), 0);
	assert_unread(folder, "no regular file");
	assert_int_equal(write_state(folder, STARTED, 7),
			 PWNED_STATE_UNWRITTEN);
	/* what was begun is not left */
	assert_int_equal(access(below(folder, "auth.state.7.tmp"), F_OK), -1);
}

static void a_folder_that_cannot_be_written_is_told(void **state)
{
	const struct pwned_state one = state_of(STARTED, 7);
	const char *folder = *state;
	struct pwned_error error;

	assert_int_equal(
		pwned_state_file_write(below(folder, "missing"), &one, &error),
		PWNED_STATE_UNWRITTEN);
	assert_non_null(strstr(error.text, "missing: No such file"));
	if (geteuid() == 0) {
		/* root may write everywhere but there */
		assert_int_equal(
			pwned_state_file_write("/proc/1", &one, &error),
			PWNED_STATE_UNWRITTEN);
		assert_non_null(strstr(error.text, "/proc/1/auth.state: "));
		return;
	}
	assert_int_equal(chmod(folder, 0500), 0);
	assert_int_equal(pwned_state_file_write(folder, &one, &error),
			 PWNED_STATE_UNWRITTEN);
	assert_non_null(strstr(error.text, "Permission denied"));
}

static void age(const char *path, time_t secs)
{
	const struct timespec times[2] = {
		{ .tv_sec = time(NULL) - secs },
		{ .tv_sec = time(NULL) - secs },
	};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void what_a_crash_leaves_does_no_harm(void **state)
{
	const char *folder = *state;

	write_text(below(folder, "auth.state.7.tmp"), "half", 4);
	write_text(below(folder, "auth.state.8.tmp"), "half", 4);
	write_text(below(folder, "auth.state.9.tmp"), "half", 4);
	age(below(folder, "auth.state.9.tmp"), 24 * 3600);
	write_text(below(folder, "auth.state.old"), "kept", 4);
	age(below(folder, "auth.state.old"), 24 * 3600);
	/* 7 is ours, 8 may still be written, 9 is old */
	assert_int_equal(write_state(folder, STARTED, 7), PWNED_STATE_WRITTEN);
	assert_read(folder, 7);
	assert_int_equal(access(below(folder, "auth.state.7.tmp"), F_OK), -1);
	assert_int_equal(access(below(folder, "auth.state.8.tmp"), F_OK), 0);
	assert_int_equal(access(below(folder, "auth.state.9.tmp"), F_OK), -1);
	assert_int_equal(access(below(folder, "auth.state.old"), F_OK), 0);
}

#define WRITES 500

struct writer {
	const char *folder;
	uint64_t pid;
	pthread_t thread;
	unsigned int failed;
};

/* Two of one start, so that each finds the other's as well. */
static void *write_often(void *context)
{
	struct writer *writer = context;
	struct pwned_state state = state_of(STARTED, writer->pid);
	struct pwned_error error;

	for (unsigned int i = 0; i < WRITES; i++) {
		/* of different sizes */
		for (unsigned int j = 0; j < PWNED_COUNTERS; j++)
			state.counters[j] =
				i % 2 == 0 ? writer->pid : UINT64_MAX;
		if (pwned_state_file_write(writer->folder, &state, &error) ==
		    PWNED_STATE_UNWRITTEN)
			writer->failed++;
	}
	return NULL;
}

static void a_reader_always_sees_a_whole_file(void **state)
{
	struct writer writers[2] = {
		{ .folder = *state, .pid = 10 },
		{ .folder = *state, .pid = 11 },
	};
	struct pwned_error error = { .text = "" };
	struct pwned_state one;

	assert_int_equal(write_state(*state, STARTED, 10), PWNED_STATE_WRITTEN);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&writers[i].thread, NULL,
						write_often, &writers[i]),
				 0);
	for (unsigned int i = 0; i < 2 * WRITES; i++) {
		if (pwned_state_file_read(*state, &one, &error) !=
		    PWNED_STATE_READ)
			fail_msg("%s", error.text);
		assert_in_range(one.pid, 10, 11);
		for (unsigned int j = 1; j < PWNED_COUNTERS; j++)
			assert_true(one.counters[j] == one.counters[0]);
	}
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
		assert_int_equal(writers[i].failed, 0);
	}
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, temp_folder_make,                \
					temp_folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read),
		TEST(the_newer_auth_owns_it),
		TEST(one_that_is_gone_owns_nothing),
		TEST(a_damaged_file_is_named_and_replaced),
		TEST(a_link_is_not_followed),
		TEST(what_is_no_file_is_not_waited_for),
		TEST(a_folder_that_cannot_be_written_is_told),
		TEST(what_a_crash_leaves_does_no_harm),
		TEST(a_reader_always_sees_a_whole_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
