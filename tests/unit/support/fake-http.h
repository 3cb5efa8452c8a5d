/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_FAKE_HTTP_H
#define PWNED_TEST_FAKE_HTTP_H

#include "http.h"

/* Stands in for http.h, so that a test sees which requests run, and ends them
   as it likes. There is one of it. It wants user:password for the proxy and our
   User-Agent. */
#define FAKE_HTTP_REQUESTS_MAX 8192

struct fake_http {
	unsigned int length; /* all requests that ever came */
	unsigned int running;
	enum pwned_reason refuse; /* why requests cannot be started */
	bool stalled; /* so says the newest instance until it is renewed */
	unsigned int instances; /* not freed yet */
};

extern struct fake_http fake_http;

/* Requests are numbered in the order in which they came. */
bool fake_http_is_running(unsigned int number);
/* Whether the request was given to the newest instance. */
bool fake_http_is_newest(unsigned int number);
const char *fake_http_url(unsigned int number);
/* The entity tag that made it conditional; NULL: none did. */
const char *fake_http_etag(unsigned int number);
/* Hands over a piece of the body. Returns what the handler does. */
bool fake_http_body(unsigned int number, const char *data, size_t size);
void fake_http_finish(unsigned int number,
		      const struct pwned_http_result *result);
/* The same where there is nothing else to say. */
void fake_http_end(unsigned int number, enum pwned_reason reason,
		   const char *detail);
/* Hands over a body in one piece, and ends the request well. */
void fake_http_answer(unsigned int number, const char *body);
void fake_http_answer_tagged(unsigned int number, const char *body,
			     const char *etag);
/* A 304, which only a conditional request may get. */
void fake_http_not_modified(unsigned int number);
/* A refusal that asks to be left alone; 0: that does not. */
void fake_http_refuse(unsigned int number, long status,
		      uint64_t retry_after_msecs);

#endif
