/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks over all records, beside other programs. */

#include "support/db-fixture.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "flag-files.h"

#include <stdio.h>

/* More than a portion. */
#define MANY  5001
#define NOW   UINT64_C(1795000000)
#define FIRST "aaa@example.com"

static struct pwned_flag_files *files_new(const char *folder)
{
	const struct pwned_flag_files_params params = {
		.folder = folder,
		.hold_folder = "",
		.hold_group = "",
		.suspend_text = "",
		.rules.expire_secs = NOW,
	};
	struct pwned_flag_files *files = pwned_flag_files_new(&params);

	assert_non_null(files);
	return files;
}

static void put_many(struct pwned_flag_db *db)
{
	struct pwned_flag flag = flagged(NOW, "");
	char user[32];

	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	for (unsigned int i = 0; i < MANY; i++) {
		(void)snprintf(user, sizeof(user), "user%u@example.com", i);
		assert_db(PWNED_DB_OK,
			  pwned_flag_db_put(db, user, &flag, NOW, &db_error));
	}
	assert_db(PWNED_DB_OK, pwned_flag_db_commit(db, &db_error));
}

static void on_user(void *context, const char *user)
{
	unsigned int *users = context;

	(void)user;
	(*users)++;
}

static void on_command(void *context, unsigned int command, uint64_t at_secs)
{
	(void)context;
	(void)command;
	(void)at_secs;
}

/* What another writes behind a walk's back, and a look sees meanwhile. */
static void a_walk_knows_whom_a_look_has_seen(void **state)
{
	struct pwned_flag_files *files = files_new(*state);
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(NOW, "");
	struct pwned_flag_filter *filter;
	struct pwned_flag_faults faults;
	unsigned int users = 0;
	const struct pwned_flag_files_watcher watcher = {
		.user = on_user,
		.command = on_command,
		.context = &users,
	};

	put_many(db);
	pwned_flag_files_look(files, NOW, &watcher, &faults);
	assert_int_equal(users, MANY);
	assert_false(pwned_flag_files_walk(files, NOW, &filter, &faults));
	put(db, FIRST, &flag);
	pwned_flag_files_look(files, NOW, &watcher, &faults);
	assert_int_equal(users, MANY + 1);
	while (!pwned_flag_files_walk(files, NOW, &filter, &faults))
		;
	assert_non_null(filter);
	assert_true(pwned_flag_filter_may_have(filter, FIRST));
	assert_true(pwned_flag_filter_may_have(filter, "user5000@example.com"));
	assert_false(pwned_flag_filter_may_have(filter, "bbb@example.com"));
	pwned_flag_filter_free(&filter);
	pwned_flag_db_close(&db);
	pwned_flag_files_free(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_walk_knows_whom_a_look_has_seen, temp_folder_make,
			temp_folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
