/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* URLs of ranges. */

#include "source-url.h"
#include "digest.h"
#include "secret.h"
#include "pwned-settings.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

char *pwned_url_for_prefix(const char *source, uint32_t prefix)
{
	const size_t placeholder_size = strlen(PWNED_PREFIX_PLACEHOLDER);
	char hex[PWNED_PREFIX_HEX + 1], *url, *to;
	const char *place = strstr(source, PWNED_PREFIX_PLACEHOLDER);

	/* the placeholder is longer than what replaces it */
	url = malloc(strlen(source) + sizeof(hex));
	if (url == NULL)
		return NULL;
	pwned_prefix_write(prefix, hex);
	if (place == NULL)
		place = source + strlen(source);
	to = url;
	do {
		to = mempcpy(to, source, (size_t)(place - source));
		to = stpcpy(to, hex);
		source = place + (*place == '\0' ? 0 : placeholder_size);
		place = strstr(source, PWNED_PREFIX_PLACEHOLDER);
	} while (place != NULL);
	(void)stpcpy(to, source);
	pwned_wipe(hex, sizeof(hex));
	return url;
}

void pwned_url_free(char **url)
{
	if (*url != NULL)
		pwned_wipe(*url, strlen(*url));
	free(*url);
	*url = NULL;
}

size_t pwned_url_origin_length(const char *url)
{
	const char *host = strstr(url, "://");

	if (host == NULL)
		return strcspn(url, "/?#");
	host += strlen("://");
	return (size_t)(host - url) + strcspn(host, "/?#");
}

uint32_t pwned_source_origin(const char *url)
{
	uint32_t origin = XXH32(url, strlen(url), 0);

	return origin == 0 ? 1 : origin;
}
