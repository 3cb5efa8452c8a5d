/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SETTINGS_VALUE_H
#define PWNED_SETTINGS_VALUE_H

#include "pwned-settings.h"

/* Parses one value by its setting's type into the struct, where it replaces
   what is there. Values have the forms of Dovecot's settings: yes and no,
   times such as 500 ms, sizes such as 8 MB. Returns false with what is wrong
   and what was expected. */
bool pwned_setting_set(struct pwned_settings *set,
		       const struct pwned_setting *setting, const char *value,
		       struct pwned_error *error_r);
/* Frees what the setting holds. */
void pwned_setting_unset(struct pwned_settings *set,
			 const struct pwned_setting *setting);

/* Whether a setting means the same in both structs. */
bool pwned_setting_is_same(const struct pwned_settings *one,
			   const struct pwned_settings *two,
			   const struct pwned_setting *setting);

/* Says which values a setting of a number or a switch takes, such as "a time
   from 0 ms to 8 s"; nothing for other types. */
void pwned_setting_write_range(const struct pwned_setting *setting,
			       char *text_r, size_t size);

#endif
