/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders for auth's user. */

#include "lib.h"
#include "restrict-access.h"
#include "str.h"
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
	const struct {
		enum pwned_setting_id id;
		const char *path, *group;
	} folders[] = {
		{ PWNED_SET_STORE, set->store, set->store_group },
		{ PWNED_SET_STATE_DIR, set->state_dir, NULL },
		{ PWNED_SET_HOLD, set->hold, set->hold_group },
	};
	string_t *texts = t_str_new(128);

	if (geteuid() != 0)
		return TRUE;
	for (unsigned int i = 0; i < N_ELEMENTS(folders); i++) {
		struct pwned_error error;

		if (give(folders[i].id, folders[i].path, folders[i].group,
			 &error))
			continue;
		if (str_len(texts) > 0)
			str_append(texts, "; ");
		str_append(texts, error.text);
	}
	return str_len(texts) == 0 ||
	       pwned_error_set(error_r, "%s", str_c(texts));
}
