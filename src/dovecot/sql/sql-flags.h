/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SQL_FLAGS_H
#define PWNED_SQL_FLAGS_H

#include "counters.h"
#include "flags.h"
#include "loop.h"
#include "pwned-settings.h"
#include "report.h"

struct event;
struct pwned_sql_conf;

/* The records of accounts in a PostgreSQL that several hosts share, for auth.
   News are written within a second, those that somebody waits for at once; what
   cannot be written is kept, a bounded number of it, until it can. Faults are
   reported as PWNED_FAULT_FLAGS, once a minute. A few times a day it looks for
   records that have lapsed.

   All arguments must outlive it. Made in the ioloop that the loop is of.
   Returns NULL with what is missing: no server has to be there.
 */
struct pwned_flags *pwned_sql_flags_new(const struct pwned_sql_conf *conf,
					const struct pwned_settings *set,
					struct event *parent,
					struct pwned_loop *loop,
					const struct pwned_reporter *reporter,
					struct pwned_error *error_r);

#endif
