/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What outlives the engine. The store, the brake, the thread and the file are
   real here; the source is a fake. */

#include "support/fake-flags.h"
#include "support/fake-loop.h"
#include "support/fake-source.h"
#include "support/log-lines.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "age.h"
#include "engine.h"
#include "state-file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* SHA-1 of "password": 5BAA6 1E4C9B93F3F0 ... */
#define PASSWORD "password"
#define PREFIX   0x5baa6
#define KEY      UINT64_C(0x1e4c9b93f3f0)
#define ETAG     "\"0x8DC61F5BD00F2B5\""
#define ORIGIN   77
#define FILE_MAX (64 * 1024)

struct fixture {
	char *folder;
	struct pwned_loop *loop;
	struct pwned_settings set;
	struct log_lines lines;
	struct pwned_log log;
	struct pwned_reporter reporter;
	unsigned int faults;     /* of the state file */
	struct fake_flags flags; /* nothing is on record */
	struct pwned_engine *engine;
};

static void on_fault(void *context, enum pwned_store_fault fault,
		     const char *text)
{
	struct fixture *f = context;

	assert_non_null(strstr(text, f->folder));
	f->faults += fault == PWNED_FAULT_STATE;
}

static void parse(struct fixture *f, const char *settings)
{
	struct pwned_error error;
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "pwned_store =\npwned_hold =\npwned_state_dir = %s\n%s",
		       f->folder, settings);
	if (!pwned_settings_parse(text, strlen(text), "file", &f->set, &error))
		fail_msg("%s", error.text);
}

static int set_up(void **state)
{
	static struct fixture f;

	if (temp_folder_make(state) != 0)
		return -1;
	f = (struct fixture){ .folder = *state, .loop = fake_loop_new() };
	fake_flags_init(&f.flags);
	f.log = log_lines_open(&f.lines);
	f.reporter = (struct pwned_reporter){ .log = &f.log,
					      .store = on_fault,
					      .context = &f };
	parse(&f, "");
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	void *folder = f->folder;

	if (f->engine != NULL)
		pwned_engine_free(&f->engine);
	pwned_settings_free(&f->set);
	fake_loop_free(&f->loop);
	return temp_folder_remove(&folder);
}

static struct pwned_engine *engine_new(struct fixture *f, enum pwned_role role)
{
	struct pwned_error error;
	struct pwned_engine *engine =
		pwned_engine_new(&f->set, role, NULL, 1, &f->flags.flags,
				 f->loop, &f->reporter, &error);

	assert_non_null(engine);
	return engine;
}

static void open_auth(struct fixture *f)
{
	f->engine = engine_new(f, PWNED_ROLE_AUTH);
}

/* Ends an auth and starts the next one. */
static void restart(struct fixture *f, unsigned int secs)
{
	pwned_engine_free(&f->engine);
	fake_loop_advance(f->loop, secs * 1000);
	open_auth(f);
}

static void on_decision(void *context, const struct pwned_decision *decision)
{
	*(struct pwned_decision *)context = *decision;
}

static void log_in(struct pwned_engine *engine, const char *user,
		   const char *service, struct pwned_decision *decision)
{
	const struct pwned_login login = {
		.set = engine->set,
		.user = user,
		.service = service,
		.password = PASSWORD,
		.password_size = strlen(PASSWORD),
	};

	(void)pwned_check_start(engine, &login, on_decision, decision,
				decision);
}

/* The next fetch brings a range in which the password was seen. */
static void answer(struct fixture *f, unsigned int number)
{
	struct pwned_range_entry entries[] = {
		{ .key = 1, .count = 1 }, { .key = KEY, .count = 4711471147 }
	};
	const struct pwned_range_label label = {
		.prefix = PREFIX,
		.day = pwned_day_of(f->loop->v->unix_secs(f->loop)),
		.origin = ORIGIN,
		.etag = ETAG,
	};
	struct pwned_range *range = pwned_range_pack(entries, 2, &label);

	assert_non_null(range);
	fake_source_end(number, PWNED_REASON_NONE, range);
	pwned_range_unref(&range);
}

