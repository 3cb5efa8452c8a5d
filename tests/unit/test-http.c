/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP by libcurl on a loop, against a real server on 127.0.0.1. TLS, HTTP/2
   and compression are shown by the tests with real daemons. */

#include "support/fake-loop.h"
#include "support/tiny-server.h"
#include "support/unit.h"
#include "http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATH       "/range/5BAA6"
#define USER_AGENT "dovecot-pwned/test"
#define HELLO      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

struct fixture {
	struct pwned_loop *loop;
	struct pwned_settings set;
	struct pwned_http *http;
	struct tiny_server server;
};

struct call {
	struct fixture *fixture;
	struct pwned_http_request *request;
	char body[64];
	bool body_refused;
	const char *etag_known; /* makes it conditional */
	bool done;
	unsigned int done_count;
	enum pwned_reason reason;
	char detail[256];
	long status;
	bool not_modified;
	char etag[128];
	uint64_t retry_after_msecs;
	struct call *then;    /* started when this one is done */
	struct call *cancels; /* cancelled when this one is done */
	unsigned int *left;   /* counted down when this one is done */
	bool *all_done;       /* set when none is left */
};

static bool on_body(void *context, const char *data, size_t size)
{
	struct call *call = context;
	size_t used = strlen(call->body);

	assert_true(used + size < sizeof(call->body));
	memcpy(call->body + used, data, size);
	return !call->body_refused;
}

static void on_done(void *context, const struct pwned_http_result *result);

static const struct pwned_http_handler handler = { on_body, on_done };

static void start_at(struct fixture *f, struct call *call, const char *scheme,
		     unsigned int port)
{
	enum pwned_reason reason;
	char url[128];

	call->fixture = f;
	(void)snprintf(url, sizeof(url), "%s://127.0.0.1:%u" PATH, scheme,
		       port);
	call->request = pwned_http_get(f->http, url, call->etag_known, &handler,
				       call, &reason);
	assert_non_null(call->request);
}

static void start(struct fixture *f, struct call *call)
{
	start_at(f, call, "http", f->server.port);
}

static void on_done(void *context, const struct pwned_http_result *result)
{
	struct call *call = context;

	call->request = NULL;
	call->done = true;
	call->done_count++;
	call->reason = result->reason;
	(void)snprintf(call->detail, sizeof(call->detail), "%s",
		       result->detail);
	call->status = result->status;
	call->not_modified = result->not_modified;
	(void)snprintf(call->etag, sizeof(call->etag), "%s", result->etag);
	call->retry_after_msecs = result->retry_after_msecs;
	if (call->cancels != NULL)
		pwned_http_cancel(&call->cancels->request);
	if (call->then != NULL)
		start(call->fixture, call->then);
	if (call->left != NULL && --*call->left == 0)
		*call->all_done = true;
}

static void finish(struct fixture *f, struct call *call)
{
	fake_loop_serve(f->loop, &call->done);
	assert_int_equal(call->done_count, 1);
	/* what was asked for must not show in a log */
	assert_null(strstr(call->detail, "5BAA6"));
}

static void open_http(struct fixture *f, const char *settings,
		      const char *proxy_auth)
{
	struct pwned_error error;

	assert_true(pwned_settings_parse(settings, strlen(settings), "file",
					 &f->set, &error));
	f->http = pwned_http_new(&f->set, proxy_auth, USER_AGENT, f->loop,
				 &error);
	assert_non_null(f->http);
}

static void close_http(struct fixture *f)
{
	pwned_http_free(&f->http);
	assert_null(f->http);
	pwned_settings_free(&f->set);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .loop = fake_loop_new() };
	open_http(&f, "", NULL);
	*state = &f;
	return 0;
}

/* Every test ends here: nothing is left in the loop. */
static int tear_down(void **state)
{
	struct fixture *f = *state;

	close_http(f);
	if (f->server.threads != NULL)
		tiny_server_stop(&f->server);
	fake_loop_free(&f->loop);
	return 0;
}

static void serve(struct fixture *f, const char *answer, bool close)
{
	f->server.answer = answer;
	f->server.close = close;
	tiny_server_start(&f->server);
}

