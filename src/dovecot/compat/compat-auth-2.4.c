/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dovecot 2.4's passdb interface. Source of all facts: its src/auth, passdb.h,
   auth-request.h and auth-settings.h. What its releases changed, configure
   finds out by compiling; doc/DOVECOT lists it. */

#include "auth-common.h"
#include "array.h"
#include "auth.h"
#include "auth-settings.h"
#include "lib-event.h"
#include "passdb.h"
#include "settings.h"
#include "compat-auth.h"
#include "compat-conf.h"

static pwned_compat_create_t *create_module;

/* The names of the block, where they are not what they are as a rule. */
static const char *find_where(const struct event *event)
{
	const char *protocol =
		event_find_field_recursive_str(event, "protocol");
	const char *name = event_find_field_recursive_str(event, "passdb");

	if (name != NULL && strcmp(name, "pwned") == 0)
		name = NULL;
	if (protocol == NULL)
		return name == NULL ? NULL : t_strconcat("passdb ", name, NULL);
	return name == NULL ? t_strconcat("protocol ", protocol, NULL) :
			      t_strconcat("protocol ", protocol, ", passdb ",
					  name, NULL);
}

static int preinit_2_4(pool_t pool, struct event *event,
#ifdef PWNED_PREINIT_HAS_PARAMETERS
		       const struct passdb_parameters *params ATTR_UNUSED,
#endif
		       struct passdb_module **module_r,
		       const char **error_r ATTR_UNUSED)
{
	const struct pwned_compat_block block = {
		.event = event,
		.where = find_where(event),
	};

	*module_r = create_module(pool, &block);
	return 0;
}

void pwned_compat_set_preinit(struct passdb_module_interface *iface,
			      pwned_compat_create_t *create)
{
	create_module = create;
	iface->preinit = preinit_2_4;
}

const char *pwned_compat_service(const struct auth_request *request)
{
	return request->fields.protocol;
}

bool pwned_compat_set_block_fields(struct auth_request *request)
{
	const struct auth_passdb_post_settings *set =
		request->passdb->unexpanded_post_set;

	/* looked at first, because expanding them costs as much as our check */
	return !array_is_created(&set->fields) ||
	       array_is_empty(&set->fields) ||
	       auth_request_set_passdb_fields(request, NULL) == 0;
}

void pwned_compat_set_userdb_field(struct auth_request *request,
				   const char *name, const char *value)
{
	/* no userdb block: there is nobody to hand it to */
	if (request->userdb == NULL)
		return;
	if (request->fields.userdb_reply == NULL)
		auth_request_init_userdb_reply(request);
	auth_request_set_userdb_field(request, name, value);
}

void pwned_compat_no_credentials(enum passdb_result result,
				 lookup_credentials_callback_t *callback,
				 struct auth_request *request)
{
#ifdef PWNED_CREDENTIALS_HAVE_SCHEME
	callback(result, NULL, 0, NULL, request);
#else
	callback(result, NULL, 0, request);
#endif
}

bool pwned_compat_event_filters(
	struct event_filter *filters_r[PWNED_EVENT_FILTERS])
{
#ifdef PWNED_EVENT_SEND_FILTERS_HIDDEN
	(void)filters_r;
	return FALSE;
#else
	filters_r[0] = event_get_global_debug_log_filter();
	filters_r[1] = event_get_global_core_log_filter();
	filters_r[2] = event_get_global_debug_send_filter();
	return TRUE;
#endif
}

bool pwned_compat_debug_passwords(const struct pwned_compat_block *block)
{
	const struct auth_settings *set;
	const char *error;
	bool debug;

	if (settings_get(block->event, &auth_setting_parser_info,
			 SETTINGS_GET_FLAG_NO_CHECK |
				 SETTINGS_GET_FLAG_NO_EXPAND,
			 &set, &error) < 0)
		return FALSE;
	debug = set->debug_passwords;
	settings_free(set);
	return debug;
}
