/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SHARED_BOOK_H
#define PWNED_SHARED_BOOK_H

#include "flag-book.h"

/* The records in the database that several hosts share; path: of the file that
   says how to connect. shared-book.c, or where Dovecot brings no library for
   it, no-shared-book.c. Returns NULL with what is wrong. */
struct pwned_flag_book *pwned_shared_book_open(const char *path,
					       struct pwned_error *error_r);

#endif
