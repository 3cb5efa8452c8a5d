/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_COMPAT_CONF_H
#define PWNED_COMPAT_CONF_H

#include "conf.h"

struct event;

/* Where our settings stand: in a file of their own (2.3), or in Dovecot's
   configuration, which may include that file (2.4). One implementation a
   series: compat-conf-2.3.c, compat-conf-2.4.c. */

/* A passdb block, as its settings are found by it. */
struct pwned_compat_block {
	const char *path;    /* 2.3: the file it names, or NULL */
	struct event *event; /* 2.4: through which settings are looked up */
	/* which of several it is, for the log: "protocol imap", "passdb other",
	   both; NULL: the one that there is as a rule */
	const char *where;
};

/* Loads the block's settings. Returns false with what is wrong. */
bool pwned_compat_conf_load(const struct pwned_compat_block *block,
			    struct pwned_conf *conf_r,
			    struct pwned_error *error_r);

/* Whether dovecot-pwned-check goes by the same settings as the block. Returns
   false with how they differ. */
bool pwned_compat_conf_is_common(const struct pwned_settings *set,
				 struct pwned_error *error_r);

/* Loads for a program that is not auth: what auth is told where no protocol
   says otherwise, in the block that is called pwned. */
bool pwned_compat_conf_load_common(struct pwned_conf *conf_r,
				   struct pwned_error *error_r);
/* Looks for mistakes in all that Dovecot would read, protocols and all. Returns
   false with what is wrong, or, where that has been printed, with where. */
bool pwned_compat_conf_check_common(struct pwned_error *error_r);
/* The file that is thereby looked at first. */
const char *pwned_compat_conf_path(void);

#endif
