/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_START_H
#define PWNED_AUTH_START_H

struct event;
struct pwned_settings;

/* What auth's log says at start: what is refused where, or that nobody is, and
   warnings about settings, ours and Dovecot's, that have a price. protocol: the
   only one that they are for, or NULL. */
void pwned_auth_start_log(struct event *event, const struct pwned_settings *set,
			  const char *protocol);

/* The same for a further protocol, where it is not what was said for the first
   settings. */
void pwned_auth_start_log_protocol(struct event *event,
				   const struct pwned_settings *first,
				   const struct pwned_settings *set,
				   const char *protocol);

#endif
