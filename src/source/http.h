/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_HTTP_H
#define PWNED_HTTP_H

#include "error.h"
#include "loop.h"
#include "settings.h"
#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>

/* HTTP GET by libcurl's multi interface, on a loop: HTTP/2 where the server
   has it, else HTTP/1.1; connections are kept, shared and bounded; answers are
   compressed; TLS 1.2 or newer, verified; no redirects, no cookies, nothing
   from the environment. Nothing here blocks. */
struct pwned_http;
struct pwned_http_request;

/* Over HTTP/1.1 as many requests run at once. */
#define PWNED_HTTP_MAX_CONNECTIONS 16

struct pwned_http_handler {
	/* A piece of the body of a 200. Returns false when the rest is not
	   wanted. */
	bool (*body)(void *context, const char *data, size_t size);
	/* The end, exactly once unless the request is cancelled; the request is
	   gone then. reason NONE: the whole body was handed over, or body() had
	   enough. detail: more about a failure for the log, or "". It may start
	   and cancel requests. */
	void (*done)(void *context, enum pwned_reason reason,
		     const char *detail);
};

/* Takes CA file, proxy and padding from the settings. proxy_auth is
   user:password or NULL; libcurl keeps a copy, in memory that wipes itself.
   Returns NULL with what failed. */
struct pwned_http *pwned_http_new(const struct pwned_settings *set,
				  const char *proxy_auth,
				  const char *user_agent,
				  struct pwned_loop *loop,
				  struct pwned_error *error_r);
/* Ends what is under way without calling back. */
void pwned_http_free(struct pwned_http **http);

/* Starts a request, which has no time limit of its own: cancel it. Returns
   NULL when it cannot be started. */
struct pwned_http_request *pwned_http_get(
	struct pwned_http *http, const char *url,
	const struct pwned_http_handler *handler, void *context);
void pwned_http_cancel(struct pwned_http_request **request);

#endif
