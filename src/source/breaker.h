/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BREAKER_H
#define PWNED_BREAKER_H

#include "breaker-snapshot.h"
#include "report.h"

#include <stdbool.h>
#include <stdint.h>

/* A circuit breaker for one source. Consecutive failures of at least
   PWNED_BREAKER_PREFIXES different prefixes open it: one prefix may fail for
   hours while others work (the real service did that in 2026). Open, the source
   is not asked, for a time that doubles with each failed probe, with jitter, so
   that many servers do not come back at once. When it is over one request at a
   time probes; its success closes the breaker. Pure: the clock is passed in,
   in milliseconds that do not go back. */
#define PWNED_BREAKER_PREFIXES 3

struct pwned_breaker {
	enum pwned_breaker_state state;
	uint64_t open_until_msecs;
	unsigned int openings; /* in a row, for the back-off */
	/* different prefixes, since the last success */
	uint32_t failed[PWNED_BREAKER_PREFIXES];
	unsigned int failed_count;
	uint64_t jitter; /* state of a generator */
};

#define PWNED_BREAKER_OPEN_MSECS     2000
#define PWNED_BREAKER_OPEN_MAX_MSECS (5 * 60 * 1000)
/* Retry-After is obeyed within these. */
#define PWNED_BREAKER_RETRY_MIN_MSECS 1000
#define PWNED_BREAKER_RETRY_MAX_MSECS (3600 * 1000)

enum pwned_breaker_answer {
	PWNED_BREAKER_ASK,
	PWNED_BREAKER_PROBE, /* ask, and tell the breaker what came of it */
	PWNED_BREAKER_DO_NOT_ASK,
};

void pwned_breaker_init(struct pwned_breaker *breaker, uint64_t seed);
/* May the source be asked now? */
enum pwned_breaker_answer pwned_breaker_ask(struct pwned_breaker *breaker,
					    uint64_t now_msecs);
/* What came of a request, which is the probe or not. Both return whether the
   state changed. A breaker that is not closed listens to its probe alone: what
   was asked before it opened tells nothing new. retry_after_msecs: of a 429 or
   503, which opens the breaker by itself; 0: none. */
bool pwned_breaker_success(struct pwned_breaker *breaker, bool probe);
bool pwned_breaker_failure(struct pwned_breaker *breaker, bool probe,
			   uint32_t prefix, uint64_t retry_after_msecs,
			   uint64_t now_msecs);
/* The probe ended without an answer either way: it was given up by us. */
void pwned_breaker_probe_cancelled(struct pwned_breaker *breaker);

/* A breaker outlives its process. The origin in a snapshot is the caller's. A
   breaker that was not closed comes back open: for the time that was left, or
   so that the next request is a probe. No time in a file keeps a source from
   being asked for longer than PWNED_BREAKER_RETRY_MAX_MSECS. One that has met a
   failure of its own knows better than a snapshot, which is not taken then. */
void pwned_breaker_save(const struct pwned_breaker *breaker, uint64_t now_msecs,
			uint64_t unix_secs,
			struct pwned_breaker_snapshot *snapshot_r);
void pwned_breaker_restore(struct pwned_breaker *breaker, uint64_t now_msecs,
			   uint64_t unix_secs,
			   const struct pwned_breaker_snapshot *snapshot);

#endif
