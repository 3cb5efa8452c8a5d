/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_AUTH_POLICY_H
#define PWNED_AUTH_POLICY_H

struct auth_request;
struct pwned_policy;
struct pwned_server;

/* Takes the field `pwned_policy`, which an earlier passdb may have returned,
   from what the client would get, whatever becomes of the login. Returns its
   value, from the data stack, or NULL where there is none. */
const char *pwned_auth_policy_take(struct auth_request *request);

/* What it says: few different texts for many users, so each is parsed once. The
   policy is the server's: whoever keeps it takes a reference. Returns NULL
   for a text that is none, which is told in the log. */
struct pwned_policy *pwned_auth_policy_find(struct pwned_server *server,
					    const char *text, const char *user);

/* The texts that were met last. */
struct pwned_auth_policies;
struct pwned_auth_policies *pwned_auth_policies_new(void);
void pwned_auth_policies_free(struct pwned_auth_policies **policies);

#endif
