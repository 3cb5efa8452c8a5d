/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dovecot 2.3's passdb interface. Source of all facts: its src/auth, passdb.h,
   auth-request.h and auth-settings.h. */

#include "auth-common.h"
#include "auth-settings.h"
#include "passdb.h"
#include "compat-auth.h"
#include "compat-conf.h"

static pwned_compat_create_t *create_module;

static struct passdb_module *preinit_2_3(pool_t pool, const char *args)
{
	const struct pwned_compat_block block = {
		.path = args == NULL || *args == '\0' ? NULL : args,
	};

	return create_module(pool, &block);
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

bool pwned_compat_set_block_fields(struct auth_request *request ATTR_UNUSED)
{
	/* default_fields and override_fields are Dovecot's own affair */
	return TRUE;
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

void pwned_compat_no_credentials(enum passdb_result result,
				 lookup_credentials_callback_t *callback,
				 struct auth_request *request)
{
	callback(result, NULL, 0, request);
}

bool pwned_compat_event_filters(
	struct event_filter *filters_r[PWNED_EVENT_FILTERS])
{
	filters_r[0] = event_get_global_debug_log_filter();
	filters_r[1] = event_get_global_core_log_filter();
	filters_r[2] = event_get_global_debug_send_filter();
	return TRUE;
}

bool pwned_compat_debug_passwords(
	const struct pwned_compat_block *block ATTR_UNUSED)
{
	return global_auth_settings->debug_passwords;
}
