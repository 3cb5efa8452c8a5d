/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records in PostgreSQL, for a command. */

#include "lib.h"
#include "ioloop.h"
#include "lib-event.h"
#include "sql-api.h"
#include "dovecot-loop.h"
#include "sql-book.h"
#include "sql-client.h"
#include "sql-conf.h"
#include "sql-driver.h"
#include "sql-flag.h"

#define DEADLINE_MSECS 20000
/* Records of one portion: some hundred KB. */
#define PORTION 1000
/* Another program may write the same record at the same time. */
#define TRIES 20

struct book {
	struct pwned_flag_book book; /* must be first */
	struct pwned_sql_conf *conf;
	struct ioloop *ioloop, *outer;
	struct pwned_loop *loop;
	struct pwned_sql *client;

	/* of the query that is out */
	void (*read)(struct book *book, struct sql_result *result);
	bool waits, ok, found;
	struct pwned_sql_record record;

	/* of list */
	pwned_book_visit *visit;
	void *context;
	bool goes_on;
	char *last;
};

static void on_status(void *context ATTR_UNUSED, const char *text ATTR_UNUSED)
{
}

static void on_answer(void *context, bool ok, struct sql_result *result)
{
	struct book *book = context;

	book->waits = FALSE;
	book->ok = ok;
	book->found = result != NULL;
	if (ok && book->read != NULL)
		book->read(book, result);
	io_loop_stop(book->ioloop);
}

/* Returns whether the database has answered. */
static bool ask(struct book *book, struct pwned_sql_query *query,
		void (*read)(struct book *book, struct sql_result *result),
		struct pwned_error *error_r)
{
	struct ioloop *outer = current_ioloop;

	book->ok = FALSE;
	book->read = read;
	io_loop_set_current(book->ioloop);
	book->waits = pwned_sql_send(book->client, query, PWNED_SQL_NOW,
				     DEADLINE_MSECS, on_answer, book);
	while (book->waits)
		io_loop_run(book->ioloop);
	io_loop_set_current(outer);
	return book->ok ||
	       pwned_error_set(error_r, "PostgreSQL, of %s: %s",
			       book->conf->path, pwned_sql_why(book->client));
}

static bool can_have(const char *user, struct pwned_error *error_r)
{
	return pwned_sql_can_have(user) ||
	       pwned_error_set(error_r,
			       "PostgreSQL has only users of valid UTF-8 and "
			       "%d bytes",
			       PWNED_SQL_TEXT_MAX);
}

static void read_record(struct book *book, struct sql_result *result)
{
	pwned_sql_flag_read(result, &book->record);
}

static enum pwned_book_result book_get(struct pwned_flag_book *_book,
				       const char *user,
				       struct pwned_flag *flag_r,
				       struct pwned_error *error_r)
{
	struct book *book = (struct book *)_book;

	*flag_r = (struct pwned_flag){ .state = PWNED_FLAG_NONE };
	if (!pwned_sql_can_have(user))
		return PWNED_BOOK_NONE;
	if (!ask(book, pwned_sql_flag_get(user), read_record, error_r))
		return PWNED_BOOK_FAILED;
	*flag_r = book->record.flag;
	return book->record.version == 0 ? PWNED_BOOK_NONE : PWNED_BOOK_DONE;
}

/* Returns whether it is done: false, where another program was faster. */
static bool write_record(struct book *book, const char *user,
			 const struct pwned_flag *flag, bool *failed_r,
			 struct pwned_error *error_r)
{
	uint64_t version = pwned_sql_flag_new_version();
	struct pwned_sql_query *query =
		pwned_sql_flag_put(user, &book->record, flag, version);

	*failed_r = !ask(book, query, NULL, error_r);
	if (*failed_r || book->found)
		return !*failed_r;
	/* or the reply to it was lost, and it was sent again */
	*failed_r = !ask(book, pwned_sql_flag_get(user), read_record, error_r);
	return !*failed_r && book->record.version == version;
}

static enum pwned_book_result book_change(struct pwned_flag_book *_book,
					  const char *user,
					  pwned_book_edit *edit, void *context,
					  bool *created_r,
					  struct pwned_error *error_r)
{
	struct book *book = (struct book *)_book;
	bool failed;

