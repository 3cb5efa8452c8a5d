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

/* Returns FALSE where there is nothing to look in, or not yet. */
static bool look_up(struct event *event,
		    const struct pwned_setting_values **values_r)
{
	const char *error;

	return settings_root_find(event) != NULL &&
	       settings_get(event, &pwned_setting_parser_info,
			    SETTINGS_GET_FLAG_NO_CHECK |
				    SETTINGS_GET_FLAG_NO_EXPAND,
			    values_r, &error) == 0;
}

/* A block's own values, and for what it does not set those of the blocks around
   it. Of a passdb block within nothing is known here: the event does not name
   it. */
static bool read_block(struct event *event,
		       const struct pwned_setting_values *own,
		       struct pwned_settings *set_r,
		       struct pwned_error *error_r)
{
	const struct pwned_setting_values *around = NULL;
	const char *values[PWNED_SET_COUNT];
	bool ok;

	if (!look_up(event, &around))
		around = NULL;
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++)
		values[i] = around == NULL || !is_default(own->values[i], i) ?
				    own->values[i] :
				    around->values[i];
	ok = pwned_settings_from_values(values, set_r, error_r);
	settings_free(around);
	return ok;
}

/* What stands outside of all blocks. */
static bool read_common(struct event *event, struct pwned_settings *set_r)
{
	const struct pwned_setting_values *values;
	struct event *bare = event_create(NULL);
	struct pwned_error error;
	bool ok;

	event_set_ptr(bare, SETTINGS_EVENT_ROOT, settings_root_find(event));
	ok = look_up(bare, &values);
	event_unref(&bare);
	if (ok) {
		ok = pwned_settings_from_values(values->values, set_r, &error);
		settings_free(values);
	}
	return ok;
}

static bool block_is_by_address(const struct event *event)
{
	return event_find_field_recursive(event, "local_ip") != NULL ||
	       event_find_field_recursive(event, "remote_ip") != NULL ||
	       event_find_field_recursive(event, "local_name") != NULL;
}

/* Where a block stands that may not say all otherwise than what stands outside
   of all. Auth looks its settings up at its start, for each protocol that is
   named: no address is known then, and no protocol that others are `not`. */
struct block_place {
	enum pwned_settings_part fixed; /* what it may not say */
	const char *why;                /* NULL: it may say all */
};

static struct block_place find_place(const struct event *event,
				     const char *protocol)
{
	if (block_is_by_address(event))
		return (struct block_place){
			.fixed = PWNED_SETTINGS_ALL,
			.why = "local { } and remote { }: it cannot differ by "
			       "address",
		};
	if (protocol == NULL)
		return (struct block_place){ .why = NULL };
	if (*protocol == '!')
		return (struct block_place){
			.fixed = PWNED_SETTINGS_ALL,
			.why = "protocol !... { }: auth cannot tell the others "
			       "apart; name each",
		};
	return (struct block_place){
		.fixed = PWNED_SETTINGS_SERVER,
		.why = "protocol { }: it is one for the server",
	};
}

static bool place_error(const struct block_place *place,
			enum pwned_setting_id id, struct pwned_error *error_r)
{
	return pwned_error_set(error_r, "%s: expected it outside of %s",
			       pwned_settings_table[id].name, place->why);
}

/* Before the values are looked at: what does not belong here need not go
   together with anything. */
static bool check_own(const struct block_place *place,
		      const struct pwned_setting_values *own,
		      struct pwned_error *error_r)
{
	for (unsigned int i = 0; place->why != NULL && i < PWNED_SET_COUNT;
	     i++) {
		const struct pwned_setting *setting = &pwned_settings_table[i];

		if (!is_default(own->values[i], i) &&
		    pwned_setting_is_part(setting, place->fixed))
			return place_error(place, i, error_r);
	}
	return true;
}

/* A value may be the default and yet another than outside. */
static bool check_common(struct event *event, const struct block_place *place,
			 const struct pwned_settings *set,
			 struct pwned_error *error_r)
{
	struct pwned_settings common;
	enum pwned_setting_id id;
	bool differs;

	if (place->why == NULL || !read_common(event, &common))
		return true;
	differs = pwned_settings_differ(&common, set, place->fixed, &id);
	pwned_settings_free(&common);
	return !differs || place_error(place, id, error_r);
}

/* Dovecot's config process calls it for every block that sets one of ours, with
   those of this block alone, and with an event that says whose block it is. */
static bool check_block(struct event *event, void *own, pool_t pool ATTR_UNUSED,
			const char **error_r)
{
	const char *protocol =
		event_find_field_recursive_str(event, "protocol");
	const struct block_place place = find_place(event, protocol);
	struct pwned_settings set;
	struct pwned_error error;
	bool ok = check_own(&place, own, &error) &&
		  read_block(event, own, &set, &error);

	if (ok) {
		ok = check_common(event, &place, &set, &error);
		pwned_settings_free(&set);
	}
	if (!ok)
		*error_r = protocol == NULL ?
				   t_strdup(error.text) :
				   t_strdup_printf("protocol %s: %s", protocol,
						   error.text);
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
