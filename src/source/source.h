/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SOURCE_H
#define PWNED_SOURCE_H

#include "error.h"
#include "log.h"
#include "loop.h"
#include "range.h"
#include "pwned-settings.h"
#include "verdict.h"

/* Ranges from the configured sources, tried in order. However many ask for a
   prefix, it is fetched once; a bounded number of fetches runs, a bounded
   number more waits, urgent ones first; a prefix that failed is not asked
   again for a while. */
struct pwned_source;
struct pwned_fetch;

#define PWNED_SOURCE_MAX_RUNNING 64
#define PWNED_SOURCE_MAX_QUEUED  4096
#define PWNED_SOURCE_RETRY_MSECS 10000

/* The end of a fetch: reason NONE with the range, which stays the source's, or
   why there is none and NULL. */
typedef void pwned_fetch_callback(void *context, enum pwned_reason reason,
				  struct pwned_range *range);
/* Every range that was fetched, once, before those who wait for it. */
typedef void pwned_range_callback(void *context, uint32_t prefix,
				  struct pwned_range *range);

/* The settings must outlive the source; proxy_auth (user:password or NULL) is
   copied. Returns NULL with what failed. */
struct pwned_source *pwned_source_new(const struct pwned_settings *set,
				      const char *proxy_auth,
				      struct pwned_loop *loop,
				      const struct pwned_log *log,
				      pwned_range_callback *fetched,
				      void *context,
				      struct pwned_error *error_r);
/* Ends what is under way; whoever still waits is not called any more. */
void pwned_source_free(struct pwned_source **source);

/* Asks for a range. Calls back from the loop, exactly once unless cancelled,
   within pwned_fetch_timeout. Returns NULL, and does not call back, where it
   is known at once that there will be no answer: *reason_r says why. */
struct pwned_fetch *pwned_source_fetch(struct pwned_source *source,
				       uint32_t prefix, bool urgent,
				       pwned_fetch_callback *callback,
				       void *context,
				       enum pwned_reason *reason_r);
/* Stops waiting; the fetch itself goes on. */
void pwned_fetch_cancel(struct pwned_fetch **fetch);

#endif