static void a_body_is_handed_over(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };

	serve(f, HELLO, false);
	start(f, &call);
	/* not from within the call */
	assert_false(call.done);
	finish(f, &call);
	assert_int_equal(call.reason, PWNED_REASON_NONE);
	assert_string_equal(call.body, "hello");
	assert_string_equal(call.detail, "");
}

static void a_chunked_body_is_handed_over(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };

	serve(f,
	      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	      "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
	      false);
	start(f, &call);
	finish(f, &call);
	assert_int_equal(call.reason, PWNED_REASON_NONE);
	assert_string_equal(call.body, "hello");
}

static void the_request_says_what_it_should(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };
	const char *head = f->server.request;

	serve(f, HELLO, false);
	start(f, &call);
	finish(f, &call);
	assert_int_equal(strncmp(head, "GET " PATH " HTTP/1.1\r\n",
				 strlen("GET " PATH " HTTP/1.1\r\n")),
			 0);
	assert_non_null(strstr(head, "\r\nUser-Agent: " USER_AGENT "\r\n"));
	assert_non_null(strstr(head, "\r\nAdd-Padding: true\r\n"));
	assert_non_null(strstr(head, "\r\nAccept-Encoding: gzip\r\n"));
	assert_null(strcasestr(head, "\r\nCookie:"));
	assert_null(strcasestr(head, "\r\nAuthorization:"));
	assert_null(strcasestr(head, "\r\nReferer:"));
}

static void padding_can_be_left_out(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };

	close_http(f);
	open_http(f, "pwned_source_padding = no\n", NULL);
	serve(f, HELLO, false);
	start(f, &call);
	finish(f, &call);
	assert_null(strcasestr(f->server.request, "Add-Padding"));
}

static void a_connection_is_used_again(void **state)
{
	struct fixture *f = *state;

	serve(f,
	      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
	      "Set-Cookie: a=b; Path=/\r\n\r\nok",
	      false);
	for (unsigned int i = 0; i < 3; i++) {
		struct call call = { .done = false };

		start(f, &call);
		finish(f, &call);
		assert_string_equal(call.body, "ok");
	}
	assert_int_equal(f->server.requests, 3);
	assert_int_equal(f->server.connections, 1);
	/* and cookies are not brought back */
	assert_null(strcasestr(f->server.request, "Cookie"));
}

static void connections_are_bounded(void **state)
{
	enum { CALLS = 3 * PWNED_HTTP_MAX_CONNECTIONS };
	struct fixture *f = *state;
	struct call calls[CALLS] = { { .done = false } };
	unsigned int left = CALLS;
	bool all_done = false;

	f->server.delay_msecs = 20;
	serve(f, HELLO, false);
	for (unsigned int i = 0; i < CALLS; i++) {
		calls[i].left = &left;
		calls[i].all_done = &all_done;
		start(f, &calls[i]);
	}
	fake_loop_serve(f->loop, &all_done);
	for (unsigned int i = 0; i < CALLS; i++) {
		assert_int_equal(calls[i].done_count, 1);
		assert_int_equal(calls[i].reason, PWNED_REASON_NONE);
	}
	assert_int_equal(f->server.requests, CALLS);
	assert_int_equal(f->server.connections_max, PWNED_HTTP_MAX_CONNECTIONS);
}

