/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SECRET_H
#define PWNED_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Overwrites memory in a way that the compiler may not leave out. */
void pwned_wipe(void *data, size_t size);

/* Bytes that must not outlive their use: a NUL-terminated copy, owned here and
   wiped when it is replaced or freed. Start with all zero. */
struct pwned_secret {
	char *data;  /* NULL: nothing held */
	size_t size; /* without the NUL */
};

/* Copies size bytes. Returns false when memory is short; the secret is then
   empty. */
bool pwned_secret_set(struct pwned_secret *secret, const void *data,
		      size_t size);
void pwned_secret_free(struct pwned_secret *secret);

#endif
