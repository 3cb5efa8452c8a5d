/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_COMPAT_SETTINGS_2_4_H
#define PWNED_COMPAT_SETTINGS_2_4_H

#include "pwned-settings.h"

struct setting_parser_info;

/* Our settings as Dovecot 2.4 knows them, made from our table of settings. All
   are strings to it: what they mean is for our own parser to say, so that a
   file read by either means the same. */

/* What settings_get() gives. */
struct pwned_setting_values {
	pool_t pool;
	const char *values[PWNED_SET_COUNT];
};

extern struct setting_parser_info pwned_setting_parser_info;

/* Fills it in. To be called before its first use, any number of times. */
void pwned_setting_parser_info_init(void);

#endif