static const struct {
	const char *answer;
	bool close;
	enum pwned_reason reason;
	const char *detail;
} bad_answers[] = {
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", false,
	  PWNED_REASON_HTTP_STATUS, "HTTP status 404" },
	{ "HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\n"
	  "Content-Length: 0\r\n\r\n",
	  false, PWNED_REASON_HTTP_STATUS, "HTTP status 429" },
	{ "HTTP/1.1 500 Oops\r\n\r\nhello", true, PWNED_REASON_HTTP_STATUS,
	  "HTTP status 500" },
	{ "HTTP/1.1 204 No Content\r\n\r\n", false, PWNED_REASON_HTTP_STATUS,
	  "HTTP status 204" },
	{ "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello",
	  false, PWNED_REASON_HTTP_STATUS, "HTTP status 206" },
	{ "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=x\r\n"
	  "Content-Length: 0\r\n\r\n",
	  false, PWNED_REASON_HTTP_STATUS, "HTTP status 401" },
	/* nobody asked under a condition */
	{ "HTTP/1.1 304 Not Modified\r\nETag: \"abc\"\r\n\r\n", false,
	  PWNED_REASON_HTTP_STATUS, "HTTP status 304" },
	/* an end that is too early, or cannot be told from one */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", true,
	  PWNED_REASON_CUT_BODY, "" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	  true, PWNED_REASON_CUT_BODY, "" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
	  true, PWNED_REASON_CUT_BODY, "" },
	{ "HTTP/1.1 200 OK\r\n\r\nhello", true, PWNED_REASON_NO_LENGTH, "" },
	{ "HTTP/1.0 200 OK\r\n\r\nhello", true, PWNED_REASON_NO_LENGTH, "" },
	/* no HTTP, or nothing at all */
	{ "", true, PWNED_REASON_PROTOCOL, "" },
	{ "220 mail.example.com ESMTP\r\n", true, PWNED_REASON_PROTOCOL, "" },
	/* an encoding that was not asked for */
	{ "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\n"
	  "hello",
	  false, PWNED_REASON_PROTOCOL, "" },
	{ "HTTP/1.1 200 OK\r\ncontent-encoding:zstd \r\n"
	  "Content-Length: 5\r\n\r\nhello",
	  false, PWNED_REASON_PROTOCOL, "" },
	{ "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br\r\n"
	  "Content-Length: 5\r\n\r\nhello",
	  false, PWNED_REASON_PROTOCOL, "" },
	/* one in the transfer, which libcurl decodes unasked; and two */
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: zstd\r\n\r\nhello", true,
	  PWNED_REASON_PROTOCOL, "" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
	  "5\r\nhello\r\n0\r\n\r\n",
	  false, PWNED_REASON_PROTOCOL, "" },
	{ "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
	  "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
	  false, PWNED_REASON_PROTOCOL, "" },
	/* a size that is announced is believed */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\nhello", true,
	  PWNED_REASON_TOO_LARGE, "" },
};

static void bad_answers_have_their_reason(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(bad_answers); i++) {
		struct call call = { .done = false };

		f->server = (struct tiny_server){ .port = 0 };
		serve(f, bad_answers[i].answer, bad_answers[i].close);
		start(f, &call);
		finish(f, &call);
		if (call.reason != bad_answers[i].reason)
			fail_msg("answer %zu: %s", i,
				 pwned_reason_name(call.reason));
		assert_string_equal(call.detail, bad_answers[i].detail);
		if (call.reason == PWNED_REASON_HTTP_STATUS)
			assert_string_equal(call.body, "");
		tiny_server_stop(&f->server);
	}
}

/* As which fault libcurl sees these is its choice. */
static void broken_framing_is_a_fault(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Le",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"hello\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
		"Content-Length: 5\r\n\r\nhello",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(answers); i++) {
		struct call call = { .done = false };

		f->server = (struct tiny_server){ .port = 0 };
		serve(f, answers[i], true);
		start(f, &call);
		finish(f, &call);
		if (call.reason == PWNED_REASON_NONE)
			fail_msg("answer %zu was taken", i);
		tiny_server_stop(&f->server);
	}
}

/* entity tags and conditions */

#define TAG "W/\"5d41402a-38\""

static void start_conditional(struct fixture *f, struct call *call,
			      const char *etag)
{
	call->etag_known = etag;
	start(f, call);
}

