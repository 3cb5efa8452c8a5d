/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned resume: asks auth to release the brake. */

#include "lib.h"
#include "ioloop.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "doveadm-pwned-book.h"
#include "doveadm-pwned-plugin.h"
#include "flag-book-local.h"

/* As auth last told it. */
static const char *find_brake(const struct pwned_settings *set)
{
	struct pwned_state state;
	struct pwned_error error;

	if (doveadm_pwned_state_read(set, &state, &error) != PWNED_STATE_READ)
		return "not known";
	return state.brake.engaged ? "engaged" : "released";
}

/* Returns FALSE with what failed. */
static bool resume(const struct pwned_settings *set, const char **brake_r,
		   struct pwned_error *error_r)
{
	struct doveadm_pwned_rights rights;
	bool ok;

	if (!doveadm_pwned_rights_take_of_auth(set, &rights, error_r))
		return FALSE;
	*brake_r = find_brake(set);
	ok = pwned_flag_command_send(set, PWNED_COMMAND_RESUME,
				     (uint64_t)ioloop_time, error_r);
	doveadm_pwned_rights_give_back(&rights);
	return ok;
}

static void cmd_pwned_resume(struct doveadm_cmd_context *cctx)
{
	struct pwned_conf conf;
	struct pwned_error error;
	const char *brake;
	bool ok = doveadm_pwned_load_for(cctx, &conf, &error);

	if (ok) {
		doveadm_pwned_let_interrupt(cctx);
		ok = resume(&conf.set, &brake, &error);
		pwned_conf_free(&conf);
	}
	if (!ok) {
		doveadm_pwned_fail(&error);
		return;
	}
	doveadm_print_init(DOVEADM_PRINT_TYPE_FLOW);
	doveadm_print_header_simple("asked");
	doveadm_print_header_simple("brake");
	doveadm_print("resume");
	doveadm_print(brake);
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_resume = {
	.name = "pwned resume",
	.cmd = cmd_pwned_resume,
	.usage = "[-c <file>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
