/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SOURCE_URL_H
#define PWNED_SOURCE_URL_H

#include <stddef.h>
#include <stdint.h>

/* The URL of a range: the prefix in the place of every {prefix} of the
   source's URL, else at its end. To be freed with pwned_url_free(), which
   wipes it. NULL when memory is short. */
char *pwned_url_for_prefix(const char *source, uint32_t prefix);
void pwned_url_free(char **url);

/* How much of a URL names the server: scheme, host and port. No more of it is
   fit for a log. */
size_t pwned_url_origin_length(const char *url);

/* Which source an entity tag is of: a number made of the source's whole URL as
   it is configured, never 0. */
uint32_t pwned_source_origin(const char *url);

#endif
