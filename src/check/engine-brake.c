/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The brake at work: what it counts, what it changes, and what is told of it.
 */

#include "engine.h"

/* At the margin it may take hold and let go many times. */
#define BRAKE_CALM_SECS 60

/* One line when it takes hold, and one when it has let go for a while. */
static void brake_report(struct pwned_engine *engine)
{
	uint64_t now = engine->now_secs;
	bool engaged = pwned_brake_is_engaged(engine->brake, now);

	if (engaged)
		engine->brake_engaged_secs = now;
	if (engaged == engine->brake_reported ||
	    (!engaged && now < engine->brake_engaged_secs + BRAKE_CALM_SECS))
		return;
	engine->brake_reported = engaged;
	if (!engaged) {
		pwned_log(engine->reporter->log, PWNED_LOG_INFO,
			  "the brake is released: the share of users newly "
			  "refused has fallen to %u %% or less",
			  engine->set->brake_share_percent);
		return;
	}
	pwned_log(engine->reporter->log, PWNED_LOG_ERROR,
		  "the brake holds: more than %u %% of the users verified "
		  "within the last hour would newly be refused "
		  "(pwned_brake_share); further ones are only warned. Is the "
		  "source in order?",
		  engine->set->brake_share_percent);
}

void pwned_engine_brake_count(struct pwned_engine *engine,
			      const struct pwned_policy *policy,
			      const struct pwned_login *login)
{
	if (engine->brake == NULL || login->user == NULL)
		return;
	pwned_brake_verified(engine->brake, login->user,
			     pwned_policy_may_stop(policy, login->service),
			     engine->now_secs);
	brake_report(engine);
}

void pwned_engine_brake_apply(struct pwned_engine *engine, const char *user,
			      struct pwned_decision *decision)
{
	/* a late denial denies nobody; a late hold holds all the same */
	if (engine->brake == NULL || user == NULL ||
	    (decision->action != PWNED_ACTION_HOLD &&
	     (decision->action != PWNED_ACTION_DENY || decision->late)))
		return;
	if (!pwned_brake_deny(engine->brake, user, engine->now_secs)) {
		decision->action = PWNED_ACTION_WARN;
		decision->braked = true;
	}
	brake_report(engine);
}

void pwned_engine_brake_resume(struct pwned_engine *engine, uint64_t sent_secs)
{
	/* what the auth before knew of it is not known yet */
	if (engine->keeper != NULL && !engine->restored) {
		engine->resume_secs = sent_secs;
		return;
	}
	if (sent_secs <= engine->resumed_secs || engine->brake == NULL)
		return;
	engine->resumed_secs = sent_secs;
	pwned_brake_release(engine->brake, engine->now_secs);
	engine->brake_reported = false;
	pwned_log(engine->reporter->log, PWNED_LOG_INFO,
		  "the brake is released by an operator (doveadm pwned "
		  "resume): users are counted anew");
	pwned_engine_state_changed(engine);
}
