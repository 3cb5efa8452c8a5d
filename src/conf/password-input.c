/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A password from standard input. */

#include "password-input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

const char *pwned_password_read(int fd, char buffer[PWNED_PASSWORD_BUFFER],
				size_t *size_r)
{
	size_t size = 0;
	ssize_t ret;

	while ((ret = read(fd, buffer + size, PWNED_PASSWORD_BUFFER - size)) !=
	       0) {
		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return strerror(errno);
		size += (size_t)ret;
		if (size == PWNED_PASSWORD_BUFFER)
			return "the password is longer than 4096 bytes";
	}
	if (size > 0 && buffer[size - 1] == '\n')
		size--;
	if (size > 0 && buffer[size - 1] == '\r')
		size--;
	*size_r = size;
	if (size == 0)
		return "there is no password on standard input";
	if (size > PWNED_PASSWORD_MAX)
		return "the password is longer than 4096 bytes";
	if (memchr(buffer, '\0', size) != NULL ||
	    memchr(buffer, '\n', size) != NULL)
		return "expected one line without NUL bytes";
	return NULL;
}
