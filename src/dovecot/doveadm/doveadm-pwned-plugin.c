/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm plugin: registers the commands. */

#include "lib.h"
#include "module-dir.h"
#include "doveadm.h"
#include "doveadm-pwned-plugin.h"

extern const char *doveadm_pwned_plugin_version;
void doveadm_pwned_plugin_init(struct module *module);
void doveadm_pwned_plugin_deinit(void);

const char *doveadm_pwned_plugin_version = DOVECOT_ABI_VERSION;

void doveadm_pwned_plugin_init(struct module *module ATTR_UNUSED)
{
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_check);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_clear);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_config);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_exempt);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_forget);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_list);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_purge);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_report);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_resume);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_show);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_stats);
	doveadm_cmd_register_ver2(&doveadm_cmd_pwned_suspend);
}

void doveadm_pwned_plugin_deinit(void)
{
}
