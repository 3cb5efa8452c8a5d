/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_ERROR_H
#define PWNED_ERROR_H

#include <stdbool.h>

/* A text for the operator that says what is wrong and where. It lives on the
   caller's stack, so reporting a fault needs no memory. */
struct pwned_error {
	char text[512];
};

/* Sets the text, cut where it is too long. Returns false, so that a function
   can say `return pwned_error_set(error_r, ...)`. */
bool pwned_error_set(struct pwned_error *error_r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
