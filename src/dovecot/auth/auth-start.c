/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines at start. */

#include "auth-common.h"
#include "lib-event.h"
#include "auth-start.h"
#include "pwned-settings.h"

#include <unistd.h>

static const char *prefix_for(const char *where)
{
	return where == NULL ? "" : t_strconcat(where, ": ", NULL);
}

static void log_policy(struct event *event, const struct pwned_settings *set,
		       const char *where)
{
	char text[512];

	if (set->dry_run) {
		e_info(event, "%sdry run, nobody is refused",
		       prefix_for(where));
		return;
	}
	pwned_policy_describe(set->policy, text, sizeof(text));
	e_info(event, "%sbreached passwords are %s", prefix_for(where), text);
}

static void log_on_unknown(struct event *event,
			   const struct pwned_settings *set, const char *where)
{
	if (set->on_unknown == PWNED_ACTION_TEMPFAIL) {
		e_warning(event,
			  "%spwned_on_unknown = tempfail: Postfix turns a "
			  "temporary failure into a permanent 535, which looks "
			  "like a wrong password",
			  prefix_for(where));
	}
}

/* A policy of a user may say hold, too, but that is not known here. */
static void log_hold(struct event *event, const struct pwned_settings *set)
{
	if (!set->flags.shared && *set->hold_group == '\0' &&
	    pwned_policy_has_hold(set->policy))
		e_warning(event,
			  "pwned_policy says hold, and pwned_hold_group is "
			  "empty: no MTA can read whose mail to refuse");
}

void pwned_auth_start_log(struct event *event, const struct pwned_settings *set,
			  const char *where)
{
	log_policy(event, set, where);
	log_on_unknown(event, set, where);
	log_hold(event, set);
	/* the settings were read as root; libcurl reads this one as we are now
	 */
	if (*set->source_ca_file != '\0' &&
	    access(set->source_ca_file, R_OK) < 0) {
		e_error(event,
			"pwned_source_ca_file: %s: auth's user cannot "
			"read it: %m",
			set->source_ca_file);
	}
}

void pwned_auth_start_log_further(struct event *event,
				  const struct pwned_settings *first,
				  const struct pwned_settings *set,
				  const char *where)
{
	if (set->dry_run != first->dry_run ||
	    strcmp(set->values[PWNED_SET_POLICY],
		   first->values[PWNED_SET_POLICY]) != 0)
		log_policy(event, set, where);
	if (set->on_unknown != first->on_unknown)
		log_on_unknown(event, set, where);
	if (!pwned_policy_has_hold(first->policy))
		log_hold(event, set);
}
