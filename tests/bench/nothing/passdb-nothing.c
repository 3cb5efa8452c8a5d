/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A passdb that does nothing in the place of ours: what remains is what Dovecot
   itself takes for one more passdb in the chain. */

#include "auth-common.h"
#include "auth-request.h"
#include "passdb.h"
#include "compat-auth.h"

extern const char *authdb_nothing_version;
void authdb_nothing_init(void);
void authdb_nothing_deinit(void);

const char *authdb_nothing_version = DOVECOT_ABI_VERSION;

static struct passdb_module *nothing_create(
	pool_t pool, const struct pwned_compat_block *block ATTR_UNUSED)
{
	return p_new(pool, struct passdb_module, 1);
}

static void nothing_verify_plain(struct auth_request *request,
				 const char *password ATTR_UNUSED,
				 verify_plain_callback_t *callback)
{
	/* only whom an earlier passdb let in */
	callback(request->fields.skip_password_check ?
			 PASSDB_RESULT_OK :
			 PASSDB_RESULT_USER_UNKNOWN,
		 request);
}

static void nothing_lookup_credentials(struct auth_request *request,
				       lookup_credentials_callback_t *callback)
{
	passdb_handle_credentials(PASSDB_RESULT_OK, NULL, NULL, callback,
				  request);
}

static struct passdb_module_interface interface = {
	.name = "nothing",
	.verify_plain = nothing_verify_plain,
	.lookup_credentials = nothing_lookup_credentials,
};

void authdb_nothing_init(void)
{
	pwned_compat_set_preinit(&interface, nothing_create);
	passdb_register_module(&interface);
}

void authdb_nothing_deinit(void)
{
	passdb_unregister_module(&interface);
}
