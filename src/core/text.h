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
void pwned_text_warning(const struct pwned_settings *set,
			struct pwned_text *text_r);

/* Whether every text fits once it is expanded; false names the setting that
   makes it too long. */
bool pwned_texts_fit(const struct pwned_settings *set,
		     enum pwned_setting_id *id_r);

#endif
