/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SETTINGS_SET_H
#define PWNED_SETTINGS_SET_H

#include "pwned-settings.h"

/* How settings are put together, whoever reads them: defaults, then values,
   then what they say together. */

bool pwned_settings_set_defaults(struct pwned_settings *set_r,
				 struct pwned_error *error_r);
/* Returns false with what is wrong with the value and what was expected. */
bool pwned_settings_set_value(struct pwned_settings *set,
			      enum pwned_setting_id id, const char *value,
			      struct pwned_error *error_r);
/* What no value can tell by itself. */
bool pwned_settings_check_together(const struct pwned_settings *set,
				   const char *path,
				   struct pwned_error *error_r);

#endif