static void an_entity_tag_is_handed_over(void **state)
{
	static const struct {
		const char *header;
		const char *etag;
	} cases[] = {
		{ "ETag: \"abc\"\r\n", "\"abc\"" },
		{ "etag:\"abc\"  \r\n", "\"abc\"" },
		/* what nginx makes of it when it compresses */
		{ "ETag: W/\"abc\"\r\n", "W/\"abc\"" },
		{ "ETag: \"\"\r\n", "\"\"" },
		/* unusable */
		{ "", "" },
		{ "ETag:\r\n", "" },
		{ "ETag: abc\r\n", "" },
		{ "ETag: \"abc\r\n", "" },
		{ "ETag: w/\"abc\"\r\n", "" },
		{ "ETag: \"a\tb\"\r\n", "" },
		{ "ETag: \"abc\", \"def\"\r\n", "" },
		{ "ETag: \"abc\"\r\nETag: \"def\"\r\n", "" },
		{ "ETag: \"0123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789"
		  "0123456789012345678901234567890123456789\"\r\n",
		  "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct call call = { .done = false };
		char answer[512];

		(void)snprintf(answer, sizeof(answer),
			       "HTTP/1.1 200 OK\r\n%sContent-Length: 5\r\n\r\n"
			       "hello",
			       cases[i].header);
		f->server = (struct tiny_server){ .port = 0 };
		serve(f, answer, false);
		start(f, &call);
		finish(f, &call);
		assert_int_equal(call.reason, PWNED_REASON_NONE);
		assert_int_equal(call.status, 200);
		assert_false(call.not_modified);
		if (strcmp(call.etag, cases[i].etag) != 0)
			fail_msg("case %zu: %s", i, call.etag);
		assert_null(strcasestr(f->server.request, "If-None-Match"));
		tiny_server_stop(&f->server);
	}
}

/* With and without the length that the range would have, or a tag; the
   connection goes on. */
static void what_was_not_modified_has_no_body(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 304 Not Modified\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nETag: " TAG "\r\n"
		"Content-Length: 40000\r\n\r\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(answers); i++) {
		f->server = (struct tiny_server){ .port = 0 };
		serve(f, answers[i], false);
		for (unsigned int times = 0; times < 2; times++) {
			struct call call = { .done = false };

			start_conditional(f, &call, TAG);
			finish(f, &call);
			assert_int_equal(call.reason, PWNED_REASON_NONE);
			assert_true(call.not_modified);
			assert_int_equal(call.status, 304);
			assert_string_equal(call.body, "");
			assert_string_equal(call.detail, "");
			assert_string_equal(call.etag, "");
		}
		assert_int_equal(f->server.requests, 2);
		assert_int_equal(f->server.connections, 1);
		tiny_server_stop(&f->server);
	}
}

static void a_condition_stands_beside_what_is_always_said(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false }, plain = { .done = false };

	serve(f, HELLO, false);
	start_conditional(f, &call, TAG);
	finish(f, &call);
	/* it has another one by now */
	assert_int_equal(call.reason, PWNED_REASON_NONE);
	assert_false(call.not_modified);
	assert_string_equal(call.body, "hello");
	assert_non_null(
		strstr(f->server.request, "\r\nIf-None-Match: " TAG "\r\n"));
	assert_non_null(strstr(f->server.request, "\r\nAdd-Padding: true\r\n"));
	/* and does not stay */
	start(f, &plain);
	finish(f, &plain);
	assert_null(strcasestr(f->server.request, "If-None-Match"));
	assert_non_null(strstr(f->server.request, "\r\nAdd-Padding: true\r\n"));
}

static void a_condition_needs_nothing_beside_it(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };

	close_http(f);
	open_http(f, "pwned_source_padding = no\n", NULL);
	serve(f, HELLO, false);
	start_conditional(f, &call, TAG);
	finish(f, &call);
	assert_non_null(
		strstr(f->server.request, "\r\nIf-None-Match: " TAG "\r\n"));
}

