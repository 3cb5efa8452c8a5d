/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* flags.db and hold.db, for a command. */

#include "flag-book-local.h"
#include "flag-db.h"
#include "hold-db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Auth holds a file for milliseconds; a slow disk may take longer. */
#define BUSY_MSECS 10000
/* So many records at a time: the file is not kept from being checkpointed. */
#define PORTION 1000

struct book {
	struct pwned_flag_book book; /* must be first */
	const struct pwned_settings *set;
	struct pwned_flag_db *flags;
	struct pwned_hold_db *holds; /* NULL: not opened */
};

static uint64_t now_secs(void)
{
	return (uint64_t)time(NULL);
}

static enum pwned_book_result answer(enum pwned_db_result result,
				     struct pwned_error *error_r)
{
	struct pwned_error error;

	switch (result) {
	case PWNED_DB_OK:
		return PWNED_BOOK_DONE;
	case PWNED_DB_NONE:
		return PWNED_BOOK_NONE;
	case PWNED_DB_DAMAGED:
		error = *error_r;
		(void)pwned_error_set(error_r,
				      "%s; auth sets it aside when it meets it",
				      error.text);
		break;
	case PWNED_DB_BUSY:
	case PWNED_DB_FAILED:
		break;
	}
	return PWNED_BOOK_FAILED;
}

static enum pwned_book_result book_get(struct pwned_flag_book *_book,
				       const char *user,
				       struct pwned_flag *flag_r,
				       struct pwned_error *error_r)
{
	struct book *book = (struct book *)_book;

	return answer(pwned_flag_db_get(book->flags, user, flag_r, error_r),
		      error_r);
}

/* A release needs none to be made. */
static bool has_hold_db(const struct book *book)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", book->set->hold,
		       PWNED_HOLD_DB_NAME);
	return lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Only what writes needs hold.db. text "": a release. */
static enum pwned_db_result write_hold(struct book *book, const char *user,
				       const char *text,
				       struct pwned_error *error_r)
{
	enum pwned_db_result result = PWNED_DB_OK;

	/* in a dry run nobody stands there; auth brings it in after it */
	if (*book->set->hold == '\0' ||
	    (*text == '\0' ? !has_hold_db(book) : book->set->dry_run))
		return PWNED_DB_OK;
	if (book->holds == NULL)
		result = pwned_hold_db_open(
			book->set->hold, book->set->hold_group,
			PWNED_DB_DURABLE, BUSY_MSECS, &book->holds, error_r);
	return result == PWNED_DB_OK ?
		       pwned_hold_db_set(book->holds, user, text, error_r) :
		       result;
}

/* After the record is written: in between another program may have held the
   user again, and that stays. */
static enum pwned_db_result release(struct book *book, const char *user,
				    struct pwned_error *error_r)
{
	struct pwned_flag flag;
	enum pwned_db_result result = pwned_flag_db_begin(book->flags, error_r);

	if (result != PWNED_DB_OK)
		return result;
	result = pwned_flag_db_get(book->flags, user, &flag, error_r);
	if (result == PWNED_DB_NONE ||
	    (result == PWNED_DB_OK && *flag.hold_text == '\0'))
		result = write_hold(book, user, "", error_r);
	pwned_flag_db_rollback(book->flags);
	return result;
}

/* Of the two files a hold is written to MTAs' first, and a release to it last:
   what is left half done refuses rather than lets through. */
static enum pwned_db_result write_both(struct book *book, const char *user,
				       const struct pwned_flag *flag,
				       bool was_held,
				       struct pwned_error *error_r)
{
	bool holds = *flag->hold_text != '\0';
	enum pwned_db_result result = PWNED_DB_OK;

	if (holds)
		result = write_hold(book, user, flag->hold_text, error_r);
	if (result == PWNED_DB_OK)
		result = pwned_flag_db_put(book->flags, user, flag, now_secs(),
					   error_r);
	/* an empty one that was not there */
	if (result == PWNED_DB_NONE)
		result = PWNED_DB_OK;
	if (result == PWNED_DB_OK)
		result = pwned_flag_db_commit(book->flags, error_r);
	if (result == PWNED_DB_OK && was_held && !holds)
		result = release(book, user, error_r);
	return result;
}

/* The record is read where it is locked, so that auth does not write it in
   between. */
static enum pwned_db_result change(struct book *book, const char *user,
				   pwned_book_edit *edit, void *context,
				   bool *created_r, struct pwned_error *error_r)
{
	struct pwned_flag flag;
	enum pwned_db_result result = pwned_flag_db_begin(book->flags, error_r);
	bool existed, was_held;

	*created_r = false;
	if (result != PWNED_DB_OK)
		return result;
	result = pwned_flag_db_get(book->flags, user, &flag, error_r);
	existed = result == PWNED_DB_OK;
	was_held = *flag.hold_text != '\0';
	if ((existed || result == PWNED_DB_NONE) && edit(context, &flag)) {
		result = write_both(book, user, &flag, was_held, error_r);
		*created_r = result == PWNED_DB_OK && !existed &&
			     !pwned_flag_is_empty(&flag);
	}
	pwned_flag_db_rollback(book->flags);
	return result;
}

