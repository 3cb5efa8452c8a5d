/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dovecot 2.3 knows no settings but its own: ours stand in a file that the
   block names by `args`. */

#include "lib.h"
#include "compat-conf.h"

bool pwned_compat_conf_load(const struct pwned_compat_block *block,
			    struct pwned_conf *conf_r,
			    struct pwned_error *error_r)
{
	return pwned_conf_load(block->path, PWNED_SETTINGS_PATH, conf_r,
			       error_r);
}

bool pwned_compat_conf_is_common(const struct pwned_settings *set ATTR_UNUSED,
				 struct pwned_error *error_r ATTR_UNUSED)
{
	/* a file of another name was chosen, and -c names it */
	return TRUE;
}

bool pwned_compat_conf_load_common(struct pwned_conf *conf_r,
				   struct pwned_error *error_r)
{
	return pwned_conf_load(NULL, PWNED_SETTINGS_PATH, conf_r, error_r);
}

bool pwned_compat_conf_check_common(struct pwned_error *error_r)
{
	struct pwned_conf conf;
	bool ok = pwned_compat_conf_load_common(&conf, error_r);

	if (ok)
		pwned_conf_free(&conf);
	return ok;
}

const char *pwned_compat_conf_path(void)
{
	return PWNED_SETTINGS_PATH;
}
