/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_HTTP_MEMORY_H
#define PWNED_HTTP_MEMORY_H

#include <stdbool.h>

/* libcurl with memory that is wiped when it is freed: URLs hold prefixes,
   buffers hold ranges in clear, and neither should be found in a core. Each
   successful init needs a deinit. */
bool pwned_http_memory_init(void);
void pwned_http_memory_deinit(void);

#endif
