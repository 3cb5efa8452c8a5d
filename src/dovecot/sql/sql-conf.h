/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SQL_CONF_H
#define PWNED_SQL_CONF_H

#include "error.h"

#include <stdbool.h>

/* How to connect to the PostgreSQL that several hosts share: the file that
   pwned_flags names. It holds the words of a connection string of PostgreSQL,
   on one line or several, with comments:

	# the database of the cluster
	host=10.0.0.5 dbname=mail
	user=dovecot password='with blanks, and it\'s long'
 */
struct pwned_sql_word {
	char *name, *value;
};

struct pwned_sql_conf {
	char *path; /* of the file */
	struct pwned_sql_word *words;
	unsigned int count;
};

/* Reads the file, as a user who may, so before rights are dropped; blocking.
   Returns NULL with file, line and what was expected, and with no value. */
struct pwned_sql_conf *pwned_sql_conf_read(const char *path,
					   struct pwned_error *error_r);
/* Wipes the values. */
void pwned_sql_conf_free(struct pwned_sql_conf **conf);
/* "" where nothing is said of it. */
const char *pwned_sql_conf_value(const struct pwned_sql_conf *conf,
				 const char *name);

#endif
