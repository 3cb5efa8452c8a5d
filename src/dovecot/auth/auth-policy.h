/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_POLICY_H
#define PWNED_AUTH_POLICY_H

struct pwned_policy;
struct pwned_server;

/* Policies of users, as an earlier passdb returned them in the field
   `pwned_policy`: few different texts for many users, so each is parsed once.
   The policy is the server's: whoever keeps it takes a reference. Returns NULL
   for a text that is none, which is told in the log. */
struct pwned_policy *pwned_auth_policy_find(struct pwned_server *server,
					    const char *text, const char *user);

/* The texts that were met last. */
struct pwned_auth_policies;
struct pwned_auth_policies *pwned_auth_policies_new(void);
void pwned_auth_policies_free(struct pwned_auth_policies **policies);

#endif