/* A refusal is one, whatever was asked. */
static void a_condition_makes_no_failure_good(void **state)
{
	static const struct {
		const char *answer;
		enum pwned_reason reason;
	} cases[] = {
		{ "HTTP/1.1 412 No\r\nContent-Length: 0\r\n\r\n",
		  PWNED_REASON_HTTP_STATUS },
		{ "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: gzip\r\n"
		  "\r\n",
		  PWNED_REASON_PROTOCOL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct call call = { .done = false };

		f->server = (struct tiny_server){ .port = 0 };
		serve(f, cases[i].answer, true);
		start_conditional(f, &call, TAG);
		finish(f, &call);
		if (call.reason != cases[i].reason)
			fail_msg("answer %zu: %s", i,
				 pwned_reason_name(call.reason));
		assert_false(call.not_modified);
		tiny_server_stop(&f->server);
	}
}

/* Retry-After */

static uint64_t retry_after(struct fixture *f, const char *status,
			    const char *value)
{
	struct call call = { .done = false };
	char answer[256];

	(void)snprintf(answer, sizeof(answer),
		       "HTTP/1.1 %s\r\nRetry-After: %s\r\n"
		       "Content-Length: 0\r\n\r\n",
		       status, value);
	f->server = (struct tiny_server){ .port = 0 };
	serve(f, answer, false);
	start(f, &call);
	finish(f, &call);
	tiny_server_stop(&f->server);
	return call.retry_after_msecs;
}

static void a_refusal_says_when_to_come_back(void **state)
{
	static const struct {
		const char *status, *value;
		uint64_t msecs;
	} cases[] = {
		{ "429 Too Many", "2", 2000 },
		{ "503 Busy", "120", 120000 },
		{ "429 Too Many", "0", 0 },
		{ "429 Too Many", "-5", 0 },
		{ "429 Too Many", "soon", 0 },
		{ "503 Busy", "Sat, 01 Jan 2000 00:00:00 GMT", 0 },
		/* others do not ask for it */
		{ "500 Oops", "2", 0 },
		{ "200 OK", "2", 0 },
		{ "301 Moved", "2", 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		uint64_t msecs =
			retry_after(f, cases[i].status, cases[i].value);

		if (msecs != cases[i].msecs)
			fail_msg("case %zu: %" PRIu64 " ms", i, msecs);
	}
	/* the bounds are the breaker's, but no number is too big */
	assert_true(retry_after(f, "429 Too Many", "9000000000000000000") >
		    3600 * 1000);
}

static void it_may_say_so_as_a_date(void **state)
{
	struct fixture *f = *state;
	time_t then = time(NULL) + 3000;
	char date[64];
	struct tm tm;

	assert_non_null(gmtime_r(&then, &tm));
	assert_true(strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT",
			     &tm) > 0);
	/* however long the request takes */
	assert_in_range(retry_after(f, "503 Busy", date), 2000 * 1000,
			3000 * 1000);
}

/* Not even to the same server: what is not a 200 is an error. */
static void redirects_are_not_followed(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };

	serve(f,
	      "HTTP/1.1 302 Found\r\nLocation: /range/5BAA6?again\r\n"
	      "Content-Length: 0\r\n\r\n",
	      false);
	start(f, &call);
	finish(f, &call);
	assert_int_equal(call.reason, PWNED_REASON_HTTP_STATUS);
	assert_int_equal(f->server.requests, 1);
}

static void nobody_listening_is_a_failed_connection(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };

	serve(f, HELLO, false);
	tiny_server_stop(&f->server);
	start(f, &call);
	finish(f, &call);
	assert_int_equal(call.reason, PWNED_REASON_CONNECT);
	assert_string_not_equal(call.detail, "");
}

static void plain_http_on_the_tls_port_is_no_tls(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };

	f->server.answers_anything = true;
	serve(f, "HTTP/1.1 400 Bad Request\r\n\r\n", true);
	start_at(f, &call, "https", f->server.port);
	finish(f, &call);
	assert_int_equal(call.reason, PWNED_REASON_TLS);
}

static void other_schemes_are_not_spoken(void **state)
{
	static const char *const urls[] = { "file:///etc/hostname",
					    "ftp://127.0.0.1:1/",
					    "gopher://127.0.0.1:1/",
					    "ldap://127.0.0.1:1/" };
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(urls); i++) {
		struct call call = { .done = false };
		enum pwned_reason reason;

		call.request = pwned_http_get(f->http, urls[i], NULL, &handler,
					      &call, &reason);
		assert_non_null(call.request);
		finish(f, &call);
		assert_int_equal(call.reason, PWNED_REASON_PROTOCOL);
		assert_string_equal(call.body, "");
	}
}

static void a_body_that_is_refused_ends_the_request(void **state)
{
	struct fixture *f = *state;
	struct call call = { .body_refused = true };

	serve(f, "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\nhello",
	      false);
	start(f, &call);
	finish(f, &call);
	assert_int_equal(call.reason, PWNED_REASON_NONE);
	assert_string_equal(call.body, "hello");
}

static void who_is_cancelled_is_not_called(void **state)
{
	struct fixture *f = *state;
	struct call cancelled = { .done = false };
	struct call call = { .done = false };

	serve(f, HELLO, false);
	start(f, &cancelled);
	fake_loop_advance(f->loop, 0);
	pwned_http_cancel(&cancelled.request);
	assert_null(cancelled.request);
	start(f, &call);
	finish(f, &call);
	assert_int_equal(call.reason, PWNED_REASON_NONE);
	assert_false(cancelled.done);
}