	*created_r = false;
	if (!can_have(user, error_r))
		return PWNED_BOOK_FAILED;
	for (unsigned int i = 0; i < TRIES; i++) {
		struct pwned_flag flag;

		if (!ask(book, pwned_sql_flag_get(user), read_record, error_r))
			return PWNED_BOOK_FAILED;
		flag = book->record.flag;
		*created_r = book->record.version == 0;
		if (!edit(context, &flag) ||
		    (*created_r && pwned_flag_is_empty(&flag))) {
			bool none = *created_r;

			*created_r = false;
			return none ? PWNED_BOOK_NONE : PWNED_BOOK_DONE;
		}
		if (write_record(book, user, &flag, &failed, error_r))
			return PWNED_BOOK_DONE;
		if (failed)
			return PWNED_BOOK_FAILED;
	}
	(void)pwned_error_set(error_r,
			      "PostgreSQL, of %s: others write this record all "
			      "the time",
			      book->conf->path);
	return PWNED_BOOK_FAILED;
}

static enum pwned_book_result book_forget(struct pwned_flag_book *_book,
					  const char *user,
					  struct pwned_error *error_r)
{
	struct book *book = (struct book *)_book;

	if (!pwned_sql_can_have(user))
		return PWNED_BOOK_NONE;
	if (!ask(book, pwned_sql_flag_forget(user), NULL, error_r))
		return PWNED_BOOK_FAILED;
	return book->found ? PWNED_BOOK_DONE : PWNED_BOOK_NONE;
}

static void read_portion(struct book *book, struct sql_result *result)
{
	unsigned int rows = pwned_sql_rows(result);

	book->goes_on = rows == PORTION;
	for (unsigned int i = 0; i < rows; i++) {
		const char *user;

		if (i > 0 && sql_result_next_row(result) <= 0)
			break;
		user = pwned_sql_row_user(result);
		pwned_sql_flag_read(result, &book->record);
		if (!book->visit(book->context, user, &book->record.flag)) {
			book->goes_on = FALSE;
			break;
		}
		if (i == rows - 1) {
			i_free(book->last);
			book->last = i_strdup(user);
		}
	}
}

static bool book_list(struct pwned_flag_book *_book, pwned_book_visit *visit,
		      void *context, struct pwned_error *error_r)
{
	struct book *book = (struct book *)_book;
	bool ok;

	book->visit = visit;
	book->context = context;
	i_free(book->last);
	do {
		ok = ask(book,
			 pwned_sql_flag_list(
				 book->last == NULL ? "" : book->last, PORTION),
			 read_portion, error_r);
	} while (ok && book->goes_on);
	return ok;
}

static void book_close(struct pwned_flag_book **_book)
{
	struct book *book = (struct book *)*_book;
	struct ioloop *outer = current_ioloop;

	*_book = NULL;
	if (book == NULL)
		return;
	io_loop_set_current(book->ioloop);
	pwned_sql_free(&book->client);
	pwned_dovecot_loop_free(&book->loop);
	io_loop_destroy(&book->ioloop);
	io_loop_set_current(outer);
	pwned_sql_driver_unload();
	pwned_sql_conf_free(&book->conf);
	i_free(book->last);
	i_free(book);
}

static const struct pwned_flag_book_vfuncs sql_vfuncs = {
	.get = book_get,
	.change = book_change,
	.forget = book_forget,
	.list = book_list,
	.close = book_close,
};

struct pwned_flag_book *pwned_sql_book_open(const char *path,
					    struct event *parent,
					    struct pwned_error *error_r)
{
	struct pwned_sql_conf *conf = pwned_sql_conf_read(path, error_r);
	struct ioloop *outer = current_ioloop;
	struct pwned_flag_book *result;
	struct book *book;

	if (conf == NULL)
		return NULL;
	pwned_sql_driver_load();
	book = i_new(struct book, 1);
	book->book.v = &sql_vfuncs;
	result = &book->book;
	book->conf = conf;
	book->ioloop = io_loop_create();
	book->loop = pwned_dovecot_loop_new();
	book->client = pwned_sql_new(conf, parent, book->loop, 1, FALSE,
				     on_status, book, error_r);
	io_loop_set_current(outer);
	if (book->client == NULL)
		book_close(&result);
	return result;
}
