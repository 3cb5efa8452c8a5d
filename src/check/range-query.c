/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the range says: store, disk, source. */

#include "engine.h"
#include "age.h"
#include "range-query.h"
#include "secret.h"

static void say(uint64_t count, enum pwned_origin origin,
		struct pwned_finding *finding_r)
{
	*finding_r = (struct pwned_finding){
		.verdict = count > 0 ? PWNED_VERDICT_BREACHED :
				       PWNED_VERDICT_CLEAN,
		.origin = origin,
		.count = count,
	};
}

static void say_unknown(enum pwned_reason reason,
			struct pwned_finding *finding_r)
{
	*finding_r = (struct pwned_finding){
		.verdict = PWNED_VERDICT_UNKNOWN,
		.reason = reason,
	};
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

bool pwned_query_open(struct pwned_engine *engine,
		      const struct pwned_digest *digest,
		      struct pwned_query_opening *opening_r,
		      struct pwned_finding *finding_r)
{
	const struct pwned_store_answer *answer = &opening_r->answer;
	enum pwned_age age;

	opening_r->stale = false;
	opening_r->result =
		pwned_store_find(engine->store, digest, &opening_r->answer);
	if (opening_r->result != PWNED_STORE_FOUND)
		return false;
	age = age_of(engine, answer);
	opening_r->stale = age == PWNED_AGE_STALE;
	if (age != PWNED_AGE_FRESH)
		return false;
	say(answer->count,
	    answer->from_cache ? PWNED_ORIGIN_CACHE : PWNED_ORIGIN_STORE,
	    finding_r);
	return true;
}

void pwned_query_do_without(const struct pwned_query_opening *opening,
			    enum pwned_reason reason,
			    struct pwned_finding *finding_r)
{
	if (opening->stale)
		say(opening->answer.count, PWNED_ORIGIN_STALE, finding_r);
	else
		say_unknown(reason, finding_r);
}

static void query_end(struct pwned_query *query)
{
	struct pwned_engine *engine = query->engine;

	query->asks = false;
	if (query->read != NULL)
		pwned_store_cancel(&query->read);
	if (query->fetch != NULL)
		pwned_fetch_cancel(&query->fetch);
	if (query->timer != NULL)
		engine->loop->v->timer_remove(&query->timer);
	pwned_digest_wipe(&query->digest);
}

void pwned_query_deinit(struct pwned_query *query)
{
	if (query->engine == NULL)
		return;
	query_end(query);
	pwned_wipe(query, sizeof(*query));
}

/* Whether the login was told already that the password is breached. */
static bool has_told(const struct pwned_query *query)
{
	return query->is_renewal && query->old_count > 0;
}

/* The source has not told, or not yet. What an old range says stands then,
   unless it was said already. */
static void do_without(struct pwned_query *query, enum pwned_reason reason,
		       struct pwned_finding *finding_r)
{
	if (query->has_old && !query->is_renewal)
		say(query->old_count, PWNED_ORIGIN_STALE, finding_r);
	else
		say_unknown(reason, finding_r);
}

/* The last word. */
static void answer(struct pwned_query *query, struct pwned_finding *finding)
{
	pwned_query_callback *callback = query->callback;
	void *context = query->context;

	finding->late = query->decided;
	finding->renewed = query->is_renewal &&
			   (finding->verdict != PWNED_VERDICT_BREACHED ||
			    query->old_count > 0);
	if (finding->late && finding->verdict == PWNED_VERDICT_BREACHED &&
	    !has_told(query))
		pwned_count(&query->engine->counters,
			    PWNED_COUNT_LATE_BREACHED);
	query_end(query);
	callback(context, finding);
}

static void answer_without(struct pwned_query *query, enum pwned_reason reason)
{
	struct pwned_finding finding;

	do_without(query, reason, &finding);
	answer(query, &finding);
}

static void on_fetched(void *context, const struct pwned_fetch_result *result)
{
	struct pwned_query *query = context;
	struct pwned_engine *engine = query->engine;
	uint64_t count = query->old_count; /* of a 304 */
	struct pwned_finding finding;

	pwned_engine_enter(engine);
	query->fetch = NULL;
	if (result->reason != PWNED_REASON_NONE) {
		answer_without(query, result->reason);
		return;
	}
	if (result->range != NULL) {
		count = pwned_range_find(result->range, query->digest.key);
		pwned_store_remember(engine->store, result->range,
				     query->digest.key);
	}
	say(count, PWNED_ORIGIN_SOURCE, &finding);
	answer(query, &finding);
}

static void on_late(void *context)
{
	struct pwned_query *query = context;

	query->timer = NULL;
	pwned_engine_enter(query->engine);
	answer_without(query, PWNED_REASON_TIMEOUT);
}

/* What comes now is late. A digest is kept no longer than a fetch may take. */
static void go_on(struct pwned_query *query)
{
	struct pwned_loop *loop = query->engine->loop;
	uint64_t now = loop->v->now_msecs(loop);
	unsigned int left = 0;

	query->decided = true;
	query->is_renewal = query->has_old;
	if (query->deadline_msecs > now)
		left = (unsigned int)(query->deadline_msecs - now);
	query->timer = loop->v->timer_add(loop, left, on_late, query);
}

void pwned_query_go_on(struct pwned_query *query,
		       struct pwned_finding *finding_r)
{
	do_without(query,
		   query->read != NULL ? PWNED_REASON_STORE_SLOW :
					 PWNED_REASON_TIMEOUT,
		   finding_r);
	go_on(query);
}

void pwned_query_give_up(struct pwned_query *query, enum pwned_reason reason,
			 struct pwned_finding *finding_r)
{
	do_without(query, reason, finding_r);
	finding_r->late = query->decided;
	finding_r->renewed = query->is_renewal;
	query_end(query);
}

static enum pwned_fetch_mode fetch_mode(const struct pwned_query *query)
{
	if (query->decided)
		return PWNED_FETCH_LATER;
	return query->params.urgent ? PWNED_FETCH_URGENT : PWNED_FETCH_NORMAL;
}

/* Asks the source. Returns false with the reason where it will not answer. A
   probe, of a source that is most likely down, is no reason to wait. */
static bool fetch(struct pwned_query *query, bool *probe_r,
		  enum pwned_reason *reason_r)
{
	query->fetch = pwned_source_fetch(
		query->engine->source, query->digest.prefix,
		query->has_old ? &query->old_label : NULL, fetch_mode(query),
		on_fetched, query, probe_r, reason_r);
	return query->fetch != NULL;
}

/* The store has nothing fresh. Returns true with what is said where the
   source's answer is not waited for; query->asks tells whether it comes late.
 */
static bool ask(struct pwned_query *query, struct pwned_finding *finding_r)
{
	enum pwned_reason reason;
	bool probe;

	if (!fetch(query, &probe, &reason)) {
		do_without(query, reason, finding_r);
		query_end(query);
		return true;
	}
	if ((!probe || query->params.is_choice) && query->params.may_wait)
		return false;
	do_without(query,
		   probe ? PWNED_REASON_BREAKER_OPEN : PWNED_REASON_NO_WAIT,
		   finding_r);
	go_on(query);
	return true;
}

static void hold_old(struct pwned_query *query,
		     const struct pwned_store_answer *old)
{
	query->has_old = true;
	query->old_count = old->count;
	pwned_block_label(old->block, &query->old_label);
}

/* Decides by an old range, and asks the source behind the login whether that
   has changed. */
static void use_stale(struct pwned_query *query,
		      const struct pwned_store_answer *old,
		      struct pwned_finding *finding_r)
{
	enum pwned_reason reason;
	bool probe;

