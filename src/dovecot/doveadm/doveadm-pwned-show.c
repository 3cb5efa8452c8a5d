/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned show: all that is on record of an account. As json it is the
   export of a person's data. */

#include "lib.h"
#include "ioloop.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "account-words.h"
#include "doveadm-pwned-plugin.h"
#include "doveadm-pwned-print.h"
#include "doveadm-pwned-users.h"

/* The names are an interface: add, never rename. In the order of
   print_account(). */
static const char *const headers[] = {
	"domain",    "status",       "state", "since",  "breached", "cleared",
	"contested", "decided",      "stop",  "denied", "seen",     "service",
	"suspended", "exempt_until", "hold",  "outlook"
};

static void print_headers(void)
{
	doveadm_pwned_print_begin(DOVEADM_PRINT_TYPE_PAGER, "user", "user");
	for (unsigned int i = 0; i < N_ELEMENTS(headers); i++)
		doveadm_print_header_simple(headers[i]);
}

static void print_time(uint64_t secs)
{
	char text[PWNED_TIME_TEXT];

	doveadm_print(pwned_time_text(secs, text));
}

static const char *name_state(enum pwned_flag_state state)
{
	switch (state) {
	case PWNED_FLAG_FLAGGED:
		return "flagged";
	case PWNED_FLAG_CLEARED:
		return "cleared";
	case PWNED_FLAG_NONE:
		break;
	}
	return "none";
}

static bool print_account(void *context, const char *user,
			  const struct pwned_flag *flag)
{
	const struct pwned_outlook *outlook = context;
	char text[PWNED_OUTLOOK_TEXT];

	doveadm_pwned_print_text(user);
	doveadm_pwned_print_text(pwned_user_domain(user));
	doveadm_print(pwned_flag_status_name(
		pwned_flag_status_of(flag, outlook->now_secs)));
	doveadm_print(name_state(flag->state));
	print_time(flag->since_secs);
	print_time(flag->breached_secs);
	print_time(flag->cleared_secs);
	doveadm_print(flag->contested ? "yes" : "no");
	print_time(flag->decided_secs);
	print_time(flag->stop_secs);
	print_time(flag->refused_secs);
	doveadm_print(pwned_band_text(flag->band));
	doveadm_pwned_print_text(flag->service);
	print_time(flag->suspended_secs);
	print_time(flag->exempt_until_secs);
	doveadm_pwned_print_text(flag->hold_text);
	pwned_outlook_text(outlook, flag, text);
	doveadm_print(text);
	return doveadm_pwned_print_is_read();
}

static void show(struct doveadm_pwned_book *book, const char *const *words)
{
	const struct pwned_settings *set = &book->conf.set;
	struct pwned_outlook outlook = {
		.now_secs = (uint64_t)ioloop_time,
		.rules = pwned_settings_flag_rules(set),
		.dry_run = set->dry_run,
	};

	print_headers();
	doveadm_pwned_users_visit(book, words, print_account, &outlook);
}

static void cmd_pwned_show(struct doveadm_cmd_context *cctx)
{
	const char *const *words;
	struct doveadm_pwned_book book;

	if (!doveadm_cmd_param_array(cctx, "user", &words))
		help_ver2(&doveadm_cmd_pwned_show);
	if (!doveadm_pwned_book_open(cctx, &book))
		return;
	show(&book, words);
	doveadm_pwned_book_close(&book);
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_show = {
	.name = "pwned show",
	.cmd = cmd_pwned_show,
	.usage = "[-c <file>] <user>|<mask> ...",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "user", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