static void read_state(struct fixture *f, struct pwned_state *state_r)
{
	struct pwned_error error;

	if (pwned_state_file_read(f->folder, state_r, &error) ==
	    PWNED_STATE_UNREAD)
		fail_msg("%s", error.text);
}

/* Lets the loop run until the file says that so much was counted. Returns how
   much time has passed by its clock. */
static uint64_t serve_until_counted(struct fixture *f,
				    enum pwned_counter counter, uint64_t count,
				    struct pwned_state *state_r)
{
	uint64_t start = f->loop->v->now_msecs(f->loop);

	for (unsigned int i = 0; i < 10000; i++) {
		fake_loop_serve_msecs(f->loop, 1);
		read_state(f, state_r);
		if (state_r->counters[counter] == count)
			return f->loop->v->now_msecs(f->loop) - start;
	}
	fail();
	return 0;
}

/* The same until the file is of an auth that started then. */
static void serve_until_owned(struct fixture *f, uint64_t started_secs,
			      struct pwned_state *state_r)
{
	for (unsigned int i = 0; i < 10000; i++) {
		fake_loop_serve_msecs(f->loop, 1);
		read_state(f, state_r);
		if (state_r->started_secs == started_secs)
			return;
	}
	fail();
}

/* Until nothing is to be written any more. */
static void run_until_quiet(struct fixture *f)
{
	for (unsigned int i = 0; i < 10000 && f->engine->save != NULL; i++) {
		fake_loop_serve_msecs(f->loop, 1);
		fake_loop_advance(f->loop, 100);
	}
	assert_null(f->engine->save);
}

static void the_file_says_who_is_there(void **state)
{
	struct fixture *f = *state;
	struct pwned_state found;
	uint64_t now = f->loop->v->unix_secs(f->loop);

	open_auth(f);
	/* before anybody logs in */
	serve_until_owned(f, now, &found);
	assert_int_equal(found.pid, getpid());
	assert_int_equal(found.started_secs, now);
	assert_int_equal(found.since_secs, now);
	assert_false(found.ended);
	assert_string_equal(found.store_mode, "memory");
	assert_int_equal(found.sources_length, 1);
	assert_string_equal(found.sources[0].name,
			    "https://api.pwnedpasswords.com");
	/* and where nobody logs in, it is written no more */
	run_until_quiet(f);

	fake_loop_advance(f->loop, 3600 * 1000);
	pwned_engine_free(&f->engine);
	read_state(f, &found);
	assert_true(found.ended);
	assert_int_equal(found.started_secs, now);
	assert_true(found.written_secs >= now + 3600);
	assert_int_equal(f->faults, 0);
}

static void a_change_is_written_within_seconds(void **state)
{
	struct fixture *f = *state;
	struct pwned_decision decision;
	struct pwned_state found;

	open_auth(f);
	run_until_quiet(f);
	log_in(f->engine, "jane", "smtp", &decision);
	assert_int_equal(fake_source.length, 1);
	/* most of the time passes at once, so that the test does not wait */
	fake_loop_advance(f->loop, 6900);
	assert_true(decision.late);
	assert_true(serve_until_counted(f, PWNED_COUNT_MISSES, 1, &found) <=
		    10000 - 6900);
	assert_false(found.ended);
}

/* What the writer does after the last login is told as well. */
static void what_is_written_later_is_counted(void **state)
{
	struct fixture *f = *state;
	struct pwned_decision decision;
	struct pwned_state found;

	open_auth(f);
	run_until_quiet(f);
	log_in(f->engine, "jane", "smtp", &decision);
	answer(f, 0);
	/* sooner than the writer begins with it */
	fake_loop_advance(f->loop, 7000);
	run_until_quiet(f);
	(void)serve_until_counted(f, PWNED_COUNT_WRITTEN, 1, &found);
	assert_int_equal(found.queue_length, 0);
	assert_int_equal(found.queue_length_max, 1);
}

