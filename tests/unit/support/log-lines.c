/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A log for tests. */

#include "log-lines.h"

#include <stdio.h>

static void log_lines_write(void *context, enum pwned_log_level level,
			    const char *text)
{
	struct log_lines *lines = context;

	lines->count++;
	lines->level = level;
	(void)snprintf(lines->text, sizeof(lines->text), "%s", text);
}

struct pwned_log log_lines_open(struct log_lines *lines)
{
	*lines = (struct log_lines){ .count = 0 };
	return (struct pwned_log){ .write = log_lines_write, .context = lines };
}
