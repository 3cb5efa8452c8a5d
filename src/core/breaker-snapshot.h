/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BREAKER_SNAPSHOT_H
#define PWNED_BREAKER_SNAPSHOT_H

#include <stdint.h>

/* What of a breaker outlives the process. */
struct pwned_breaker_snapshot {
	uint32_t origin;          /* of its source: pwned_source_origin() */
	uint64_t open_until_secs; /* unix time; 0: it is closed */
	unsigned int openings;
};

#endif
