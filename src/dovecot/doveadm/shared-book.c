/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records in PostgreSQL, by Dovecot's lib-sql. */

#include "shared-book.h"
#include "sql-book.h"

struct pwned_flag_book *pwned_shared_book_open(const char *path,
					       struct pwned_error *error_r)
{
	return pwned_sql_book_open(path, NULL, error_r);
}
