/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Error texts. */

#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool pwned_error_set(struct pwned_error *error_r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error_r->text, sizeof(error_r->text), format, args);
	va_end(args);
	return false;
}
