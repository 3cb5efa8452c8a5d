/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SQL_LAPSED_H
#define PWNED_SQL_LAPSED_H

#include "flag.h"
#include "loop.h"

struct pwned_sql;

/* Looks for records that have lapsed, in portions, soon after the start and
   then every few hours, not at the same time as other hosts. */
struct pwned_sql_lapsed;

/* Called from the loop. Returns whether there is room for more. */
typedef bool pwned_sql_lapsed_callback(void *context, const char *user);

/* All must outlive it. */
struct pwned_sql_lapsed *pwned_sql_lapsed_new(
	struct pwned_sql *client, struct pwned_loop *loop,
	const struct pwned_flag_rules *rules,
	pwned_sql_lapsed_callback *callback, void *context);
/* It looks no more; to be freed once the client is. */
void pwned_sql_lapsed_end(struct pwned_sql_lapsed *lapsed);
void pwned_sql_lapsed_free(struct pwned_sql_lapsed **lapsed);

#endif
