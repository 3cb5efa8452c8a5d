/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libcurl's multi interface on a loop.

   How the two meet is told in https://curl.se/libcurl/c/libcurl-multi.html,
   "multi_socket". libcurl says which sockets and which time it waits for; we
   tell it when one of them is due, and collect what has ended. */

#include "http.h"
#include "http-head.h"
#include "http-memory.h"
#include "http-options.h"
#include "http-resolver.h"
#include "http-socket.h"
#include "secret.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define IF_NONE_MATCH "If-None-Match: "

struct pwned_http_request {
	TAILQ_ENTRY(pwned_http_request) entry;
	struct pwned_http *http;
	CURL *easy;
	const struct pwned_http_handler *handler;
	void *context;
	struct curl_slist *condition; /* a header before the shared ones */
	struct pwned_http_head head;
	bool got_body;
	bool stopped; /* by the handler, or because the status is no 200 */
	char error[CURL_ERROR_SIZE];
};

struct pwned_http {
	struct pwned_loop *loop;
	struct pwned_timer *timer;
	CURLM *multi;
	struct pwned_http_sockets *sockets;
	CURL *template; /* all options that requests share */
	struct curl_slist *headers;
	TAILQ_HEAD(, pwned_http_request) requests;
	bool stalled;
};

static size_t on_body(char *data, size_t unit, size_t count, void *context)
{
	struct pwned_http_request *request = context;
	size_t size = unit * count;

	request->got_body = true;
	if (pwned_http_status(request->easy) == 200 &&
	    request->handler->body(request->context, data, size))
		return size;
	/* any other number than size ends the transfer */
	request->stopped = true;
	return size == 0 ? 1 : 0;
}

static size_t on_header(char *line, size_t unit, size_t count, void *context)
{
	struct pwned_http_request *request = context;
	size_t size = unit * count;

	return pwned_http_head_take(&request->head, line, size) ? size : 0;
}

static enum pwned_reason reason_of_connection(
	const struct pwned_http_request *request, enum pwned_reason otherwise)
{
	long status = 0;

	(void)curl_easy_getinfo(request->easy, CURLINFO_HTTP_CONNECTCODE,
				&status);
	if (status >= 300)
		return PWNED_REASON_PROXY;
	return request->got_body ? PWNED_REASON_CUT_BODY : otherwise;
}

static enum pwned_reason reason_of_result(
	const struct pwned_http_request *request, CURLcode result)
{
	switch (result) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return PWNED_REASON_RESOLVE;
	case CURLE_COULDNT_CONNECT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return reason_of_connection(request, PWNED_REASON_CONNECT);
	case CURLE_PROXY:
		return PWNED_REASON_PROXY;
	case CURLE_OPERATION_TIMEDOUT:
		return PWNED_REASON_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_USE_SSL_FAILED:
		return PWNED_REASON_TLS;
	case CURLE_BAD_CONTENT_ENCODING:
		return PWNED_REASON_PROTOCOL;
	case CURLE_PARTIAL_FILE:
		return PWNED_REASON_CUT_BODY;
	case CURLE_FILESIZE_EXCEEDED:
		return PWNED_REASON_TOO_LARGE;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return PWNED_REASON_INTERNAL;
	default:
		return reason_of_connection(request, PWNED_REASON_PROTOCOL);
	}
}

/* Where no condition was sent nobody knows what was not modified. */
static bool is_not_modified(const struct pwned_http_request *request)
{
	return request->condition != NULL &&
	       pwned_http_status(request->easy) == 304;
}

static enum pwned_reason request_reason(
	const struct pwned_http_request *request, CURLcode result)
{
	long status = pwned_http_status(request->easy);

	/* only a proxy says that */
	if (status == 407)
		return PWNED_REASON_PROXY;
	if (request->head.refused)
		return PWNED_REASON_PROTOCOL;
	if (result == CURLE_OK && is_not_modified(request))
		return PWNED_REASON_NONE;
	if ((result == CURLE_OK || request->stopped) && status != 200)
		return PWNED_REASON_HTTP_STATUS;
	if (request->stopped)
		return PWNED_REASON_NONE;
	if (result != CURLE_OK)
		return reason_of_result(request, result);
	return pwned_http_end_is_certain(request->easy) ?
		       PWNED_REASON_NONE :
		       PWNED_REASON_NO_LENGTH;
}

/* libcurl's own words only where they can neither hold the URL, which ends in
   the prefix, nor a number of bytes, which tells it. */
