/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of accounts that several hosts share. */

#include "lib.h"
#include "auth-flags.h"
#include "sql-conf.h"
#include "sql-flags.h"

struct pwned_sql_conf *pwned_auth_flags_read(const struct pwned_settings *set,
					     struct pwned_error *error_r)
{
	*error_r->text = '\0';
	return set->flags.shared ?
		       pwned_sql_conf_read(set->flags.path, error_r) :
		       NULL;
}

struct pwned_flags *pwned_auth_flags_new(const struct pwned_sql_conf *conf,
					 const struct pwned_settings *set,
					 struct event *event,
					 struct pwned_loop *loop,
					 const struct pwned_reporter *reporter,
					 struct pwned_error *error_r)
{
	return pwned_sql_flags_new(conf, set, event, loop, reporter, error_r);
}
