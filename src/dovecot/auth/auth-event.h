/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_EVENT_H
#define PWNED_AUTH_EVENT_H

struct auth_request;
struct pwned_decision;

/* What operators see of checks: events for metrics, and log lines. doc/METRICS
   lists names and fields. None of them holds a count or anything else that was
   derived from the password: beside a user's name it would help to guess. */

/* The parent of all our events: its lines begin with "pwned: " and are logged
   at info without auth_verbose. */
struct event *pwned_event_create(void);

/* Whether somebody listens to events that are not logged: a metric, an
   exporter, a debug log. Making an event for nobody would be most of what a
   check from memory costs. */
bool pwned_check_event_is_wanted(const struct auth_request *request);

/* The event of one check, under the request's, from which it has user, session
   and addresses. Its duration begins here. */
struct event *pwned_check_event_create(struct auth_request *request);

/* Whether it is a line of the log, whoever listens. */
bool pwned_check_event_is_logged(const struct pwned_decision *decision);

/* pwned_check_finished: every check ends in it, once; and
   pwned_denied, where it was refused. A denial is logged, and so is a hold. */
void pwned_check_event_finish(struct event *event,
			      const struct pwned_decision *decision);

/* A late decision comes after the request is gone: keeps what the event needs.
   parent: of pwned_event_create(). */
struct event *pwned_late_event_create(struct event *parent,
				      struct auth_request *request);
/* pwned_check_late: the answer came after the login went on. */
void pwned_late_event_finish(struct event *event,
			     const struct pwned_decision *decision);

#endif
