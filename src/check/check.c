/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of one login: what does the range say of its password, and what is on
   record of its account, side by side; then policy, ladder, brake; then what is
   told of it, and what somebody waits for until it is written. */

#include "engine.h"
#include "secret.h"
#include "way.h"

#include <stdlib.h>
#include <string.h>

/* Logins that wait, or are to be judged late; a few hundred bytes each. */
#define CHECKS_MAX 65536

struct pwned_check {
	TAILQ_ENTRY(pwned_check) entry;
	/* its strings are owned, its policy referred to */
	struct pwned_way way;
	pwned_check_callback *callback;
	void *context;

	struct pwned_query query;
	bool found; /* way.finding */
	/* a late one that came while the answer waited for a write */
	bool has_later;
	struct pwned_finding later;
	struct pwned_flags_request *request; /* a look-up, or a write */
	struct pwned_timer *timer;           /* ends the waiting */
	bool writes; /* decided, and answered when that is written */
	bool decided;
	struct pwned_decision decision;
};

enum pwned_action pwned_decision_effect(const struct pwned_decision *decision)
{
	return decision->dry_run ? PWNED_ACTION_ALLOW : decision->action;
}

void pwned_check_skip(struct pwned_engine *engine,
		      const struct pwned_settings *set,
		      enum pwned_reason reason,
		      struct pwned_decision *decision_r)
{
	pwned_way_skip(set, reason, decision_r);
	if (engine != NULL)
		pwned_way_count(engine, decision_r);
}

static void check_free(struct pwned_check *check)
{
	struct pwned_engine *engine = check->way.engine;

	pwned_query_deinit(&check->query);
	if (check->request != NULL)
		engine->flags->v->forget_request(&check->request);
	if (check->timer != NULL)
		engine->loop->v->timer_remove(&check->timer);
	TAILQ_REMOVE(&engine->checks, check, entry);
	engine->checks_count--;
	free((char *)check->way.service);
	free((char *)check->way.user);
	pwned_policy_unref(&check->way.policy);
	pwned_wipe(check, sizeof(*check));
	free(check);
}

/* Whether something still comes for which it has to stay: a late answer of the
   range, or the record of one who may have to be cleared. */
static bool check_stays(const struct pwned_check *check)
{
	return check->query.asks || check->request != NULL;
}

static void check_decide_late(struct pwned_check *check);

/* The login is answered. */
static void check_answer(struct pwned_check *check)
{
	struct pwned_engine *engine = check->way.engine;
	pwned_check_callback *callback = check->callback;
	void *context = check->context;
	struct pwned_decision decision = check->decision;
	bool has_later = check->has_later;

	check->writes = false;
	check->decided = true;
	if (check->timer != NULL)
		engine->loop->v->timer_remove(&check->timer);
	decision.more = check->query.asks || has_later;
	pwned_way_count(engine, &decision);
	pwned_engine_state_changed(engine);
	if (!has_later && !check_stays(check))
		check_free(check);
	callback(context, &decision);
	if (has_later) {
		check->way.finding = check->later;
		check_decide_late(check);
	}
}

static void on_written(void *context, bool written)
{
	struct pwned_check *check = context;

	pwned_engine_enter(check->way.engine);
	check->request = NULL;
	check->decision.hold_late =
		!written && check->decision.action == PWNED_ACTION_HOLD;
	check_answer(check);
}

/* Both questions are answered, or time is up. Returns false where the answer
   waits until it is written. */
static bool check_decide(struct pwned_check *check, bool may_wait)
{
	struct pwned_way *way = &check->way;
	struct pwned_rung rung;
	bool moves_hold;

	pwned_way_decide(way, &rung, &check->decision);
	check->request = pwned_way_tell(way, &check->decision, &rung,
					may_wait ? on_written : NULL, check,
					&moves_hold);
	check->writes = check->request != NULL;
	check->decision.hold_late = moves_hold && !check->writes &&
				    check->decision.action == PWNED_ACTION_HOLD;
	return !check->writes;
}

