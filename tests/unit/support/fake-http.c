/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP for tests. */

#include "fake-http.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pwned_http_request {
	struct pwned_http *http;
	bool running;
	char url[64];
	bool conditional;
	char etag[128];
	const struct pwned_http_handler *handler;
	void *context;
};

struct pwned_http {
	unsigned int running;
};

struct fake_http fake_http;
static struct pwned_http_request requests[FAKE_HTTP_REQUESTS_MAX];
static struct pwned_http *newest;

static struct pwned_http *http_alloc(void)
{
	newest = calloc(1, sizeof(*newest));
	assert_non_null(newest);
	fake_http.instances++;
	fake_http.stalled = false;
	return newest;
}

struct pwned_http *pwned_http_new(const struct pwned_settings *set,
				  const char *proxy_auth,
				  const char *user_agent,
				  struct pwned_loop *loop,
				  struct pwned_error *error_r)
{
	(void)set;
	(void)loop;
	(void)error_r;
	assert_string_equal(proxy_auth, "user:password");
	assert_int_equal(strncmp(user_agent, "dovecot-pwned/", 14), 0);
	assert_int_equal(fake_http.instances, 0);
	fake_http = (struct fake_http){ .length = 0 };
	return http_alloc();
}

struct pwned_http *pwned_http_renew(const struct pwned_http *http)
{
	assert_ptr_equal(http, newest);
	return http_alloc();
}

void pwned_http_free(struct pwned_http **http)
{
	if (*http == NULL)
		return;
	assert_int_equal((*http)->running, 0);
	free(*http);
	*http = NULL;
	fake_http.instances--;
}

bool pwned_http_is_stalled(const struct pwned_http *http)
{
	return http == newest && fake_http.stalled;
}

bool pwned_http_is_idle(const struct pwned_http *http)
{
	return http->running == 0;
}

struct pwned_http_request *pwned_http_get(
	struct pwned_http *http, const char *url, const char *etag,
	const struct pwned_http_handler *handler, void *context,
	enum pwned_reason *reason_r)
{
	struct pwned_http_request *request = &requests[fake_http.length];

	assert_true(fake_http.length < FAKE_HTTP_REQUESTS_MAX);
	*reason_r = fake_http.refuse;
	if (fake_http.refuse != PWNED_REASON_NONE)
		return NULL;
	request->http = http;
	request->running = true;
	request->handler = handler;
	request->context = context;
	(void)snprintf(request->url, sizeof(request->url), "%s", url);
	request->conditional = etag != NULL;
	(void)snprintf(request->etag, sizeof(request->etag), "%s",
		       etag != NULL ? etag : "");
	fake_http.length++;
	fake_http.running++;
	http->running++;
	return request;
}

static void request_end(struct pwned_http_request *request)
{
	assert_true(request->running);
	request->running = false;
	request->http->running--;
	fake_http.running--;
}

void pwned_http_cancel(struct pwned_http_request **request)
{
	request_end(*request);
	*request = NULL;
}

static struct pwned_http_request *request_of(unsigned int number)
{
	assert_true(number < fake_http.length);
	return &requests[number];
}

bool fake_http_is_running(unsigned int number)
{
	return request_of(number)->running;
}

bool fake_http_is_newest(unsigned int number)
{
	return request_of(number)->http == newest;
}

const char *fake_http_url(unsigned int number)
{
	return request_of(number)->url;
}

const char *fake_http_etag(unsigned int number)
{
	const struct pwned_http_request *request = request_of(number);

	return request->conditional ? request->etag : NULL;
}

bool fake_http_body(unsigned int number, const char *data, size_t size)
{
	struct pwned_http_request *request = request_of(number);

	assert_true(request->running);
	return request->handler->body(request->context, data, size);
}

void fake_http_finish(unsigned int number,
		      const struct pwned_http_result *result)
{
	struct pwned_http_request *request = request_of(number);

	request_end(request);
	request->handler->done(request->context, result);
}

void fake_http_end(unsigned int number, enum pwned_reason reason,
		   const char *detail)
{
	const struct pwned_http_result result = {
		.reason = reason,
		.detail = detail,
		.etag = "",
	};

	fake_http_finish(number, &result);
}

void fake_http_answer(unsigned int number, const char *body)
{
	fake_http_answer_tagged(number, body, "");
}

void fake_http_answer_tagged(unsigned int number, const char *body,
			     const char *etag)
{
	const struct pwned_http_result result = {
		.detail = "",
		.status = 200,
		.etag = etag,
	};

	(void)fake_http_body(number, body, strlen(body));
	fake_http_finish(number, &result);
}

void fake_http_not_modified(unsigned int number)
{
	const struct pwned_http_result result = {
		.detail = "",
		.status = 304,
		.not_modified = true,
		.etag = "",
	};

	assert_true(request_of(number)->conditional);
	fake_http_finish(number, &result);
}

void fake_http_refuse(unsigned int number, long status,
		      uint64_t retry_after_msecs)
{
	const struct pwned_http_result result = {
		.reason = PWNED_REASON_HTTP_STATUS,
		.detail = "",
		.status = status,
		.etag = "",
		.retry_after_msecs = retry_after_msecs,
	};

	fake_http_finish(number, &result);
}
