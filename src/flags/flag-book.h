/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_BOOK_H
#define PWNED_FLAG_BOOK_H

#include "error.h"
#include "flag.h"

/* The records of accounts as an operator's command works on them: blocking, and
   what a call has said is on disk when it returns, with what MTAs read. Either
   the files of this host (flag-book-local.h) or a database that several hosts
   share (dovecot/sql/). An implementation embeds struct pwned_flag_book. */
struct pwned_flag_book;

/* Of get and change: */
enum pwned_book_result {
	PWNED_BOOK_DONE,
	PWNED_BOOK_NONE,   /* nothing is on record of the user */
	PWNED_BOOK_FAILED, /* the error says why and where */
};

/* Changes a record, of state NONE where there was none. Returns whether it is
   to be written. May be called again, where another program has written
   meanwhile. */
typedef bool pwned_book_edit(void *context, struct pwned_flag *flag);
/* Returns whether to go on. */
typedef bool pwned_book_visit(void *context, const char *user,
			      const struct pwned_flag *flag);

struct pwned_flag_book_vfuncs {
	enum pwned_book_result (*get)(struct pwned_flag_book *book,
				      const char *user,
				      struct pwned_flag *flag_r,
				      struct pwned_error *error_r);
	/* One that is empty afterwards is removed. created_r: there was none;
	   auth knows of it within a second. DONE also where the edit wanted
	   nothing written. */
	enum pwned_book_result (*change)(struct pwned_flag_book *book,
					 const char *user,
					 pwned_book_edit *edit, void *context,
					 bool *created_r,
					 struct pwned_error *error_r);
	/* Erases the record and what MTAs read. */
	enum pwned_book_result (*forget)(struct pwned_flag_book *book,
					 const char *user,
					 struct pwned_error *error_r);
	/* All records, by domain and then by user, from a snapshot or in
	   portions: in bounded memory, the first at once. */
	bool (*list)(struct pwned_flag_book *book, pwned_book_visit *visit,
		     void *context, struct pwned_error *error_r);
	void (*close)(struct pwned_flag_book **book);
};

struct pwned_flag_book {
	const struct pwned_flag_book_vfuncs *v;
};

#endif
