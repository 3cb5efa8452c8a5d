/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_SERVER_H
#define PWNED_AUTH_SERVER_H

#include "error.h"

#include <stdbool.h>

struct event;
struct pwned_conf;
struct pwned_auth_policies;
struct pwned_engine;
struct pwned_settings;
struct pwned_sql_conf;

/* What all passdb blocks of an auth process share. Dovecot makes a module of
   the driver for each protocol that has a configuration of its own; store,
   source and brake are one. */
struct pwned_server;

/* The first call makes it, in the ioloop that is current then. */
struct pwned_server *pwned_server_ref(void);
/* The last call frees it. */
void pwned_server_unref(struct pwned_server **server);

/* Joins with a block's settings, which must stay until pwned_server_stop(); the
   first make the engine. where: which block it is, or NULL.
   sql_conf: how to connect to shared records of accounts; NULL with a text in
   no_flags: that cannot be. Returns false with
   what failed, or with the setting that should be the same as that of the
   first. */
bool pwned_server_join(struct pwned_server *server,
		       const struct pwned_conf *conf,
		       const struct pwned_sql_conf *sql_conf,
		       const struct pwned_error *no_flags, const char *where,
		       struct pwned_error *error_r);
/* Ends the engine, and with it all checks: auth is stopping. */
void pwned_server_stop(struct pwned_server *server);

/* NULL before anyone joined, and when auth is stopping. */
struct pwned_engine *pwned_server_engine(struct pwned_server *server);
/* The parent of our events; the server's. */
struct event *pwned_server_event(struct pwned_server *server);

/* Those of the first block that joined: what is one for the server. */
const struct pwned_settings *pwned_server_settings(struct pwned_server *server);
/* The policies of users (auth-policy.h). */
struct pwned_auth_policies *pwned_server_policies(struct pwned_server *server);

/* Logs a standing fault, whoever meets it: once, and again each minute while
   it is met. */
void pwned_server_complain(struct pwned_server *server, const char *text);
/* Logs that something of a user is wrong: once a minute, whoever he is, for the
   same thing. */
void pwned_server_complain_of_user(struct pwned_server *server,
				   const char *what, const char *user,
				   const char *why);
/* Logs a warning, whoever meets its cause: once. */
void pwned_server_warn(struct pwned_server *server, const char *text);

#endif
