/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of one login: digest, store, source, verdict, policy, brake. */

#include "engine.h"
#include "age.h"
#include "secret.h"

#include <stdlib.h>
#include <string.h>

/* Logins that wait, or are to be judged late; a few hundred bytes each. */
#define CHECKS_MAX 65536

struct pwned_check {
	TAILQ_ENTRY(pwned_check) entry;
	struct pwned_engine *engine;
	const struct pwned_settings *set;
	pwned_check_callback *callback;
	void *context;

	struct pwned_digest digest;
	char *service; /* NULL: any */
	char *user;    /* NULL: not for the brake */
	struct pwned_store_read *read;
	struct pwned_fetch *fetch;
	struct pwned_timer *timer; /* ends the waiting, then all of it */
	uint64_t deadline_msecs;
	bool decided; /* what comes now is late */
	/* what an old range says, and the label by which the source is asked
	   whether that is still right */
	bool has_old;
	bool is_renewal; /* the login was decided by it */
	uint64_t old_count;
	struct pwned_range_label old_label;
};

enum pwned_action pwned_decision_effect(const struct pwned_decision *decision)
{
	return decision->dry_run ? PWNED_ACTION_ALLOW : decision->action;
}

void pwned_check_skip(const struct pwned_settings *set,
		      enum pwned_reason reason,
		      struct pwned_decision *decision_r)
{
	*decision_r = (struct pwned_decision){
		.verdict = PWNED_VERDICT_UNCHECKED,
		.reason = reason,
		.action = PWNED_ACTION_ALLOW,
		.dry_run = set != NULL && set->dry_run,
	};
}

static enum pwned_action decide(const struct pwned_settings *set,
				const char *service, uint64_t count)
{
	if (service == NULL)
		return pwned_policy_decide_any(set->policy, count);
	return pwned_policy_decide(set->policy, service, count);
}

/* The count that a range has for the digest becomes a decision. Of the login
   the password is not looked at. */
static void judge(struct pwned_engine *engine, const struct pwned_login *login,
		  uint64_t count, enum pwned_origin origin, bool late,
		  struct pwned_decision *decision_r)
{
	*decision_r = (struct pwned_decision){
		.verdict = count > 0 ? PWNED_VERDICT_BREACHED :
				       PWNED_VERDICT_CLEAN,
		.origin = origin,
		.band = pwned_band_of(count),
		.action = PWNED_ACTION_ALLOW,
		.dry_run = login->set->dry_run,
		.late = late,
	};
	if (count > 0)
		decision_r->action = decide(login->set, login->service, count);
	pwned_engine_brake_apply(engine, login->user, decision_r);
}

static void unknown(const struct pwned_settings *set, enum pwned_reason reason,
		    bool late, struct pwned_decision *decision_r)
{
	*decision_r = (struct pwned_decision){
		.verdict = PWNED_VERDICT_UNKNOWN,
		.reason = reason,
		.action = set->on_unknown,
		.dry_run = set->dry_run,
		.late = late,
	};
}

static void check_free(struct pwned_check *check)
{
	struct pwned_engine *engine = check->engine;

	if (check->read != NULL)
		pwned_store_cancel(&check->read);
	if (check->fetch != NULL)
		pwned_fetch_cancel(&check->fetch);
	if (check->timer != NULL)
		engine->loop->v->timer_remove(&check->timer);
	TAILQ_REMOVE(&engine->checks, check, entry);
	engine->checks_count--;
	free(check->service);
	free(check->user);
	pwned_wipe(check, sizeof(*check));
	free(check);
}

/* Whether the login was told that the password is breached. */
static bool check_has_told(const struct pwned_check *check)
{
	return check->is_renewal && check->old_count > 0;
}

static void check_judge(struct pwned_check *check, uint64_t count,
			enum pwned_origin origin,
			struct pwned_decision *decision_r)
{
	const struct pwned_login login = {
		.set = check->set,
		.service = check->service,
		.user = check->user,
	};

	judge(check->engine, &login, count, origin, check->decided, decision_r);
	if (check->decided && count > 0 && !check_has_told(check))
		pwned_count(&check->engine->counters,
			    PWNED_COUNT_LATE_BREACHED);
}

