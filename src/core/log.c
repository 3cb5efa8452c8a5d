/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines for the operator. */

#include "log.h"

#include <stdarg.h>
#include <stdio.h>

void pwned_log(const struct pwned_log *log, enum pwned_log_level level,
	       const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log->write(log->context, level, text);
}
