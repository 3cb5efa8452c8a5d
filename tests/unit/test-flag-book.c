/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What operators' commands do to flags.db and hold.db. */

#include "support/db-fixture.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "flag-book-local.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER "o'brien\n%s@example.com"

static char hold_folder[128];

/* hold.db below, where the folder is. */
static struct pwned_settings settings(const char *folder)
{
	(void)snprintf(hold_folder, sizeof(hold_folder), "%s/hold", folder);
	return (struct pwned_settings){
		.state_dir = (char *)folder,
		.hold = hold_folder,
		.hold_group = (char *)"",
	};
}

static struct pwned_flag_book *book_open(const struct pwned_settings *set)
{
	struct pwned_error error = { .text = "" };
	struct pwned_flag_book *book = pwned_flag_book_local_open(set, &error);

	if (book == NULL)
		fail_msg("%s", error.text);
	return book;
}

static bool suspend(void *context, struct pwned_flag *flag)
{
	pwned_flag_suspend(flag, 5, context);
	return true;
}

static bool clear(void *context, struct pwned_flag *flag)
{
	(void)context;
	pwned_flag_clear(flag, 6);
	return true;
}

static bool exempt(void *context, struct pwned_flag *flag)
{
	(void)context;
	pwned_flag_exempt(flag, 100, 6);
	return true;
}

static bool leave(void *context, struct pwned_flag *flag)
{
	(void)context;
	flag->state = PWNED_FLAG_FLAGGED;
	return false;
}

static enum pwned_book_result change(struct pwned_flag_book *book,
				     pwned_book_edit *edit, bool *created_r)
{
	struct pwned_error error = { .text = "" };
	enum pwned_book_result result = book->v->change(
		book, USER, edit, (void *)"no mail", created_r, &error);

	if (result == PWNED_BOOK_FAILED)
		assert_true(*error.text != '\0');
	return result;
}

static void a_suspension_is_held_until_it_is_cleared(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_flag_book *book = book_open(&set);
	struct pwned_error error;
	struct pwned_flag flag;
	bool created = false;

	assert_int_equal(mkdir(hold_folder, 0700), 0);
	assert_int_equal(book->v->get(book, USER, &flag, &error),
			 PWNED_BOOK_NONE);
	assert_int_equal(change(book, suspend, &created), PWNED_BOOK_DONE);
	assert_true(created);
	assert_int_equal(look_up(hold_folder, USER), 100);
	assert_int_equal(book->v->get(book, USER, &flag, &error),
			 PWNED_BOOK_DONE);
	assert_int_equal(flag.suspended_secs, 5);
	assert_string_equal(flag.hold_text, "no mail");
	assert_int_equal(change(book, suspend, &created), PWNED_BOOK_DONE);
	assert_false(created);
	assert_int_equal(change(book, clear, &created), PWNED_BOOK_DONE);
	assert_false(created);
	/* nothing was left */
	assert_int_equal(book->v->get(book, USER, &flag, &error),
			 PWNED_BOOK_NONE);
	assert_int_equal(look_up(hold_folder, USER), 101);
	book->v->close(&book);
	assert_null(book);
}

static void an_edit_that_wants_nothing_writes_nothing(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_flag_book *book = book_open(&set);
	struct pwned_error error;
	struct pwned_flag flag;
	bool created = true;

	assert_int_not_equal(change(book, leave, &created), PWNED_BOOK_FAILED);
	assert_false(created);
	assert_int_equal(change(book, clear, &created), PWNED_BOOK_DONE);
	assert_false(created);
	assert_int_equal(book->v->get(book, USER, &flag, &error),
			 PWNED_BOOK_NONE);
	book->v->close(&book);
}

static void what_holds_nobody_needs_no_hold_db(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_flag_book *book = book_open(&set);
	struct pwned_error error;
	bool created;

	assert_int_equal(change(book, exempt, &created), PWNED_BOOK_DONE);
	assert_int_equal(change(book, suspend, &created), PWNED_BOOK_FAILED);
	assert_int_equal(book->v->forget(book, USER, &error), PWNED_BOOK_DONE);
	assert_int_equal(book->v->forget(book, USER, &error), PWNED_BOOK_NONE);
	book->v->close(&book);
	set.hold = (char *)"";
	book = book_open(&set);
	assert_int_equal(change(book, suspend, &created), PWNED_BOOK_DONE);
	book->v->close(&book);
}

static void a_suspension_that_fails_is_not_on_record(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_flag_book *book = book_open(&set);
	struct pwned_error error;
	struct pwned_flag flag;
	bool created = true;

	assert_int_equal(change(book, suspend, &created), PWNED_BOOK_FAILED);
	assert_false(created);
	assert_int_equal(book->v->get(book, USER, &flag, &error),
			 PWNED_BOOK_NONE);
	book->v->close(&book);
}

/* Half done it would come back, and hold somebody who is not on record. */
static void forget_is_whole_or_not_at_all(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_flag_book *book;
	struct pwned_error error = { .text = "" };
	struct pwned_flag flag;
	bool created;

	assert_int_equal(mkdir(set.hold, 0700), 0);
	book = book_open(&set);
	assert_int_equal(change(book, suspend, &created), PWNED_BOOK_DONE);
	book->v->close(&book);
	(void)remove(path_of(set.hold, "hold.db"));
	assert_int_equal(mkdir(path_of(set.hold, "hold.db"), 0700), 0);
	book = book_open(&set);
	assert_int_equal(book->v->forget(book, USER, &error),
			 PWNED_BOOK_FAILED);
	assert_int_equal(book->v->get(book, USER, &flag, &error),
			 PWNED_BOOK_DONE);
	assert_int_equal(rmdir(path_of(set.hold, "hold.db")), 0);
	assert_int_equal(book->v->forget(book, USER, &error), PWNED_BOOK_DONE);
	book->v->close(&book);
}

