/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEXT_H
#define PWNED_TEXT_H

#include "pwned-settings.h"

/* What a customer reads: one line of printable ASCII, so that SMTP, IMAP, POP3
   and ManageSieve can all carry it, with nothing in it that names him. */
#define PWNED_TEXT_MAX 200

struct pwned_text {
	char text[PWNED_TEXT_MAX + 1];
};

/* The refusal of a login at the service, and the warning. */
void pwned_text_refusal(const struct pwned_settings *set, const char *service,
			struct pwned_text *text_r);
/* stop_secs: when sending stops, or stopped; unix time, told as a day in UTC.
   0: it does not, and {date} is today. */
void pwned_text_warning(const struct pwned_settings *set, uint64_t stop_secs,
			uint64_t now_secs, struct pwned_text *text_r);
/* With what the MTA refuses mail of a held account: it says to log in with the
   new password. */
void pwned_text_hold(const struct pwned_settings *set,
		     struct pwned_text *text_r);
/* The refusal for an account that an operator has suspended. */
void pwned_text_suspension(const struct pwned_settings *set,
			   struct pwned_text *text_r);

/* Whether every text that the policy needs fits once it is expanded; false
   names the setting that makes it too long. */
bool pwned_texts_fit(const struct pwned_settings *set,
		     enum pwned_setting_id *id_r);

#endif
