/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_PASSWORD_INPUT_H
#define PWNED_PASSWORD_INPUT_H

#include <stddef.h>

/* Far beyond any password; a guard against being handed something else. */
#define PWNED_PASSWORD_MAX 4096
/* With room to see that there is more: a line end, and one byte. */
#define PWNED_PASSWORD_BUFFER (PWNED_PASSWORD_MAX + 3)

/* Reads a password to the end of the input; one line end there is not part of
   it. The buffer is the caller's, who wipes it, whatever came of this. Returns
   NULL, or what is wrong. */
const char *pwned_password_read(int fd, char buffer[PWNED_PASSWORD_BUFFER],
				size_t *size_r);

#endif
