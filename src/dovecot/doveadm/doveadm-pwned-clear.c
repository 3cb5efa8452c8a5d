/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned clear, forget: ends flags and suspensions, or erases what is on
   record. */

#include "lib.h"
#include "ioloop.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "doveadm-pwned-plugin.h"
#include "doveadm-pwned-users.h"

static bool edit_clear(void *context ATTR_UNUSED, struct pwned_flag *flag)
{
	if (pwned_flag_is_empty(flag))
		return FALSE;
	pwned_flag_clear(flag, (uint64_t)ioloop_time);
	return TRUE;
}

static enum pwned_book_result clear(struct doveadm_pwned_book *book,
				    const char *user,
				    struct pwned_error *error_r)
{
	bool created;

	return book->book->v->change(book->book, user, edit_clear, NULL,
				     &created, error_r);
}

static enum pwned_book_result forget(struct doveadm_pwned_book *book,
				     const char *user,
				     struct pwned_error *error_r)
{
	return book->book->v->forget(book->book, user, error_r);
}

static void run(struct doveadm_cmd_context *cctx,
		const struct doveadm_cmd_ver2 *cmd, const char *done,
		doveadm_pwned_act *act)
{
	const char *const *words;
	struct doveadm_pwned_book book;
	unsigned int count;

	if (!doveadm_cmd_param_array(cctx, "user", &words))
		help_ver2(cmd);
	if (!doveadm_pwned_book_open(cctx, &book))
		return;
	count = doveadm_pwned_users_act(&book, words, act);
	doveadm_pwned_book_close(&book);
	doveadm_print_init(DOVEADM_PRINT_TYPE_FLOW);
	doveadm_print_header_simple(done);
	doveadm_print(dec2str(count));
}

static void cmd_pwned_clear(struct doveadm_cmd_context *cctx)
{
	run(cctx, &doveadm_cmd_pwned_clear, "cleared", clear);
}

static void cmd_pwned_forget(struct doveadm_cmd_context *cctx)
{
	run(cctx, &doveadm_cmd_pwned_forget, "forgotten", forget);
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_clear = {
	.name = "pwned clear",
	.cmd = cmd_pwned_clear,
	.usage = "[-c <file>] <user>|<mask> ...",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "user", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 doveadm_cmd_pwned_forget = {
	.name = "pwned forget",
	.cmd = cmd_pwned_forget,
	.usage = "[-c <file>] <user>|<mask> ...",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "user", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
