/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the head of an answer says. */

#include "http-head.h"

#include <string.h>
#include <strings.h>

/* Nobody waits longer; it keeps the product in bounds. */
#define RETRY_AFTER_MAX_SECS (24 * 3600)

/* libcurl would decode whatever the server names. Of the encodings that it may
   know only gzip is decoded in memory that libcurl asks us for, and that is
   wiped; and a few bytes of Zstandard or Brotli can ask for more than auth may
   have. */
static const char *const content_encodings[] = { "gzip", "x-gzip", "identity",
						 NULL };
static const char *const transfer_encodings[] = { "chunked", NULL };

static bool value_is(const char *value, size_t size, const char *const *taken)
{
	while (size > 0 && strchr(" \t", *value) != NULL)
		value++, size--;
	while (size > 0 && strchr(" \t\r\n", value[size - 1]) != NULL)
		size--;
	for (; *taken != NULL; taken++) {
		if (strlen(*taken) == size &&
		    strncasecmp(value, *taken, size) == 0)
			return true;
	}
	return false;
}

/* The value of a header line of that name (with its colon); NULL: it is
   another one. */
static const char *header_value(const char *line, size_t *size,
				const char *name)
{
	size_t name_size = strlen(name);

	if (*size < name_size || strncasecmp(line, name, name_size) != 0)
		return NULL;
	*size -= name_size;
	return line + name_size;
}

/* libcurl decodes transfer encodings as well, and as many one over the other
   as are named: a few KB, packed three times, keep the loop busy for
   seconds. */
bool pwned_http_head_take(struct pwned_http_head *head, const char *line,
			  size_t size)
{
	size_t value_size = size;
	const char *value;

	value = header_value(line, &value_size, "transfer-encoding:");
	if (value != NULL) {
		head->refused |=
			!value_is(value, value_size, transfer_encodings);
	} else if ((value = header_value(line, &value_size,
					 "content-encoding:")) != NULL) {
		head->refused |= head->encoded || !value_is(value, value_size,
							    content_encodings);
		head->encoded = true;
	}
	return !head->refused;
}

long pwned_http_status(CURL *easy)
{
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

bool pwned_http_end_is_certain(CURL *easy)
{
	struct curl_header *header;
	long version = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	return version >= CURL_HTTP_VERSION_2_0 ||
	       curl_easy_header(easy, "Content-Length", 0, CURLH_HEADER, -1,
				&header) == CURLHE_OK ||
	       curl_easy_header(easy, "Transfer-Encoding", 0, CURLH_HEADER, -1,
				&header) == CURLHE_OK;
}

/* Of two one could be wrong. */
void pwned_http_etag(CURL *easy, char etag_r[PWNED_ETAG_MAX + 1])
{
	struct curl_header *header;

	*etag_r = '\0';
	if (pwned_http_status(easy) == 200 &&
	    curl_easy_header(easy, "ETag", 0, CURLH_HEADER, -1, &header) ==
		    CURLHE_OK &&
	    header->amount == 1 && pwned_etag_is_usable(header->value))
		(void)stpcpy(etag_r, header->value);
}

uint64_t pwned_http_retry_after_msecs(CURL *easy)
{
	long status = pwned_http_status(easy);
	curl_off_t secs = 0;

	if (status == 429 || status == 503)
		(void)curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &secs);
	if (secs <= 0)
		return 0;
	return (uint64_t)(secs < RETRY_AFTER_MAX_SECS ? secs :
							RETRY_AFTER_MAX_SECS) *
	       1000;
}
