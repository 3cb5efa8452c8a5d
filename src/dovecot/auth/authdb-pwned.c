/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module as Dovecot loads it. */

#include "auth-common.h"
#include "passdb-pwned.h"

extern const char *authdb_pwned_version;
void authdb_pwned_init(void);
void authdb_pwned_deinit(void);

const char *authdb_pwned_version = DOVECOT_ABI_VERSION;

void authdb_pwned_init(void)
{
	passdb_pwned_register();
}

void authdb_pwned_deinit(void)
{
	passdb_pwned_unregister();
}
