/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned stats: what the store holds, and what auth says of itself in
   its state file. */

#include "lib.h"
#include "ioloop.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "time-util.h"
#include "age.h"
#include "digest.h"
#include "doveadm-pwned-common.h"
#include "doveadm-pwned-plugin.h"
#include "slot-survey.h"
#include "state-file.h"

#include <inttypes.h>

#define EX_FAILED 1
#define NOT_KNOWN "not known"

static void row(const char *name, const char *value)
{
	doveadm_print(name);
	doveadm_print(value);
}

static void row_number(const char *name, uint64_t number)
{
	row(name, t_strdup_printf("%" PRIu64, number));
}

static void row_time(const char *name, uint64_t secs, const char *never)
{
	row(name, secs == 0 ?
			  never :
			  t_strflocaltime("%Y-%m-%d %H:%M:%S", (time_t)secs));
}

static void print_survey(const struct pwned_store_survey *survey)
{
	row_number("ranges", survey->ranges);
	row("percent of all ranges",
	    t_strdup_printf("%.4f",
			    (double)survey->ranges * 100 / PWNED_PREFIX_COUNT));
	for (unsigned int i = 0; i < PWNED_STORE_AGES; i++)
		row_number(t_strconcat("ranges of ", pwned_store_age_names[i],
				       NULL),
			   survey->by_age[i]);
	row_number("ranges damaged", survey->damaged);
	row_number("bytes on disk", survey->bytes_on_disk);
}

static bool survey_folder(const char *folder,
			  struct pwned_store_survey *survey_r,
			  struct pwned_error *error_r)
{
	uint32_t today = pwned_day_of((uint64_t)ioloop_time);
	struct doveadm_pwned_rights rights;
	bool ok;

	if (!doveadm_pwned_rights_take(folder, &rights, error_r))
		return FALSE;
	ok = pwned_store_survey(folder, today, survey_r, error_r);
	doveadm_pwned_rights_give_back(&rights);
	return ok;
}

/* Returns FALSE, as the next one does, where there is something that cannot be
   read; what is not there yet is no fault. */
static bool print_store_of(const char *folder, struct pwned_error *error_r)
{
	struct pwned_store_survey survey;

	if (*folder == '\0') {
		row("store", "in memory only");
		return TRUE;
	}
	row("store", folder);
	if (!survey_folder(folder, &survey, error_r)) {
		row("ranges", NOT_KNOWN);
		return FALSE;
	}
	print_survey(&survey);
	return TRUE;
}

static const char *describe_breaker(
	const struct pwned_breaker_snapshot *breaker)
{
	uint64_t now_secs = (uint64_t)ioloop_time;

	if (breaker->open_until_secs == 0)
		return "closed";
	if (breaker->open_until_secs <= now_secs)
		return "open, the next request finds out";
	return t_strdup_printf("open for another %" PRIu64 " s",
			       breaker->open_until_secs - now_secs);
}

static void print_auth(const struct pwned_state *state)
{
	uint64_t now_secs = (uint64_t)ioloop_time;

	row_number("state age in seconds",
		   now_secs > state->written_secs ?
			   now_secs - state->written_secs :
			   0);
	row_number("auth pid", state->pid);
	row_time("auth started", state->started_secs, NOT_KNOWN);
	row("auth ended", state->ended ? "yes" : "no");
}

static void print_state(const struct pwned_state *state)
{
	print_auth(state);
	row("store mode",
	    *state->store_mode == '\0' ? NOT_KNOWN : state->store_mode);
	row_number("queue", state->queue_length);
	row_number("queue at most", state->queue_length_max);
	for (unsigned int i = 0; i < state->sources_length; i++)
		row(t_strconcat("breaker of ", state->sources[i].name, NULL),
		    describe_breaker(&state->sources[i].breaker));
	row("brake", state->brake.engaged ? "engaged" : "released");
	row_time("brake last engaged", state->brake.engaged_minute * 60,
		 "never");
	row_time("counted since", state->since_secs, NOT_KNOWN);
	for (unsigned int i = 0; i < PWNED_COUNTERS; i++)
		row_number(pwned_counter_name(i), state->counters[i]);
}

static bool print_state_of(const char *folder, struct pwned_error *error_r)
{
	enum pwned_state_read result = PWNED_STATE_UNREAD;
	struct doveadm_pwned_rights rights;
	struct pwned_state state;

	if (*folder == '\0') {
		row("state", "nothing is kept");
		return TRUE;
	}
	if (doveadm_pwned_rights_take(folder, &rights, error_r)) {
		result = pwned_state_file_read(folder, &state, error_r);
		doveadm_pwned_rights_give_back(&rights);
	}
	switch (result) {
	case PWNED_STATE_READ:
		row("state", folder);
		print_state(&state);
		return TRUE;
	case PWNED_STATE_NONE:
		row("state", "no auth has written any yet");
		return TRUE;
	case PWNED_STATE_UNREAD:
		break;
	}
	row("state", NOT_KNOWN);
	return FALSE;
}

static void fail(const struct pwned_error *error)
{
	i_error("%s", error->text);
	doveadm_exit_code = EX_FAILED;
}

static void cmd_pwned_stats(struct doveadm_cmd_context *cctx)
{
	struct pwned_conf conf;
	struct pwned_error error;

	if (!doveadm_pwned_load_for(cctx, &conf, &error)) {
		fail(&error);
		return;
	}
	doveadm_pwned_let_interrupt(cctx);
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("name");
	doveadm_print_header("value", "value",
			     DOVEADM_PRINT_HEADER_FLAG_EXPAND);
	if (!print_store_of(conf.set.store, &error))
		fail(&error);
	if (!print_state_of(conf.set.state_dir, &error))
		fail(&error);
	pwned_conf_free(&conf);
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_stats = {
	.name = "pwned stats",
	.cmd = cmd_pwned_stats,
	.usage = "[-c <file>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
