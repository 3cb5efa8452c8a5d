/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_VERDICT_H
#define PWNED_VERDICT_H

#include <stdint.h>

/* The words in which every outcome is told: in events, metrics, log lines and
   doc/. Their names are an interface: add, never rename. */

enum pwned_verdict {
	PWNED_VERDICT_CLEAN,
	PWNED_VERDICT_BREACHED,
	/* we asked and could not tell */
	PWNED_VERDICT_UNKNOWN,
	/* we did not ask; always allowed */
	PWNED_VERDICT_UNCHECKED,
};

enum pwned_action {
	PWNED_ACTION_OFF, /* in a policy only: do not check at all */
	PWNED_ACTION_ALLOW,
	PWNED_ACTION_WARN,
	PWNED_ACTION_HOLD, /* the login goes on, the MTA refuses mail */
	PWNED_ACTION_DENY,
	PWNED_ACTION_TEMPFAIL,
};

/* Where the answer came from. */
enum pwned_origin {
	PWNED_ORIGIN_NONE,  /* nobody was asked, or nobody answered */
	PWNED_ORIGIN_CACHE, /* memory of this process */
	PWNED_ORIGIN_STORE, /* the store on disk */
	PWNED_ORIGIN_STALE, /* from either, older than it should be */
	PWNED_ORIGIN_SOURCE,
};

/* Why a verdict is unknown or unchecked. */
enum pwned_reason {
	PWNED_REASON_NONE,

	/* unchecked */
	PWNED_REASON_CONFIG,      /* our settings have a mistake */
	PWNED_REASON_SERVICE_OFF, /* the policy says off */
	PWNED_REASON_MASTER_USER, /* the password is the master's */
	PWNED_REASON_MECHANISM,   /* the secret is no password, or not seen */
	PWNED_REASON_NO_PASSWORD, /* none was asked for, or it is empty */
	PWNED_REASON_EXEMPT,      /* by the settings, or by an operator */

	/* unknown, on our side */
	PWNED_REASON_NO_WAIT, /* pwned_wait = 0 */
	PWNED_REASON_QUEUE_FULL,
	PWNED_REASON_SHUTDOWN,
	PWNED_REASON_INTERNAL,   /* memory, OpenSSL or libcurl failed */
	PWNED_REASON_STORE_SLOW, /* the disk did not answer in time */

	/* unknown, on the source's side */
	PWNED_REASON_TIMEOUT,
	PWNED_REASON_RESOLVE, /* its name, or its proxy's */
	PWNED_REASON_CONNECT,
	PWNED_REASON_TLS, /* also a certificate that does not fit */
	PWNED_REASON_PROXY,
	PWNED_REASON_HTTP_STATUS, /* anything but 200 */
	PWNED_REASON_PROTOCOL,    /* no HTTP, or broken HTTP */
	PWNED_REASON_CUT_BODY,
	PWNED_REASON_NO_LENGTH, /* an end that cannot be told from a cut */
	PWNED_REASON_EMPTY_BODY,
	PWNED_REASON_TOO_LARGE,
	PWNED_REASON_BAD_LINE,
	PWNED_REASON_BREAKER_OPEN, /* it failed before, and is not asked now */

	PWNED_REASON_COUNT
};

/* About how often a breached password was seen. An exact count gives a common
   password away, so people see bands, and those only of one account. */
enum pwned_band {
	PWNED_BAND_NONE,
	PWNED_BAND_1,    /* 1 to 9 */
	PWNED_BAND_10,   /* 10 to 99 */
	PWNED_BAND_100,  /* 100 to 999 */
	PWNED_BAND_1000, /* 1000 or more */
};
enum pwned_band pwned_band_of(uint64_t count);
/* The counts of a band but NONE: from first, up to below end. */
void pwned_band_range(enum pwned_band band, uint64_t *first_r, uint64_t *end_r);
const char *pwned_band_text(enum pwned_band band);

/* Names as they stand in events: static text, lower case, "none" for none. */
const char *pwned_verdict_name(enum pwned_verdict verdict);
const char *pwned_action_name(enum pwned_action action);
const char *pwned_origin_name(enum pwned_origin origin);
const char *pwned_reason_name(enum pwned_reason reason);

/* The same for people: half a sentence, such as "its certificate is not
   valid". */
const char *pwned_reason_text(enum pwned_reason reason);

#endif
