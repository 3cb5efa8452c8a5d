/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_REPORT_H
#define PWNED_AUTH_REPORT_H

#include "report.h"

/* What the engine reports of itself, as events of Dovecot (doc/METRICS lists
   names and fields). The context is their parent, of pwned_event_create(). */

/* pwned_fetch_finished */
void pwned_fetch_event(void *parent, const struct pwned_fetch_report *report);
/* pwned_breaker_changed */
void pwned_breaker_event(void *parent,
			 const struct pwned_breaker_report *report);
/* pwned_store_failed, also a line of the log */
void pwned_store_event(void *parent, enum pwned_store_fault fault,
		       const char *text);

/* pwned_flagged, pwned_cleared and pwned_held, each also a line of the log */
void pwned_flag_event(void *parent, const struct pwned_flag_report *report);

#endif
