/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words that operators read of an account. */

#include "account-words.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *print_time(uint64_t secs, bool is_day,
			      char text_r[PWNED_TIME_TEXT])
{
	time_t time = (time_t)secs;
	struct tm tm;
	size_t size;

	if (secs == 0)
		return "never";
	if (gmtime_r(&time, &tm) == NULL)
		return "never to come";
	if (is_day)
		size = strftime(text_r, PWNED_TIME_TEXT, "%Y-%m-%d", &tm);
	else
		size = strftime(text_r, PWNED_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ",
				&tm);
	return size > 0 ? text_r : "never to come";
}

const char *pwned_time_text(uint64_t secs, char text_r[PWNED_TIME_TEXT])
{
	return print_time(secs, false, text_r);
}

const char *pwned_day_text(uint64_t secs, char text_r[PWNED_TIME_TEXT])
{
	return print_time(secs, true, text_r);
}

bool pwned_day_end_parse(const char *text, uint64_t *secs_r)
{
	static const char form[] = "dddd-dd-dd";
	struct tm tm = { .tm_hour = 23, .tm_min = 59, .tm_sec = 59 };
	char again[sizeof(form)];
	time_t secs;

	if (strlen(text) != strlen(form))
		return false;
	for (size_t i = 0; form[i] != '\0'; i++) {
		if (form[i] == 'd' ? isdigit((unsigned char)text[i]) == 0 :
				     text[i] != form[i])
			return false;
	}
	tm.tm_year = (int)strtol(text, NULL, 10) - 1900;
	tm.tm_mon = (int)strtol(text + 5, NULL, 10) - 1;
	tm.tm_mday = (int)strtol(text + 8, NULL, 10);
	secs = timegm(&tm);
	/* it would make a day of March of February 30 */
	if (secs <= 0 || strftime(again, sizeof(again), "%Y-%m-%d", &tm) == 0 ||
	    strcmp(again, text) != 0)
		return false;
	*secs_r = (uint64_t)secs;
	return true;
}

bool pwned_number_parse(const char *text, uint64_t max, uint64_t *number_r)
{
	char *end;

	errno = 0;
	*number_r = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) != 0 && *end == '\0' &&
	       errno == 0 && *number_r <= max;
}

static void say_day(FILE *out, const char *before, uint64_t secs)
{
	char text[PWNED_TIME_TEXT];

	fprintf(out, "%s%s", before, pwned_day_text(secs, text));
}

/* What ends a flag. */
static void say_end(FILE *out, const struct pwned_outlook *outlook,
		    const struct pwned_flag *flag)
{
	if (flag->contested)
		say_day(out,
			"; a login with a clean password clears it if none "
			"with a breached one came in time before, so not "
			"before ",
			flag->breached_secs + outlook->rules.clear_after_secs);
	else
		fputs("; a login with a clean password clears it", out);
	say_day(out, "; unseen, it expires on ",
		flag->breached_secs + outlook->rules.expire_secs);
}

static void say_flagged(FILE *out, const struct pwned_flag *flag, bool stopped)
{
	if (flag->decided_secs == 0) {
		fputs("nothing: it was seen in a dry run alone", out);
	} else if (flag->stop_secs == 0) {
		fputs("nothing: no rule of the policy stops sending", out);
	} else if (!stopped) {
		say_day(out, "sending stops on ", flag->stop_secs);
	} else if (*flag->hold_text != '\0') {
		fputs("MTAs refuse its mail", out);
	} else {
		fputs("logins to send are refused", out);
	}
}

static void say(FILE *out, const struct pwned_outlook *outlook,
		const struct pwned_flag *flag, enum pwned_flag_status status)
{
	switch (status) {
	case PWNED_STATUS_SUSPENDED:
		fputs("sending is refused until an operator clears it", out);
		break;
	case PWNED_STATUS_EXEMPT:
		say_day(out, "it is not checked until the end of ",
			flag->exempt_until_secs);
		break;
	case PWNED_STATUS_CLEARED:
		say_day(out, "its dates are forgotten on ",
			flag->cleared_secs + outlook->rules.expire_secs);
		break;
	case PWNED_STATUS_FLAGGED:
	case PWNED_STATUS_GRACE:
	case PWNED_STATUS_STOPPED:
		say_flagged(out, flag, status == PWNED_STATUS_STOPPED);
		say_end(out, outlook, flag);
		break;
	default:
		fputs("nothing", out);
		return;
	}
	if (outlook->dry_run)
		fputs("; in a dry run, as now, nobody is refused", out);
}

void pwned_outlook_text(const struct pwned_outlook *outlook,
			const struct pwned_flag *flag,
			char text_r[PWNED_OUTLOOK_TEXT])
{
	FILE *out = fmemopen(text_r, PWNED_OUTLOOK_TEXT, "w");

	*text_r = '\0';
	if (out == NULL)
		return;
	say(out, outlook, flag, pwned_flag_status_of(flag, outlook->now_secs));
	fclose(out);
	text_r[PWNED_OUTLOOK_TEXT - 1] = '\0';
}
