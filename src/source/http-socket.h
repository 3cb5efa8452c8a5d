/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_HTTP_SOCKET_H
#define PWNED_HTTP_SOCKET_H

#include "loop.h"

#include <curl/curl.h>
#include <stdbool.h>

/* libcurl's sockets on a loop.

   libcurl says which sockets it waits for, but closes some of them before it
   says that it does not any more: those whose connect it gave up (7.88,
   lib/cf-socket.c, cf_socket_close()). An epoll set must not meet such a
   number, which may be another file's by then. So the loop watches duplicates
   of ours, and a number that is still watched is given to no new socket. */
struct pwned_http_sockets;

/* A socket is due: tell libcurl by curl_multi_socket_action(). mask: of
   CURL_CSELECT_*. */
typedef void pwned_http_ready_callback(void *context, curl_socket_t fd,
				       int mask);

/* Returns NULL when memory is short, or multi refuses. */
struct pwned_http_sockets *pwned_http_sockets_new(
	struct pwned_loop *loop, CURLM *multi, pwned_http_ready_callback *ready,
	void *context);
/* Call it after curl_multi_cleanup(). */
void pwned_http_sockets_free(struct pwned_http_sockets **sockets);

/* Every easy handle of the multi needs it. */
bool pwned_http_sockets_set_easy(struct pwned_http_sockets *sockets,
				 CURL *easy);

#endif
