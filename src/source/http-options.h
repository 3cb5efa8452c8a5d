/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_HTTP_OPTIONS_H
#define PWNED_HTTP_OPTIONS_H

#include "pwned-settings.h"

#include <curl/curl.h>
#include <stdbool.h>

/* Sets the options that all requests share: TLS and its verification, proxy,
   protocols, encodings, limits. proxy_auth may be NULL. Returns false where
   this libcurl lacks one. */
bool pwned_http_set_options(CURL *easy, const struct pwned_settings *set,
			    const char *proxy_auth, const char *user_agent);

/* The same for what they run in: connections, and the end without waiting for a
   name server. */
bool pwned_http_set_multi_options(CURLM *multi, long connections_max);

#endif