static void write_detail(const struct pwned_http_request *request,
			 enum pwned_reason reason, char *detail_r, size_t size)
{
	*detail_r = '\0';
	switch (reason) {
	case PWNED_REASON_HTTP_STATUS:
		(void)snprintf(detail_r, size, "HTTP status %ld",
			       pwned_http_status(request->easy));
		break;
	case PWNED_REASON_RESOLVE:
	case PWNED_REASON_CONNECT:
	case PWNED_REASON_TLS:
	case PWNED_REASON_PROXY:
		(void)snprintf(detail_r, size, "%s", request->error);
		break;
	default:
		break;
	}
	/* a certificate's names, for instance, are quoted as they are */
	for (; *detail_r != '\0'; detail_r++) {
		if (*detail_r < ' ' || *detail_r > '~')
			*detail_r = '?';
	}
}

static void request_free(struct pwned_http_request *request)
{
	(void)curl_multi_remove_handle(request->http->multi, request->easy);
	curl_easy_cleanup(request->easy);
	if (request->condition != NULL)
		request->condition->next = NULL; /* the shared ones stay */
	curl_slist_free_all(request->condition);
	TAILQ_REMOVE(&request->http->requests, request, entry);
	free(request);
}

static void request_done(struct pwned_http_request *request, CURLcode result)
{
	const struct pwned_http_handler *handler = request->handler;
	void *context = request->context;
	char detail[CURL_ERROR_SIZE], etag[PWNED_ETAG_MAX + 1];
	struct pwned_http_result what = {
		.reason = request_reason(request, result),
		.detail = detail,
		.status = pwned_http_status(request->easy),
		.etag = etag,
		.retry_after_msecs =
			pwned_http_retry_after_msecs(request->easy),
	};

	what.not_modified =
		what.reason == PWNED_REASON_NONE && is_not_modified(request);
	write_detail(request, what.reason, detail, sizeof(detail));
	pwned_http_etag(request->easy, etag);
	request_free(request);
	handler->done(context, &what);
	pwned_wipe(etag, sizeof(etag));
}

static void collect_done(struct pwned_http *http)
{
	struct pwned_http_request *request = NULL;
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
					&request);
		request_done(request, result);
	}
}

static void on_timer(void *context)
{
	struct pwned_http *http = context;
	int running;

	http->timer = NULL;
	(void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0,
				       &running);
	collect_done(http);
}

static void on_ready(void *context, curl_socket_t fd, int mask)
{
	struct pwned_http *http = context;
	int running;

	(void)curl_multi_socket_action(http->multi, fd, mask, &running);
	collect_done(http);
}

static int timer_changed(CURLM *multi, long msecs, void *context)
{
	struct pwned_http *http = context;

	(void)multi;
	if (http->timer != NULL)
		http->loop->v->timer_remove(&http->timer);
	if (msecs >= 0) {
		http->timer = http->loop->v->timer_add(
			http->loop, (unsigned int)msecs, on_timer, http);
	}
	return 0;
}

static bool set_options_callbacks(CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) ==
		       CURLE_OK;
}

static bool set_options_multi(struct pwned_http *http)
{
	return curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION,
				 timer_changed) == CURLM_OK &&
	       curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http) ==
		       CURLM_OK &&
	       pwned_http_set_multi_options(http->multi,
					    PWNED_HTTP_MAX_CONNECTIONS);
}

static struct pwned_http *http_alloc(struct pwned_loop *loop)
{
	struct pwned_http *http = calloc(1, sizeof(*http));

	if (http == NULL || !pwned_http_memory_init()) {
		free(http);
		return NULL;
	}
	TAILQ_INIT(&http->requests);
	http->loop = loop;
	http->multi = curl_multi_init();
	return http;
}

/* Joins the template, whose options are set, to the multi. Frees all on a
   failure. */
static struct pwned_http *http_finish(struct pwned_http *http, bool padding)
{
	if (padding)
		http->headers = curl_slist_append(NULL, "Add-Padding: true");
	if (http->multi != NULL)
		http->sockets = pwned_http_sockets_new(http->loop, http->multi,
						       on_ready, http);
	if (http->sockets == NULL || (padding && http->headers == NULL) ||
	    !pwned_http_sockets_set_easy(http->sockets, http->template) ||
	    curl_easy_setopt(http->template, CURLOPT_HTTPHEADER,
			     http->headers) != CURLE_OK ||
	    !set_options_multi(http))
		pwned_http_free(&http);
	return http;
}

