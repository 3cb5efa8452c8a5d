/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_ENGINE_H
#define PWNED_ENGINE_H

#include "brake.h"
#include "check.h"
#include "counters.h"
#include "digest.h"
#include "flag-keeper.h"
#include "flags.h"
#include "source.h"
#include "state-keeper.h"
#include "store.h"

#include <sys/queue.h>

/* What check.c and the engine-*.c share. */
struct pwned_engine {
	const struct pwned_settings *set;
	struct pwned_loop *loop;
	const struct pwned_reporter *reporter;
	/* the clocks, looked at once for each way into the engine */
	uint64_t now_secs;
	uint64_t unix_secs;
	uint32_t today;

	struct pwned_hasher *hasher;
	struct pwned_store *store;
	struct pwned_source *source;
	struct pwned_brake *brake; /* NULL: none */
	bool brake_reported;
	uint64_t brake_engaged_secs; /* when it was last seen to hold */
	struct pwned_counters counters;

	struct pwned_flag_keeper *flag_keeper; /* of this host; NULL: none */
	struct pwned_flags *flags; /* its, or shared; NULL: nothing on record */
	struct pwned_flag_rules rules;
	/* by protocol: what one says of a service, another may not know */
	bool policies_differ;
	/* when the operator sent what released the brake last, and what he
	   sent since, to be acted on when the state is restored */
	uint64_t resumed_secs, resume_secs;

	struct pwned_state_keeper *keeper; /* NULL: nothing is kept */
	struct pwned_timer *save;
	bool restored; /* or there was nothing to restore */
	bool ended;    /* its last word was written, or is being */
	uint64_t started_secs, since_secs;
	uint64_t saved_counters[PWNED_COUNTERS];

	TAILQ_HEAD(, pwned_check) checks;
	unsigned int checks_count;
};

/* Each way into the engine begins with it. */
void pwned_engine_enter(struct pwned_engine *engine);

/* check.c: decides what still waits; a callback may not start new checks. */
void pwned_engine_end_checks(struct pwned_engine *engine);

/* engine-brake.c: a user's password was verified, at a service. */
void pwned_engine_brake_count(struct pwned_engine *engine,
			      const struct pwned_policy *policy,
			      const struct pwned_login *login);
/* Turns a denial, or a hold, into a warning where the brake holds. A late
   denial denies nobody, so it does not count. user NULL: nobody whom the brake
   counts. */
void pwned_engine_brake_apply(struct pwned_engine *engine, const char *user,
			      struct pwned_decision *decision);

/* An operator has released it, unless that is known already. */
void pwned_engine_brake_resume(struct pwned_engine *engine, uint64_t sent_secs);

/* engine-state.c: takes over what the auth before has left. */
void pwned_engine_state_start(struct pwned_engine *engine);
/* Something has changed: the state file is written within some seconds. */
void pwned_engine_state_changed(struct pwned_engine *engine);
/* Returns whether its last word is written, and nothing has changed since; else
   begins to write it. */
bool pwned_engine_state_end(struct pwned_engine *engine);
/* Writes it for the last time, unless that was done. */
void pwned_engine_state_stop(struct pwned_engine *engine);

#endif
