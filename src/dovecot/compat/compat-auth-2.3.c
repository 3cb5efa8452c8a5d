/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dovecot 2.3's passdb interface. Source of all facts: its src/auth, passdb.h,
   auth-request.h and auth-settings.h. */

#include "auth-common.h"
#include "auth-settings.h"
#include "passdb.h"
#include "compat-auth.h"

static pwned_compat_create_t *create_module;

static struct passdb_module *preinit_2_3(pool_t pool, const char *args)
{
	return create_module(pool, args == NULL || *args == '\0' ? NULL : args);
}

void pwned_compat_set_preinit(struct passdb_module_interface *iface,
			      pwned_compat_create_t *create)
{
	create_module = create;
	iface->preinit = preinit_2_3;
}

const char *pwned_compat_service(const struct auth_request *request)
{
	return request->fields.service;
}

const char *pwned_compat_mechanism(const struct auth_request *request)
{
	return request->mech == NULL ? NULL : request->mech->mech_name;
}

void pwned_compat_set_userdb_field(struct auth_request *request,
				   const char *name, const char *value)
{
	/* no userdb block: there is nobody to hand it to */
	if (request->userdb == NULL)
		return;
	if (request->fields.userdb_reply == NULL)
		auth_request_init_userdb_reply(request, TRUE);
	auth_request_set_userdb_field(request, name, value);
}

bool pwned_compat_debug_passwords(void)
{
	return global_auth_settings->debug_passwords;
}
