/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines at start. */

#include "auth-common.h"
#include "lib-event.h"
#include "auth-start.h"
#include "compat-auth.h"
#include "pwned-settings.h"

#include <unistd.h>

static const char *for_protocol(const char *protocol)
{
	return protocol == NULL ? "" :
				  t_strdup_printf("protocol %s: ", protocol);
}

static void log_policy(struct event *event, const struct pwned_settings *set,
		       const char *protocol)
{
	char text[512];

	if (set->dry_run) {
		e_info(event, "%sdry run, nobody is refused",
		       for_protocol(protocol));
		return;
	}
	pwned_policy_describe(set->policy, text, sizeof(text));
	e_info(event, "%sbreached passwords are %s", for_protocol(protocol),
	       text);
}

static void log_on_unknown(struct event *event,
			   const struct pwned_settings *set,
			   const char *protocol)
{
	if (set->on_unknown == PWNED_ACTION_TEMPFAIL) {
		e_warning(event,
			  "%spwned_on_unknown = tempfail: Postfix turns a "
			  "temporary failure into a permanent 535, which looks "
			  "like a wrong password",
			  for_protocol(protocol));
	}
}

void pwned_auth_start_log(struct event *event, const struct pwned_settings *set,
			  const char *protocol)
{
	log_policy(event, set, protocol);
	log_on_unknown(event, set, protocol);
	/* the settings were read as root; libcurl reads this one as we are now
	 */
	if (*set->source_ca_file != '\0' &&
	    access(set->source_ca_file, R_OK) < 0) {
		e_error(event,
			"pwned_source_ca_file: %s: auth's user cannot "
			"read it: %m",
			set->source_ca_file);
	}
	if (pwned_compat_debug_passwords()) {
		e_warning(event,
			  "auth_debug_passwords = yes: Dovecot logs passwords "
			  "in clear text");
	}
}

void pwned_auth_start_log_protocol(struct event *event,
				   const struct pwned_settings *first,
				   const struct pwned_settings *set,
				   const char *protocol)
{
	if (set->dry_run != first->dry_run ||
	    strcmp(set->values[PWNED_SET_POLICY],
		   first->values[PWNED_SET_POLICY]) != 0)
		log_policy(event, set, protocol);
	if (set->on_unknown != first->on_unknown)
		log_on_unknown(event, set, protocol);
}