static void a_callback_may_start_and_cancel(void **state)
{
	struct fixture *f = *state;
	struct call next = { .done = false }, cancelled = { .done = false };
	struct call call = { .then = &next, .cancels = &cancelled };

	f->server.delay_msecs = 20;
	serve(f, HELLO, false);
	start(f, &call);
	start(f, &cancelled);
	fake_loop_serve(f->loop, &call.done);
	finish(f, &next);
	assert_int_equal(next.reason, PWNED_REASON_NONE);
	assert_false(cancelled.done);
}

/* libcurl closes the sockets of connections that it gives up before it says
   so; the loop must not meet their numbers, nor others that are given anew. */
static void connections_that_are_given_up_leave_no_trace(void **state)
{
	struct fixture *f = *state;
	struct call lost[4] = { { .done = false } };
	struct black_hole hole;

	serve(f, HELLO, true);
	black_hole_open(&hole);
	for (unsigned int round = 0; round < 3; round++) {
		struct call call = { .done = false };

		for (size_t i = 0; i < N_ELEMENTS(lost); i++)
			start_at(f, &lost[i], "http", hole.port);
		fake_loop_advance(f->loop, 5);
		for (size_t i = 0; i < N_ELEMENTS(lost); i++)
			pwned_http_cancel(&lost[i].request);
		start(f, &call);
		finish(f, &call);
		assert_int_equal(call.reason, PWNED_REASON_NONE);
	}
	for (size_t i = 0; i < N_ELEMENTS(lost); i++)
		assert_false(lost[i].done);
	black_hole_close(&hole);
}

/* Starts a request that is not answered, and lets it reach the server. */
static void start_in_vain(struct fixture *f, struct call *call)
{
	start(f, call);
	fake_loop_serve_msecs(f->loop, 50);
	assert_false(call->done);
}

static void a_kept_connection_can_stall(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false }, silent = { .done = false };

	f->server.answers_max = 1;
	serve(f, HELLO, false);
	assert_true(pwned_http_is_idle(f->http));
	start(f, &call);
	assert_false(pwned_http_is_idle(f->http));
	finish(f, &call);
	assert_true(pwned_http_is_idle(f->http));
	start_in_vain(f, &silent);
	assert_false(pwned_http_is_stalled(f->http));
	pwned_http_cancel(&silent.request);
	assert_true(pwned_http_is_stalled(f->http));
	assert_int_equal(f->server.connections, 1);
}

/* A server that is slow from the start is only slow. */
static void a_new_connection_does_not_stall(void **state)
{
	struct fixture *f = *state;
	struct call silent = { .done = false };

	f->server.delay_msecs = 3000;
	serve(f, HELLO, false);
	start_in_vain(f, &silent);
	pwned_http_cancel(&silent.request);
	assert_false(pwned_http_is_stalled(f->http));
}

static void renewing_means_new_connections(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false }, again = { .done = false };
	struct pwned_http *old = f->http;

	serve(f, HELLO, false);
	start(f, &call);
	finish(f, &call);
	f->http = pwned_http_renew(old);
	assert_non_null(f->http);
	start(f, &again);
	finish(f, &again);
	assert_int_equal(again.reason, PWNED_REASON_NONE);
	assert_int_equal(f->server.connections, 2);
	/* which ask as before */
	assert_non_null(strstr(f->server.request, "\r\nAdd-Padding: true\r\n"));
	assert_non_null(
		strstr(f->server.request, "\r\nUser-Agent: " USER_AGENT));
	pwned_http_free(&old);
}

/* tear_down() frees HTTP with these under way. */
static void ending_calls_nobody(void **state)
{
	struct fixture *f = *state;
	static struct call calls[40];

	memset(calls, 0, sizeof(calls));
	f->server.delay_msecs = 100;
	serve(f, HELLO, false);
	for (size_t i = 0; i < N_ELEMENTS(calls); i++)
		start(f, &calls[i]);
	fake_loop_advance(f->loop, 1);
	close_http(f);
	for (size_t i = 0; i < N_ELEMENTS(calls); i++)
		assert_false(calls[i].done);
	open_http(f, "", NULL);
}

