/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SOURCE_H
#define PWNED_SOURCE_H

#include "breaker.h"
#include "counters.h"
#include "error.h"
#include "loop.h"
#include "range.h"
#include "report.h"
#include "pwned-settings.h"
#include "verdict.h"

/* Ranges from the configured sources, tried in order. However many ask for a
   prefix, it is fetched once; a bounded number of fetches runs, a bounded
   number more waits, urgent ones first. A prefix that failed is not asked again
   for a while, which grows with each failure; a source whose breaker is open is
   not asked at all. */
struct pwned_source;
struct pwned_fetch;

#define PWNED_SOURCE_MAX_RUNNING     64
#define PWNED_SOURCE_MAX_QUEUED      4096
#define PWNED_SOURCE_RETRY_MSECS     10000
#define PWNED_SOURCE_RETRY_MAX_MSECS (3600 * 1000)

/* What came of a fetch. */
struct pwned_fetch_result {
	enum pwned_reason reason; /* NONE: one of the next two */
	/* 304: what is known under the label that the fetch was asked with is
	   still right */
	bool not_modified;
	struct pwned_range *range; /* stays the source's; NULL: none */
};
typedef void pwned_fetch_callback(void *context,
				  const struct pwned_fetch_result *result);

/* Every range that was fetched, once, before those who wait for it are called.
   range NULL: what stands under the label was not modified since; its day is to
   be today's. */
typedef void pwned_range_callback(void *context,
				  const struct pwned_range_label *label,
				  struct pwned_range *range);

/* The settings must outlive the source, and so must counters and reporter;
   proxy_auth (user:password or NULL) is copied. Returns NULL with what
   failed. */
struct pwned_source *pwned_source_new(
	const struct pwned_settings *set, const char *proxy_auth,
	struct pwned_loop *loop, const struct pwned_reporter *reporter,
	struct pwned_counters *counters, pwned_range_callback *fetched,
	void *context, struct pwned_error *error_r);
/* Ends what is under way; whoever still waits is not called any more. */
void pwned_source_free(struct pwned_source **source);

/* How the caller may wait for a fetch. */
enum pwned_fetch_mode {
	PWNED_FETCH_LATER, /* behind a login that was decided: it may wait */
	PWNED_FETCH_NORMAL,
	PWNED_FETCH_URGENT, /* the login may be refused by it */
};

/* Asks for a range. known: the label of a block that is held and too old, whose
   tag makes the request conditional; else NULL. Calls back from the loop,
   exactly once unless cancelled, within pwned_fetch_timeout. *probe_r: the
   source is most likely down and this request finds out: a login should not
   wait for it. Returns NULL, and does not call back, where it is known at once
   that there will be no answer: *reason_r says why, BREAKER_OPEN where no
   source is to be asked. */
struct pwned_fetch *pwned_source_fetch(struct pwned_source *source,
				       uint32_t prefix,
				       const struct pwned_range_label *known,
				       enum pwned_fetch_mode mode,
				       pwned_fetch_callback *callback,
				       void *context, bool *probe_r,
				       enum pwned_reason *reason_r);
/* Stops waiting; the fetch itself goes on. */
void pwned_fetch_cancel(struct pwned_fetch **fetch);

/* Breakers outlive the process by the state file: one a source, in their order.
   Each carries its source's origin, so that one of another source is not
   taken. */
unsigned int pwned_source_count(const struct pwned_source *source);
void pwned_source_save_breaker(const struct pwned_source *source,
			       unsigned int index,
			       struct pwned_breaker_snapshot *snapshot_r);
void pwned_source_restore_breaker(
	struct pwned_source *source,
	const struct pwned_breaker_snapshot *snapshot);

#endif
