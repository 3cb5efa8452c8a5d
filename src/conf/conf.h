/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_CONF_H
#define PWNED_CONF_H

#include "error.h"
#include "secret.h"
#include "settings.h"

/* The settings as they stand on disk: the file, and the files that it names. */
struct pwned_conf {
	struct pwned_settings set;
	bool from_file; /* false: there is none, these are the defaults */
	struct pwned_secret proxy_auth; /* user:password, or empty */
};

/* Reads the file. path NULL: `fallback` if it exists, else the defaults. Reads
   from disk, so it belongs at a start, never in a login. Returns false with
   file, line and what was expected; *conf_r is then empty. */
bool pwned_conf_load(const char *path, const char *fallback,
		     struct pwned_conf *conf_r, struct pwned_error *error_r);
void pwned_conf_free(struct pwned_conf *conf);

#endif
