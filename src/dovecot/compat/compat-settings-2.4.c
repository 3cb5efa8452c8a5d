/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our settings for Dovecot 2.4. Source of all facts: its
   src/lib-settings/settings-parser.h and src/config/config-parser.c. */

#include "lib.h"
#include "lib-event.h"
#include "settings.h"
#include "settings-parser.h"
#include "compat-settings-2.4.h"

static struct setting_define defines[PWNED_SET_COUNT + 1];
static struct pwned_setting_values defaults;

static bool is_default(const char *value, unsigned int id)
{
	return strcmp(value, pwned_settings_table[id].default_value) == 0;
}

/* Auth looks its settings up once, at its start, where no address is known. */
static bool block_is_by_address(const struct event *event)
{
	return event_find_field_recursive(event, "local_ip") != NULL ||
	       event_find_field_recursive(event, "remote_ip") != NULL ||
	       event_find_field_recursive(event, "local_name") != NULL;
}

/* Whether the settings of a block may stand in it. */
static bool check_places(const struct event *event, const char *protocol,
			 const struct pwned_setting_values *own,
			 struct pwned_error *error_r)
{
	bool by_address = block_is_by_address(event);

	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		const struct pwned_setting *setting = &pwned_settings_table[i];

		if (is_default(own->values[i], i))
			continue;
		if (by_address)
			return pwned_error_set(
				error_r,
				"%s: expected it outside of local { } and "
				"remote { }: it cannot differ by address",
				setting->name);
		if (protocol != NULL && !setting->per_protocol)
			return pwned_error_set(
				error_r,
				"%s: expected it outside of protocol { }: it "
				"is one for the server",
				setting->name);
	}
	return true;
}

/* A block's own values, and for what it does not set those of the blocks around
   it. Of a passdb block within nothing is known here: the event does not name
   it. */
static void find_values(const struct pwned_setting_values *own,
			const struct pwned_setting_values *around,
			const char *values_r[PWNED_SET_COUNT])
{
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++)
		values_r[i] = around == NULL || !is_default(own->values[i], i) ?
				      own->values[i] :
				      around->values[i];
}

/* Dovecot's config process calls it for every block that sets one of ours, with
   those of this block alone, and with an event that says whose block it is. */
static bool check_block(struct event *event, void *_own,
			pool_t pool ATTR_UNUSED, const char **error_r)
{
	const struct pwned_setting_values *own = _own, *around = NULL;
	const char *protocol =
		event_find_field_recursive_str(event, "protocol");
	const char *values[PWNED_SET_COUNT], *text;
	struct pwned_settings set;
	struct pwned_error error;
	bool ok = check_places(event, protocol, own, &error);

	if (ok) {
		if (settings_root_find(event) == NULL ||
		    settings_get(event, &pwned_setting_parser_info,
				 SETTINGS_GET_FLAG_NO_CHECK |
					 SETTINGS_GET_FLAG_NO_EXPAND,
				 &around, &text) < 0)
			around = NULL;
		find_values(own, around, values);
		ok = pwned_settings_from_values(values, &set, &error);
		settings_free(around);
	}
	if (ok)
		pwned_settings_free(&set);
	else if (protocol != NULL)
		*error_r = t_strdup_printf("protocol %s: %s", protocol,
					   error.text);
	else
		*error_r = t_strdup(error.text);
	return ok;
}

struct setting_parser_info pwned_setting_parser_info = {
	.name = "pwned",
	.defines = defines,
	.defaults = &defaults,
	.struct_size = sizeof(struct pwned_setting_values),
	.pool_offset1 = 1 + offsetof(struct pwned_setting_values, pool),
	.ext_check_func = check_block,
};

void pwned_setting_parser_info_init(void)
{
	static const struct setting_define end = SETTING_DEFINE_LIST_END;

	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		defines[i] = (struct setting_define){
			/* no %variables: ours mean the same on 2.3 */
			.type = SET_STR_NOVARS,
			.key = pwned_settings_table[i].name,
			.offset = offsetof(struct pwned_setting_values,
					   values[i]),
		};
		defaults.values[i] = pwned_settings_table[i].default_value;
	}
	defines[PWNED_SET_COUNT] = end;
}
