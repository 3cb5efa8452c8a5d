/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_COMPAT_SQL_H
#define PWNED_COMPAT_SQL_H

#include "error.h"

#include <stdbool.h>

struct event;
struct module;
struct sql_db;
struct pwned_sql_conf;

/* What connections of one database are made of. */
struct pwned_compat_sql;

/* The conf must outlive it. It says nothing of whether a server is there. */
struct pwned_compat_sql *pwned_compat_sql_new(const struct pwned_sql_conf *conf,
					      struct event *parent);
void pwned_compat_sql_free(struct pwned_compat_sql **sql);

/* One connection of Dovecot's driver, without Dovecot's pool, which keeps
   queries and waits as it likes. Not connected yet. Returns NULL with what is
   missing. */
struct sql_db *pwned_compat_sql_connection(struct pwned_compat_sql *sql,
					   struct pwned_error *error_r);
/* Why the last attempt to connect failed; NULL: only Dovecot's own line in the
   log says it. */
const char *pwned_compat_sql_connect_error(struct sql_db *db);

/* The driver from Dovecot's folder of modules; NULL: it is not there. */
struct module *pwned_compat_sql_driver(const char *folder);

#endif
