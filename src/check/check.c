/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of one login: digest, cache, source, verdict, policy, brake. */

#include "check.h"
#include "brake.h"
#include "digest.h"
#include "range-cache.h"
#include "secret.h"
#include "source.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* A range in memory is fresh for a week; the data change a few times a year. */
#define RANGE_FRESH_SECS (7 * 24 * 3600)
/* Logins that wait, or are to be judged late; a few hundred bytes each. */
#define CHECKS_MAX      65536
#define BRAKE_CALM_SECS 60

struct pwned_engine {
	const struct pwned_settings *set;
	struct pwned_loop *loop;
	const struct pwned_log *log;
	uint64_t now_secs;
	struct pwned_hasher *hasher;
	struct pwned_range_cache *cache;
	struct pwned_source *source;
	struct pwned_brake *brake; /* NULL: none */
	bool brake_reported;
	uint64_t brake_engaged_secs; /* when it was last seen to hold */

	TAILQ_HEAD(, pwned_check) checks;
	unsigned int checks_count;
};

struct pwned_check {
	TAILQ_ENTRY(pwned_check) entry;
	struct pwned_engine *engine;
	const struct pwned_settings *set;
	pwned_check_callback *callback;
	void *context;

	struct pwned_digest digest;
	char *service;             /* NULL: any */
	char *user;                /* NULL: not for the brake */
	struct pwned_range *stale; /* used when the source does not answer */
	struct pwned_fetch *fetch;
	struct pwned_timer *wait;
	bool decided; /* what comes now is late */
};

static void range_fetched(void *context, uint32_t prefix,
			  struct pwned_range *range);

/* Each way into the engine looks at the clock once. */
static void engine_enter(struct pwned_engine *engine)
{
	engine->now_secs = engine->loop->v->now_msecs(engine->loop) / 1000;
}

struct pwned_engine *pwned_engine_new(const struct pwned_settings *set,
				      const char *proxy_auth, uint64_t seed,
				      struct pwned_loop *loop,
				      const struct pwned_log *log,
				      struct pwned_error *error_r)
{
	struct pwned_engine *engine = calloc(1, sizeof(*engine));
	unsigned int share = set->brake_share_percent;

	if (engine == NULL) {
		(void)pwned_error_set(error_r, "out of memory");
		return NULL;
	}
	TAILQ_INIT(&engine->checks);
	engine->set = set;
	engine->loop = loop;
	engine->log = log;
	engine->hasher = pwned_hasher_new();
	engine->cache = pwned_range_cache_new(set->cache_size);
	if (share > 0)
		engine->brake = pwned_brake_new(share, seed);
	if (engine->hasher == NULL || engine->cache == NULL ||
	    (share > 0 && engine->brake == NULL))
		(void)pwned_error_set(error_r,
				      "out of memory, or OpenSSL has no SHA-1");
	else
		engine->source =
			pwned_source_new(set, proxy_auth, loop, log,
					 range_fetched, engine, error_r);
	if (engine->source == NULL)
		pwned_engine_free(&engine);
	return engine;
}

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

/* One line when the brake takes hold, and one when it has let go for a while:
   at the margin it may do both many times. */
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
		pwned_log(engine->log, PWNED_LOG_INFO,
			  "the brake is released: the share of users newly "
			  "refused has fallen to %u %% or less",
			  engine->set->brake_share_percent);
		return;
	}
	pwned_log(engine->log, PWNED_LOG_ERROR,
		  "the brake holds: more than %u %% of the users verified "
		  "within the last hour would newly be refused "
		  "(pwned_brake_share); further ones are only warned. Is the "
		  "source in order?",
		  engine->set->brake_share_percent);
}

static void brake_count(struct pwned_engine *engine,
			const struct pwned_login *login)
{
	if (engine->brake == NULL || login->user == NULL)
		return;
	pwned_brake_verified(
		engine->brake, login->user,
		pwned_policy_may_deny(login->set->policy, login->service),
		engine->now_secs);
	brake_report(engine);
}