static void the_environment_has_no_say(void **state)
{
	static const char *const names[] = { "http_proxy", "all_proxy",
					     "ALL_PROXY" };
	struct fixture *f = *state;
	struct call call = { .done = false };

	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		assert_int_equal(setenv(names[i], "http://127.0.0.1:1/", 1), 0);
	serve(f, HELLO, false);
	start(f, &call);
	finish(f, &call);
	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		assert_int_equal(unsetenv(names[i]), 0);
	assert_int_equal(call.reason, PWNED_REASON_NONE);
	assert_string_equal(call.body, "hello");
}

/* Here the server is the proxy, and nobody is behind it. */
static void ask_by_proxy(struct fixture *f, struct call *call, const char *url,
			 const char *answer, bool close)
{
	enum pwned_reason reason;
	char settings[128];

	f->server = (struct tiny_server){ .port = 0 };
	serve(f, answer, close);
	close_http(f);
	(void)snprintf(settings, sizeof(settings),
		       "pwned_source_proxy = http://127.0.0.1:%u\n",
		       f->server.port);
	open_http(f, settings, "user:pass");
	call->request = pwned_http_get(f->http, url, call->etag_known, &handler,
				       call, &reason);
	assert_non_null(call->request);
	finish(f, call);
}

static void a_proxy_is_asked(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };
	const char *head = f->server.request;

	ask_by_proxy(f, &call, "http://range.test" PATH, HELLO, false);
	assert_int_equal(call.reason, PWNED_REASON_NONE);
	assert_non_null(strstr(head, "GET http://range.test" PATH));
	assert_non_null(strstr(
		head, "\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n"));
}

/* With TLS the proxy learns a host's name, and no prefix. */
static void a_proxy_that_refuses_is_named(void **state)
{
	struct fixture *f = *state;
	struct call call = { .etag_known = "\"abc\"" };
	const char *head = f->server.request;

	ask_by_proxy(f, &call, "https://range.test" PATH,
		     "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", false);
	assert_int_equal(call.reason, PWNED_REASON_PROXY);
	assert_int_equal(strncmp(head, "CONNECT range.test:443 ", 23), 0);
	assert_null(strstr(head, "5BAA6"));
	assert_null(strcasestr(head, "If-None-Match"));
}

static void a_missing_ca_file_is_a_tls_failure(void **state)
{
	struct fixture *f = *state;
	struct call call = { .done = false };

	close_http(f);
	open_http(f, "pwned_source_ca_file = /nowhere/ca.pem\n", NULL);
	serve(f, HELLO, false);
	start_at(f, &call, "https", f->server.port);
	finish(f, &call);
	assert_int_equal(call.reason, PWNED_REASON_TLS);
}

#define with_http(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_http(a_body_is_handed_over),
		with_http(a_chunked_body_is_handed_over),
		with_http(the_request_says_what_it_should),
		with_http(padding_can_be_left_out),
		with_http(a_connection_is_used_again),
		with_http(connections_are_bounded),
		with_http(bad_answers_have_their_reason),
		with_http(broken_framing_is_a_fault),
		with_http(an_entity_tag_is_handed_over),
		with_http(what_was_not_modified_has_no_body),
		with_http(a_condition_stands_beside_what_is_always_said),
		with_http(a_condition_needs_nothing_beside_it),
		with_http(a_condition_makes_no_failure_good),
		with_http(a_refusal_says_when_to_come_back),
		with_http(it_may_say_so_as_a_date),
		with_http(redirects_are_not_followed),
		with_http(nobody_listening_is_a_failed_connection),
		with_http(plain_http_on_the_tls_port_is_no_tls),
		with_http(other_schemes_are_not_spoken),
		with_http(a_body_that_is_refused_ends_the_request),
		with_http(who_is_cancelled_is_not_called),
		with_http(a_callback_may_start_and_cancel),
		with_http(connections_that_are_given_up_leave_no_trace),
		with_http(a_kept_connection_can_stall),
		with_http(a_new_connection_does_not_stall),
		with_http(renewing_means_new_connections),
		with_http(ending_calls_nobody),
		with_http(the_environment_has_no_say),
		with_http(a_proxy_is_asked),
		with_http(a_proxy_that_refuses_is_named),
		with_http(a_missing_ca_file_is_a_tls_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
