/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policy, ladder and brake; and what is told of it. */

#include "engine.h"
#include "exempt.h"
#include "text.h"
#include "way.h"

void pwned_way_skip(const struct pwned_settings *set, enum pwned_reason reason,
		    struct pwned_decision *decision_r)
{
	*decision_r = (struct pwned_decision){
		.verdict = PWNED_VERDICT_UNCHECKED,
		.reason = reason,
		.action = PWNED_ACTION_ALLOW,
		.dry_run = set != NULL && set->dry_run,
	};
}

static const struct pwned_flag *record_of(const struct pwned_way *way)
{
	return way->record == PWNED_RECORD_NONE ||
			       way->record == PWNED_RECORD_KNOWN ?
		       &way->flag :
		       NULL;
}

/* Of a breached password. The ladder is for logins: whoever chooses one is told
   the most that it would meet. */
static void decide_breached(struct pwned_way *way, struct pwned_rung *rung_r,
			    struct pwned_decision *decision)
{
	uint64_t count = way->finding.count;

	*rung_r = (struct pwned_rung){ .stop_secs = 0 };
	decision->band = pwned_band_of(count);
	if (way->service == NULL) {
		decision->action = pwned_policy_decide_any(way->policy, count);
		return;
	}
	pwned_ladder_breached(way->policy, way->service, count, record_of(way),
			      way->engine->unix_secs, way->set->dry_run,
			      rung_r);
	decision->action = rung_r->action;
	decision->stop_secs = rung_r->stop_secs;
}

static bool is_exempt(const struct pwned_way *way)
{
	return way->record == PWNED_RECORD_KNOWN &&
	       pwned_flag_is_exempt(&way->flag, way->engine->unix_secs);
}

/* An operator's word counts more than what is found, and a suspension more than
   an exemption. */
void pwned_way_decide(struct pwned_way *way, struct pwned_rung *rung_r,
		      struct pwned_decision *decision_r)
{
	const struct pwned_finding *finding = &way->finding;
	bool dry_run = way->set->dry_run;

	*rung_r = (struct pwned_rung){ .stop_secs = 0 };
	*decision_r = (struct pwned_decision){
		.verdict = finding->verdict,
		.reason = finding->reason,
		.origin = finding->origin,
		.action = PWNED_ACTION_ALLOW,
		.dry_run = dry_run,
		.late = finding->late,
		.renewed = finding->renewed,
	};
	if (is_exempt(way) && finding->verdict != PWNED_VERDICT_UNCHECKED) {
		pwned_way_skip(way->set, PWNED_REASON_EXEMPT, decision_r);
		decision_r->late = finding->late;
	} else if (finding->verdict == PWNED_VERDICT_BREACHED) {
		decide_breached(way, rung_r, decision_r);
	} else if (finding->verdict == PWNED_VERDICT_UNKNOWN) {
		decision_r->action = way->set->on_unknown;
	}
	if (way->record == PWNED_RECORD_KNOWN && way->service != NULL &&
	    pwned_ladder_suspended(way->policy, way->service, &way->flag,
				   &decision_r->action))
		decision_r->suspended = true;
	else
		pwned_engine_brake_apply(way->engine, way->user, decision_r);
}

static enum pwned_counter unchecked_counter(enum pwned_reason reason)
{
	switch (reason) {
	case PWNED_REASON_CONFIG:
		return PWNED_COUNT_UNCHECKED_CONFIG;
	case PWNED_REASON_SERVICE_OFF:
		return PWNED_COUNT_UNCHECKED_SERVICE_OFF;
	case PWNED_REASON_MASTER_USER:
		return PWNED_COUNT_UNCHECKED_MASTER_USER;
	case PWNED_REASON_MECHANISM:
		return PWNED_COUNT_UNCHECKED_MECHANISM;
	case PWNED_REASON_EXEMPT:
		return PWNED_COUNT_UNCHECKED_EXEMPT;
	default:
		return PWNED_COUNT_UNCHECKED_NO_PASSWORD;
	}
}

void pwned_way_count(struct pwned_engine *engine,
		     const struct pwned_decision *decision)
{
	enum pwned_action effect = pwned_decision_effect(decision);
	enum pwned_counter counter = PWNED_COUNT_LOGINS_CHECKED;

	if (decision->verdict == PWNED_VERDICT_UNKNOWN)
		counter = PWNED_COUNT_LOGINS_UNKNOWN;
	else if (decision->verdict == PWNED_VERDICT_UNCHECKED)
		counter = unchecked_counter(decision->reason);
	pwned_count(&engine->counters, counter);
	if (effect == PWNED_ACTION_DENY)
		pwned_count(&engine->counters, PWNED_COUNT_LOGINS_REFUSED);
	if (effect == PWNED_ACTION_HOLD)
		pwned_count(&engine->counters, PWNED_COUNT_LOGINS_HELD);
	if (decision->hold_late)
		pwned_count(&engine->counters, PWNED_COUNT_HOLDS_LATE);
}

static bool is_exempt_now(const struct pwned_decision *decision)
{
	return decision->verdict == PWNED_VERDICT_UNCHECKED &&
	       decision->reason == PWNED_REASON_EXEMPT;
}

/* Whether nobody would be held for this, at any service; of policies that
   differ by protocol only that of a sender tells. */
static bool frees(const struct pwned_way *way,
		  const struct pwned_decision *decision,
		  const struct pwned_rung *rung)
{
	if (decision->dry_run || (way->engine->policies_differ &&
				  !pwned_service_sends(way->service)))
		return false;
	return is_exempt_now(decision) ||
	       (decision->verdict == PWNED_VERDICT_BREACHED && !rung->stops &&
		!decision->late && !decision->braked);
}

