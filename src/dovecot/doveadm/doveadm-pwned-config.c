/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned config: shows our settings, or finds mistakes in them before
   auth does. */

#include "lib.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "compat-conf.h"
#include "doveadm-pwned-common.h"
#include "doveadm-pwned-plugin.h"

#include <unistd.h>

/* What auth would do with the same mistake is to check no password. */
#define EX_MISTAKE 1

/* Values that come without lines are Dovecot's. */
static const char *find_origin(const struct pwned_settings *set,
			       unsigned int id)
{
	if (set->lines[id] != 0)
		return t_strdup_printf("line %u", set->lines[id]);
	if (strcmp(set->values[id], pwned_settings_table[id].default_value) ==
	    0)
		return "default";
	return "dovecot.conf";
}

static void print_settings(const struct pwned_settings *set)
{
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("setting");
	doveadm_print_header("value", "value",
			     DOVEADM_PRINT_HEADER_FLAG_EXPAND);
	doveadm_print_header_simple("from");
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		doveadm_print(pwned_settings_table[i].name);
		doveadm_print(set->values[i]);
		doveadm_print(find_origin(set, i));
	}
}

static bool show(const char *path, struct pwned_error *error_r)
{
	struct pwned_conf conf;

	if (!doveadm_pwned_load(path, &conf, error_r))
		return FALSE;
	print_settings(&conf.set);
	pwned_conf_free(&conf);
	return TRUE;
}

static bool look_for_mistakes(const char *path, struct pwned_error *error_r)
{
	struct pwned_conf conf;

	if (path == NULL) {
		path = pwned_compat_conf_path();
		if (!pwned_compat_conf_check_common(error_r))
			return FALSE;
	} else {
		if (!doveadm_pwned_load(path, &conf, error_r))
			return FALSE;
		pwned_conf_free(&conf);
	}
	if (access(path, F_OK) == 0)
		i_info("%s: no mistakes found", path);
	else
		i_info("%s: there is no such file, defaults apply", path);
	return TRUE;
}

static void cmd_pwned_config(struct doveadm_cmd_context *cctx)
{
	const char *path = NULL;
	struct pwned_error error;
	bool check = FALSE;

	(void)doveadm_cmd_param_bool(cctx, "check", &check);
	if (!doveadm_cmd_param_str(cctx, "config-file", &path))
		(void)doveadm_cmd_param_str(cctx, "file", &path);
	if (!(check ? look_for_mistakes(path, &error) : show(path, &error))) {
		i_error("%s", error.text);
		doveadm_exit_code = EX_MISTAKE;
	}
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_config = {
	.name = "pwned config",
	.cmd = cmd_pwned_config,
	.usage = "[--check] [-c <file> | <file>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('\0', "check", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "file", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
