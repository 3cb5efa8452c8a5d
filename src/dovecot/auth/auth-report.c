/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events of sources and store. */

#include "auth-common.h"
#include "lib-event-private.h"
#include "str-sanitize.h"
#include "time-util.h"
#include "auth-report.h"

/* Dovecot counts an event's duration from when it was made, and metrics have no
   other. This one's began earlier. A passthrough event takes the time from it
   when that is made. */
static struct event *earlier_event_create(struct event *parent,
					  unsigned int msecs)
{
	struct event *event = event_create(parent);

	timeval_sub_msecs(&event->tv_created, msecs);
	timeval_sub_msecs(&event->tv_created_ioloop, msecs);
	return event;
}

void pwned_fetch_event(void *parent, const struct pwned_fetch_report *report)
{
	struct event *event =
		earlier_event_create(parent, report->duration_msecs);
	struct event_passthrough *e =
		event_create_passthrough(event)
			->set_name("pwned_fetch_finished")
			->add_str("source", report->source)
			->add_str("error", pwned_reason_name(report->reason))
			->add_int("status", report->status);

	e_debug(e->event(), "Asked %s: %s (HTTP status %ld, %u ms)",
		report->source, pwned_reason_name(report->reason),
		report->status, report->duration_msecs);
	event_unref(&event);
}

void pwned_breaker_event(void *parent,
			 const struct pwned_breaker_report *report)
{
	struct event *event = event_create(parent);
	const char *state = pwned_breaker_state_name(report->state);
	struct event_passthrough *e =
		event_create_passthrough(event)
			->set_name("pwned_breaker_changed")
			->add_str("source", report->source)
			->add_str("state", state);

	e_debug(e->event(), "Breaker of %s: %s", report->source, state);
	event_unref(&event);
}

void pwned_store_event(void *parent, enum pwned_store_fault fault,
		       const char *text)
{
	struct event *event = event_create(parent);
	struct event_passthrough *e =
		event_create_passthrough(event)
			->set_name("pwned_store_failed")
			->add_str("error", pwned_store_fault_name(fault));

	e_warning(e->event(), "%s", text);
	event_unref(&event);
}

static struct event_passthrough *flag_event(
	struct event *event, const char *name,
	const struct pwned_flag_report *report)
{
	return event_create_passthrough(event)
		->set_name(name)
		->add_str("user", report->user)
		->add_str("service", report->service)
		->add_str("dry_run", report->dry_run ? "yes" : "no");
}

static void flagged_event(struct event *event,
			  const struct pwned_flag_report *report)
{
	bool again = report->change == PWNED_FLAG_RETURNED;
	struct event_passthrough *e =
		flag_event(event, "pwned_flagged", report)
			->add_str("again", again ? "yes" : "no");

	e_info(e->event(), "Flagged%s: user %s, by a breached password at %s",
	       again ? " again" : "", str_sanitize(report->user, 128),
	       report->service);
}

static void cleared_event(struct event *event,
			  const struct pwned_flag_report *report)
{
	struct event_passthrough *e =
		flag_event(event, "pwned_cleared", report)
			->add_str("reason",
				  report->expired ? "expired" : "clean");

	if (report->expired)
		e_info(e->event(),
		       "Cleared: user %s, no breached password was seen for "
		       "pwned_flag_expire",
		       str_sanitize(report->user, 128));
	else
		e_info(e->event(),
		       "Cleared: user %s, by a clean password at %s",
		       str_sanitize(report->user, 128), report->service);
}

static void held_event(struct event *event,
		       const struct pwned_flag_report *report)
{
	struct event_passthrough *e = flag_event(
		event, report->held ? "pwned_held" : "pwned_released", report);

	e_info(e->event(), "%s: user %s",
	       report->held ? "The MTA refuses mail from now on" :
			      "The MTA takes mail again",
	       str_sanitize(report->user, 128));
}

void pwned_flag_event(void *parent, const struct pwned_flag_report *report)
{
	struct event *event = event_create(parent);

	if (report->change == PWNED_FLAG_RAISED ||
	    report->change == PWNED_FLAG_RETURNED)
		flagged_event(event, report);
	else if (report->change == PWNED_FLAG_LOWERED)
		cleared_event(event, report);
	if (report->held || report->released)
		held_event(event, report);
	event_unref(&event);
}