/* The last word about the login. */
static void check_end(struct pwned_check *check,
		      struct pwned_decision *decision)
{
	pwned_check_callback *callback = check->callback;
	void *context = check->context;

	decision->renewed = check->is_renewal &&
			    (decision->verdict != PWNED_VERDICT_BREACHED ||
			     check->old_count > 0);
	pwned_engine_state_changed(check->engine);
	check_free(check);
	callback(context, decision);
}

/* The source has not told, or not yet. What an old range says stands then,
   unless the login was decided by just that. */
static void check_do_without(struct pwned_check *check,
			     enum pwned_reason reason,
			     struct pwned_decision *decision_r)
{
	if (check->has_old && !check->is_renewal)
		check_judge(check, check->old_count, PWNED_ORIGIN_STALE,
			    decision_r);
	else
		unknown(check->set, reason, check->decided, decision_r);
}

static void check_end_without(struct pwned_check *check,
			      enum pwned_reason reason)
{
	struct pwned_decision decision;

	check_do_without(check, reason, &decision);
	check_end(check, &decision);
}

static void on_fetched(void *context, const struct pwned_fetch_result *result)
{
	struct pwned_check *check = context;
	struct pwned_engine *engine = check->engine;
	uint64_t count = check->old_count; /* of a 304 */
	struct pwned_decision decision;

	pwned_engine_enter(engine);
	check->fetch = NULL;
	if (result->reason != PWNED_REASON_NONE) {
		check_end_without(check, result->reason);
		return;
	}
	if (result->range != NULL) {
		count = pwned_range_find(result->range, check->digest.key);
		pwned_store_remember(engine->store, result->range,
				     check->digest.key);
	}
	check_judge(check, count, PWNED_ORIGIN_SOURCE, &decision);
	check_end(check, &decision);
}

static void on_late(void *context)
{
	struct pwned_check *check = context;

	check->timer = NULL;
	pwned_engine_enter(check->engine);
	check_end_without(check, PWNED_REASON_TIMEOUT);
}

/* The login goes on; what comes now is late. A digest is kept no longer than a
   fetch may take. */
static void check_go_on(struct pwned_check *check)
{
	struct pwned_loop *loop = check->engine->loop;
	uint64_t now = loop->v->now_msecs(loop);
	unsigned int left = 0;

	check->decided = true;
	check->is_renewal = check->has_old;
	if (check->timer != NULL)
		loop->v->timer_remove(&check->timer);
	if (check->deadline_msecs > now)
		left = (unsigned int)(check->deadline_msecs - now);
	check->timer = loop->v->timer_add(loop, left, on_late, check);
}

static void on_waited(void *context)
{
	struct pwned_check *check = context;
	struct pwned_decision decision;

	pwned_engine_enter(check->engine);
	check->timer = NULL;
	check_do_without(check,
			 check->read != NULL ? PWNED_REASON_STORE_SLOW :
					       PWNED_REASON_TIMEOUT,
			 &decision);
	check_go_on(check);
	decision.more = true;
	check->callback(check->context, &decision);
}

static bool copy_string(const char *from, char **to)
{
	*to = from == NULL ? NULL : strdup(from);
	return from == NULL || *to != NULL;
}

static struct pwned_check *check_new(struct pwned_engine *engine,
				     const struct pwned_login *login,
				     const struct pwned_digest *digest,
				     enum pwned_reason *reason_r)
{
	struct pwned_loop *loop = engine->loop;
	struct pwned_check *check;

	*reason_r = PWNED_REASON_QUEUE_FULL;
	if (engine->checks_count >= CHECKS_MAX)
		return NULL;
	*reason_r = PWNED_REASON_INTERNAL;
	check = calloc(1, sizeof(*check));
	if (check == NULL)
		return NULL;
	check->engine = engine;
	check->set = login->set;
	check->digest = *digest;
	check->deadline_msecs =
		loop->v->now_msecs(loop) + engine->set->fetch_timeout_msecs;
	TAILQ_INSERT_TAIL(&engine->checks, check, entry);
	engine->checks_count++;
	if (!copy_string(login->service, &check->service) ||
	    !copy_string(login->user, &check->user)) {
		check_free(check);
		return NULL;
	}
	return check;
}