static enum pwned_book_result book_change(struct pwned_flag_book *_book,
					  const char *user,
					  pwned_book_edit *edit, void *context,
					  bool *created_r,
					  struct pwned_error *error_r)
{
	struct book *book = (struct book *)_book;

	return answer(change(book, user, edit, context, created_r, error_r),
		      error_r);
}

/* Also where there is no record: nothing is left in hold.db. What is left half
   done has its record still: with the row alone auth would make another. */
static enum pwned_db_result forget(struct book *book, const char *user,
				   struct pwned_error *error_r)
{
	enum pwned_db_result removed =
		pwned_flag_db_begin(book->flags, error_r);
	enum pwned_db_result result;

	if (removed == PWNED_DB_OK)
		removed = pwned_flag_db_remove(book->flags, user, error_r);
	result = removed == PWNED_DB_NONE ? PWNED_DB_OK : removed;
	if (result == PWNED_DB_OK)
		result = write_hold(book, user, "", error_r);
	if (result == PWNED_DB_OK)
		result = pwned_flag_db_commit(book->flags, error_r);
	pwned_flag_db_rollback(book->flags);
	return result == PWNED_DB_OK ? removed : result;
}

static enum pwned_book_result book_forget(struct pwned_flag_book *_book,
					  const char *user,
					  struct pwned_error *error_r)
{
	return answer(forget((struct book *)_book, user, error_r), error_r);
}

struct portion {
	pwned_book_visit *visit;
	void *context;
	bool goes_on;
};

static bool visit_one(void *context, const char *user,
		      const struct pwned_flag *flag)
{
	struct portion *portion = context;

	portion->goes_on = portion->visit(portion->context, user, flag);
	return portion->goes_on;
}

static bool book_list(struct pwned_flag_book *_book, pwned_book_visit *visit,
		      void *context, struct pwned_error *error_r)
{
	struct book *book = (struct book *)_book;
	struct pwned_flag_db_place place = { .user = NULL };
	struct portion portion = {
		.visit = visit,
		.context = context,
		.goes_on = true,
	};
	enum pwned_db_result result;

	do {
		result = pwned_flag_db_walk(book->flags, &place, PORTION,
					    visit_one, &portion, error_r);
	} while (result == PWNED_DB_OK && place.user != NULL &&
		 portion.goes_on);
	pwned_flag_db_place_free(&place);
	return answer(result, error_r) == PWNED_BOOK_DONE;
}

static void book_close(struct pwned_flag_book **_book)
{
	struct book *book = (struct book *)*_book;

	*_book = NULL;
	if (book == NULL)
		return;
	pwned_flag_db_close(&book->flags);
	pwned_hold_db_close(&book->holds);
	free(book);
}

static const struct pwned_flag_book_vfuncs local_vfuncs = {
	.get = book_get,
	.change = book_change,
	.forget = book_forget,
	.list = book_list,
	.close = book_close,
};

struct pwned_flag_book *pwned_flag_book_local_open(
	const struct pwned_settings *set, struct pwned_error *error_r)
{
	struct book *book;
	struct pwned_flag_book *result;

	if (*set->state_dir == '\0') {
		(void)pwned_error_set(error_r, "pwned_state_dir is empty: "
					       "nothing is on record");
		return NULL;
	}
	book = calloc(1, sizeof(*book));
	if (book == NULL) {
		(void)pwned_error_set(error_r, "out of memory");
		return NULL;
	}
	book->book.v = &local_vfuncs;
	book->set = set;
	result = &book->book;
	if (answer(pwned_flag_db_open(set->state_dir, PWNED_DB_DURABLE,
				      BUSY_MSECS, &book->flags, error_r),
		   error_r) != PWNED_BOOK_DONE)
		book_close(&result);
	return result;
}

bool pwned_flag_command_send(const struct pwned_settings *set,
			     enum pwned_flag_command command,
			     uint64_t sent_secs, struct pwned_error *error_r)
{
	struct pwned_flag_db *db;
	enum pwned_db_result result = pwned_flag_db_open(
		set->state_dir, PWNED_DB_DURABLE, BUSY_MSECS, &db, error_r);

	if (result == PWNED_DB_OK)
		result = pwned_flag_db_begin(db, error_r);
	if (result == PWNED_DB_OK)
		result = pwned_flag_db_command(db, command, sent_secs, error_r);
	if (result == PWNED_DB_OK)
		result = pwned_flag_db_commit(db, error_r);
	pwned_flag_db_close(&db);
	return answer(result, error_r) == PWNED_BOOK_DONE;
}
