/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_LOG_H
#define PWNED_LOG_H

enum pwned_log_level {
	PWNED_LOG_INFO,
	PWNED_LOG_WARNING,
	PWNED_LOG_ERROR,
};

/* Where the engine's lines for the operator go; each door brings its own. The
   text is one line without a prefix and never holds anything derived from a
   password. */
struct pwned_log {
	void (*write)(void *context, enum pwned_log_level level,
		      const char *text);
	void *context;
};

void pwned_log(const struct pwned_log *log, enum pwned_log_level level,
	       const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
