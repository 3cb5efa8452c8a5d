/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_REPORT_H
#define PWNED_REPORT_H

#include "flag.h"
#include "log.h"
#include "verdict.h"

#include <stddef.h>

/* What the engine tells of itself beside log lines, for events and metrics.
   Nothing in it was derived from a password: no prefix, and neither bytes nor
   lines of a range, which tell it. */

/* One attempt to fetch a range from one source. */
struct pwned_fetch_report {
	const char *source;       /* scheme, host and port */
	enum pwned_reason reason; /* NONE: it brought a range, or a 304 */
	long status;              /* of HTTP; 0: none came */
	unsigned int duration_msecs;
};

enum pwned_breaker_state {
	PWNED_BREAKER_CLOSED,  /* the source is asked */
	PWNED_BREAKER_OPEN,    /* it is not, until its time has come */
	PWNED_BREAKER_PROBING, /* one request finds out */
};
const char *pwned_breaker_state_name(enum pwned_breaker_state state);

struct pwned_breaker_report {
	const char *source;
	enum pwned_breaker_state state;
	unsigned int open_secs; /* of OPEN: for how long */
};

/* What can be wrong with the store; the names are an interface. */
enum pwned_store_fault {
	PWNED_FAULT_OPEN, /* it cannot be used, or only in part */
	PWNED_FAULT_READ,
	PWNED_FAULT_WRITE,
	PWNED_FAULT_FULL,    /* the file system, or our bound */
	PWNED_FAULT_DAMAGED, /* a block that does not prove itself */
	PWNED_FAULT_REMOVED, /* the file, underneath */
	PWNED_FAULT_STALLED, /* the disk does not answer */
	PWNED_FAULT_STATE,   /* the state file */
	PWNED_FAULT_FLAGS,   /* the records of accounts */
	PWNED_FAULT_HOLD,    /* what MTAs read */

	PWNED_FAULTS
};
const char *pwned_store_fault_name(enum pwned_store_fault fault);

/* What came of an account's record, once that is written. */
struct pwned_flag_report {
	const char *user;
	const char *service; /* of the login; "": none */
	/* RAISED, RETURNED or LOWERED; SAME and RENEWED where only held tells
	 */
	enum pwned_flag_change change;
	bool expired; /* LOWERED because nothing was seen for too long */
	bool held;    /* mail is refused from now on */
	bool released;
	bool dry_run; /* of the login */
};

/* Where reports go; each door brings its own. Any function may be NULL. Called
   from the loop only. */
struct pwned_reporter {
	const struct pwned_log *log;
	void (*fetch)(void *context, const struct pwned_fetch_report *report);
	void (*breaker)(void *context,
			const struct pwned_breaker_report *report);
	void (*store)(void *context, enum pwned_store_fault fault,
		      const char *text);
	void (*flag)(void *context, const struct pwned_flag_report *report);
	void *context;
};

void pwned_report_fetch(const struct pwned_reporter *reporter,
			const struct pwned_fetch_report *report);
void pwned_report_breaker(const struct pwned_reporter *reporter,
			  const struct pwned_breaker_report *report);
void pwned_report_store(const struct pwned_reporter *reporter,
			enum pwned_store_fault fault, const char *text);
void pwned_report_flag(const struct pwned_reporter *reporter,
		       const struct pwned_flag_report *report);

#endif
