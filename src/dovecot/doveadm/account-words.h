/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_ACCOUNT_WORDS_H
#define PWNED_ACCOUNT_WORDS_H

#include "flag.h"

/* What operators read of an account, and how they write days. Pure; includes
   no Dovecot header, for the unit tests' sake. */

#define PWNED_TIME_TEXT sizeof("292277026596-12-04T15:30:07Z")

/* 2026-11-26T18:24:01Z, or only its day; "never" for 0. */
const char *pwned_time_text(uint64_t secs, char text_r[PWNED_TIME_TEXT]);
const char *pwned_day_text(uint64_t secs, char text_r[PWNED_TIME_TEXT]);

/* Reads YYYY-MM-DD: the last second of that day, UTC. Returns false where there
   is no such day. */
bool pwned_day_end_parse(const char *text, uint64_t *secs_r);
/* Reads a whole number up to max, and nothing else. */
bool pwned_number_parse(const char *text, uint64_t max, uint64_t *number_r);

#define PWNED_OUTLOOK_TEXT 400

struct pwned_outlook {
	uint64_t now_secs;
	struct pwned_flag_rules rules;
	bool dry_run;
};
/* What will happen to the account, when, and what ends it. */
void pwned_outlook_text(const struct pwned_outlook *outlook,
			const struct pwned_flag *flag,
			char text_r[PWNED_OUTLOOK_TEXT]);

#endif