static void what_was_counted_goes_on(void **state)
{
	struct fixture *f = *state;
	uint64_t since = f->loop->v->unix_secs(f->loop);
	struct pwned_decision decision;
	struct pwned_state found;

	for (unsigned int i = 1; i <= 3; i++) {
		open_auth(f);
		assert_int_equal(f->engine->since_secs, since);
		assert_int_equal(f->engine->started_secs,
				 f->loop->v->unix_secs(f->loop));
		log_in(f->engine, "jane", "smtp", &decision);
		answer(f, 0);
		log_in(f->engine, "jane", "smtp", &decision);
		log_in(f->engine, "jane", "smtp", &decision);
		pwned_engine_free(&f->engine);
		read_state(f, &found);
		assert_int_equal(found.since_secs, since);
		assert_int_equal(found.counters[PWNED_COUNT_MISSES], i);
		assert_int_equal(found.counters[PWNED_COUNT_FROM_CACHE], 2 * i);
		fake_loop_advance(f->loop, 86400 * 1000);
	}
}

static void a_breaker_is_not_forgotten(void **state)
{
	struct fixture *f = *state;
	const struct pwned_breaker_snapshot breaker = {
		.origin = ORIGIN,
		.open_until_secs = f->loop->v->unix_secs(f->loop) + 300,
		.openings = 5,
	};

	open_auth(f);
	fake_source.breaker = breaker;
	restart(f, 60);
	assert_int_equal(fake_source.breaker.origin, breaker.origin);
	assert_int_equal(fake_source.breaker.open_until_secs,
			 breaker.open_until_secs);
	assert_int_equal(fake_source.breaker.openings, breaker.openings);
}

static void log_in_users(struct fixture *f, const char *name,
			 unsigned int count, const char *service,
			 struct pwned_decision *last)
{
	for (unsigned int i = 0; i < count; i++) {
		char user[32];

		(void)snprintf(user, sizeof(user), "%s%u", name, i);
		log_in(f->engine, user, service, last);
	}
}

static void a_brake_is_not_forgotten(void **state)
{
	struct fixture *f = *state;
	struct pwned_decision decision;

	open_auth(f);
	log_in(f->engine, NULL, "smtp", &decision);
	answer(f, 0);
	log_in_users(f, "reader", 200, "imap", &decision);
	log_in_users(f, "sender", 60, "smtp", &decision);
	assert_true(decision.braked);

	restart(f, 120);
	log_in(f->engine, NULL, "smtp", &decision);
	answer(f, 0);
	log_in(f->engine, "somebody", "smtp", &decision);
	assert_int_equal(decision.verdict, PWNED_VERDICT_BREACHED);
	assert_true(decision.braked);
	assert_int_equal(decision.action, PWNED_ACTION_WARN);
	/* after an hour it is */
	restart(f, 3700);
	log_in(f->engine, NULL, "smtp", &decision);
	answer(f, 0);
	log_in(f->engine, "somebody", "smtp", &decision);
	assert_false(decision.braked);
	assert_int_equal(decision.action, PWNED_ACTION_DENY);
}

static unsigned int count_files(const char *folder)
{
	DIR *list = opendir(folder);
	struct dirent *entry;
	unsigned int files = 0;

	assert_non_null(list);
	while ((entry = readdir(list)) != NULL) {
		if (strncmp(entry->d_name, "auth.", 5) == 0)
			files++;
	}
	(void)closedir(list);
	return files;
}

/* Until the engine says that the process may end. Returns how often it was
   asked. */
static unsigned int ask_until_it_may_end(struct fixture *f)
{
	for (unsigned int asked = 1; asked < 10000; asked++) {
		if (pwned_engine_may_end(f->engine))
			return asked;
		fake_loop_serve_msecs(f->loop, 1);
	}
	fail();
	return 0;
}

