/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_START_H
#define PWNED_AUTH_START_H

struct event;
struct pwned_settings;

/* What auth's log says at start: what is refused where, or that nobody is, and
   a warning where a setting has a price. where: which block they are of, or
   NULL. */
void pwned_auth_start_log(struct event *event, const struct pwned_settings *set,
			  const char *where);

/* The same for a further block, where it is not what was said for the first
   settings. */
void pwned_auth_start_log_further(struct event *event,
				  const struct pwned_settings *first,
				  const struct pwned_settings *set,
				  const char *where);

#endif
