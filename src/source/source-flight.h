/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SOURCE_FLIGHT_H
#define PWNED_SOURCE_FLIGHT_H

#include "http.h"
#include "prefix-map.h"
#include "range-parser.h"
#include "source.h"

#include <sys/queue.h>

/* The fetch of a prefix, for all who ask for it meanwhile: one source after the
   other, until one has an answer or the time is over. */
struct pwned_fetch {
	TAILQ_ENTRY(pwned_fetch) entry;
	struct pwned_flight *flight;
	/* whether the label that it was asked with is the flight's, so that
	   "not modified" is an answer */
	bool knows;
	pwned_fetch_callback *callback;
	void *context;
};
TAILQ_HEAD(pwned_fetch_list, pwned_fetch);

enum pwned_flight_place {
	PWNED_FLIGHT_NOWHERE, /* not in the queue yet, or not any more */
	PWNED_FLIGHT_WAITING,
	PWNED_FLIGHT_RUNNING,
};

struct pwned_flight {
	struct pwned_prefix_node node; /* must be first */
	struct pwned_source *source;
	struct pwned_fetch_list waiting;
	struct pwned_range_label known; /* without a tag: none */
	uint64_t deadline_msecs;
	/* at a source that works for others, so that it is the prefix's own */
	bool failed_alone;

	/* the queue's */
	TAILQ_ENTRY(pwned_flight) entry;
	enum pwned_flight_place place;
	enum pwned_fetch_mode mode;
	bool given_up;             /* about to be told so */
	struct pwned_timer *timer; /* ends the waiting, then each attempt */

	/* the attempt */
	unsigned int endpoint; /* which source, of all */
	bool probe;            /* its breaker waits for what comes of it */
	uint64_t started_msecs;
	struct pwned_http_request *request;
	struct pwned_range_parser *parser;
	size_t body_bytes;         /* that the parser has taken */
	enum pwned_reason failure; /* known before the end of the body */
};

/* A flight that nobody waits for and that is in no queue yet. Returns NULL when
   memory is short. */
struct pwned_flight *pwned_flight_new(struct pwned_source *source,
				      uint32_t prefix,
				      const struct pwned_range_label *known,
				      enum pwned_fetch_mode mode);
/* Ends it without calling back. */
void pwned_flight_free(struct pwned_flight **flight);

/* Looks for a source that may be asked, from flight->endpoint on; a probe is
   taken by that. Returns false where there is none. */
bool pwned_flight_choose(struct pwned_flight *flight);
/* Whether no source that it may still ask is likely to answer. */
bool pwned_flight_is_in_doubt(const struct pwned_flight *flight);

/* Returns NULL when memory is short. */
struct pwned_fetch *pwned_flight_join(struct pwned_flight *flight,
				      const struct pwned_range_label *known,
				      pwned_fetch_callback *callback,
				      void *context);

/* Its turn has come, or never will. Both may end it. */
void pwned_flight_start(struct pwned_flight *flight);
void pwned_flight_give_up(struct pwned_flight *flight);

#endif