struct pwned_http *pwned_http_new(const struct pwned_settings *set,
				  const char *proxy_auth,
				  const char *user_agent,
				  struct pwned_loop *loop,
				  struct pwned_error *error_r)
{
	struct pwned_http *http = http_alloc(loop);

	if (http == NULL) {
		(void)pwned_error_set(error_r, "libcurl cannot be initialised");
		return NULL;
	}
	http->template = curl_easy_init();
	if (http->template == NULL ||
	    !pwned_http_set_options(http->template, set, proxy_auth,
				    user_agent) ||
	    !set_options_callbacks(http->template))
		pwned_http_free(&http);
	else
		http = http_finish(http, set->source_padding);
	if (http == NULL)
		(void)pwned_error_set(error_r,
				      "this libcurl (%s) lacks an option that "
				      "is needed",
				      curl_version());
	return http;
}

struct pwned_http *pwned_http_renew(const struct pwned_http *old)
{
	struct pwned_http *http = http_alloc(old->loop);

	if (http == NULL)
		return NULL;
	http->template = curl_easy_duphandle(old->template);
	if (http->template == NULL)
		pwned_http_free(&http);
	else
		http = http_finish(http, old->headers != NULL);
	return http;
}

void pwned_http_free(struct pwned_http **_http)
{
	struct pwned_http *http = *_http;

	*_http = NULL;
	if (http == NULL)
		return;
	while (!TAILQ_EMPTY(&http->requests))
		request_free(TAILQ_FIRST(&http->requests));
	curl_easy_cleanup(http->template);
	(void)curl_multi_cleanup(http->multi);
	pwned_http_sockets_free(&http->sockets);
	if (http->timer != NULL)
		http->loop->v->timer_remove(&http->timer);
	curl_slist_free_all(http->headers);
	free(http);
	pwned_http_memory_deinit();
}

/* One header more than all requests have. The list belongs to the request: it
   must live as long. */
static bool request_set_condition(struct pwned_http_request *request,
				  const char *etag)
{
	char line[sizeof(IF_NONE_MATCH) + PWNED_ETAG_MAX];

	if (etag == NULL)
		return true;
	(void)snprintf(line, sizeof(line), IF_NONE_MATCH "%s", etag);
	request->condition = curl_slist_append(NULL, line);
	pwned_wipe(line, sizeof(line));
	if (request->condition == NULL)
		return false;
	request->condition->next = request->http->headers;
	return curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER,
				request->condition) == CURLE_OK;
}

static bool request_start(struct pwned_http_request *request, const char *url,
			  const char *etag)
{
	CURL *easy = request->easy;

	return request_set_condition(request, etag) &&
	       curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PRIVATE, request) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, request) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, request) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error) ==
		       CURLE_OK &&
	       curl_multi_add_handle(request->http->multi, easy) == CURLM_OK;
}

struct pwned_http_request *pwned_http_get(
	struct pwned_http *http, const char *url, const char *etag,
	const struct pwned_http_handler *handler, void *context,
	enum pwned_reason *reason_r)
{
	struct pwned_http_request *request;

	*reason_r = PWNED_REASON_RESOLVE;
	if (pwned_http_resolvers_are_many())
		return NULL;
	*reason_r = PWNED_REASON_INTERNAL;
	request = calloc(1, sizeof(*request));
	if (request == NULL)
		return NULL;
	request->http = http;
	request->handler = handler;
	request->context = context;
	request->easy = curl_easy_duphandle(http->template);
	if (request->easy == NULL) {
		free(request);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&http->requests, request, entry);
	if (!request_start(request, url, etag)) {
		request_free(request);
		return NULL;
	}
	return request;
}

static bool request_is_stalled(const struct pwned_http_request *request)
{
	curl_off_t sent_usecs = 0;
	long connects = 0;

	(void)curl_easy_getinfo(request->easy, CURLINFO_NUM_CONNECTS,
				&connects);
	(void)curl_easy_getinfo(request->easy, CURLINFO_PRETRANSFER_TIME_T,
				&sent_usecs);
	return connects == 0 && sent_usecs > 0 &&
	       pwned_http_status(request->easy) == 0;
}

void pwned_http_cancel(struct pwned_http_request **_request)
{
	struct pwned_http_request *request = *_request;

	*_request = NULL;
	if (request_is_stalled(request))
		request->http->stalled = true;
	request_free(request);
}

bool pwned_http_is_stalled(const struct pwned_http *http)
{
	return http->stalled;
}

bool pwned_http_is_idle(const struct pwned_http *http)
{
	return TAILQ_EMPTY(&http->requests);
}