static void remove_file(struct fixture *f)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", f->folder,
		       PWNED_STATE_FILE_NAME);
	assert_int_equal(unlink(path), 0);
}

/* Once it may end, the end asks nothing of a disk, which may hang by then. */
static void the_last_word_is_written_before_an_idle_end(void **state)
{
	struct fixture *f = *state;
	struct pwned_decision decision;
	struct pwned_state found;

	open_auth(f);
	log_in(f->engine, "jane", "smtp", &decision);
	answer(f, 0);
	fake_loop_advance(f->loop, 60000);
	assert_true(ask_until_it_may_end(f) > 1);
	read_state(f, &found);
	assert_true(found.ended);
	assert_int_equal(found.counters[PWNED_COUNT_MISSES], 1);
	assert_int_equal(ask_until_it_may_end(f), 1);

	/* it was needed all the same */
	log_in(f->engine, "jane", "smtp", &decision);
	assert_false(pwned_engine_may_end(f->engine));
	assert_true(ask_until_it_may_end(f) > 1);
	read_state(f, &found);
	assert_int_equal(found.counters[PWNED_COUNT_FROM_CACHE], 1);
	remove_file(f);
	pwned_engine_free(&f->engine);
	assert_int_equal(count_files(f->folder), 0);
}

/* A reload: the old auth is still there for a while. */
static void the_newer_auth_owns_the_file(void **state)
{
	struct fixture *f = *state;
	struct pwned_engine *old, *new;
	struct pwned_decision decision;
	struct pwned_state found;
	uint64_t now;

	old = engine_new(f, PWNED_ROLE_AUTH);
	fake_loop_advance(f->loop, 10000);
	new = engine_new(f, PWNED_ROLE_AUTH);
	now = f->loop->v->unix_secs(f->loop);
	serve_until_owned(f, now, &found);

	log_in(old, "jane", "smtp", &decision);
	answer(f, 0);
	fake_loop_advance(f->loop, 8000);
	fake_loop_serve_msecs(f->loop, 20);
	pwned_engine_free(&old);
	read_state(f, &found);
	assert_int_equal(found.started_secs, now);
	assert_false(found.ended);
	assert_int_equal(found.counters[PWNED_COUNT_MISSES], 0);
	pwned_engine_free(&new);
	read_state(f, &found);
	assert_int_equal(found.started_secs, now);
	assert_true(found.ended);
	assert_int_equal(f->faults, 0);
}

static void without_a_folder_logins_go_on(void **state)
{
	struct fixture *f = *state;
	struct pwned_decision decision;
	struct pwned_state found;

	assert_int_equal(chmod(f->folder, 0777), 0);
	open_auth(f);
	assert_int_equal(f->faults, 1);
	log_in(f->engine, "jane", "smtp", &decision);
	answer(f, 0);
	for (unsigned int minutes = 0; minutes < 10; minutes++) {
		log_in(f->engine, "jane", "smtp", &decision);
		assert_int_equal(decision.verdict, PWNED_VERDICT_BREACHED);
		assert_int_equal(decision.action, PWNED_ACTION_DENY);
		fake_loop_advance(f->loop, 60000);
		fake_loop_serve_msecs(f->loop, 5);
	}
	restart(f, 1);
	assert_int_equal(f->faults, 2);
	pwned_engine_free(&f->engine);
	assert_int_equal(f->faults, 2);
	assert_int_equal(chmod(f->folder, 0700), 0);
	read_state(f, &found);
	assert_int_equal(found.pid, 0);
}

static void a_damaged_file_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct pwned_state found;
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", f->folder,
		       PWNED_STATE_FILE_NAME);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs("\001\002 no state\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	open_auth(f);
	assert_int_equal(f->faults, 1);
	pwned_engine_free(&f->engine);
	read_state(f, &found);
	assert_int_equal(found.pid, getpid());
	assert_int_equal(f->faults, 1);
}