/* Begins to wait. Returns false where logins are told not to. */
static bool check_wait(struct pwned_check *check)
{
	struct pwned_loop *loop = check->engine->loop;

	if (check->timer == NULL && check->set->wait_msecs > 0)
		check->timer = loop->v->timer_add(loop, check->set->wait_msecs,
						  on_waited, check);
	return check->timer != NULL;
}

/* A password that is being chosen: nobody's login waits, so the source is asked
   also where there is an old range, and that decides only without an answer. */
static bool is_choice(const struct pwned_check *check)
{
	return check->service == NULL;
}

static enum pwned_fetch_mode fetch_mode(const struct pwned_check *check)
{
	if (check->decided)
		return PWNED_FETCH_LATER;
	return is_choice(check) || pwned_policy_may_deny(check->set->policy,
							 check->service) ?
		       PWNED_FETCH_URGENT :
		       PWNED_FETCH_NORMAL;
}

/* Asks the source. Returns false with the reason where it will not answer. A
   probe, of a source that is most likely down, is no reason to wait. */
static bool check_fetch(struct pwned_check *check, bool *probe_r,
			enum pwned_reason *reason_r)
{
	check->fetch = pwned_source_fetch(
		check->engine->source, check->digest.prefix,
		check->has_old ? &check->old_label : NULL, fetch_mode(check),
		on_fetched, check, probe_r, reason_r);
	return check->fetch != NULL;
}

/* The store has nothing fresh. Returns true with the decision where the login
   does not wait for the source's answer; the check then goes on behind it if
   that says `more`, else it is gone. */
static bool check_ask(struct pwned_check *check,
		      struct pwned_decision *decision_r)
{
	enum pwned_reason reason;
	bool probe;

	if (!check_fetch(check, &probe, &reason)) {
		check_do_without(check, reason, decision_r);
		check_free(check);
		return true;
	}
	if ((!probe || is_choice(check)) && check_wait(check))
		return false;
	check_do_without(
		check, probe ? PWNED_REASON_BREAKER_OPEN : PWNED_REASON_NO_WAIT,
		decision_r);
	check_go_on(check);
	decision_r->more = true;
	return true;
}

static void check_hold_old(struct pwned_check *check,
			   const struct pwned_store_answer *answer)
{
	check->has_old = true;
	check->old_count = answer->count;
	pwned_block_label(answer->block, &check->old_label);
}

/* Decides by an old range, and asks the source behind the login whether that
   has changed. Returns the decision; the check goes on if that says `more`,
   else it is gone. */
static void check_use_stale(struct pwned_check *check,
			    const struct pwned_store_answer *answer,
			    struct pwned_decision *decision_r)
{
	enum pwned_reason reason;
	bool probe;

	check_judge(check, answer->count, PWNED_ORIGIN_STALE, decision_r);
	check_hold_old(check, answer);
	check->decided = true;
	if (check_fetch(check, &probe, &reason)) {
		check_go_on(check);
		decision_r->more = true;
	} else {
		check_free(check);
	}
}

/* Of the store there is an old range, or nothing. Returns true with the
   decision where the login does not wait. */
static bool check_go_by(struct pwned_check *check,
			const struct pwned_store_answer *old,
			struct pwned_decision *decision_r)
{
	if (old != NULL && !is_choice(check)) {
		check_use_stale(check, old, decision_r);
		return true;
	}
	if (old != NULL)
		check_hold_old(check, old);
	return check_ask(check, decision_r);
}

static enum pwned_origin origin_of(const struct pwned_store_answer *answer)
{
	return answer->from_cache ? PWNED_ORIGIN_CACHE : PWNED_ORIGIN_STORE;
}

/* What an answer of the store is good for; those that are old are counted. */
static enum pwned_age age_of(struct pwned_engine *engine,
			     const struct pwned_store_answer *answer)
{
	enum pwned_age age =
		pwned_age_of(answer->day, engine->today, engine->set);

	if (age != PWNED_AGE_FRESH)
		pwned_count(&engine->counters, PWNED_COUNT_STALE);
	return age;
}

/* The disk has nothing fresh, and told so after the login: the source has the
   last word, and an old range has it where that does not answer. */
static void check_ask_late(struct pwned_check *check,
			   const struct pwned_store_answer *old)
{
	enum pwned_reason reason;
	bool probe;

	if (old != NULL)
		check_hold_old(check, old);
	if (!check_fetch(check, &probe, &reason))
		check_end_without(check, reason);
}

