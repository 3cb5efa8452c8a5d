/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SQL_CLIENT_H
#define PWNED_SQL_CLIENT_H

#include "error.h"
#include "loop.h"

#include <stdbool.h>
#include <stdint.h>

struct event;
struct sql_result;
struct pwned_sql_conf;

/* A few connections to PostgreSQL by Dovecot's lib-sql. Nothing in it waits,
   and every query has a deadline of its own: when one is missed, all that wait
   fail and the database counts as down, until a probe has found it again. Not
   thread-safe; the loop has to be that of the ioloop which is current. */
struct pwned_sql;
struct pwned_sql_query;

/* How it stands with the database has changed, or stays bad: called from the
   loop, for a fault once a minute. text: what is wrong; NULL: all is well. */
typedef void pwned_sql_status(void *context, const char *text);
/* What came of a query. result: at its first row; NULL: there is none. Called
   from the loop. It may send other queries, but not free the client. */
typedef void pwned_sql_callback(void *context, bool ok,
				struct sql_result *result);

/* Begins to connect. The conf must outlive it. hold_on: when down, it tries
   again; else it stays so. Returns NULL with what is missing. */
struct pwned_sql *pwned_sql_new(const struct pwned_sql_conf *conf,
				struct event *parent, struct pwned_loop *loop,
				unsigned int connections, bool hold_on,
				pwned_sql_status *status, void *context,
				struct pwned_error *error_r);
/* Callbacks come for what is out, as failed. Not from within one. */
void pwned_sql_free(struct pwned_sql **client);

bool pwned_sql_is_down(const struct pwned_sql *client);
/* Of the last failure; "": none. */
const char *pwned_sql_why(const struct pwned_sql *client);

enum pwned_sql_urgency {
	PWNED_SQL_NOW,  /* a login waits */
	PWNED_SQL_SOON, /* leaves a connection to those */
};

/* For each ? of the template, which must outlive the query, a value is added in
   its order. Texts are copied; they must be valid UTF-8
   (pwned_sql_can_have() of sql-flag.h). */
struct pwned_sql_query *pwned_sql_query_new(const char *template);
void pwned_sql_query_text(struct pwned_sql_query *query, const char *text);
void pwned_sql_query_number(struct pwned_sql_query *query, uint64_t number);
/* Returns false when the database is down; the query is gone then. Otherwise
   the callback comes, unless it is forgotten, which sets *query to NULL. */
bool pwned_sql_send(struct pwned_sql *client, struct pwned_sql_query *query,
		    enum pwned_sql_urgency urgency, unsigned int deadline_msecs,
		    pwned_sql_callback *callback, void *context);
void pwned_sql_query_forget(struct pwned_sql_query **query);

#endif
