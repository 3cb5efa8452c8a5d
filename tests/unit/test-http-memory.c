/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libcurl gives back to the allocator after a fetch. */

#include "support/fake-loop.h"
#include "support/freed.h"
#include "support/tiny-server.h"
#include "support/unit.h"
#include "http.h"
#include "http-memory.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAG_BEFORE "\"5d41402abc4b2a76\""
#define TAG        "\"b9719d911017c592\""
#define SUFFIX     "1E4C9B93F3F0682250B6CF8331B7EE68FD8"

static bool on_body(void *context, const char *data, size_t size)
{
	(void)context;
	return size == 37 && memcmp(data, SUFFIX ":9", size) == 0;
}

static void on_done(void *context, const struct pwned_http_result *result)
{
	bool *done = context;

	assert_string_equal(result->detail, "");
	assert_int_equal(result->reason, PWNED_REASON_NONE);
	assert_string_equal(result->etag, TAG);
	*done = true;
}

/* Fetches the range of 5BAA6 and ends libcurl. */
static void fetch(void)
{
	static const struct pwned_http_handler handler = { on_body, on_done };
	struct tiny_server server = {
		.answer = "HTTP/1.1 200 OK\r\nETag: " TAG "\r\n"
			  "Content-Length: 37\r\n\r\n" SUFFIX ":9",
	};
	struct pwned_loop *loop = fake_loop_new();
	struct pwned_settings set;
	struct pwned_error error;
	struct pwned_http *http;
	enum pwned_reason reason;
	bool done = false;
	char url[64];

	tiny_server_start(&server);
	assert_true(pwned_settings_parse("", 0, "file", &set, &error));
	http = pwned_http_new(&set, NULL, "test", loop, &error);
	assert_non_null(http);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/range/5BAA6",
		       server.port);
	assert_non_null(pwned_http_get(http, url, TAG_BEFORE, &handler, &done,
				       &reason));
	fake_loop_serve(loop, &done);
	assert_non_null(strstr(server.request, TAG_BEFORE));
	pwned_http_free(&http);
	pwned_settings_free(&set);
	tiny_server_stop(&server);
	fake_loop_free(&loop);
}

static void no_prefix_is_left(void **state)
{
	(void)state;
	test_freed_watch("range/5BAA6", sizeof("range/5BAA6") - 1);
	fetch();
	assert_false(test_freed_had_secret());
}

static void no_suffix_is_left(void **state)
{
	(void)state;
	test_freed_watch(SUFFIX, sizeof(SUFFIX) - 1);
	fetch();
	assert_false(test_freed_had_secret());
}

static void no_entity_tag_is_left(void **state)
{
	static const char *const tags[] = { TAG_BEFORE, TAG };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(tags); i++) {
		test_freed_watch(tags[i], strlen(tags[i]));
		fetch();
		assert_false(test_freed_had_secret());
	}
}

/* libcurl does use this allocator, or the tests above would show nothing. */
static void libcurls_memory_is_wiped(void **state)
{
	char *copy;

	(void)state;
	assert_true(pwned_http_memory_init());
	copy = curl_easy_escape(NULL, "range/5BAA6", 0);
	assert_non_null(copy);
	assert_string_equal(copy, "range%2F5BAA6");
	test_freed_watch("range%2F5BAA6", sizeof("range%2F5BAA6") - 1);
	curl_free(copy);
	assert_false(test_freed_had_secret());
	pwned_http_memory_deinit();

	/* and without it: what is freed is not wiped by itself */
	copy = strdup("range%2F5BAA6");
	assert_non_null(copy);
	test_freed_watch("range%2F5BAA6", sizeof("range%2F5BAA6") - 1);
	free(copy);
	assert_true(test_freed_had_secret());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_prefix_is_left),
		cmocka_unit_test(no_suffix_is_left),
		cmocka_unit_test(no_entity_tag_is_left),
		cmocka_unit_test(libcurls_memory_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
