/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines at start. */

#include "auth-common.h"
#include "lib-event.h"
#include "auth-start.h"
#include "compat-auth.h"
#include "settings.h"

#include <unistd.h>

void pwned_auth_start_log(struct event *event, const struct pwned_settings *set)
{
	char text[512];

	if (set->dry_run) {
		e_info(event, "dry run, nobody is refused");
	} else {
		pwned_policy_describe(set->policy, text, sizeof(text));
		e_info(event, "breached passwords are %s", text);
	}
	if (set->on_unknown == PWNED_ACTION_TEMPFAIL) {
		e_warning(event,
			  "pwned_on_unknown = tempfail: Postfix turns a "
			  "temporary failure into a permanent 535, which looks "
			  "like a wrong password");
	}
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