/* Turns a denial into a warning where the brake holds. A late denial denies
   nobody, so it does not count. */
static void brake_apply(struct pwned_engine *engine, const char *user,
			struct pwned_decision *decision)
{
	if (engine->brake == NULL || user == NULL || decision->late ||
	    decision->action != PWNED_ACTION_DENY)
		return;
	if (!pwned_brake_deny(engine->brake, user, engine->now_secs)) {
		decision->action = PWNED_ACTION_WARN;
		decision->braked = true;
	}
	brake_report(engine);
}

static enum pwned_action decide(const struct pwned_settings *set,
				const char *service, uint64_t count)
{
	if (service == NULL)
		return pwned_policy_decide_any(set->policy, count);
	return pwned_policy_decide(set->policy, service, count);
}

/* The digest meets its range. Of the login the password is not looked at. */
static void judge(struct pwned_engine *engine, const struct pwned_login *login,
		  const struct pwned_digest *digest,
		  const struct pwned_range *range, enum pwned_origin origin,
		  bool late, struct pwned_decision *decision_r)
{
	uint64_t count = pwned_range_find(range, digest->key);

	*decision_r = (struct pwned_decision){
		.verdict = count > 0 ? PWNED_VERDICT_BREACHED :
				       PWNED_VERDICT_CLEAN,
		.origin = origin,
		.action = PWNED_ACTION_ALLOW,
		.dry_run = login->set->dry_run,
		.late = late,
	};
	if (count > 0)
		decision_r->action = decide(login->set, login->service, count);
	brake_apply(engine, login->user, decision_r);
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

	if (check->fetch != NULL)
		pwned_fetch_cancel(&check->fetch);
	if (check->wait != NULL)
		engine->loop->v->timer_remove(&check->wait);
	pwned_range_unref(&check->stale);
	TAILQ_REMOVE(&engine->checks, check, entry);
	engine->checks_count--;
	free(check->service);
	free(check->user);
	pwned_digest_wipe(&check->digest);
	free(check);
}

static void check_judge(struct pwned_check *check, struct pwned_range *range,
			enum pwned_origin origin,
			struct pwned_decision *decision_r)
{
	const struct pwned_login login = {
		.set = check->set,
		.service = check->service,
		.user = check->user,
	};

	judge(check->engine, &login, &check->digest, range, origin,
	      check->decided, decision_r);
}

/* No answer, at least not now: the stale one, or none. */
static void check_do_without(struct pwned_check *check,
			     enum pwned_reason reason,
			     struct pwned_decision *decision_r)
{
	if (check->stale != NULL && !check->decided)
		check_judge(check, check->stale, PWNED_ORIGIN_STALE,
			    decision_r);
	else
		unknown(check->set, reason, check->decided, decision_r);
}

static void on_fetched(void *context, enum pwned_reason reason,
		       struct pwned_range *range)
{
	struct pwned_check *check = context;
	pwned_check_callback *callback = check->callback;
	void *callback_context = check->context;
	struct pwned_decision decision;

	engine_enter(check->engine);
	check->fetch = NULL;
	if (range != NULL)
		check_judge(check, range, PWNED_ORIGIN_SOURCE, &decision);
	else
		check_do_without(check, reason, &decision);
	decision.renewed = check->decided && check->stale != NULL;
	check_free(check);
	callback(callback_context, &decision);
}

static void on_waited(void *context)
{
	struct pwned_check *check = context;
	struct pwned_decision decision;

	engine_enter(check->engine);
	check->wait = NULL;
	check_do_without(check, PWNED_REASON_TIMEOUT, &decision);
	check->decided = true;
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
				     const struct pwned_digest *digest)
{
	struct pwned_check *check;

	if (engine->checks_count >= CHECKS_MAX)
		return NULL;
	check = calloc(1, sizeof(*check));
	if (check == NULL)
		return NULL;
	check->engine = engine;
	check->set = login->set;
	check->digest = *digest;
	TAILQ_INSERT_TAIL(&engine->checks, check, entry);
	engine->checks_count++;
	if (!copy_string(login->service, &check->service) ||
	    !copy_string(login->user, &check->user)) {
		check_free(check);
		return NULL;
	}
	return check;
}