static void in_a_dry_run_no_mta_refuses(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_flag_book *book;
	bool created;

	assert_int_equal(mkdir(set.hold, 0700), 0);
	set.dry_run = true;
	book = book_open(&set);
	assert_int_equal(change(book, suspend, &created), PWNED_BOOK_DONE);
	assert_int_not_equal(access(path_of(set.hold, "hold.db"), F_OK), 0);
	book->v->close(&book);
}

static void forget_leaves_nothing_for_mtas(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_flag_book *book = book_open(&set);
	struct pwned_hold_db *holds;
	struct pwned_error error;
	bool created;

	assert_int_equal(mkdir(hold_folder, 0700), 0);
	assert_int_equal(change(book, suspend, &created), PWNED_BOOK_DONE);
	assert_int_equal(book->v->forget(book, USER, &error), PWNED_BOOK_DONE);
	assert_int_equal(look_up(hold_folder, USER), 101);
	holds = holds_open(hold_folder);
	assert_db(PWNED_DB_OK,
		  pwned_hold_db_set(holds, USER, "row", &db_error));
	pwned_hold_db_close(&holds);
	assert_int_equal(book->v->forget(book, USER, &error), PWNED_BOOK_NONE);
	assert_int_equal(look_up(hold_folder, USER), 101);
	book->v->close(&book);
}

struct list {
	unsigned int length, at_most;
};

static bool count(void *context, const char *user,
		  const struct pwned_flag *flag)
{
	struct list *list = context;

	(void)user;
	(void)flag;
	return ++list->length < list->at_most;
}

static void a_list_is_of_everybody_until_it_is_stopped(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_flag_db *db = flags_open(*state);
	struct pwned_flag flag = flagged(1, "");
	struct pwned_flag_book *book;
	struct pwned_error error;
	char user[32];

	assert_db(PWNED_DB_OK, pwned_flag_db_begin(db, &db_error));
	for (unsigned int i = 0; i < 2500; i++) {
		(void)snprintf(user, sizeof(user), "u%u@example.com", i);
		assert_db(PWNED_DB_OK,
			  pwned_flag_db_put(db, user, &flag, 1, &db_error));
	}
	assert_db(PWNED_DB_OK, pwned_flag_db_commit(db, &db_error));
	pwned_flag_db_close(&db);
	book = book_open(&set);
	for (unsigned int at_most = 1; at_most < 4000; at_most += 999) {
		struct list list = { .at_most = at_most };

		assert_true(book->v->list(book, count, &list, &error));
		assert_int_equal(list.length, at_most < 2500 ? at_most : 2500);
	}
	book->v->close(&book);
}

static void read_command(void *context, const struct pwned_flag_db_entry *entry)
{
	if (entry->command == PWNED_COMMAND_RESUME)
		*(uint64_t *)context = entry->at_secs;
}

static void a_command_is_read_by_auth(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_error error = { .text = "" };
	struct pwned_flag_db *db;
	uint64_t at = 0, id = 0;

	assert_true(pwned_flag_command_send(&set, PWNED_COMMAND_RESUME, 77,
					    &error));
	db = flags_open(*state);
	assert_db(PWNED_DB_OK,
		  pwned_flag_db_journal(db, &id, read_command, &at, &db_error));
	assert_int_equal(at, 77);
	pwned_flag_db_close(&db);
}

static void what_cannot_be_opened_is_told(void **state)
{
	struct pwned_settings set = settings("/nonexistent");
	struct pwned_error error = { .text = "" };

	(void)state;
	assert_null(pwned_flag_book_local_open(&set, &error));
	assert_non_null(strstr(error.text, "install -d"));
	assert_false(pwned_flag_command_send(&set, PWNED_COMMAND_RESUME, 77,
					     &error));
}

static void damage_is_told_with_who_mends_it(void **state)
{
	struct pwned_settings set = settings(*state);
	struct pwned_error error = { .text = "" };
	struct pwned_flag_db *db = flags_open(*state);

	pwned_flag_db_close(&db);
	overwrite(path_of(*state, PWNED_FLAG_DB_NAME), 0, 100);
	assert_null(pwned_flag_book_local_open(&set, &error));
	assert_non_null(strstr(error.text, "auth sets it aside"));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, temp_folder_make,                \
					temp_folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_suspension_is_held_until_it_is_cleared),
		TEST(an_edit_that_wants_nothing_writes_nothing),
		TEST(what_holds_nobody_needs_no_hold_db),
		TEST(a_suspension_that_fails_is_not_on_record),
		TEST(forget_leaves_nothing_for_mtas),
		TEST(forget_is_whole_or_not_at_all),
		TEST(in_a_dry_run_no_mta_refuses),
		TEST(a_list_is_of_everybody_until_it_is_stopped),
		TEST(a_command_is_read_by_auth),
		TEST(what_cannot_be_opened_is_told),
		TEST(damage_is_told_with_who_mends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