static void only_auth_keeps_a_state(void **state)
{
	struct fixture *f = *state;
	struct pwned_decision decision;

	f->engine = engine_new(f, PWNED_ROLE_VISITOR);
	log_in(f->engine, "jane", "smtp", &decision);
	answer(f, 0);
	fake_loop_advance(f->loop, 60000);
	fake_loop_serve_msecs(f->loop, 5);
	pwned_engine_free(&f->engine);
	assert_int_equal(count_files(f->folder), 0);
	/* nor does one that is told not to */
	pwned_settings_free(&f->set);
	parse(f, "pwned_state_dir =\n");
	open_auth(f);
	pwned_engine_free(&f->engine);
	assert_int_equal(count_files(f->folder), 0);
	assert_int_equal(f->faults, 0);
}

/* The bytes of the state file, which is all that the folder holds. */
static size_t read_file(struct fixture *f, char text_r[FILE_MAX + 1])
{
	char path[128];
	size_t size;
	FILE *file;

	assert_int_equal(count_files(f->folder), 1);
	(void)snprintf(path, sizeof(path), "%s/%s", f->folder,
		       PWNED_STATE_FILE_NAME);
	file = fopen(path, "r");
	assert_non_null(file);
	size = fread(text_r, 1, FILE_MAX, file);
	assert_true(size > 0 && size < FILE_MAX);
	text_r[size] = '\0';
	assert_int_equal(fclose(file), 0);
	return size;
}

/* Neither who logged in, nor anything of a password, nor of its range. */
static void the_file_names_nobody(void **state)
{
	static const char *const secrets[] = {
		"zaphod", "beeblebrox", "reader", "sender", PASSWORD,
		/* prefix and key, in hex and decimal; count and tag */
		"5baa6", "1e4c9b", "375462", "33314376512496", "4711471147",
		"8dc61f"
	};
	static char text[FILE_MAX + 1];
	const uint64_t key = KEY;
	struct fixture *f = *state;
	struct pwned_decision decision;
	size_t size;

	/* a name without such words in it */
	pwned_settings_free(&f->set);
	parse(f, "pwned_source = https://ranges.example/{prefix}\n");
	open_auth(f);
	log_in(f->engine, "zaphod@beeblebrox.example", "smtp", &decision);
	answer(f, 0);
	log_in_users(f, "reader", 200, "imap", &decision);
	log_in_users(f, "sender", 60, "smtp", &decision);
	assert_true(decision.braked);
	pwned_engine_free(&f->engine);
	size = read_file(f, text);
	/* it is what was looked for */
	assert_non_null(strstr(text, "https://ranges.example"));
	/* that number may be any */
	assert_non_null(strstr(text, "pid = "));
	memset(strstr(text, "pid = "), ' ', strlen("pid = 1234567"));
	/* a counter is named like the password of this test */
	assert_non_null(strstr(text, "unchecked_no_password"));
	memset(strstr(text, "no_password"), ' ', strlen("no_password"));
	for (unsigned int i = 0; i < N_ELEMENTS(secrets); i++) {
		if (strcasestr(text, secrets[i]) != NULL)
			fail_msg("it has \"%s\"", secrets[i]);
	}
	assert_null(memmem(text, size, &key, sizeof(key)));
}

#define with_folder(test)                                                      \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_folder(the_file_says_who_is_there),
		with_folder(a_change_is_written_within_seconds),
		with_folder(what_is_written_later_is_counted),
		with_folder(what_was_counted_goes_on),
		with_folder(a_breaker_is_not_forgotten),
		with_folder(a_brake_is_not_forgotten),
		with_folder(the_last_word_is_written_before_an_idle_end),
		with_folder(the_newer_auth_owns_the_file),
		with_folder(without_a_folder_logins_go_on),
		with_folder(a_damaged_file_is_replaced),
		with_folder(only_auth_keeps_a_state),
		with_folder(the_file_names_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
