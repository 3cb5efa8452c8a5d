/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What outlives the engine: counters, breakers and the brake, in the state
   file. Dovecot ends an idle auth after a minute. */

#include "engine.h"
#include "source-url.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How long after a change it is written; operators are promised 10 s. */
#define SAVE_MSECS 7000

static void collect_sources(const struct pwned_engine *engine,
			    struct pwned_state *state)
{
	struct pwned_breaker_snapshot breaker;

	for (unsigned int i = 0; i < pwned_source_count(engine->source); i++) {
		const char *url = engine->set->sources[i];

		pwned_source_save_breaker(engine->source, i, &breaker);
		(void)pwned_state_add_source(state, &breaker, url,
					     pwned_url_origin_length(url));
	}
}

static void collect(const struct pwned_engine *engine,
		    struct pwned_state *state_r)
{
	struct pwned_store_queue queue;

	*state_r = (struct pwned_state){
		.started_secs = engine->started_secs,
		.pid = (uint64_t)getpid(),
		.written_secs = engine->unix_secs,
		.since_secs = engine->since_secs,
	};
	for (unsigned int i = 0; i < PWNED_COUNTERS; i++)
		state_r->counters[i] = pwned_counted(&engine->counters, i);
	collect_sources(engine, state_r);
	if (engine->brake != NULL)
		pwned_brake_save(engine->brake, engine->now_secs,
				 state_r->written_secs, &state_r->brake);
	state_r->resumed_secs = engine->resumed_secs;
	pwned_store_get_queue(engine->store, &queue);
	state_r->queue_length = queue.length;
	state_r->queue_length_max = queue.length_max;
	(void)snprintf(state_r->store_mode, sizeof(state_r->store_mode), "%s",
		       pwned_store_mode(engine->store));
}

/* The writer works on behind the last login. */
static bool changes_by_itself(const struct pwned_engine *engine,
			      const struct pwned_state *state)
{
	return state->queue_length > 0 ||
	       memcmp(state->counters, engine->saved_counters,
		      sizeof(state->counters)) != 0;
}

static void restore(struct pwned_engine *engine,
		    const struct pwned_state *state)
{
	if (state->since_secs != 0 && state->since_secs < engine->since_secs)
		engine->since_secs = state->since_secs;
	for (unsigned int i = 0; i < PWNED_COUNTERS; i++)
		atomic_fetch_add(&engine->counters.values[i],
				 state->counters[i]);
	for (unsigned int i = 0; i < state->sources_length; i++)
		pwned_source_restore_breaker(engine->source,
					     &state->sources[i].breaker);
	engine->resumed_secs = state->resumed_secs;
	if (engine->brake != NULL)
		pwned_brake_restore(engine->brake, &state->brake,
				    engine->now_secs, engine->unix_secs);
}

/* Returns false while it is not known what is to be restored: a disk may take
   its time. */
static bool restore_once(struct pwned_engine *engine)
{
	const struct pwned_state *found;

	if (engine->restored)
		return true;
	if (pwned_state_keeper_is_loading(engine->keeper))
		return false;
	engine->restored = true;
	found = pwned_state_keeper_found(engine->keeper);
	if (found != NULL)
		restore(engine, found);
	if (engine->resume_secs != 0)
		pwned_engine_brake_resume(engine, engine->resume_secs);
	return true;
}

static void on_save(void *context)
{
	struct pwned_engine *engine = context;
	struct pwned_state state;

	engine->save = NULL;
	pwned_engine_enter(engine);
	if (!restore_once(engine)) {
		pwned_engine_state_changed(engine);
		return;
	}
	collect(engine, &state);
	pwned_state_keeper_save(engine->keeper, &state);
	if (changes_by_itself(engine, &state))
		pwned_engine_state_changed(engine);
	memcpy(engine->saved_counters, state.counters, sizeof(state.counters));
}

void pwned_engine_state_changed(struct pwned_engine *engine)
{
	engine->ended = false;
	if (engine->keeper != NULL && engine->save == NULL)
		engine->save = engine->loop->v->timer_add(
			engine->loop, SAVE_MSECS, on_save, engine);
}

void pwned_engine_state_start(struct pwned_engine *engine)
{
	engine->started_secs = engine->since_secs = engine->unix_secs;
	if (*engine->set->state_dir == '\0')
		return;
	engine->keeper = pwned_state_keeper_new(engine->set->state_dir,
						engine->loop, engine->reporter);
	if (engine->keeper == NULL)
		return;
	/* so that operators see who is there, and the auth before that it is
	   not its turn any more */
	on_save(engine);
}

bool pwned_engine_state_end(struct pwned_engine *engine)
{
	struct pwned_state state;

	if (engine->keeper == NULL || engine->ended)
		return true;
	pwned_engine_enter(engine);
	if (!restore_once(engine))
		return false;
	if (engine->save != NULL)
		engine->loop->v->timer_remove(&engine->save);
	collect(engine, &state);
	state.ended = engine->ended = true;
	pwned_state_keeper_save(engine->keeper, &state);
	return false;
}

void pwned_engine_state_stop(struct pwned_engine *engine)
{
	(void)pwned_engine_state_end(engine);
	if (engine->save != NULL)
		engine->loop->v->timer_remove(&engine->save);
	if (engine->keeper != NULL)
		pwned_state_keeper_free(&engine->keeper);
}
