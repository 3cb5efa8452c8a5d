/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_FLAGS_H
#define PWNED_AUTH_FLAGS_H

#include "error.h"
#include "loop.h"
#include "pwned-settings.h"
#include "report.h"

struct event;
struct pwned_flags;
struct pwned_sql_conf;

/* The records of accounts where pwned_flags says that several hosts share
   them. Before auth drops its rights: reads the file that says how to connect.
   NULL with an empty error: they are not shared. */
struct pwned_sql_conf *pwned_auth_flags_read(const struct pwned_settings *set,
					     struct pwned_error *error_r);
/* All must outlive it. Returns NULL with what is missing; logins are then
   decided as if nothing were on record. */
struct pwned_flags *pwned_auth_flags_new(const struct pwned_sql_conf *conf,
					 const struct pwned_settings *set,
					 struct event *event,
					 struct pwned_loop *loop,
					 const struct pwned_reporter *reporter,
					 struct pwned_error *error_r);

#endif
