/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_POLICY_H
#define PWNED_POLICY_H

#include "error.h"
#include "verdict.h"

#include <stddef.h>
#include <stdint.h>

/* What a breached password means at each service. Written as rules separated
   by spaces, service=action[:min=COUNT]:

       smtp=deny:min=1 submission=deny *=warn

   A service is a protocol as Dovecot and the MTA announce it (imap, pop3,
   submission, sieve; smtp from Postfix and Exim); `*` is every service that no
   rule names. Of the rules for a service the first whose minimum is reached
   counts; where none is reached, or none is there, the login is allowed. */
struct pwned_policy;

/* Returns false with what is wrong, and where. */
bool pwned_policy_parse(const char *text, struct pwned_policy **policy_r,
			struct pwned_error *error_r);
void pwned_policy_free(struct pwned_policy **policy);

/* Whether a login at the service is checked at all. */
bool pwned_policy_checks(const struct pwned_policy *policy,
			 const char *service);
/* Whether a login at the service can be refused. */
bool pwned_policy_may_deny(const struct pwned_policy *policy,
			   const char *service);
/* What to do about a password that was seen count times: ALLOW, WARN or
   DENY. */
enum pwned_action pwned_policy_decide(const struct pwned_policy *policy,
				      const char *service, uint64_t count);
/* The same for a password that is being chosen: the most that a login with it
   would meet at any service. */
enum pwned_action pwned_policy_decide_any(const struct pwned_policy *policy,
					  uint64_t count);
/* Says in words what the policy refuses at which services. */
void pwned_policy_describe(const struct pwned_policy *policy, char *text_r,
			   size_t size);

#endif
