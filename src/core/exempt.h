/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_EXEMPT_H
#define PWNED_EXEMPT_H

#include "error.h"

#include <stdbool.h>

/* Who is not checked, as words separated by spaces: a user (anna@example.com,
   or anna where users have no domain), a domain (@example.com), a network
   (192.0.2.0/24, 2001:db8::/32, or one address). Users and domains are compared
   without case. "": nobody. */
struct pwned_exempt;

/* Returns false with the word that is none of these. */
bool pwned_exempt_parse(const char *text, struct pwned_exempt **exempt_r,
			struct pwned_error *error_r);
void pwned_exempt_free(struct pwned_exempt **exempt);

/* address: the client's, as text, or NULL where it is not known. */
bool pwned_exempt_has(const struct pwned_exempt *exempt, const char *user,
		      const char *address);

#endif
