/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned list: the accounts on record. */

#include "lib.h"
#include "array.h"
#include "ioloop.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "account-filter.h"
#include "account-words.h"
#include "doveadm-pwned-plugin.h"
#include "doveadm-pwned-print.h"
#include "doveadm-pwned-users.h"

#define DAY_SECS UINT64_C(86400)
/* The ages of a hundred years are enough. */
#define MOST_DAYS 36500

struct listing {
	struct pwned_account_filter filter;
	const char *const *words; /* NULL: everybody */
	ARRAY(const struct doveadm_pwned_mask *) masks;
	bool any;
};

static bool is_meant(const struct listing *listing, const char *user)
{
	const struct doveadm_pwned_mask *mask;

	if (listing->words == NULL)
		return TRUE;
	array_foreach_elem(&listing->masks, mask)
	{
		if (doveadm_pwned_mask_has(mask, user))
			return TRUE;
	}
	return FALSE;
}

static void print_day(uint64_t secs)
{
	char text[PWNED_TIME_TEXT];

	doveadm_print(pwned_day_text(secs, text));
}

static bool list_user(void *context, const char *user,
		      const struct pwned_flag *flag)
{
	struct listing *listing = context;
	uint64_t now_secs = (uint64_t)ioloop_time;

	if (!pwned_account_filter_has(&listing->filter, user, flag, now_secs) ||
	    !is_meant(listing, user))
		return TRUE;
	listing->any = TRUE;
	doveadm_pwned_print_text(user);
	doveadm_print(
		pwned_flag_status_name(pwned_flag_status_of(flag, now_secs)));
	print_day(flag->since_secs);
	print_day(flag->breached_secs);
	doveadm_pwned_print_text(flag->service);
	print_day(flag->stop_secs);
	return doveadm_pwned_print_is_read();
}

static void list(struct doveadm_pwned_book *book, struct listing *listing)
{
	struct pwned_error error;

	doveadm_pwned_print_begin(DOVEADM_PRINT_TYPE_TABLE, "user", "user");
	doveadm_print_header_simple("status");
	doveadm_print_header_simple("since");
	doveadm_print_header_simple("breached");
	doveadm_print_header_simple("service");
	doveadm_print_header_simple("stop");
	if (!book->book->v->list(book->book, list_user, listing, &error))
		doveadm_pwned_fail(&error);
	else if (!listing->any && listing->words != NULL)
		doveadm_pwned_no_match(t_strarray_join(listing->words, " "));
}

static bool read_filter(const struct doveadm_cmd_context *cctx,
			struct pwned_account_filter *filter)
{
	const char *age;
	uint64_t days;

	(void)doveadm_cmd_param_str(cctx, "domain", &filter->domain);
	(void)doveadm_cmd_param_str(cctx, "service", &filter->service);
	if (doveadm_cmd_param_str(cctx, "state", &filter->state) &&
	    !pwned_account_state_is_valid(filter->state)) {
		doveadm_pwned_mistyped(
			"--state %s: expected " PWNED_ACCOUNT_STATES,
			doveadm_pwned_plain(filter->state));
		return FALSE;
	}
	if (!doveadm_cmd_param_str(cctx, "age", &age))
		return TRUE;
	if (!pwned_number_parse(age, MOST_DAYS, &days)) {
		doveadm_pwned_mistyped("--age %s: expected days from 0 to %u",
				       doveadm_pwned_plain(age), MOST_DAYS);
		return FALSE;
	}
	filter->age_secs = days * DAY_SECS;
	return TRUE;
}

static void cmd_pwned_list(struct doveadm_cmd_context *cctx)
{
	struct listing listing = { .words = NULL };
	struct doveadm_pwned_book book;

	if (!read_filter(cctx, &listing.filter))
		return;
	t_array_init(&listing.masks, 4);
	if (doveadm_cmd_param_array(cctx, "mask", &listing.words)) {
		for (const char *const *word = listing.words; *word != NULL;
		     word++) {
			const struct doveadm_pwned_mask *mask =
				doveadm_pwned_mask_new(*word);

			array_push_back(&listing.masks, &mask);
		}
	}
	if (!doveadm_pwned_book_open(cctx, &book))
		return;
	list(&book, &listing);
	doveadm_pwned_book_close(&book);
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_list = {
	.name = "pwned list",
	.cmd = cmd_pwned_list,
	.usage = "[-c <file>] [--state <state>] [--domain <domain>] "
		 "[--age <days>] [--service <service>] [<mask> ...]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "state", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "domain", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "age", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "service", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "mask", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
