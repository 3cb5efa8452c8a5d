/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where doveadm's module was built without lib-sql. */

#include "shared-book.h"

struct pwned_flag_book *pwned_shared_book_open(const char *path,
					       struct pwned_error *error_r)
{
	(void)pwned_error_set(error_r,
			      "pwned_flags (%s): doveadm cannot reach a "
			      "database, because this was built where "
			      "libdovecot-sql.so is missing",
			      path);
	return NULL;
}
