/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_HTTP_HEAD_H
#define PWNED_HTTP_HEAD_H

#include "block.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The head of an answer: which encodings it may name, and what it says of its
   body, its version and the server's load. */
struct pwned_http_head {
	bool encoded; /* by gzip, or not at all: the one encoding taken */
	bool refused; /* another one, or several */
};

/* Takes the next line, with its end. Returns false, from then on, when the body
   is in an encoding that libcurl must not decode for us. */
bool pwned_http_head_take(struct pwned_http_head *head, const char *line,
			  size_t size);

/* 0: there is none yet. */
long pwned_http_status(CURL *easy);
/* Over HTTP/1 an answer may simply end with its connection; one that was cut
   there looks whole. */
bool pwned_http_end_is_certain(CURL *easy);
/* The entity tag of a 200; "": none, or one that is not usable. */
void pwned_http_etag(CURL *easy, char etag_r[PWNED_ETAG_MAX + 1]);
/* How long a 429 or 503 asks to be left alone; 0: it does not. */
uint64_t pwned_http_retry_after_msecs(CURL *easy);

#endif
