/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IMAP plugin: tells a warned customer, once a login, by an ALERT. */

#include "imap-common.h"
#include "imap-client.h"
#include "base64.h"
#include "mail-user.h"
#include "module-dir.h"
#include "str.h"
#include "str-sanitize.h"

/* the field that the passdb driver sets, see passdb-pwned.c: text in base64 */
#define ALERT_FIELD "pwned_alert="
/* more than the driver ever writes; any userdb can set the field */
#define ALERT_MAX 400

extern const char *imap_pwned_plugin_version;
extern const char imap_pwned_plugin_binary_dependency[];
void imap_pwned_plugin_init(struct module *module);
void imap_pwned_plugin_deinit(void);

const char *imap_pwned_plugin_version = DOVECOT_ABI_VERSION;
const char imap_pwned_plugin_binary_dependency[] = "imap";

static struct module *imap_pwned_module;
static imap_client_created_func_t *next_hook;

/* The text to show, or NULL. */
static const char *find_alert(const struct mail_user *user)
{
	const char *const *field = user->userdb_fields;
	buffer_t *text;

	for (; field != NULL && *field != NULL; field++) {
		if (strncmp(*field, ALERT_FIELD, strlen(ALERT_FIELD)) != 0)
			continue;
		text = t_base64_decode_str(*field + strlen(ALERT_FIELD));
		return text->used == 0 ? NULL :
					 str_sanitize(str_c(text), ALERT_MAX);
	}
	return NULL;
}

static void send_alert(struct client *client)
{
	const char *alert = find_alert(client->user);

	if (alert != NULL)
		client_send_line(client,
				 t_strconcat("* OK [ALERT] ", alert, NULL));
}

static void imap_pwned_client_created(struct client **clientp)
{
	struct mail_user *user = (*clientp)->user;

	/* A connection that wakes from hibernation comes here again. */
	if (mail_user_is_plugin_loaded(user, imap_pwned_module) &&
	    !user->session_restored)
		send_alert(*clientp);
	if (next_hook != NULL)
		next_hook(clientp);
}

void imap_pwned_plugin_init(struct module *module)
{
	imap_pwned_module = module;
	next_hook = imap_client_created_hook_set(imap_pwned_client_created);
}

void imap_pwned_plugin_deinit(void)
{
	imap_client_created_hook_set(next_hook);
}
