/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events and log lines of checks. */

#include "auth-common.h"
#include "auth-request.h"
#include "event-filter.h"
#include "ioloop.h"
#include "lib-event.h"
#include "str.h"
#include "str-sanitize.h"
#include "auth-event.h"
#include "check.h"
#include "compat-auth.h"

static struct event_category event_category_pwned = {
	.name = "pwned",
};

struct event *pwned_event_create(void)
{
	struct event *event = event_create(auth_event);

	event_add_category(event, &event_category_pwned);
	event_set_append_log_prefix(event, "pwned: ");
	event_set_min_log_level(event, LOG_TYPE_INFO);
	return event;
}

/* Whether one of the filters that choose events has a query, or may have. None
   tells, but what it exports does. */
static bool filters_have_queries(void)
{
	struct event_filter *filters[PWNED_EVENT_FILTERS];
	string_t *queries = t_str_new(64);

	if (!pwned_compat_event_filters(filters))
		return TRUE;
	for (unsigned int i = 0; i < N_ELEMENTS(filters); i++) {
		if (filters[i] != NULL)
			event_filter_export(filters[i], queries);
	}
	return str_len(queries) > 0;
}

bool pwned_check_event_is_wanted(const struct auth_request *request)
{
	static unsigned int asked_counter;
	static bool asked, wanted;

	/* lib-event counts the changes of its filters */
	if (!asked || asked_counter != event_filter_replace_counter) {
		asked = TRUE;
		asked_counter = event_filter_replace_counter;
		wanted = filters_have_queries();
	}
	return wanted || event_want_debug_log(authdb_event(request));
}

struct event *pwned_check_event_create(struct auth_request *request)
{
	struct event *event = event_create(authdb_event(request));

	event_add_category(event, &event_category_pwned);
	event_add_str(event, "service", pwned_compat_service(request));
	event_set_min_log_level(event, LOG_TYPE_INFO);
	return event;
}

struct event *pwned_late_event_create(struct event *parent,
				      struct auth_request *request)
{
	struct event *event = event_create(parent);

	event_add_str(event, "user", request->fields.user);
	event_add_str(event, "session", request->fields.session_id);
	event_add_str(event, "service", pwned_compat_service(request));
	return event;
}

/* Warned, because sending stops later. */
static bool is_in_grace(const struct pwned_decision *decision)
{
	return decision->action == PWNED_ACTION_WARN && !decision->braked &&
	       decision->stop_secs > (uint64_t)ioloop_time;
}

static const char *hold_word(const struct pwned_decision *decision)
{
	if (pwned_decision_effect(decision) != PWNED_ACTION_HOLD)
		return "no";
	return decision->hold_late ? "late" : "yes";
}

static struct event_passthrough *decision_event(
	struct event *event, const char *name,
	const struct pwned_decision *decision)
{
	return event_create_passthrough(event)
		->set_name(name)
		->add_str("verdict", pwned_verdict_name(decision->verdict))
		->add_str("reason", pwned_reason_name(decision->reason))
		->add_str("action", pwned_action_name(decision->action))
		->add_str("origin", pwned_origin_name(decision->origin))
		->add_str("brake", decision->braked ? "yes" : "no")
		->add_str("grace", is_in_grace(decision) ? "yes" : "no")
		->add_str("suspended", decision->suspended ? "yes" : "no")
		->add_str("hold", hold_word(decision))
		->add_str("dry_run", decision->dry_run ? "yes" : "no");
}

bool pwned_check_event_is_logged(const struct pwned_decision *decision)
{
	return decision->action == PWNED_ACTION_DENY ||
	       decision->action == PWNED_ACTION_HOLD;
}

static const char *why(const struct pwned_decision *decision)
{
	return decision->suspended ? "suspended account" : "breached password";
}

static void log_stop(struct event *event, const struct pwned_decision *decision)
{
	bool denies = decision->action == PWNED_ACTION_DENY;

	if (decision->dry_run)
		e_info(event, "%s would be %s: %s (dry run)",
		       denies ? "Login" : "Mail", denies ? "refused" : "held",
		       why(decision));
	else if (denies)
		e_info(event, "Login refused: %s", why(decision));
	else
		e_info(event, "Mail held: %s%s", why(decision),
		       decision->hold_late ?
			       " (the MTA could not read it in time)" :
			       "");
}

static void denied_event(struct event *event,
			 const struct pwned_decision *decision)
{
	struct event_passthrough *e =
		event_create_passthrough(event)
			->set_name("pwned_denied")
			->add_str("reason", decision->suspended ? "suspended" :
								  "breached");

	e_debug(e->event(), "Login refused");
}

void pwned_check_event_finish(struct event *event,
			      const struct pwned_decision *decision)
{
	struct event *e =
		decision_event(event, "pwned_check_finished", decision)
			->event();

	if (pwned_check_event_is_logged(decision)) {
		log_stop(e, decision);
	} else if (decision->verdict == PWNED_VERDICT_UNKNOWN ||
		   decision->verdict == PWNED_VERDICT_UNCHECKED) {
		e_debug(e, "Password check: %s (%s), %s",
			pwned_verdict_name(decision->verdict),
			pwned_reason_name(decision->reason),
			pwned_action_name(decision->action));
	} else {
		e_debug(e, "Password check: %s, %s",
			pwned_verdict_name(decision->verdict),
			pwned_action_name(decision->action));
	}
	if (pwned_decision_effect(decision) == PWNED_ACTION_DENY)
		denied_event(event, decision);
}

static const char *late_field(const struct event *event, const char *name)
{
	return str_sanitize(event_find_field_recursive_str(event, name), 128);
}

void pwned_late_event_finish(struct event *event,
			     const struct pwned_decision *decision)
{
	struct event *e =
		decision_event(event, "pwned_check_late", decision)
			->add_str("renewed", decision->renewed ? "yes" : "no")
			->event();

	if (decision->verdict == PWNED_VERDICT_BREACHED && !decision->renewed) {
		e_info(e,
		       "Breached password of user %s at %s: the answer came "
		       "after the login, the next one is decided by it",
		       late_field(event, "user"), late_field(event, "service"));
	} else {
		e_debug(e, "Late password check: %s",
			pwned_verdict_name(decision->verdict));
	}
}
