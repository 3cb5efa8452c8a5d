/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SQL_BOOK_H
#define PWNED_SQL_BOOK_H

#include "flag-book.h"

struct event;

/* The records in the PostgreSQL that the file at path names, which is read at
   once, for a command of doveadm. Each call waits for the answer, for some
   seconds at most. Returns NULL with what is wrong. */
struct pwned_flag_book *pwned_sql_book_open(const char *path,
					    struct event *parent,
					    struct pwned_error *error_r);

#endif