/* Asks the source. Returns true with the decision where the login does not
   wait for the answer. */
static bool check_ask(struct pwned_check *check, bool urgent,
		      struct pwned_decision *decision_r)
{
	struct pwned_engine *engine = check->engine;
	enum pwned_reason reason;

	check->fetch = pwned_source_fetch(engine->source, check->digest.prefix,
					  urgent, on_fetched, check, &reason);
	if (check->fetch == NULL) {
		check_do_without(check, reason, decision_r);
		check_free(check);
		return true;
	}
	if (check->set->wait_msecs > 0) {
		check->wait = engine->loop->v->timer_add(
			engine->loop, check->set->wait_msecs, on_waited, check);
		if (check->wait != NULL)
			return false;
	}
	check_do_without(check, PWNED_REASON_NO_WAIT, decision_r);
	check->decided = true;
	decision_r->more = true;
	return true;
}

static bool check_digest(struct pwned_engine *engine,
			 const struct pwned_login *login,
			 const struct pwned_digest *digest,
			 pwned_check_callback *callback, void *context,
			 struct pwned_decision *decision_r)
{
	struct pwned_range *range;
	struct pwned_check *check;
	uint64_t fetched_secs = 0;

	range = pwned_range_cache_find(engine->cache, digest->prefix,
				       engine->now_secs, &fetched_secs);
	if (range != NULL &&
	    engine->now_secs - fetched_secs < RANGE_FRESH_SECS) {
		judge(engine, login, digest, range, PWNED_ORIGIN_CACHE, false,
		      decision_r);
		return true;
	}
	check = check_new(engine, login, digest);
	if (check == NULL) {
		unknown(login->set, PWNED_REASON_QUEUE_FULL, false, decision_r);
		return true;
	}
	check->callback = callback;
	check->context = context;
	if (range != NULL)
		check->stale = pwned_range_ref(range);
	return check_ask(check,
			 login->service == NULL ||
				 pwned_policy_may_deny(login->set->policy,
						       login->service),
			 decision_r);
}

bool pwned_check_start(struct pwned_engine *engine,
		       const struct pwned_login *login,
		       pwned_check_callback *callback, void *context,
		       struct pwned_decision *decision_r)
{
	struct pwned_digest digest;
	bool known;

	engine_enter(engine);
	if (login->service != NULL)
		brake_count(engine, login);
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

static void range_fetched(void *context, uint32_t prefix,
			  struct pwned_range *range)
{
	struct pwned_engine *engine = context;

	engine_enter(engine);
	pwned_range_cache_add(engine->cache, prefix, range, engine->now_secs);
}

/* Decides what still waits; a callback may not start new checks now. */
static void engine_end_checks(struct pwned_engine *engine)
{
	struct pwned_check *check;

	while ((check = TAILQ_FIRST(&engine->checks)) != NULL) {
		pwned_check_callback *callback = check->callback;
		void *context = check->context;
		bool waiting = !check->decided;
		struct pwned_decision decision;

		unknown(check->set, PWNED_REASON_SHUTDOWN, !waiting, &decision);
		check_free(check);
		callback(context, &decision);
	}
}

void pwned_engine_free(struct pwned_engine **_engine)
{
	struct pwned_engine *engine = *_engine;

	*_engine = NULL;
	engine_end_checks(engine);
	pwned_source_free(&engine->source);
	pwned_range_cache_free(&engine->cache);
	pwned_brake_free(&engine->brake);
	pwned_hasher_free(engine->hasher);
	free(engine);
}
