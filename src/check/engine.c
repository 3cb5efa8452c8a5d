/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine as a whole: what it is made of, and its end. */

#include "engine.h"
#include "age.h"

#include <stdlib.h>
#include <string.h>

static void range_fetched(void *context, const struct pwned_range_label *label,
			  struct pwned_range *range)
{
	struct pwned_engine *engine = context;

	if (range != NULL)
		pwned_store_add(engine->store, range);
	else
		pwned_store_renew(engine->store, label);
}

void pwned_engine_enter(struct pwned_engine *engine)
{
	const struct pwned_loop_vfuncs *v = engine->loop->v;

	engine->now_secs = v->now_msecs(engine->loop) / 1000;
	engine->unix_secs = v->unix_secs(engine->loop);
	engine->today = pwned_day_of(engine->unix_secs);
}

static bool engine_fill(struct pwned_engine *engine, enum pwned_role role,
			uint64_t seed, struct pwned_error *error_r)
{
	const struct pwned_settings *set = engine->set;
	unsigned int share = set->brake_share_percent;

	engine->hasher = pwned_hasher_new();
	engine->store = pwned_store_new(
		set,
		role == PWNED_ROLE_AUTH ? PWNED_STORE_OWNER :
					  PWNED_STORE_VISITOR,
		engine->loop, engine->reporter, &engine->counters);
	if (share > 0)
		engine->brake = pwned_brake_new(share, seed);
	if (engine->hasher == NULL || engine->store == NULL ||
	    (share > 0 && engine->brake == NULL))
		return pwned_error_set(error_r,
				       "out of memory or threads, or OpenSSL "
				       "has no SHA-1");
	return true;
}

static void on_command(void *context, enum pwned_flag_command command,
		       uint64_t sent_secs)
{
	struct pwned_engine *engine = context;

	pwned_engine_enter(engine);
	switch (command) {
	case PWNED_COMMAND_RESUME:
		pwned_engine_brake_resume(engine, sent_secs);
		break;
	}
}

/* Without it logins are decided as if nothing were on record. */
static void engine_flags_start(struct pwned_engine *engine, uint64_t seed,
			       struct pwned_flags *shared)
{
	const struct pwned_settings *set = engine->set;

	engine->flags = shared;
	if (shared != NULL && shared->v->count != NULL)
		shared->v->count(shared, &engine->counters);
	if (*set->state_dir == '\0')
		return;
	engine->flag_keeper =
		pwned_flag_keeper_new(set, seed, engine->loop, engine->reporter,
				      &engine->counters, on_command, engine);
	if (engine->flag_keeper == NULL)
		pwned_log(engine->reporter->log, PWNED_LOG_ERROR,
			  "out of memory or threads: accounts are not on "
			  "record, and operators are not heard");
	else if (shared == NULL)
		engine->flags = pwned_flag_keeper_flags(engine->flag_keeper);
}

struct pwned_engine *pwned_engine_new(const struct pwned_settings *set,
				      enum pwned_role role,
				      const char *proxy_auth, uint64_t seed,
				      struct pwned_flags *shared,
				      struct pwned_loop *loop,
				      const struct pwned_reporter *reporter,
				      struct pwned_error *error_r)
{
	struct pwned_engine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL) {
		(void)pwned_error_set(error_r, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&engine->checks);
	engine->set = set;
	engine->loop = loop;
	engine->reporter = reporter;
	engine->rules = pwned_settings_flag_rules(set);
	pwned_engine_enter(engine);
	if (engine_fill(engine, role, seed, error_r))
		engine->source = pwned_source_new(
			set, proxy_auth, loop, reporter, &engine->counters,
			range_fetched, engine, error_r);
	if (engine->source == NULL) {
		pwned_engine_free(&engine);
	} else if (role == PWNED_ROLE_AUTH) {
		engine_flags_start(engine, seed, shared);
		pwned_engine_state_start(engine);
	}
	return engine;
}

void pwned_engine_add_settings(struct pwned_engine *engine,
			       const struct pwned_settings *set)
{
	if (strcmp(set->values[PWNED_SET_POLICY],
		   engine->set->values[PWNED_SET_POLICY]) != 0)
		engine->policies_differ = true;
	if (!set->dry_run && engine->flag_keeper != NULL)
		pwned_flag_keeper_end_dry_run(engine->flag_keeper);
}

bool pwned_engine_may_end(struct pwned_engine *engine)
{
	if (pwned_store_is_busy(engine->store) ||
	    (engine->flag_keeper != NULL &&
	     pwned_flag_keeper_is_busy(engine->flag_keeper)) ||
	    (engine->flags != NULL &&
	     engine->flags->v->is_busy(engine->flags)) ||
	    (engine->keeper != NULL &&
	     pwned_state_keeper_is_busy(engine->keeper)))
		return false;
	return pwned_engine_state_end(engine);
}

void pwned_engine_free(struct pwned_engine **_engine)
{
	struct pwned_engine *engine = *_engine;

	*_engine = NULL;
	pwned_engine_end_checks(engine);
	if (engine->flags != NULL && engine->flags->v->count != NULL)
		engine->flags->v->count(engine->flags, NULL);
	pwned_flag_keeper_free(&engine->flag_keeper);
	if (engine->source != NULL)
		pwned_engine_state_stop(engine);
	pwned_source_free(&engine->source);
	pwned_store_free(&engine->store);
	pwned_brake_free(&engine->brake);
	pwned_hasher_free(engine->hasher);
	free(engine);
}
