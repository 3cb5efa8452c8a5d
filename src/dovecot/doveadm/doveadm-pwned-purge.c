/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned purge: removes ranges from the store. */

#include "lib.h"
#include "ioloop.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "age.h"
#include "doveadm-pwned-common.h"
#include "doveadm-pwned-plugin.h"
#include "slot-survey.h"

#include <inttypes.h>

#define EX_FAILED 1
/* The ages of a hundred years are enough. */
#define MOST_DAYS 36500

/* Ranges that were fetched before this day go; UINT32_MAX: all. Does not return
   where neither or both are said. */
static uint32_t find_day(const struct doveadm_cmd_context *cctx)
{
	uint32_t today = pwned_day_of((uint64_t)ioloop_time);
	bool all = FALSE, by_age;
	int64_t days = 0;

	(void)doveadm_cmd_param_bool(cctx, "all", &all);
	by_age = doveadm_cmd_param_int64(cctx, "older-than", &days);
	if (all == by_age || days < 0 || days > MOST_DAYS)
		help_ver2(&doveadm_cmd_pwned_purge);
	if (all)
		return UINT32_MAX;
	return days < today ? today - (uint32_t)days : 0;
}

static bool purge(const char *folder, uint32_t before_day, uint64_t *purged_r,
		  struct pwned_error *error_r)
{
	struct doveadm_pwned_rights rights;
	bool ok;

	if (*folder == '\0')
		return pwned_error_set(error_r, "pwned_store is empty: ranges "
						"are kept in memory only");
	if (!doveadm_pwned_rights_take(folder, &rights, error_r))
		return FALSE;
	ok = pwned_store_purge(folder, before_day, purged_r, error_r);
	doveadm_pwned_rights_give_back(&rights);
	return ok;
}

static void cmd_pwned_purge(struct doveadm_cmd_context *cctx)
{
	uint32_t before_day = find_day(cctx);
	struct pwned_conf conf;
	struct pwned_error error;
	uint64_t purged;
	bool ok = doveadm_pwned_load_for(cctx, &conf, &error);

	if (ok) {
		doveadm_pwned_let_interrupt(cctx);
		ok = purge(conf.set.store, before_day, &purged, &error);
		pwned_conf_free(&conf);
	}
	if (!ok) {
		i_error("%s", error.text);
		doveadm_exit_code = EX_FAILED;
		return;
	}
	doveadm_print_init(DOVEADM_PRINT_TYPE_FLOW);
	doveadm_print_header_simple("purged");
	doveadm_print(t_strdup_printf("%" PRIu64, purged));
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_purge = {
	.name = "pwned purge",
	.cmd = cmd_pwned_purge,
	.usage = "[-c <file>] --all | --older-than <days>",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "all", CMD_PARAM_BOOL, 0)
DOVEADM_CMD_PARAM('\0', "older-than", CMD_PARAM_INT64, 0)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