	say(old->count, PWNED_ORIGIN_STALE, finding_r);
	hold_old(query, old);
	query->decided = true;
	if (fetch(query, &probe, &reason))
		go_on(query);
	else
		query_end(query);
}

/* Of the store there is an old range, or nothing (NULL). Returns true with what
   is said at once. */
static bool go_by(struct pwned_query *query,
		  const struct pwned_store_answer *old,
		  struct pwned_finding *finding_r)
{
	if (old != NULL && !query->params.is_choice) {
		use_stale(query, old, finding_r);
		return true;
	}
	if (old != NULL)
		hold_old(query, old);
	return ask(query, finding_r);
}

/* The disk has nothing fresh, and told so after the login: the source has the
   last word, and an old range has it where that does not answer. */
static void ask_late(struct pwned_query *query,
		     const struct pwned_store_answer *old)
{
	enum pwned_reason reason;
	bool probe;

	if (old != NULL)
		hold_old(query, old);
	if (!fetch(query, &probe, &reason))
		answer_without(query, reason);
}

/* What the disk had. */
static void on_read(void *context, const struct pwned_store_answer *found)
{
	struct pwned_query *query = context;
	pwned_query_callback *callback = query->callback;
	void *callback_context = query->context;
	enum pwned_age age = PWNED_AGE_TOO_OLD;
	struct pwned_finding finding;

	pwned_engine_enter(query->engine);
	query->read = NULL;
	if (found != NULL)
		age = age_of(query->engine, found);
	if (age == PWNED_AGE_FRESH) {
		say(found->count, PWNED_ORIGIN_STORE, &finding);
		answer(query, &finding);
	} else if (query->decided) {
		ask_late(query, age == PWNED_AGE_STALE ? found : NULL);
	} else if (go_by(query, age == PWNED_AGE_STALE ? found : NULL,
			 &finding)) {
		callback(callback_context, &finding);
	}
}

bool pwned_query_begin(struct pwned_query *query, struct pwned_engine *engine,
		       const struct pwned_query_params *params,
		       const struct pwned_digest *digest,
		       const struct pwned_query_opening *opening,
		       pwned_query_callback *callback, void *context,
		       struct pwned_finding *finding_r)
{
	struct pwned_loop *loop = engine->loop;

	*query = (struct pwned_query){
		.engine = engine,
		.params = *params,
		.callback = callback,
		.context = context,
		.asks = true,
		.digest = *digest,
		.deadline_msecs = loop->v->now_msecs(loop) +
				  engine->set->fetch_timeout_msecs,
	};
	if (opening->result == PWNED_STORE_ON_DISK)
		query->read =
			pwned_store_read(engine->store, digest, on_read, query);
	if (query->read == NULL)
		return go_by(query, opening->stale ? &opening->answer : NULL,
			     finding_r);
	if (params->may_wait)
		return false;
	say_unknown(PWNED_REASON_NO_WAIT, finding_r);
	go_on(query);
	return true;
}
