/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned report: how many accounts stand how, by domain, and what share
   of the logins is checked. */

#include "lib.h"
#include "ioloop.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "account-tally.h"
#include "doveadm-pwned-book.h"
#include "doveadm-pwned-plugin.h"
#include "doveadm-pwned-print.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#define NOT_KNOWN "not known"

/* How checks end, of all logins. */
static const enum pwned_counter endings[] = {
	PWNED_COUNT_LOGINS_CHECKED,        PWNED_COUNT_LOGINS_UNKNOWN,
	PWNED_COUNT_UNCHECKED_CONFIG,      PWNED_COUNT_UNCHECKED_SERVICE_OFF,
	PWNED_COUNT_UNCHECKED_MASTER_USER, PWNED_COUNT_UNCHECKED_MECHANISM,
	PWNED_COUNT_UNCHECKED_NO_PASSWORD, PWNED_COUNT_UNCHECKED_EXEMPT,
};

/* What auth says of its logins. */
struct logins {
	struct pwned_state state;
	bool known;
	uint64_t total;
};

struct report {
	const struct pwned_settings *set;
	const struct pwned_policy *policy;
	const char *only; /* this domain; NULL: all */
	uint64_t now_secs;
	struct logins logins;

	/* the domain whose users come now */
	char domain[PWNED_FLAG_USER_MAX + 1];
	bool any;
	struct pwned_tally tally, total;
};

static void print_logins_headers(void)
{
	for (unsigned int i = 0; i < N_ELEMENTS(endings); i++)
		doveadm_print_header_simple(pwned_counter_name(endings[i]));
	doveadm_print_header_simple("state_age");
}

static void print_share(const struct logins *logins, enum pwned_counter counter)
{
	char text[sizeof("100.00 %")];

	if (!logins->known || logins->total == 0) {
		doveadm_print(NOT_KNOWN);
		return;
	}
	(void)snprintf(text, sizeof(text), "%.2f %%",
		       (double)logins->state.counters[counter] * 100 /
			       (double)logins->total);
	doveadm_print(text);
}

static void print_state_age(const struct report *report)
{
	uint64_t written = report->logins.state.written_secs;

	if (!report->logins.known)
		doveadm_print(NOT_KNOWN);
	else
		doveadm_print_num(report->now_secs > written ?
					  report->now_secs - written :
					  0);
}

static void print_logins_cells(const struct report *report, bool is_total)
{
	for (unsigned int i = 0; i < N_ELEMENTS(endings); i++) {
		if (is_total)
			print_share(&report->logins, endings[i]);
		else
			doveadm_print("");
	}
	if (is_total)
		print_state_age(report);
	else
		doveadm_print("");
}

static void print_logins_table(const struct report *report)
{
	doveadm_print_deinit();
	/* it prints by printf() */
	printf("\n");
	doveadm_print_init(DOVEADM_PRINT_TYPE_TABLE);
	doveadm_print_header_simple("logins");
	doveadm_print_header_simple("share");
	for (unsigned int i = 0; i < N_ELEMENTS(endings); i++) {
		doveadm_print(pwned_counter_name(endings[i]));
		print_share(&report->logins, endings[i]);
	}
	doveadm_print("state age in seconds");
	print_state_age(report);
}

static void print_number_header(const char *name)
{
	doveadm_print_header(name, name,
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY |
				     DOVEADM_PRINT_HEADER_FLAG_NUMBER);
}

static void print_headers(void)
{
	doveadm_pwned_print_begin(DOVEADM_PRINT_TYPE_TABLE, "domain", "domain");
	print_number_header("flagged");
	print_number_header("cleared");
	print_number_header("denied");
	print_number_header("held");
	/* "12-15" is no number */
	doveadm_print_header("would_be_denied", "would_be_denied",
			     DOVEADM_PRINT_HEADER_FLAG_RIGHT_JUSTIFY);
	print_number_header("suspended");
	print_number_header("exempt");
	if (!doveadm_pwned_prints_table())
		print_logins_headers();
}

