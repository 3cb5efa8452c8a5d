/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libcurl may and may not do. */

#include "pwned-config.h"
#include "http-options.h"

#include <openssl/ssl.h>

#define BODY_MAX_BYTES (4L * 1024 * 1024)

/* Without it OpenSSL leaves decrypted bytes in buffers that it frees. */
static CURLcode set_tls_options(CURL *easy, void *tls, void *context)
{
	(void)easy;
	(void)context;
	(void)SSL_CTX_set_options(tls, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

/* The operator's certificates, or the system's. Never a file and a directory:
   of a file alone libcurl keeps what it has parsed from one connection to the
   next, and of a directory OpenSSL reads the one certificate that it needs,
   where a file with all of them takes time and a megabyte. */
static bool set_ca(CURL *easy, const char *ca_file, CURLoption file_option,
		   CURLoption directory_option)
{
	const char *directory = curl_version_info(CURLVERSION_NOW)->capath;

	if (*ca_file == '\0' && directory == NULL)
		return true; /* as libcurl was built */
	if (*ca_file == '\0')
		return curl_easy_setopt(easy, file_option, NULL) == CURLE_OK &&
		       curl_easy_setopt(easy, directory_option, directory) ==
			       CURLE_OK;
	return curl_easy_setopt(easy, file_option, ca_file) == CURLE_OK &&
	       curl_easy_setopt(easy, directory_option, NULL) == CURLE_OK;
}

static bool set_options_tls(CURL *easy, const struct pwned_settings *set)
{
	return set_ca(easy, set->source_ca_file, CURLOPT_CAINFO,
		      CURLOPT_CAPATH) &&
	       curl_easy_setopt(easy, CURLOPT_SSLVERSION,
				(long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION,
				set_tls_options) == CURLE_OK;
}

/* An empty proxy is none, whatever the environment says. */
static bool set_options_proxy(CURL *easy, const struct pwned_settings *set,
			      const char *proxy_auth)
{
	return curl_easy_setopt(easy, CURLOPT_PROXY, set->source_proxy) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOPROXY, "") == CURLE_OK &&
	       set_ca(easy, set->source_ca_file, CURLOPT_PROXY_CAINFO,
		      CURLOPT_PROXY_CAPATH) &&
	       curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION,
				(long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       (proxy_auth == NULL ||
		curl_easy_setopt(easy, CURLOPT_PROXYUSERPWD, proxy_auth) ==
			CURLE_OK);
}

static const char *encodings(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	return (info->features & CURL_VERSION_LIBZ) != 0 ? "gzip" : NULL;
}

/* QUICK_EXIT: without it libcurl waits for its resolver thread when a request
   is given up, and all logins with it. */
static bool set_options_request(CURL *easy, const char *user_agent)
{
	return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
				(long)CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, encodings()) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, BODY_MAX_BYTES) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent) ==
		       CURLE_OK;
}

bool pwned_http_set_options(CURL *easy, const struct pwned_settings *set,
			    const char *proxy_auth, const char *user_agent)
{
	return set_options_tls(easy, set) &&
	       set_options_proxy(easy, set, proxy_auth) &&
	       set_options_request(easy, user_agent);
}

/* Newer releases have a pool of resolver threads, which they wait for at the
   end unless they are told not to; older ones have a thread for each look-up,
   and CURLOPT_QUICK_EXIT. */
static bool set_quick_exit(CURLM *multi)
{
#if HAVE_DECL_CURLMOPT_QUICK_EXIT
	return curl_multi_setopt(multi, CURLMOPT_QUICK_EXIT, 1L) == CURLM_OK;
#else
	(void)multi;
	return true;
#endif
}

bool pwned_http_set_multi_options(CURLM *multi, long connections_max)
{
	return curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
				 connections_max) == CURLM_OK &&
	       curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
				 connections_max) == CURLM_OK &&
	       set_quick_exit(multi);
}
