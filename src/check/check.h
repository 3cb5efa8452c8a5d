/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_CHECK_H
#define PWNED_CHECK_H

#include "error.h"
#include "loop.h"
#include "report.h"
#include "pwned-settings.h"
#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>

/* The check of a verified password, for every door: store, source, policy,
   brake. Not thread-safe; all in one loop. */
struct pwned_engine;
struct pwned_check;
struct pwned_flags;

enum pwned_role {
	PWNED_ROLE_AUTH,    /* writes the store, and the state file */
	PWNED_ROLE_VISITOR, /* another program: reads the store */
};

/* Of the settings, which must outlive the engine, it uses what is one for a
   server; so must the reporter; proxy_auth (user:password or NULL) is copied.
   seed: random, for the hashes of users that the brake keeps. shared: where
   accounts are on record, if several hosts share that, which must outlive the
   engine; NULL: the files of this host, if the settings name any. Returns NULL
   with what failed. */
struct pwned_engine *pwned_engine_new(const struct pwned_settings *set,
				      enum pwned_role role,
				      const char *proxy_auth, uint64_t seed,
				      struct pwned_flags *shared,
				      struct pwned_loop *loop,
				      const struct pwned_reporter *reporter,
				      struct pwned_error *error_r);
/* Further settings by which logins are checked, those of a protocol. */
void pwned_engine_add_settings(struct pwned_engine *engine,
			       const struct pwned_settings *set);
/* Ends what is in flight as unknown for `shutdown`: checks that were not
   decided yet, and those that were to be judged late. */
void pwned_engine_free(struct pwned_engine **engine);
/* Nobody needs the process now: whether it may end. Not while a thread has
   something to do, or hangs at a disk: the process would not be gone before it
   is. Nor while the disk is still to be asked for the end: the last state is
   written behind the first such question, so that the next one can be
   answered. */
bool pwned_engine_may_end(struct pwned_engine *engine);

/* A login whose password was verified, or a password that is being chosen.
   Nothing of it is kept: copy what the callback needs. */
struct pwned_login {
	/* those of the login's protocol: policy, waiting, dry run; must outlive
	   the check */
	const struct pwned_settings *set;
	/* instead of that of set; NULL: that one. A reference is taken. */
	struct pwned_policy *policy;
	const char *user;    /* NULL: nobody's: no brake, no record */
	const char *address; /* the client's, as text; NULL: not known */
	/* why the door cannot have it checked; such a login is only looked at
	   for what an operator said of its account. NONE: it can */
	enum pwned_reason skip;
	/* NULL: a password is being chosen, for any; nobody's login waits, so
	   an old range decides only where no source answers */
	const char *service;
	const char *password; /* not copied */
	size_t password_size;
};

/* What came of a check. But for the band, which is for nobody but an operator
   who asks for one account, it holds nothing that was derived from the
   password. */
struct pwned_decision {
	enum pwned_verdict verdict;
	enum pwned_reason reason; /* of unknown and unchecked */
	enum pwned_origin origin;
	enum pwned_band band; /* of breached */
	/* by policy, brake and pwned_on_unknown: what would be done */
	enum pwned_action action;
	bool braked;    /* only warned, because the brake holds */
	bool dry_run;   /* nothing is done */
	bool late;      /* the login had gone on */
	bool suspended; /* refused, or held, because an operator said so */
	/* breached: when sending stops, or stopped; unix time, 0: it does not
	 */
	uint64_t stop_secs;
	/* of HOLD: what MTAs read was not written in time */
	bool hold_late;
	/* late, and no news: the login was decided by an old range, which said
	   the same or worse */
	bool renewed;
	bool more; /* a late decision will follow */
};

/* What is to be done about the login: the action, or ALLOW in a dry run. */
enum pwned_action pwned_decision_effect(const struct pwned_decision *decision);

/* Called from the loop, or by pwned_engine_free(), for a check that was not
   decided at once: with the decision, within pwned_wait, and where that says
   `more`, once again with the late one, within pwned_fetch_timeout. It may
   start other checks, but not while the engine is freed; and it may not free
   the engine. */
typedef void pwned_check_callback(void *context,
				  const struct pwned_decision *decision);

/* Starts a check. Returns true with the decision where it is known at once;
   the callback then comes only if it says `more`. Returns false where the
   login has to wait. */
bool pwned_check_start(struct pwned_engine *engine,
		       const struct pwned_login *login,
		       pwned_check_callback *callback, void *context,
		       struct pwned_decision *decision_r);

/* The decision about a login that is not checked, for a reason that only the
   door knows. set NULL: the settings have a mistake. It is counted where there
   is an engine. */
void pwned_check_skip(struct pwned_engine *engine,
		      const struct pwned_settings *set,
		      enum pwned_reason reason,
		      struct pwned_decision *decision_r);

#endif
