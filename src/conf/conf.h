/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_CONF_H
#define PWNED_CONF_H

#include "error.h"
#include "secret.h"
#include "pwned-settings.h"

/* The settings, and what stands in the files that they name. */
struct pwned_conf {
	struct pwned_settings set;
	struct pwned_secret proxy_auth; /* user:password, or empty */
};

/* Reads the file. path NULL: `fallback` if it exists, else the defaults. Reads
   from disk, so it belongs at a start, never in a login. Returns false with
   file, line and what was expected; *conf_r is then empty. */
bool pwned_conf_load(const char *path, const char *fallback,
		     struct pwned_conf *conf_r, struct pwned_error *error_r);
/* The same for values that Dovecot has read (pwned_settings_from_values()). */
bool pwned_conf_from_values(const char *const values[PWNED_SET_COUNT],
			    struct pwned_conf *conf_r,
			    struct pwned_error *error_r);
void pwned_conf_free(struct pwned_conf *conf);

/* Whether programs that go by a file decide about a password that is chosen as
   these settings would. Returns false with how the file differs, or with the
   mistake in it; where there is none, nobody goes by it. */
bool pwned_conf_file_agrees(const char *path, const struct pwned_settings *set,
			    struct pwned_error *error_r);

#endif