static void count_slow(struct pwned_check *check)
{
	if (check->request != NULL)
		check->way.engine->flags->v->forget_request(&check->request);
	check->way.record = PWNED_RECORD_UNKNOWN;
	pwned_count(&check->way.engine->counters, PWNED_COUNT_FLAGS_SLOW);
}

/* MTAs do not read it in time; it is written all the same. */
static void check_write_late(struct pwned_check *check)
{
	check->way.engine->flags->v->forget_request(&check->request);
	check->decision.hold_late = check->decision.action == PWNED_ACTION_HOLD;
}

/* What is not there by now is done without. */
static void check_stop_waiting(struct pwned_check *check)
{
	if (check->writes) {
		check_write_late(check);
		return;
	}
	if (!check->found)
		pwned_query_go_on(&check->query, &check->way.finding);
	check->found = true;
	if (check->way.record == PWNED_RECORD_ASKED)
		count_slow(check);
	(void)check_decide(check, false);
}

static void on_waited(void *context)
{
	struct pwned_check *check = context;

	pwned_engine_enter(check->way.engine);
	check->timer = NULL;
	check_stop_waiting(check);
	check_answer(check);
}

/* Returns true with the decision where both answers are there, and nothing is
   waited for. */
static bool check_proceed(struct pwned_check *check)
{
	struct pwned_way *way = &check->way;
	struct pwned_rung ignored;

	if (!check->found)
		return false;
	if (way->record != PWNED_RECORD_ASKED)
		return check_decide(check, way->set->wait_msecs > 0);
	if (pwned_way_needs_record(way))
		return false;
	pwned_way_decide(way, &ignored, &check->decision);
	return true;
}

/* The range has said that it is breached, or no more, after the login. The way
   is that of the login, with what was on record then. Where that is still being
   looked up, so that a clean login can clear it, the check stays. */
static void check_decide_late(struct pwned_check *check)
{
	pwned_check_callback *callback = check->callback;
	void *context = check->context;
	struct pwned_rung rung;
	struct pwned_decision decision;
	bool ignored;

	if (check->request != NULL &&
	    check->way.finding.verdict == PWNED_VERDICT_BREACHED)
		check->way.engine->flags->v->forget_request(&check->request);
	if (check->way.record == PWNED_RECORD_ASKED && check->request == NULL)
		check->way.record = PWNED_RECORD_UNKNOWN;
	pwned_way_decide(&check->way, &rung, &decision);
	(void)pwned_way_tell(&check->way, &decision, &rung, NULL, NULL,
			     &ignored);
	pwned_engine_state_changed(check->way.engine);
	/* what the record, when it comes, is cleared by */
	if (!decision.renewed)
		check->decision = decision;
	if (!check_stays(check))
		check_free(check);
	callback(context, &decision);
}

static void on_finding(void *context, const struct pwned_finding *finding)
{
	struct pwned_check *check = context;

	if (check->decided) {
		check->way.finding = *finding;
		check_decide_late(check);
		return;
	}
	/* what is late for the query is not for a login that still waits for
	   its record; for one that waits until its hold is written it is */
	if (check->writes) {
		check->has_later = true;
		check->later = *finding;
		return;
	}
	if (check->found && finding->verdict == PWNED_VERDICT_UNKNOWN)
		return;
	check->way.finding = *finding;
	check->way.finding.late = check->way.finding.renewed = false;
	check->found = true;
	if (check_proceed(check))
		check_answer(check);
}

/* After the answer: a clean login clears whoever is flagged. */
static void clear_late(struct pwned_check *check)
{
	const struct pwned_rung none = { .stop_secs = 0 };
	bool ignored;

	(void)pwned_way_tell(&check->way, &check->decision, &none, NULL, NULL,
			     &ignored);
	if (!check_stays(check))
		check_free(check);
}

