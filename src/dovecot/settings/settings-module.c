/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module by which Dovecot's config process, and doveconf, know the names of
   our settings. */

#include "lib.h"
#include "module-dir.h"
#include "settings-parser.h"
#include "compat-settings-2.4.h"

extern const char *pwned_settings_version;
extern const struct setting_parser_info *pwned_settings_set_infos[];
void pwned_settings_init(struct module *module);
void pwned_settings_deinit(void);

const char *pwned_settings_version = DOVECOT_ABI_VERSION;

const struct setting_parser_info *pwned_settings_set_infos[] = {
	&pwned_setting_parser_info,
	NULL,
};

/* Dovecot takes the infos after it has called this. */
void pwned_settings_init(struct module *module ATTR_UNUSED)
{
	pwned_setting_parser_info_init();
}

void pwned_settings_deinit(void)
{
}
