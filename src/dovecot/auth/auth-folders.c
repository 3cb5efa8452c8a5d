/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders for auth's user. */

#include "lib.h"
#include "restrict-access.h"
#include "auth-folders.h"
#include "folder.h"

#include <unistd.h>

/* Dovecot's master tells it by the environment. */
static uid_t find_user(void)
{
	struct restrict_access_settings set;

	restrict_access_get_env(&set);
	return set.uid == (uid_t)-1 ? getuid() : set.uid;
}

static bool give(enum pwned_setting_id id, const char *path, const char *group,
		 struct pwned_error *error_r)
{
	struct pwned_error error;

	if (*path == '\0' ||
	    pwned_folder_give(path, find_user(), group, &error))
		return TRUE;
	return pwned_error_set(error_r, "%s: %s", pwned_settings_table[id].name,
			       error.text);
}

bool pwned_auth_folders_give(const struct pwned_settings *set,
			     struct pwned_error *error_r)
{
	struct pwned_error store, state;
	bool store_ok, state_ok;

	if (geteuid() != 0)
		return TRUE;
	store_ok = give(PWNED_SET_STORE, set->store, set->store_group, &store);
	state_ok = give(PWNED_SET_STATE_DIR, set->state_dir, NULL, &state);
	if (store_ok && state_ok)
		return TRUE;
	return pwned_error_set(error_r, "%s%s%s", store_ok ? "" : store.text,
			       store_ok || state_ok ? "" : "; ",
			       state_ok ? "" : state.text);
}