static void on_record(void *context, const struct pwned_flag *flag)
{
	struct pwned_check *check = context;
	struct pwned_way *way = &check->way;

	pwned_engine_enter(way->engine);
	check->request = NULL;
	way->record = flag == NULL ? PWNED_RECORD_UNKNOWN : PWNED_RECORD_KNOWN;
	if (flag != NULL)
		way->flag = *flag;
	else
		pwned_count(&way->engine->counters, PWNED_COUNT_FLAGS_SLOW);
	if (check->decided)
		clear_late(check);
	else if (check_proceed(check))
		check_answer(check);
}

static bool copy_string(const char *from, const char **to)
{
	*to = from == NULL ? NULL : strdup(from);
	return from == NULL || *to != NULL;
}

/* From here on it may outlive the call: what it uses is its own. */
static struct pwned_check *check_new(const struct pwned_way *way,
				     pwned_check_callback *callback,
				     void *context, enum pwned_reason *reason_r)
{
	struct pwned_engine *engine = way->engine;
	struct pwned_check *check;

	*reason_r = PWNED_REASON_QUEUE_FULL;
	if (engine->checks_count >= CHECKS_MAX)
		return NULL;
	*reason_r = PWNED_REASON_INTERNAL;
	check = calloc(1, sizeof(*check));
	if (check == NULL)
		return NULL;
	check->way = *way;
	check->callback = callback;
	check->context = context;
	pwned_policy_ref(way->policy);
	TAILQ_INSERT_TAIL(&engine->checks, check, entry);
	engine->checks_count++;
	check->way.user = NULL;
	if (!copy_string(way->service, &check->way.service) ||
	    !copy_string(way->user, &check->way.user)) {
		check_free(check);
		return NULL;
	}
	return check;
}

static void check_ask_record(struct pwned_check *check)
{
	struct pwned_way *way = &check->way;
	struct pwned_flags *flags = way->engine->flags;

	check->request = flags->v->find(flags, way->user, on_record, check);
	if (check->request == NULL) {
		way->record = PWNED_RECORD_UNKNOWN;
		pwned_count(&way->engine->counters, PWNED_COUNT_FLAGS_SLOW);
	}
}

/* Returns true with the decision where it is known; else it is waited for. */
static bool check_begin(struct pwned_check *check,
			struct pwned_decision *decision_r)
{
	struct pwned_way *way = &check->way;
	struct pwned_loop *loop = way->engine->loop;
	bool waits;

	if (way->record == PWNED_RECORD_ASKED)
		check_ask_record(check);
	waits = !check_proceed(check);
	if (waits && way->set->wait_msecs > 0)
		check->timer = loop->v->timer_add(loop, way->set->wait_msecs,
						  on_waited, check);
	if (waits && check->timer != NULL)
		return false;
	if (waits)
		check_stop_waiting(check);
	check->decided = true;
	*decision_r = check->decision;
	decision_r->more = check->query.asks;
	pwned_way_count(way->engine, decision_r);
	if (!check_stays(check))
		check_free(check);
	return true;
}

/* Without waiting for anything: the record is not known where it was to be
   asked for, and what has to be written is written later. */
static void decide_at_once(struct pwned_way *way,
			   struct pwned_decision *decision_r)
{
	struct pwned_rung rung;
	bool moves_hold;

	if (way->record == PWNED_RECORD_ASKED)
		way->record = PWNED_RECORD_UNKNOWN;
	pwned_way_decide(way, &rung, decision_r);
	(void)pwned_way_tell(way, decision_r, &rung, NULL, NULL, &moves_hold);
	decision_r->hold_late =
		moves_hold && decision_r->action == PWNED_ACTION_HOLD;
	pwned_way_count(way->engine, decision_r);
}

/* The finding is there. */
static bool way_go(struct pwned_way *way, pwned_check_callback *callback,
		   void *context, struct pwned_decision *decision_r)
{
	struct pwned_check *check;
	enum pwned_reason ignored;

	if (way->record != PWNED_RECORD_ASKED && !pwned_way_may_hold(way)) {
		decide_at_once(way, decision_r);
		return true;
	}
	check = check_new(way, callback, context, &ignored);
	if (check == NULL) {
		decide_at_once(way, decision_r);
		return true;
	}
	check->found = true;
	return check_begin(check, decision_r);
}