/* What the disk had. */
static void on_read(void *context, const struct pwned_store_answer *answer)
{
	struct pwned_check *check = context;
	pwned_check_callback *callback = check->callback;
	void *callback_context = check->context;
	enum pwned_age age = PWNED_AGE_TOO_OLD;
	struct pwned_decision decision;

	pwned_engine_enter(check->engine);
	check->read = NULL;
	if (answer != NULL)
		age = age_of(check->engine, answer);
	if (age == PWNED_AGE_FRESH) {
		check_judge(check, answer->count, PWNED_ORIGIN_STORE,
			    &decision);
		check_end(check, &decision);
	} else if (check->decided) {
		check_ask_late(check, age == PWNED_AGE_STALE ? answer : NULL);
	} else if (check_go_by(check, age == PWNED_AGE_STALE ? answer : NULL,
			       &decision)) {
		callback(callback_context, &decision);
	}
}

/* Nothing is at hand: the disk, or the source. Returns true with the decision
   where the login does not wait. */
static bool check_begin(struct pwned_check *check, bool on_disk,
			struct pwned_decision *decision_r)
{
	if (on_disk)
		check->read = pwned_store_read(check->engine->store,
					       &check->digest, on_read, check);
	if (check->read == NULL)
		return check_ask(check, decision_r);
	if (check_wait(check))
		return false;
	unknown(check->set, PWNED_REASON_NO_WAIT, false, decision_r);
	check_go_on(check);
	decision_r->more = true;
	return true;
}

static bool check_digest(struct pwned_engine *engine,
			 const struct pwned_login *login,
			 const struct pwned_digest *digest,
			 pwned_check_callback *callback, void *context,
			 struct pwned_decision *decision_r)
{
	struct pwned_store_answer answer;
	enum pwned_store_result result =
		pwned_store_find(engine->store, digest, &answer);
	enum pwned_age age = result == PWNED_STORE_FOUND ?
				     age_of(engine, &answer) :
				     PWNED_AGE_TOO_OLD;
	struct pwned_check *check;
	enum pwned_reason reason;

	if (age == PWNED_AGE_FRESH) {
		judge(engine, login, answer.count, origin_of(&answer), false,
		      decision_r);
		return true;
	}
	check = check_new(engine, login, digest, &reason);
	if (check == NULL) {
		if (age == PWNED_AGE_STALE)
			judge(engine, login, answer.count, PWNED_ORIGIN_STALE,
			      false, decision_r);
		else
			unknown(login->set, reason, false, decision_r);
		return true;
	}
	check->callback = callback;
	check->context = context;
	if (age == PWNED_AGE_STALE)
		return check_go_by(check, &answer, decision_r);
	return check_begin(check, result == PWNED_STORE_ON_DISK, decision_r);
}

bool pwned_check_start(struct pwned_engine *engine,
		       const struct pwned_login *login,
		       pwned_check_callback *callback, void *context,
		       struct pwned_decision *decision_r)
{
	struct pwned_digest digest;
	bool known;

	pwned_engine_enter(engine);
	pwned_engine_state_changed(engine);
	if (login->service != NULL)
		pwned_engine_brake_count(engine, login);
	if (login->service != NULL &&
	    !pwned_policy_checks(login->set->policy, login->service)) {
		pwned_check_skip(login->set, PWNED_REASON_SERVICE_OFF,
				 decision_r);
		return true;
	}
	if (login->password_size == 0) {
		pwned_check_skip(login->set, PWNED_REASON_NO_PASSWORD,
				 decision_r);
		return true;
	}
	if (!pwned_hasher_digest(engine->hasher, login->password,
				 login->password_size, &digest)) {
		unknown(login->set, PWNED_REASON_INTERNAL, false, decision_r);
		return true;
	}
	known = check_digest(engine, login, &digest, callback, context,
			     decision_r);
	pwned_digest_wipe(&digest);
	return known;
}

void pwned_engine_end_checks(struct pwned_engine *engine)
{
	struct pwned_check *check;

	while ((check = TAILQ_FIRST(&engine->checks)) != NULL)
		check_end_without(check, PWNED_REASON_SHUTDOWN);
}
