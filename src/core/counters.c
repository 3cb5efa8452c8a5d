/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters and their names. */

#include "counters.h"

static const char *const names[PWNED_COUNTERS] = {
	[PWNED_COUNT_FROM_CACHE] = "from_cache",
	[PWNED_COUNT_FROM_STORE] = "from_store",
	[PWNED_COUNT_STALE] = "stale",
	[PWNED_COUNT_MISSES] = "misses",
	[PWNED_COUNT_DAMAGED_BLOCKS] = "damaged_blocks",
	[PWNED_COUNT_READ_ERRORS] = "read_errors",
	[PWNED_COUNT_READS_SKIPPED] = "reads_skipped",
	[PWNED_COUNT_WRITTEN] = "written",
	[PWNED_COUNT_RENEWED] = "renewed",
	[PWNED_COUNT_WRITE_ERRORS] = "write_errors",
	[PWNED_COUNT_WRITES_DROPPED] = "writes_dropped",
	[PWNED_COUNT_TOO_LONG] = "too_long",
	[PWNED_COUNT_NO_ROOM] = "no_room",
	[PWNED_COUNT_EVICTED] = "evicted",
	[PWNED_COUNT_FETCHED] = "fetched",
	[PWNED_COUNT_NOT_MODIFIED] = "not_modified",
	[PWNED_COUNT_FETCHES_FAILED] = "fetches_failed",
	[PWNED_COUNT_BREAKER_OPENED] = "breaker_opened",
	[PWNED_COUNT_LATE_BREACHED] = "late_breached",
	[PWNED_COUNT_LOGINS_CHECKED] = "logins_checked",
	[PWNED_COUNT_LOGINS_UNKNOWN] = "logins_unknown",
	[PWNED_COUNT_UNCHECKED_CONFIG] = "unchecked_config",
	[PWNED_COUNT_UNCHECKED_SERVICE_OFF] = "unchecked_service_off",
	[PWNED_COUNT_UNCHECKED_MASTER_USER] = "unchecked_master_user",
	[PWNED_COUNT_UNCHECKED_MECHANISM] = "unchecked_mechanism",
	[PWNED_COUNT_UNCHECKED_NO_PASSWORD] = "unchecked_no_password",
	[PWNED_COUNT_UNCHECKED_EXEMPT] = "unchecked_exempt",
	[PWNED_COUNT_LOGINS_REFUSED] = "logins_refused",
	[PWNED_COUNT_LOGINS_HELD] = "logins_held",
	[PWNED_COUNT_HOLDS_LATE] = "holds_late",
	[PWNED_COUNT_FLAGS_SLOW] = "flags_slow",
	[PWNED_COUNT_FLAGS_DROPPED] = "flags_dropped",
};

const char *pwned_counter_name(enum pwned_counter counter)
{
	return names[counter];
}

void pwned_count(struct pwned_counters *counters, enum pwned_counter counter)
{
	(void)atomic_fetch_add_explicit(&counters->values[counter], 1,
					memory_order_relaxed);
}

uint64_t pwned_counted(const struct pwned_counters *counters,
		       enum pwned_counter counter)
{
	return atomic_load_explicit(&counters->values[counter],
				    memory_order_relaxed);
}
