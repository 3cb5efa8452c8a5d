/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_COUNTERS_H
#define PWNED_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

/* What operators can count of the store and the sources; the names are an
   interface: add, never rename. Threads may count, too. */
enum pwned_counter {
	/* look-ups, by what the store had */
	PWNED_COUNT_FROM_CACHE,
	PWNED_COUNT_FROM_STORE,
	PWNED_COUNT_STALE, /* of those two: older than pwned_store_max_age */
	PWNED_COUNT_MISSES,
	PWNED_COUNT_DAMAGED_BLOCKS, /* each also a miss */
	PWNED_COUNT_READ_ERRORS,    /* each also a miss */
	PWNED_COUNT_READS_SKIPPED,  /* each also a miss: the disk hangs */

	/* what was written */
	PWNED_COUNT_WRITTEN,
	PWNED_COUNT_RENEWED, /* a new day for the same hashes */
	PWNED_COUNT_WRITE_ERRORS,
	PWNED_COUNT_WRITES_DROPPED, /* the writer's queue was full */
	PWNED_COUNT_TOO_LONG,       /* does not fit its slot */
	PWNED_COUNT_NO_ROOM,        /* pwned_store_max_size, no way to make */
	PWNED_COUNT_EVICTED,

	/* fetches, by their end */
	PWNED_COUNT_FETCHED,
	PWNED_COUNT_NOT_MODIFIED,
	PWNED_COUNT_FETCHES_FAILED,
	PWNED_COUNT_BREAKER_OPENED,
	PWNED_COUNT_LATE_BREACHED, /* the answer came after the login */

	/* logins, by how the check ended */
	PWNED_COUNT_LOGINS_CHECKED, /* clean or breached */
	PWNED_COUNT_LOGINS_UNKNOWN,
	/* and those that were not checked, by their reasons */
	PWNED_COUNT_UNCHECKED_CONFIG,
	PWNED_COUNT_UNCHECKED_SERVICE_OFF,
	PWNED_COUNT_UNCHECKED_MASTER_USER,
	PWNED_COUNT_UNCHECKED_MECHANISM,
	PWNED_COUNT_UNCHECKED_NO_PASSWORD,
	PWNED_COUNT_UNCHECKED_EXEMPT,
	PWNED_COUNT_LOGINS_REFUSED,
	PWNED_COUNT_LOGINS_HELD,
	PWNED_COUNT_HOLDS_LATE, /* MTAs could not read it in time */

	/* records of accounts */
	PWNED_COUNT_FLAGS_SLOW,    /* not there in time: decided without */
	PWNED_COUNT_FLAGS_DROPPED, /* news that could not be kept */

	PWNED_COUNTERS
};

struct pwned_counters {
	_Atomic uint64_t values[PWNED_COUNTERS];
};

const char *pwned_counter_name(enum pwned_counter counter);
void pwned_count(struct pwned_counters *counters, enum pwned_counter counter);
uint64_t pwned_counted(const struct pwned_counters *counters,
		       enum pwned_counter counter);

#endif
