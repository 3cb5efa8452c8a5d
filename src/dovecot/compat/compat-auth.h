/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_COMPAT_AUTH_H
#define PWNED_COMPAT_AUTH_H

struct auth_request;
struct passdb_module;
struct passdb_module_interface;

/* What differs between Dovecot's series as seen from a passdb driver. One
   implementation a series: compat-auth-2.3.c. */

/* Makes the driver's part of a passdb block. settings_path: what the block
   names, or NULL. Runs as root, at start. */
typedef struct passdb_module *pwned_compat_create_t(pool_t pool,
						    const char *settings_path);

/* Sets the series' preinit function, which calls create. */
void pwned_compat_set_preinit(struct passdb_module_interface *iface,
			      pwned_compat_create_t *create);

/* The protocol that the client speaks, as Dovecot or the MTA names it. */
const char *pwned_compat_service(const struct auth_request *request);
/* The SASL mechanism's name, or NULL: a look-up, not a login. */
const char *pwned_compat_mechanism(const struct auth_request *request);

/* Gives a field to the service that the user logs in to, as if his userdb had
   it. Unlike auth_request_set_field("userdb_...") it does not make `userdb {
   driver = prefetch }` believe that it was served. */
void pwned_compat_set_userdb_field(struct auth_request *request,
				   const char *name, const char *value);

/* Whether auth_debug_passwords is on. */
bool pwned_compat_debug_passwords(void);

#endif
