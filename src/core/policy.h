/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_POLICY_H
#define PWNED_POLICY_H

#include "error.h"
#include "verdict.h"

#include <stddef.h>
#include <stdint.h>

/* What a breached password means at each service. Written as rules separated
   by spaces, service=action[:min=COUNT][:grace=DAYSd]:

       smtp=deny:min=1:grace=14d submission=deny:grace=14d *=warn

   A service is a protocol as Dovecot and the MTA announce it (imap, pop3,
   submission, sieve; smtp from Postfix and Exim); `*` is every service that no
   rule names. Of the rules for a service the first whose minimum is reached
   counts; where none is reached, or none is there, the login is allowed. */
struct pwned_policy; /* counted references; one thread */

/* Returns false with what is wrong, and where. */
bool pwned_policy_parse(const char *text, struct pwned_policy **policy_r,
			struct pwned_error *error_r);
void pwned_policy_ref(struct pwned_policy *policy);
/* The last one frees it. */
void pwned_policy_unref(struct pwned_policy **policy);

/* Whether a login at the service is checked at all. */
bool pwned_policy_checks(const struct pwned_policy *policy,
			 const char *service);
/* Whether a login at the service can be refused, or its mail held. */
bool pwned_policy_may_stop(const struct pwned_policy *policy,
			   const char *service);

/* What a rule says. */
struct pwned_ruling {
	enum pwned_action action; /* ALLOW, WARN, HOLD or DENY ... */
	uint64_t grace_secs; /* ... the last two only after it: before, WARN */
};
/* What to do about a password that was seen count times. */
void pwned_policy_decide(const struct pwned_policy *policy, const char *service,
			 uint64_t count, struct pwned_ruling *ruling_r);
/* The same for a password that is being chosen: the most that a login with it
   would meet at any service, grace aside. */
enum pwned_action pwned_policy_decide_any(const struct pwned_policy *policy,
					  uint64_t count);
/* Whether such a password stops sending: whether it is refused or held at smtp
   or submission, or held at any other service. Then after what grace at the
   earliest. */
bool pwned_policy_stops(const struct pwned_policy *policy, uint64_t count,
			uint64_t *grace_secs_r);
/* The same where of the count only the band is known. */
enum pwned_maybe {
	PWNED_NO,
	PWNED_YES,
	PWNED_PERHAPS, /* counts of the band differ */
};
enum pwned_maybe pwned_policy_stops_band(const struct pwned_policy *policy,
					 enum pwned_band band);
/* Whether suspended accounts are held, not refused, at the service: whether any
   of its rules says hold. */
bool pwned_policy_holds(const struct pwned_policy *policy, const char *service);
/* Whether any rule says so: both need something on record. */
bool pwned_policy_has_hold(const struct pwned_policy *policy);
bool pwned_policy_has_grace(const struct pwned_policy *policy);

/* Whether it is a service by which mail is sent: smtp, as MTAs announce
   themselves, or submission, Dovecot's own server. */
bool pwned_service_sends(const char *service);

/* Says in words what the policy refuses at which services. */
void pwned_policy_describe(const struct pwned_policy *policy, char *text_r,
			   size_t size);

#endif
