/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_LOG_LINES_H
#define PWNED_TEST_LOG_LINES_H

#include "log.h"

/* What was logged: how many lines, and the last one. */
struct log_lines {
	unsigned int count;
	enum pwned_log_level level;
	char text[1024];
};

/* A log that writes there. */
struct pwned_log log_lines_open(struct log_lines *lines);

#endif