static bool way_go_ask(struct pwned_way *way, const struct pwned_digest *digest,
		       const struct pwned_query_opening *opening,
		       pwned_check_callback *callback, void *context,
		       struct pwned_decision *decision_r)
{
	const struct pwned_query_params params = {
		.is_choice = way->service == NULL,
		.urgent = way->service == NULL ||
			  pwned_policy_may_stop(way->policy, way->service),
		.may_wait = way->set->wait_msecs > 0,
	};
	enum pwned_reason reason;
	struct pwned_check *check = check_new(way, callback, context, &reason);

	if (check == NULL) {
		pwned_query_do_without(opening, reason, &way->finding);
		decide_at_once(way, decision_r);
		return true;
	}
	check->found = pwned_query_begin(&check->query, way->engine, &params,
					 digest, opening, on_finding, check,
					 &check->way.finding);
	return check_begin(check, decision_r);
}

static bool way_of_password(struct pwned_way *way,
			    const struct pwned_login *login,
			    pwned_check_callback *callback, void *context,
			    struct pwned_decision *decision_r)
{
	struct pwned_query_opening opening;
	struct pwned_digest digest;
	bool known;

	if (!pwned_hasher_digest(way->engine->hasher, login->password,
				 login->password_size, &digest)) {
		way->finding = (struct pwned_finding){
			.verdict = PWNED_VERDICT_UNKNOWN,
			.reason = PWNED_REASON_INTERNAL,
		};
		return way_go(way, callback, context, decision_r);
	}
	if (pwned_query_open(way->engine, &digest, &opening, &way->finding))
		known = way_go(way, callback, context, decision_r);
	else
		known = way_go_ask(way, &digest, &opening, callback, context,
				   decision_r);
	pwned_digest_wipe(&digest);
	return known;
}

bool pwned_check_start(struct pwned_engine *engine,
		       const struct pwned_login *login,
		       pwned_check_callback *callback, void *context,
		       struct pwned_decision *decision_r)
{
	struct pwned_way way = {
		.engine = engine,
		.set = login->set,
		.policy = login->policy != NULL ? login->policy :
						  login->set->policy,
		.service = login->service,
		.user = login->user,
		.record = PWNED_RECORD_NONE,
	};
	enum pwned_reason reason;

	pwned_engine_enter(engine);
	pwned_engine_state_changed(engine);
	if (login->service != NULL && login->skip == PWNED_REASON_NONE)
		pwned_engine_brake_count(engine, way.policy, login);
	reason = pwned_way_why_not(&way, login);
	if (pwned_way_may_have_record(&way, reason))
		way.record = PWNED_RECORD_ASKED;
	if (reason == PWNED_REASON_NONE)
		return way_of_password(&way, login, callback, context,
				       decision_r);
	way.finding = (struct pwned_finding){
		.verdict = PWNED_VERDICT_UNCHECKED,
		.reason = reason,
	};
	return way_go(&way, callback, context, decision_r);
}

/* An engine that ends waits for nobody. */
static void check_end(struct pwned_check *check)
{
	struct pwned_way *way = &check->way;
	bool asked = check->query.asks;
	struct pwned_finding ignored;

	if (check->decided && !asked) {
		check_free(check);
		return;
	}
	if (asked)
		pwned_query_give_up(&check->query, PWNED_REASON_SHUTDOWN,
				    check->found && !check->decided ?
					    &ignored :
					    &way->finding);
	if (check->decided) {
		check_decide_late(check);
		return;
	}
	check->found = true;
	check_stop_waiting(check);
	check_answer(check);
}

void pwned_engine_end_checks(struct pwned_engine *engine)
{
	struct pwned_check *check;

	while ((check = TAILQ_FIRST(&engine->checks)) != NULL)
		check_end(check);
}
