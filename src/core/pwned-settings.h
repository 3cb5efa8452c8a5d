/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SETTINGS_H
#define PWNED_SETTINGS_H

#include "error.h"
#include "exempt.h"
#include "flag.h"
#include "policy.h"

#include <stddef.h>
#include <stdint.h>

/* The settings, as one table (settings-table.c) declares them: name, type,
   default, range and a text. Parsing, validation, the reference and the
   annotated example come from it. */

#define PWNED_SOURCES_MAX 8
/* Stands in a source's URL for the five hex digits. */
#define PWNED_PREFIX_PLACEHOLDER "{prefix}"

enum pwned_setting_id {
	PWNED_SET_SOURCE,
	PWNED_SET_SOURCE_CA_FILE,
	PWNED_SET_SOURCE_PROXY,
	PWNED_SET_SOURCE_PROXY_AUTH_FILE,
	PWNED_SET_SOURCE_PADDING,
	PWNED_SET_WAIT,
	PWNED_SET_FETCH_TIMEOUT,
	PWNED_SET_POLICY,
	PWNED_SET_ON_UNKNOWN,
	PWNED_SET_DRY_RUN,
	PWNED_SET_BRAKE_SHARE,
	PWNED_SET_URL,
	PWNED_SET_MESSAGE,
	PWNED_SET_WARNING,
	PWNED_SET_STORE,
	PWNED_SET_STORE_GROUP,
	PWNED_SET_STORE_MAX_AGE,
	PWNED_SET_STORE_STALE,
	PWNED_SET_STORE_MAX_SIZE,
	PWNED_SET_CACHE_SIZE,
	PWNED_SET_STATE_DIR,
	PWNED_SET_FLAGS,
	PWNED_SET_FLAG_EXPIRE,
	PWNED_SET_CLEAR_AFTER,
	PWNED_SET_EXEMPT,
	PWNED_SET_HOLD,
	PWNED_SET_HOLD_GROUP,
	PWNED_SET_HOLD_MESSAGE,
	PWNED_SET_SUSPEND_MESSAGE,

	PWNED_SET_COUNT
};

enum pwned_setting_type {
	PWNED_TYPE_URLS,       /* char **: http(s) URLs, ended by NULL */
	PWNED_TYPE_FILE,       /* char *: an absolute path, or "" */
	PWNED_TYPE_DIR,        /* char *: an absolute path, or "" */
	PWNED_TYPE_GROUP,      /* char *: a group's name, or "" */
	PWNED_TYPE_PROXY,      /* char *: a proxy's URL, or "" */
	PWNED_TYPE_LINK,       /* char *: an http(s) URL for people, or "" */
	PWNED_TYPE_TEXT,       /* char *: printable ASCII for people, or "" */
	PWNED_TYPE_BOOL,       /* bool */
	PWNED_TYPE_TIME,       /* unsigned int: milliseconds */
	PWNED_TYPE_DAYS,       /* unsigned int: whole days */
	PWNED_TYPE_SIZE,       /* uint64_t: bytes */
	PWNED_TYPE_PERCENT,    /* unsigned int */
	PWNED_TYPE_POLICY,     /* struct pwned_policy * */
	PWNED_TYPE_FLAGS,      /* struct pwned_flags_place */
	PWNED_TYPE_EXEMPT,     /* struct pwned_exempt * */
	PWNED_TYPE_ON_UNKNOWN, /* enum pwned_action: ALLOW or TEMPFAIL */
};

struct pwned_setting {
	const char *name;
	enum pwned_setting_type type;
	size_t offset; /* of its member in struct pwned_settings */
	const char *default_value;
	uint64_t min, max; /* of times, sizes and percents, in their unit */
	bool per_protocol; /* may differ by protocol; others are one for all */
	bool login_only;   /* means nothing where a password is chosen */
	const char *text;  /* what it does, for the reference */
	const char *example; /* stands in the shipped example, or NULL */
};

extern const struct pwned_setting pwned_settings_table[PWNED_SET_COUNT];

/* Where the records of accounts are. */
struct pwned_flags_place {
	bool shared; /* in a PostgreSQL that several hosts use; else flags.db */
	char *path; /* of the file that says how to connect; NULL: not shared */
};

/* All strings are owned by the struct. */
struct pwned_settings {
	char **sources;
	char *source_ca_file;
	char *source_proxy;
	char *source_proxy_auth_file;
	bool source_padding;
	unsigned int wait_msecs;
	unsigned int fetch_timeout_msecs;
	struct pwned_policy *policy;
	enum pwned_action on_unknown;
	bool dry_run;
	unsigned int brake_share_percent;
	char *url;
	char *message;     /* "": the default for the service */
	char *warning;     /* "": the default */
	char *store;       /* "": in memory only */
	char *store_group; /* "": nobody else reads it */
	unsigned int store_max_age_days;
	unsigned int store_stale_days;
	uint64_t store_max_size; /* 0: no bound */
	uint64_t cache_size;
	char *state_dir; /* "": nothing is kept */
	struct pwned_flags_place flags;
	unsigned int flag_expire_days;
	unsigned int clear_after_msecs;
	struct pwned_exempt *exempt;
	char *hold;            /* "": nothing is held for MTAs to read */
	char *hold_group;      /* "": auth's user alone */
	char *hold_message;    /* "": the default */
	char *suspend_message; /* "": the default */

	/* the values as text, and the lines they stand in: 0 for a default, and
	   where values come without lines */
	char *values[PWNED_SET_COUNT];
	unsigned int lines[PWNED_SET_COUNT];
};

/* Reads settings from the text of a file, size bytes; `path` is for errors
   only. What the text does not set has its default. Returns false with path,
   line and what was expected; the struct is then empty. */
bool pwned_settings_parse(const char *text, size_t size, const char *path,
			  struct pwned_settings *set_r,
			  struct pwned_error *error_r);
/* The same from values that something else has read. values[id] NULL: the
   default. Returns false with the setting's name and what was expected. */
bool pwned_settings_from_values(const char *const values[PWNED_SET_COUNT],
				struct pwned_settings *set_r,
				struct pwned_error *error_r);
void pwned_settings_free(struct pwned_settings *set);

/* Whether the settings have what a policy needs: grace and hold are nothing
   without a record. Returns false with what is missing. */
bool pwned_settings_have_what_it_needs(const struct pwned_settings *set,
				       const struct pwned_policy *policy,
				       struct pwned_error *error_r);

/* When records are cleared and erased. */
struct pwned_flag_rules pwned_settings_flag_rules(
	const struct pwned_settings *set);

/* Which settings are compared. */
enum pwned_settings_part {
	PWNED_SETTINGS_ALL,
	PWNED_SETTINGS_SERVER, /* those that may not differ by protocol */
	PWNED_SETTINGS_CHOICE, /* what counts where a password is chosen */
};

bool pwned_setting_is_part(const struct pwned_setting *setting,
			   enum pwned_settings_part part);

/* Returns whether two have a setting of different meaning: the first such. */
bool pwned_settings_differ(const struct pwned_settings *one,
			   const struct pwned_settings *two,
			   enum pwned_settings_part part,
			   enum pwned_setting_id *id_r);

/* Says what is wrong with the value of a setting: path (unless NULL), line (if
   it was set in one) and name before the text. Returns false. */
bool pwned_settings_error(const struct pwned_settings *set,
			  enum pwned_setting_id id, const char *path,
			  const char *text, struct pwned_error *error_r);

#endif
