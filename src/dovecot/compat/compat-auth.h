/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_COMPAT_AUTH_H
#define PWNED_COMPAT_AUTH_H

#include "passdb.h"

struct event_filter;
struct pwned_compat_block;

/* What differs between Dovecot's series as seen from a passdb driver. One
   implementation a series: compat-auth-2.3.c, compat-auth-2.4.c. */

/* Makes the driver's part of a passdb block. The block is the caller's, and so
   is what it points to. Runs as root, at start. */
typedef struct passdb_module *pwned_compat_create_t(
	pool_t pool, const struct pwned_compat_block *block);

/* Sets the series' preinit function, which calls create. */
void pwned_compat_set_preinit(struct passdb_module_interface *iface,
			      pwned_compat_create_t *create);

/* The protocol that the client speaks, as Dovecot or the MTA names it. */
const char *pwned_compat_service(const struct auth_request *request);

/* Applies the fields that the block itself names, where Dovecot leaves that to
   drivers. Returns false where one cannot be made; Dovecot has logged it, and
   the login must fail: a field may well be there to restrict it. */
bool pwned_compat_set_block_fields(struct auth_request *request);

/* Gives a field to the service that the user logs in to, as if his userdb had
   it. Unlike auth_request_set_field("userdb_...") it does not make `userdb {
   driver = prefetch }` believe that it was served. */
void pwned_compat_set_userdb_field(struct auth_request *request,
				   const char *name, const char *value);

/* Answers a look-up of credentials with a result that has none. */
void pwned_compat_no_credentials(enum passdb_result result,
				 lookup_credentials_callback_t *callback,
				 struct auth_request *request);

/* The filters that choose events for debug logs, metrics and exporters; some
   may be NULL. Returns false where Dovecot does not show all of them. */
#define PWNED_EVENT_FILTERS 3
bool pwned_compat_event_filters(
	struct event_filter *filters_r[PWNED_EVENT_FILTERS]);

/* Whether auth_debug_passwords is on for the block. */
bool pwned_compat_debug_passwords(const struct pwned_compat_block *block);

#endif
