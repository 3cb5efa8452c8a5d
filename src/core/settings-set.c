/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings as a whole: defaults, values, and what they say together. */

#include "settings-set.h"
#include "settings-value.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

bool pwned_settings_error(const struct pwned_settings *set,
			  enum pwned_setting_id id, const char *path,
			  const char *text, struct pwned_error *error_r)
{
	const char *name = pwned_settings_table[id].name;

	if (path == NULL)
		return pwned_error_set(error_r, "%s: %s", name, text);
	if (set->lines[id] == 0)
		return pwned_error_set(error_r, "%s: %s: %s", path, name, text);
	return pwned_error_set(error_r, "%s line %u: %s: %s", path,
			       set->lines[id], name, text);
}

bool pwned_settings_set_value(struct pwned_settings *set,
			      enum pwned_setting_id id, const char *value,
			      struct pwned_error *error_r)
{
	char *copy;

	/* Dovecot 2.4 takes it for a variable, whatever the setting, and ends
	   where it is none. */
	if (strstr(value, "%{") != NULL)
		return pwned_error_set(error_r, "expected no %%{ in a value");
	copy = strdup(value);
	if (copy == NULL)
		return pwned_error_set(error_r, "out of memory");
	free(set->values[id]);
	set->values[id] = copy;
	return pwned_setting_set(set, &pwned_settings_table[id], value,
				 error_r);
}

bool pwned_settings_set_defaults(struct pwned_settings *set_r,
				 struct pwned_error *error_r)
{
	*set_r = (struct pwned_settings){ .sources = NULL };
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		const char *value = pwned_settings_table[i].default_value;

		if (!pwned_settings_set_value(set_r, i, value, error_r))
			return false;
	}
	return true;
}

/* Of two settings that do not go together the one that was written. */
static enum pwned_setting_id blame(const struct pwned_settings *set,
				   enum pwned_setting_id one,
				   enum pwned_setting_id other)
{
	const char *value = pwned_settings_table[one].default_value;

	return strcmp(set->values[one], value) == 0 ? other : one;
}

bool pwned_settings_have_what_it_needs(const struct pwned_settings *set,
				       const struct pwned_policy *policy,
				       struct pwned_error *error_r)
{
	bool holds = pwned_policy_has_hold(policy);

	if (set->flags.shared)
		return true;
	if (*set->state_dir == '\0' &&
	    (holds || pwned_policy_has_grace(policy)))
		return pwned_error_set(error_r,
				       "grace and hold need pwned_state_dir");
	if (*set->hold == '\0' && holds)
		return pwned_error_set(error_r, "hold needs pwned_hold");
	return true;
}

struct pwned_flag_rules pwned_settings_flag_rules(
	const struct pwned_settings *set)
{
	return (struct pwned_flag_rules){
		.clear_after_secs = set->clear_after_msecs / 1000,
		.expire_secs = set->flag_expire_days * UINT64_C(86400),
	};
}

bool pwned_settings_check_together(const struct pwned_settings *set,
				   const char *path,
				   struct pwned_error *error_r)
{
	struct pwned_error reason;
	enum pwned_setting_id id;

	if (set->wait_msecs > set->fetch_timeout_msecs) {
		id = blame(set, PWNED_SET_WAIT, PWNED_SET_FETCH_TIMEOUT);
		return pwned_settings_error(set, id, path,
					    "expected pwned_wait to be no "
					    "longer than pwned_fetch_timeout",
					    error_r);
	}
	if (set->store_max_age_days > set->store_stale_days) {
		id = blame(set, PWNED_SET_STORE_MAX_AGE, PWNED_SET_STORE_STALE);
		return pwned_settings_error(set, id, path,
					    "expected pwned_store_max_age to "
					    "be no longer than "
					    "pwned_store_stale",
					    error_r);
	}
	if (*set->source_proxy_auth_file != '\0' && *set->source_proxy == '\0')
		return pwned_settings_error(
			set, PWNED_SET_SOURCE_PROXY_AUTH_FILE, path,
			"expected pwned_source_proxy to be set as well",
			error_r);
	if (!pwned_settings_have_what_it_needs(set, set->policy, &reason))
		return pwned_settings_error(set, PWNED_SET_POLICY, path,
					    reason.text, error_r);
	if (*set->hold != '\0' && (strcmp(set->hold, set->store) == 0 ||
				   strcmp(set->hold, set->state_dir) == 0))
		return pwned_settings_error(set, PWNED_SET_HOLD, path,
					    "expected a folder of its own",
					    error_r);
	if (!pwned_texts_fit(set, &id))
		return pwned_settings_error(set, id, path,
					    "expected at most 200 bytes in a "
					    "text with {url} and {date} "
					    "expanded",
					    error_r);
	return true;
}

static bool set_values(struct pwned_settings *set,
		       const char *const values[PWNED_SET_COUNT],
		       struct pwned_error *error_r)
{
	struct pwned_error reason;

	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		if (values[i] != NULL &&
		    !pwned_settings_set_value(set, i, values[i], &reason))
			return pwned_settings_error(set, i, NULL, reason.text,
						    error_r);
	}
	return true;
}

bool pwned_settings_from_values(const char *const values[PWNED_SET_COUNT],
				struct pwned_settings *set_r,
				struct pwned_error *error_r)
{
	bool ok = pwned_settings_set_defaults(set_r, error_r) &&
		  set_values(set_r, values, error_r) &&
		  pwned_settings_check_together(set_r, NULL, error_r);

	if (!ok)
		pwned_settings_free(set_r);
	return ok;
}

bool pwned_setting_is_part(const struct pwned_setting *setting,
			   enum pwned_settings_part part)
{
	switch (part) {
	case PWNED_SETTINGS_SERVER:
		return !setting->per_protocol;
	case PWNED_SETTINGS_CHOICE:
		return !setting->login_only;
	case PWNED_SETTINGS_ALL:
		break;
	}
	return true;
}

bool pwned_settings_differ(const struct pwned_settings *one,
			   const struct pwned_settings *two,
			   enum pwned_settings_part part,
			   enum pwned_setting_id *id_r)
{
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		const struct pwned_setting *setting = &pwned_settings_table[i];

		if (pwned_setting_is_part(setting, part) &&
		    !pwned_setting_is_same(one, two, setting)) {
			*id_r = i;
			return true;
		}
	}
	return false;
}

void pwned_settings_free(struct pwned_settings *set)
{
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		pwned_setting_unset(set, &pwned_settings_table[i]);
		free(set->values[i]);
		set->values[i] = NULL;
		set->lines[i] = 0;
	}
}