static void print_tally(const struct report *report, const char *name,
			const struct pwned_tally *tally, bool is_total)
{
	char text[PWNED_TALLY_TEXT];

	doveadm_pwned_print_text(name);
	doveadm_print_num(tally->flagged);
	doveadm_print_num(tally->cleared);
	doveadm_print_num(tally->denied);
	doveadm_print_num(tally->held);
	pwned_tally_stops_text(tally, text);
	doveadm_print(text);
	doveadm_print_num(tally->suspended);
	doveadm_print_num(tally->exempt);
	if (!doveadm_pwned_prints_table())
		print_logins_cells(report, is_total);
}

/* Domains come one after another. */
static void end_domain(struct report *report)
{
	if (report->any)
		print_tally(report,
			    *report->domain == '\0' ? "(no domain)" :
						      report->domain,
			    &report->tally, FALSE);
	pwned_tally_sum(&report->total, &report->tally);
	i_zero(&report->tally);
}

static bool count_user(void *context, const char *user,
		       const struct pwned_flag *flag)
{
	struct report *report = context;
	const char *domain = pwned_user_domain(user);

	if (report->only != NULL && strcasecmp(report->only, domain) != 0)
		return TRUE;
	if (!report->any || strcasecmp(report->domain, domain) != 0) {
		end_domain(report);
		i_strocpy(report->domain, domain, sizeof(report->domain));
		(void)str_lcase(report->domain);
		report->any = TRUE;
	}
	pwned_tally_add(&report->tally, flag, report->policy,
			pwned_exempt_has(report->set->exempt, user, NULL),
			report->now_secs);
	return TRUE;
}

static void read_logins(struct report *report)
{
	struct logins *logins = &report->logins;
	struct pwned_error error;
	enum pwned_state_read result =
		doveadm_pwned_state_read(report->set, &logins->state, &error);

	if (result == PWNED_STATE_UNREAD)
		doveadm_pwned_fail(&error);
	logins->known = result == PWNED_STATE_READ;
	for (unsigned int i = 0; logins->known && i < N_ELEMENTS(endings); i++)
		logins->total += logins->state.counters[endings[i]];
}

static void report_on(struct doveadm_pwned_book *book, struct report *report)
{
	struct pwned_error error;

	report->set = &book->conf.set;
	if (report->policy == NULL)
		report->policy = report->set->policy;
	read_logins(report);
	print_headers();
	if (!book->book->v->list(book->book, count_user, report, &error)) {
		doveadm_pwned_fail(&error);
		return;
	}
	end_domain(report);
	print_tally(report, "total", &report->total, TRUE);
	if (doveadm_pwned_prints_table())
		print_logins_table(report);
}

static void cmd_pwned_report(struct doveadm_cmd_context *cctx)
{
	struct report *report = t_new(struct report, 1);
	struct pwned_policy *policy = NULL;
	struct doveadm_pwned_book book;
	struct pwned_error error;
	const char *text;

	if (doveadm_cmd_param_str(cctx, "policy", &text) &&
	    !pwned_policy_parse(text, &policy, &error)) {
		doveadm_pwned_mistyped("--policy: %s",
				       doveadm_pwned_plain(error.text));
		return;
	}
	report->policy = policy;
	report->now_secs = (uint64_t)ioloop_time;
	(void)doveadm_cmd_param_str(cctx, "domain", &report->only);
	if (doveadm_pwned_book_open(cctx, &book)) {
		report_on(&book, report);
		doveadm_pwned_book_close(&book);
	}
	pwned_policy_unref(&policy);
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_report = {
	.name = "pwned report",
	.cmd = cmd_pwned_report,
	.usage = "[-c <file>] [--policy <policy>] [--domain <domain>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "policy", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "domain", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
