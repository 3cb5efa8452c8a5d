/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results and fields of decisions. */

#include "auth-common.h"
#include "auth-request.h"
#include "base64.h"
#include "ioloop.h"
#include "str.h"
#include "auth-effect.h"
#include "check.h"
#include "compat-auth.h"
#include "text.h"

static void set_refusal(struct auth_request *request,
			const struct pwned_settings *set,
			const struct pwned_decision *decision)
{
	const char *service = pwned_compat_service(request);
	struct pwned_text text;

	if (decision->suspended)
		pwned_text_suspension(set, &text);
	else
		pwned_text_refusal(set, service, &text);
	/* RFC 5530. Dovecot writes [ALERT] before a reason that brings no
	   response code of its own. */
	auth_request_set_field(
		request, "reason",
		strcmp(service, "imap") == 0 ?
			t_strconcat("[EXPIRED] ", text.text, NULL) :
			text.text,
		NULL);
	/* The password is right: without it Dovecot would slow down other
	   logins from the same address, as after a wrong one. */
	auth_request_set_field(request, "nodelay", "", NULL);
}

static void set_warning(struct auth_request *request,
			const struct pwned_settings *set,
			const struct pwned_decision *decision)
{
	struct pwned_text text;
	buffer_t *encoded;

	/* nobody else has a place for it */
	if (strcmp(pwned_compat_service(request), "imap") != 0)
		return;
	/* In base64, because Dovecot expands % in fields for mail processes. */
	pwned_text_warning(set, decision->stop_secs, (uint64_t)ioloop_time,
			   &text);
	encoded = t_base64_encode(0, SIZE_MAX, text.text, strlen(text.text));
	pwned_compat_set_userdb_field(request, "pwned_alert", str_c(encoded));
}

/* Not PASS_EXPIRED, which would replace our text, nor the field `nologin`,
   which Postfix and Exim do not look at. */
enum passdb_result pwned_auth_effect(struct auth_request *request,
				     const struct pwned_settings *set,
				     const struct pwned_decision *decision)
{
	switch (pwned_decision_effect(decision)) {
	case PWNED_ACTION_DENY:
		set_refusal(request, set, decision);
		return PASSDB_RESULT_USER_DISABLED;
	case PWNED_ACTION_TEMPFAIL:
		return PASSDB_RESULT_INTERNAL_FAILURE;
	case PWNED_ACTION_HOLD:
	case PWNED_ACTION_WARN:
		if (!decision->suspended)
			set_warning(request, set, decision);
		return PASSDB_RESULT_OK;
	case PWNED_ACTION_OFF:
	case PWNED_ACTION_ALLOW:
		break;
	}
	return PASSDB_RESULT_OK;
}
