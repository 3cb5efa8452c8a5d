/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned suspend, exempt: what an operator says of one account, whatever
   its password. */

#include "lib.h"
#include "ioloop.h"
#include "wildcard-match.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "account-words.h"
#include "doveadm-pwned-plugin.h"
#include "doveadm-pwned-print.h"
#include "doveadm-pwned-users.h"
#include "text.h"

/* What is said of a user, and what came of it. */
struct saying {
	const char *user;
	uint64_t now_secs;

	bool suspend; /* else: an exemption, until then; 0: no more */
	struct pwned_text hold_text;
	uint64_t until_secs;

	struct pwned_flag flag;
	const char *refused; /* it was not said, because */
};

/* A name that is meant as a mask would be put on record as it is, and nobody
   would be suspended. */
static bool is_mask(const struct saying *saying, const struct pwned_flag *flag)
{
	return pwned_flag_is_empty(flag) && !wildcard_is_literal(saying->user);
}

static bool edit(void *context, struct pwned_flag *flag)
{
	struct saying *saying = context;

	saying->refused = NULL;
	if (is_mask(saying, flag)) {
		saying->refused = "it looks like a mask, and no user of this "
				  "name is on record: one user is expected";
	} else if (saying->suspend) {
		pwned_flag_suspend(flag, saying->now_secs,
				   saying->hold_text.text);
	} else if (saying->until_secs == 0 &&
		   !pwned_flag_is_exempt(flag, saying->now_secs)) {
		saying->refused = "this user is not exempt by a command";
	} else {
		pwned_flag_exempt(flag, saying->until_secs, saying->now_secs);
	}
	saying->flag = *flag;
	return saying->refused == NULL;
}

/* Dovecot makes names small as a rule, and looks for them as they are. */
static void warn_of_capitals(const char *user)
{
	if (strcmp(t_str_lcase(user), user) != 0)
		i_warning("%s is new on record: Dovecot's auth makes user "
			  "names lower case, unless auth_username_format says "
			  "otherwise; is this how auth writes the name?",
			  doveadm_pwned_plain(user));
}

static void print_saying(const struct saying *saying, bool created)
{
	const struct pwned_flag *flag = &saying->flag;
	char text[PWNED_TIME_TEXT];

	doveadm_pwned_print_begin(DOVEADM_PRINT_TYPE_FLOW, "user", "user");
	doveadm_print_header_simple("status");
	doveadm_print_header_simple("suspended");
	doveadm_print_header_simple("exempt_until");
	doveadm_print_header_simple("new");
	doveadm_pwned_print_text(saying->user);
	doveadm_print(pwned_flag_status_name(
		pwned_flag_status_of(flag, saying->now_secs)));
	doveadm_print(pwned_time_text(flag->suspended_secs, text));
	doveadm_print(pwned_time_text(flag->exempt_until_secs, text));
	doveadm_print(created ? "yes" : "no");
}

static void say_in(struct doveadm_pwned_book *book, struct saying *saying)
{
	const struct pwned_settings *set = &book->conf.set;
	struct pwned_error error;
	bool created = FALSE;

	pwned_text_suspension(set, &saying->hold_text);
	if (book->book->v->change(book->book, saying->user, edit, saying,
				  &created, &error) == PWNED_BOOK_FAILED) {
		doveadm_pwned_fail(&error);
		return;
	}
	if (saying->refused != NULL) {
		i_error("%s: %s", doveadm_pwned_plain(saying->user),
			saying->refused);
		doveadm_exit_code = EX_NOUSER;
		return;
	}
	book->news = created;
	if (created)
		warn_of_capitals(saying->user);
	if (saying->suspend && set->dry_run)
		i_warning("pwned_dry_run = yes: nobody is refused in a dry "
			  "run, nor who is suspended");
	print_saying(saying, created);
}

static void say(const struct doveadm_cmd_context *cctx, struct saying *saying)
{
	struct doveadm_pwned_book book;

	saying->now_secs = (uint64_t)ioloop_time;
	if (*saying->user == '\0' ||
	    strlen(saying->user) > PWNED_FLAG_USER_MAX) {
		doveadm_pwned_mistyped("expected a user of 1 to %u bytes",
				       PWNED_FLAG_USER_MAX);
		return;
	}
	if (!doveadm_pwned_book_open(cctx, &book))
		return;
	say_in(&book, saying);
	doveadm_pwned_book_close(&book);
}

static void cmd_pwned_suspend(struct doveadm_cmd_context *cctx)
{
	struct saying saying = { .suspend = TRUE };

	if (!doveadm_cmd_param_str(cctx, "user", &saying.user))
		help_ver2(&doveadm_cmd_pwned_suspend);
	say(cctx, &saying);
}

static bool read_until(const char *until, uint64_t *until_secs_r)
{
	if (!pwned_day_end_parse(until, until_secs_r)) {
		doveadm_pwned_mistyped("--until %s: expected a day as "
				       "YYYY-MM-DD",
				       doveadm_pwned_plain(until));
		return FALSE;
	}
	if (*until_secs_r <= (uint64_t)ioloop_time) {
		doveadm_pwned_mistyped("--until %s: this day is over, in UTC",
				       until);
		return FALSE;
	}
	return TRUE;
}

static void cmd_pwned_exempt(struct doveadm_cmd_context *cctx)
{
	struct saying saying = { .suspend = FALSE };
	const char *until = NULL;
	bool end = FALSE;

	(void)doveadm_cmd_param_bool(cctx, "end", &end);
	(void)doveadm_cmd_param_str(cctx, "until", &until);
	if (!doveadm_cmd_param_str(cctx, "user", &saying.user) ||
	    end == (until != NULL))
		help_ver2(&doveadm_cmd_pwned_exempt);
	if (end || read_until(until, &saying.until_secs))
		say(cctx, &saying);
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_suspend = {
	.name = "pwned suspend",
	.cmd = cmd_pwned_suspend,
	.usage = "[-c <file>] <user>",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "user", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};

struct doveadm_cmd_ver2 doveadm_cmd_pwned_exempt = {
	.name = "pwned exempt",
	.cmd = cmd_pwned_exempt,
	.usage = "[-c <file>] <user> --until <YYYY-MM-DD> | --end",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "until", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "end", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('\0', "user", CMD_PARAM_STR, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
