/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_RANGE_QUERY_H
#define PWNED_RANGE_QUERY_H

#include "digest.h"
#include "loop.h"
#include "source.h"
#include "store.h"
#include "verdict.h"

#include <stdbool.h>
#include <stdint.h>

struct pwned_engine;

/* What the range says of a password: store first, then source. */
struct pwned_finding {
	enum pwned_verdict verdict; /* CLEAN, BREACHED or UNKNOWN */
	enum pwned_reason reason;   /* of UNKNOWN */
	enum pwned_origin origin;
	uint64_t count; /* of BREACHED; for a policy, and for nobody's eyes */
	/* after the query was told not to wait any more */
	bool late;
	/* late, and no news: an old range had said the same, or worse */
	bool renewed;
};

/* What is at hand, without waiting. */
struct pwned_query_opening {
	enum pwned_store_result result;
	bool stale; /* it may decide, but is to be asked for anew */
	struct pwned_store_answer answer;
};
/* Returns true with what a fresh range says. The opening is for what follows at
   once, before anything else is done with the store. */
bool pwned_query_open(struct pwned_engine *engine,
		      const struct pwned_digest *digest,
		      struct pwned_query_opening *opening_r,
		      struct pwned_finding *finding_r);
/* What is said where no query can be begun, for that reason. */
void pwned_query_do_without(const struct pwned_query_opening *opening,
			    enum pwned_reason reason,
			    struct pwned_finding *finding_r);

/* Called from the loop: with a finding in time, and, where the query went on
   behind one, once more with the late one. */
typedef void pwned_query_callback(void *context,
				  const struct pwned_finding *finding);

struct pwned_query_params {
	/* a password that is being chosen: nobody's login waits, so the source
	   is asked also where there is an old range, which decides only
	   without an answer */
	bool is_choice;
	bool urgent;   /* a login may be refused by it */
	bool may_wait; /* else nothing is waited for */
};

/* Embedded; all is the query's. */
struct pwned_query {
	struct pwned_engine *engine;
	struct pwned_query_params params;
	pwned_query_callback *callback;
	void *context;
	bool asks; /* an answer, or a late one, is to come */

	struct pwned_digest digest;
	struct pwned_store_read *read;
	struct pwned_fetch *fetch;
	struct pwned_timer *timer; /* ends a late one */
	uint64_t deadline_msecs;
	bool decided; /* what comes now is late */
	/* what an old range says, and the label by which the source is asked
	   whether that is still right */
	bool has_old;
	bool is_renewal; /* it was said already */
	uint64_t old_count;
	struct pwned_range_label old_label;
};

/* Begins with an opening. Returns true with what is said at once; query->asks
   then tells whether a late answer follows. */
bool pwned_query_begin(struct pwned_query *query, struct pwned_engine *engine,
		       const struct pwned_query_params *params,
		       const struct pwned_digest *digest,
		       const struct pwned_query_opening *opening,
		       pwned_query_callback *callback, void *context,
		       struct pwned_finding *finding_r);
/* It was waited for long enough: says what there is; a late answer follows. */
void pwned_query_go_on(struct pwned_query *query,
		       struct pwned_finding *finding_r);
/* The engine ends: what is said instead of an answer. */
void pwned_query_give_up(struct pwned_query *query, enum pwned_reason reason,
			 struct pwned_finding *finding_r);
/* Ends it without an answer, and wipes it. */
void pwned_query_deinit(struct pwned_query *query);

#endif