static enum pwned_flag_saying saying_of(enum pwned_verdict verdict)
{
	switch (verdict) {
	case PWNED_VERDICT_BREACHED:
		return PWNED_SAYING_BREACHED;
	case PWNED_VERDICT_CLEAN:
		return PWNED_SAYING_CLEAN;
	default:
		return PWNED_SAYING_NOTHING;
	}
}

/* Whether the login says anything that may have to be written down; of a clean
   one that somebody is flagged no more, of an exempt one that he is not held.
 */
static bool has_news(const struct pwned_way *way,
		     const struct pwned_decision *decision)
{
	if (way->engine->flags == NULL || way->user == NULL ||
	    way->service == NULL || (decision->late && decision->renewed))
		return false;
	if (decision->verdict == PWNED_VERDICT_BREACHED)
		return true;
	if (is_exempt_now(decision))
		return way->record == PWNED_RECORD_KNOWN &&
		       *way->flag.hold_text != '\0';
	return decision->verdict == PWNED_VERDICT_CLEAN &&
	       (way->record == PWNED_RECORD_UNKNOWN ||
		(way->record == PWNED_RECORD_KNOWN &&
		 way->flag.state == PWNED_FLAG_FLAGGED));
}

static void make_news(const struct pwned_way *way,
		      const struct pwned_decision *decision,
		      const struct pwned_rung *rung,
		      struct pwned_text *hold_text,
		      struct pwned_flag_news *news_r)
{
	enum pwned_action effect = pwned_decision_effect(decision);

	*news_r = (struct pwned_flag_news){
		.user = way->user,
		.saying = saying_of(decision->verdict),
		.now_secs = way->engine->unix_secs,
		.dry_run = decision->dry_run,
		.service = way->service,
		.band = decision->band,
		.stops = rung->stops,
		.grace_secs = rung->grace_secs,
		.refused = effect == PWNED_ACTION_DENY && !decision->late,
		.frees = frees(way, decision, rung),
	};
	if (effect == PWNED_ACTION_HOLD && !decision->suspended) {
		pwned_text_hold(way->set, hold_text);
		news_r->hold_text = hold_text->text;
	}
}

/* Whether the news change what MTAs read. */
static bool moves_hold(const struct pwned_way *way,
		       const struct pwned_flag_news *news)
{
	struct pwned_flag flag = way->flag;
	bool changes;

	if (way->record == PWNED_RECORD_UNKNOWN ||
	    way->record == PWNED_RECORD_ASKED)
		return news->hold_text != NULL;
	(void)pwned_flag_apply(&flag, news, &way->engine->rules, &changes);
	return changes;
}

struct pwned_flags_request *pwned_way_tell(
	const struct pwned_way *way, const struct pwned_decision *decision,
	const struct pwned_rung *rung, pwned_flags_told_callback *callback,
	void *context, bool *moves_hold_r)
{
	struct pwned_flags *flags = way->engine->flags;
	struct pwned_text hold_text;
	struct pwned_flag_news news;

	*moves_hold_r = false;
	if (!has_news(way, decision))
		return NULL;
	make_news(way, decision, rung, &hold_text, &news);
	*moves_hold_r = moves_hold(way, &news);
	return flags->v->tell(flags, &news, *moves_hold_r ? callback : NULL,
			      context);
}

bool pwned_way_needs_record(const struct pwned_way *way)
{
	return way->finding.verdict == PWNED_VERDICT_BREACHED ||
	       (way->finding.verdict == PWNED_VERDICT_UNKNOWN &&
		way->set->on_unknown == PWNED_ACTION_TEMPFAIL) ||
	       pwned_service_sends(way->service) ||
	       pwned_policy_has_hold(way->policy);
}

bool pwned_way_may_hold(const struct pwned_way *way)
{
	return way->finding.verdict == PWNED_VERDICT_BREACHED &&
	       way->engine->flags != NULL && way->service != NULL &&
	       way->user != NULL && !way->set->dry_run &&
	       pwned_policy_holds(way->policy, way->service);
}

enum pwned_reason pwned_way_why_not(const struct pwned_way *way,
				    const struct pwned_login *login)
{
	if (login->skip != PWNED_REASON_NONE)
		return login->skip;
	if (way->service == NULL)
		return login->password_size == 0 ? PWNED_REASON_NO_PASSWORD :
						   PWNED_REASON_NONE;
	if (!pwned_policy_checks(way->policy, way->service))
		return PWNED_REASON_SERVICE_OFF;
	if (pwned_exempt_has(login->set->exempt, login->user, login->address))
		return PWNED_REASON_EXEMPT;
	return login->password_size == 0 ? PWNED_REASON_NO_PASSWORD :
					   PWNED_REASON_NONE;
}

bool pwned_way_may_have_record(const struct pwned_way *way,
			       enum pwned_reason reason)
{
	struct pwned_flags *flags = way->engine->flags;

	if (flags == NULL || way->user == NULL || way->service == NULL ||
	    reason == PWNED_REASON_MASTER_USER)
		return false;
	if (reason != PWNED_REASON_NONE && !pwned_service_sends(way->service) &&
	    (reason != PWNED_REASON_EXEMPT ||
	     !pwned_policy_has_hold(way->policy)))
		return false;
	return flags->v->may_have(flags, way->user);
}
