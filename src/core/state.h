/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_STATE_H
#define PWNED_STATE_H

#include "brake-snapshot.h"
#include "breaker-snapshot.h"
#include "counters.h"
#include "error.h"
#include "pwned-settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What outlives an auth process, and what operators see of it, as the text of
   its state file: a first line with the form's version, then lines

       name = value

   It names no user, and of a source only what a log may. Pure. */

/* More than any state takes: most of it is the brake's users. */
#define PWNED_STATE_TEXT_MAX (40 * 1024)
/* Times in a text are earlier than this, for whoever reckons with them. */
#define PWNED_STATE_SECS_END (UINT64_C(1) << 36)
/* Scheme, host and port of a source; what is longer is cut. */
#define PWNED_STATE_NAME_MAX 300
#define PWNED_STATE_WORD_MAX 15

struct pwned_state_source {
	struct pwned_breaker_snapshot breaker;
	char name[PWNED_STATE_NAME_MAX + 1];
};

/* Times are unix time; 0: not known. */
struct pwned_state {
	uint64_t started_secs; /* of the auth process that wrote it ... */
	uint64_t pid;          /* ... which these two tell from any other */
	uint64_t written_secs;
	bool ended;          /* it wrote this when it ended */
	uint64_t since_secs; /* the counters count */
	uint64_t counters[PWNED_COUNTERS];
	struct pwned_state_source sources[PWNED_SOURCES_MAX];
	unsigned int sources_length;
	struct pwned_brake_snapshot brake;
	uint64_t resumed_secs; /* when the operator sent what released it */
	uint64_t queue_length, queue_length_max;   /* of the store's writer */
	char store_mode[PWNED_STATE_WORD_MAX + 1]; /* pwned_store_mode() */
};

/* Adds a source. Returns false where there are PWNED_SOURCES_MAX. name: of
   pwned_url_origin_length() bytes. */
bool pwned_state_add_source(struct pwned_state *state,
			    const struct pwned_breaker_snapshot *breaker,
			    const char *name, size_t name_size);

/* Returns the size of the text, without a NUL, or 0 where it does not fit;
   PWNED_STATE_TEXT_MAX is enough. */
size_t pwned_state_print(const struct pwned_state *state, char *text_r,
			 size_t size);
/* Reads any bytes. Names that it does not know are a newer writer's, and what
   is missing is 0. Returns false with the line and what was expected; the state
   is then empty. */
bool pwned_state_parse(const char *text, size_t size,
		       struct pwned_state *state_r,
		       struct pwned_error *error_r);

/* Whether a file that holds `there` is that of an auth which started later than
   that of `mine`, which was written now. Else nobody could write any more: one
   that ended is nobody's, as is one that has not been written for an hour, and
   one of a time to come, when the clock was wrong. */
bool pwned_state_is_newer(const struct pwned_state *there,
			  const struct pwned_state *mine);

#endif
