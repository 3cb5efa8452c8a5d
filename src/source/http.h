/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_HTTP_H
#define PWNED_HTTP_H

#include "error.h"
#include "loop.h"
#include "pwned-settings.h"
#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* HTTP GET by libcurl's multi interface, on a loop: HTTP/2 where the server
   has it, else HTTP/1.1; connections are kept, shared and bounded; answers are
   compressed; TLS 1.2 or newer, verified; no redirects, no cookies, no proxy
   from the environment. Nothing here blocks. */
struct pwned_http;
struct pwned_http_request;

/* Over HTTP/1.1 as many requests run at once. */
#define PWNED_HTTP_MAX_CONNECTIONS 16

struct pwned_http_result {
	/* NONE: the whole body of a 200 was handed over, or body() had enough,
	   or a 304 came */
	enum pwned_reason reason;
	const char *detail; /* more about a failure for the log, or "" */
	long status;        /* 0: none came */
	bool not_modified;  /* the 304 */
	const char *etag;   /* of a 200; "": none that is usable (block.h) */
	/* how long a 429 or 503 asks to be left alone; 0: it does not */
	uint64_t retry_after_msecs;
};

struct pwned_http_handler {
	/* A piece of the body of a 200. Returns false when the rest is not
	   wanted. */
	bool (*body)(void *context, const char *data, size_t size);
	/* The end, exactly once unless the request is cancelled; the request is
	   gone then, and the result goes with the call. It may start and cancel
	   requests. */
	void (*done)(void *context, const struct pwned_http_result *result);
};

/* Takes CA file, proxy and padding from the settings. proxy_auth is
   user:password or NULL; libcurl keeps a copy, in memory that wipes itself.
   Returns NULL with what failed. */
struct pwned_http *pwned_http_new(const struct pwned_settings *set,
				  const char *proxy_auth,
				  const char *user_agent,
				  struct pwned_loop *loop,
				  struct pwned_error *error_r);
/* The same with connections of its own, none of which is there yet. Returns
   NULL when memory is short. */
struct pwned_http *pwned_http_renew(const struct pwned_http *http);
/* Ends what is under way without calling back. */
void pwned_http_free(struct pwned_http **http);

/* Starts a request, which has no time limit of its own: cancel it. etag: the
   range is only wanted if it has another entity tag by now, else a 304; NULL:
   in any case. Returns NULL with the reason when it cannot be started:
   INTERNAL, or RESOLVE where too many look-ups of names hang already. */
struct pwned_http_request *pwned_http_get(
	struct pwned_http *http, const char *url, const char *etag,
	const struct pwned_http_handler *handler, void *context,
	enum pwned_reason *reason_r);
void pwned_http_cancel(struct pwned_http_request **request);

/* Whether a request had to be cancelled that had been sent over a kept
   connection and got no answer. Over HTTP/2 others go on to share that
   connection, for as long as TCP takes to find it dead: better to begin anew,
   with pwned_http_renew(). */
bool pwned_http_is_stalled(const struct pwned_http *http);
/* Whether no request is under way. */
bool pwned_http_is_idle(const struct pwned_http *http);

#endif
