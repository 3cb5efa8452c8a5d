/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An allocator for libcurl that wipes what it frees. */

#include "http-memory.h"
#include "secret.h"

#include <curl/curl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void wiping_free(void *data)
{
	if (data == NULL)
		return;
	pwned_wipe(data, malloc_usable_size(data));
	free(data);
}

/* realloc() would leave the old bytes where it moved them from. */
static void *wiping_realloc(void *old, size_t size)
{
	void *data = malloc(size);
	size_t old_size;

	if (data == NULL || old == NULL)
		return data;
	old_size = malloc_usable_size(old);
	memcpy(data, old, old_size < size ? old_size : size);
	wiping_free(old);
	return data;
}

bool pwned_http_memory_init(void)
{
	return curl_global_init_mem(CURL_GLOBAL_ALL, malloc, wiping_free,
				    wiping_realloc, strdup, calloc) == CURLE_OK;
}

void pwned_http_memory_deinit(void)
{
	curl_global_cleanup();
}
