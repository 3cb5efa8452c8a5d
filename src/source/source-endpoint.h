/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SOURCE_ENDPOINT_H
#define PWNED_SOURCE_ENDPOINT_H

#include "breaker.h"
#include "counters.h"
#include "loop.h"
#include "report.h"
#include "verdict.h"

/* One of the configured sources: its breaker, and what operators are told of
   it. */
struct pwned_endpoint {
	const char *url; /* as configured; the settings' */
	uint32_t origin; /* pwned_source_origin() */
	char *name;      /* scheme, host and port; all that is fit for a log */
	struct pwned_breaker breaker;

	struct pwned_loop *loop;
	const struct pwned_reporter *reporter;
	struct pwned_counters *counters;
	/* of failures: one line a minute for each kind */
	struct pwned_endpoint_warning {
		uint64_t next_msecs;
		unsigned int suppressed;
	} warnings[PWNED_REASON_COUNT];
};

/* Returns false when memory is short. */
bool pwned_endpoint_init(struct pwned_endpoint *endpoint, const char *url,
			 struct pwned_loop *loop,
			 const struct pwned_reporter *reporter,
			 struct pwned_counters *counters);
void pwned_endpoint_deinit(struct pwned_endpoint *endpoint);

/* May it be asked now? Whoever is told PROBE tells what came of it, or
   pwned_endpoint_give_up_probe(). */
enum pwned_breaker_answer pwned_endpoint_ask(struct pwned_endpoint *endpoint);
/* The probe will bring no answer: we have ended it. */
void pwned_endpoint_give_up_probe(struct pwned_endpoint *endpoint);
bool pwned_endpoint_is_closed(const struct pwned_endpoint *endpoint);

/* What came of an attempt to fetch a range. */
struct pwned_attempt {
	uint32_t prefix;
	bool probe;
	enum pwned_reason reason; /* NONE: it is a range, or a 304 */
	const char *detail;       /* more about a failure for the log, or "" */
	long status;              /* of HTTP; 0: none came */
	uint64_t retry_after_msecs; /* 0: none */
	unsigned int duration_msecs;
};

/* Reports it, and tells the breaker. Returns whether that closed it: then what
   failed before is no longer to be held against anybody. */
bool pwned_endpoint_tell(struct pwned_endpoint *endpoint,
			 const struct pwned_attempt *attempt);

#endif
