/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of settings, by their types. */

#include "settings-value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit time_units[] = {
	{ "ms", 1 },           { "msec", 1 },
	{ "msecs", 1 },        { "s", 1000 },
	{ "sec", 1000 },       { "secs", 1000 },
	{ "second", 1000 },    { "seconds", 1000 },
	{ "m", 60000 },        { "min", 60000 },
	{ "mins", 60000 },     { "minute", 60000 },
	{ "minutes", 60000 },  { "h", 3600000 },
	{ "hour", 3600000 },   { "hours", 3600000 },
	{ "d", 86400000 },     { "day", 86400000 },
	{ "days", 86400000 },  { "w", 604800000 },
	{ "week", 604800000 }, { "weeks", 604800000 },
	{ NULL, 0 },
};

static const struct unit size_units[] = {
	{ "", 1 },         { "B", 1 },         { "K", 1 << 10 },
	{ "KB", 1 << 10 }, { "KiB", 1 << 10 }, { "M", 1 << 20 },
	{ "MB", 1 << 20 }, { "MiB", 1 << 20 }, { "G", 1 << 30 },
	{ "GB", 1 << 30 }, { "GiB", 1 << 30 }, { NULL, 0 },
};

static const struct unit day_units[] = {
	{ "d", 1 },    { "day", 1 },   { "days", 1 }, { "w", 7 },
	{ "week", 7 }, { "weeks", 7 }, { NULL, 0 },
};

static const struct unit percent_units[] = { { "", 1 },
					     { "%", 1 },
					     { NULL, 0 } };

static void *member(struct pwned_settings *set,
		    const struct pwned_setting *setting)
{
	return (char *)set + setting->offset;
}

static void strings_free(char **strings)
{
	for (char **s = strings; s != NULL && *s != NULL; s++)
		free(*s);
	free(strings);
}

void pwned_setting_unset(struct pwned_settings *set,
			 const struct pwned_setting *setting)
{
	void *where = member(set, setting);

	switch (setting->type) {
	case PWNED_TYPE_URLS:
		strings_free(*(char ***)where);
		*(char ***)where = NULL;
		break;
	case PWNED_TYPE_FILE:
	case PWNED_TYPE_DIR:
	case PWNED_TYPE_GROUP:
	case PWNED_TYPE_PROXY:
	case PWNED_TYPE_LINK:
	case PWNED_TYPE_TEXT:
		free(*(char **)where);
		*(char **)where = NULL;
		break;
	case PWNED_TYPE_POLICY:
		pwned_policy_unref(where);
		break;
	case PWNED_TYPE_EXEMPT:
		pwned_exempt_free(where);
		break;
	case PWNED_TYPE_FLAGS:
		free(((struct pwned_flags_place *)where)->path);
		*(struct pwned_flags_place *)where =
			(struct pwned_flags_place){ .path = NULL };
		break;
	default:
		break;
	}
}

static bool out_of_memory(struct pwned_error *error_r)
{
	return pwned_error_set(error_r, "out of memory");
}

static bool set_string(char **where, const char *value,
		       struct pwned_error *error_r)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return out_of_memory(error_r);
	free(*where);
	*where = copy;
	return true;
}

static bool is_printable(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			return false;
	}
	return true;
}

/* The part of a URL that names the host: host, host:port. */
static const char *url_authority(const char *url, const char *const *schemes)
{
	for (; *schemes != NULL; schemes++) {
		size_t length = strlen(*schemes);

		if (strncasecmp(url, *schemes, length) == 0)
			return url + length;
	}
	return NULL;
}

/* Whether a user, and perhaps a password, stands before the host. Looks also
   where a scheme is missing or wrong: such a value must not be quoted. */
static bool has_credentials(const char *url)
{
	const char *authority = strstr(url, "//");

	authority = authority == NULL ? url : authority + 2;
	return memchr(authority, '@', strcspn(authority, "/?#")) != NULL;
}

static bool check_url(const char *url, const char *const *schemes,
		      const char *expected, struct pwned_error *error_r)
{
	const char *authority = url_authority(url, schemes);

	if (has_credentials(url)) {
		return pwned_error_set(error_r,
				       "expected a URL without a user and a "
				       "password");
	}
	if (authority == NULL || strcspn(authority, "/?#") == 0 ||
	    !is_printable(url) || strchr(url, ' ') != NULL) {
		return pwned_error_set(error_r, "'%s': expected %s", url,
				       expected);
	}
	return true;
}

static const char *const web_schemes[] = { "https://", "http://", NULL };

/* The host's name would show the prefix to name servers and, in TLS, to whoever
   listens. */
static bool check_source(const char *url, struct pwned_error *error_r)
{
	const char *host, *place;

	if (!check_url(url, web_schemes, "http:// or https:// and a host",
		       error_r))
		return false;
	host = strstr(url, "://") + strlen("://");
	place = strstr(url, PWNED_PREFIX_PLACEHOLDER);
	if (place != NULL && place < host + strcspn(host, "/?#")) {
		return pwned_error_set(error_r,
				       "'%s': expected {prefix} in the path or "
				       "the query, not in the host",
				       url);
	}
	return true;
}

static bool set_urls(char ***where, const char *value,
		     struct pwned_error *error_r)
{
	char **urls = calloc(PWNED_SOURCES_MAX + 1, sizeof(*urls));
	char *copy = strdup(value), *save = NULL, *word;
	size_t length = 0;
	bool ok = urls != NULL && copy != NULL;

	if (!ok)
		(void)out_of_memory(error_r);
	for (word = ok ? strtok_r(copy, " \t", &save) : NULL;
	     ok && word != NULL; word = strtok_r(NULL, " \t", &save)) {
		if (length == PWNED_SOURCES_MAX) {
			ok = pwned_error_set(error_r, "more than %u sources",
					     PWNED_SOURCES_MAX);
			break;
		}
		ok = check_source(word, error_r) &&
		     set_string(&urls[length++], word, error_r);
	}
	if (ok && length == 0)
		ok = pwned_error_set(error_r, "expected at least one URL");
	free(copy);
	if (!ok) {
		strings_free(urls);
		return false;
	}
	strings_free(*where);
	*where = urls;
	return true;
}

static bool set_file(char **where, const char *value,
		     struct pwned_error *error_r)
{
	if (*value != '\0' && *value != '/') {
		return pwned_error_set(
			error_r, "'%s': expected an absolute path", value);
	}
	return set_string(where, value, error_r);
}

/* A / at its end would lead through a link where none is followed. */
static bool set_dir(char **where, const char *value,
		    struct pwned_error *error_r)
{
	const char *last = strrchr(value, '/');

	if (last != NULL && (last[1] == '\0' || strcmp(last, "/.") == 0 ||
			     strcmp(last, "/..") == 0)) {
		return pwned_error_set(error_r,
				       "'%s': expected a path that ends in the "
				       "folder's name",
				       value);
	}
	return set_file(where, value, error_r);
}

/* A name as useradd(8) takes it; that there is such a group shows later. */
static bool set_group(char **where, const char *value,
		      struct pwned_error *error_r)
{
	if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"0123456789._-$")] != '\0' ||
	    *value == '-') {
		return pwned_error_set(
			error_r, "'%s': expected the name of a group", value);
	}
	return set_string(where, value, error_r);
}

static bool set_proxy(char **where, const char *value,
		      struct pwned_error *error_r)
{
	static const char *const schemes[] = { "http://", "https://",
					       "socks5://", "socks5h://",
					       NULL };

	if (*value != '\0' &&
	    !check_url(value, schemes,
		       "http://, https://, socks5:// or socks5h:// and a host",
		       error_r))
		return false;
	return set_string(where, value, error_r);
}

static bool set_link(char **where, const char *value,
		     struct pwned_error *error_r)
{
	if (*value != '\0' &&
	    !check_url(value, web_schemes, "http:// or https:// and a host",
		       error_r))
		return false;
	return set_string(where, value, error_r);
}

static bool set_text(char **where, const char *value,
		     struct pwned_error *error_r)
{
	if (!is_printable(value)) {
		return pwned_error_set(error_r,
				       "expected one line of printable ASCII: "
				       "SMTP and IMAP can carry no more");
	}
	return set_string(where, value, error_r);
}

/* Engines that operators ask for and that cannot serve. */
static const struct {
	const char *prefix;
	const char *why;
} not_flags[] = {
	{ "redis", "Redis cannot list what is on record: expected" },
	{ "mysql", "Dovecot waits for MySQL and MariaDB, and all logins with "
		   "it: expected" },
	{ "mariadb", "Dovecot waits for MySQL and MariaDB, and all logins with "
		     "it: expected" },
};

static const char *why_not_flags(const char *value)
{
	for (size_t i = 0; i < sizeof(not_flags) / sizeof(*not_flags); i++) {
		const char *prefix = not_flags[i].prefix;

		if (strncasecmp(value, prefix, strlen(prefix)) == 0)
			return not_flags[i].why;
	}
	return "expected";
}

static bool set_flags(struct pwned_flags_place *where, const char *value,
		      struct pwned_error *error_r)
{
	static const char shared[] = "pgsql:";
	const char *path = value + strlen(shared);
	bool is_shared = strncmp(value, shared, strlen(shared)) == 0;
	char *copy = NULL;

	if (strcmp(value, "sqlite") != 0 && (!is_shared || *path != '/'))
		return pwned_error_set(error_r,
				       "'%s': %s sqlite, or pgsql: and the "
				       "absolute path of a file",
				       value, why_not_flags(value));
	if (is_shared && !set_string(&copy, path, error_r))
		return false;
	free(where->path);
	*where =
		(struct pwned_flags_place){ .shared = is_shared, .path = copy };
	return true;
}

static bool set_bool(bool *where, const char *value,
		     struct pwned_error *error_r)
{
	/* what Dovecot takes, no more */
	if (strcasecmp(value, "yes") == 0 || strcasecmp(value, "y") == 0 ||
	    strcmp(value, "1") == 0)
		*where = true;
	else if (strcasecmp(value, "no") == 0)
		*where = false;
	else
		return pwned_error_set(error_r, "'%s': expected yes or no",
				       value);
	return true;
}

static bool set_on_unknown(enum pwned_action *where, const char *value,
			   struct pwned_error *error_r)
{
	if (strcmp(value, "allow") == 0)
		*where = PWNED_ACTION_ALLOW;
	else if (strcmp(value, "tempfail") == 0)
		*where = PWNED_ACTION_TEMPFAIL;
	else
		return pwned_error_set(
			error_r, "'%s': expected allow or tempfail", value);
	return true;
}

/* Digits, spaces, a unit. Returns false also where 64 bits do not hold it. */
static bool parse_number(const char *value, const struct unit *units,
			 uint64_t *number_r)
{
	uint64_t number = 0;

	if (!isdigit((unsigned char)*value))
		return false;
	for (; isdigit((unsigned char)*value); value++) {
		if (number > UINT64_MAX / 100)
			return false;
		number = number * 10 + (unsigned int)(*value - '0');
	}
	while (*value == ' ')
		value++;
	for (; units->name != NULL; units++) {
		if (strcasecmp(value, units->name) == 0)
			return !__builtin_mul_overflow(number, units->factor,
						       number_r);
	}
	*number_r = 0;
	/* nothing is as long as no time at all, in any unit */
	return number == 0 && *value == '\0';
}

static const struct unit *units_of(const struct pwned_setting *setting)
{
	switch (setting->type) {
	case PWNED_TYPE_TIME:
		return time_units;
	case PWNED_TYPE_DAYS:
		return day_units;
	case PWNED_TYPE_SIZE:
		return size_units;
	default:
		return percent_units;
	}
}

static bool set_number(const struct pwned_setting *setting, const char *value,
		       uint64_t *number_r, struct pwned_error *error_r)
{
	char range[64];

	if (parse_number(value, units_of(setting), number_r) &&
	    *number_r >= setting->min && *number_r <= setting->max)
		return true;
	pwned_setting_write_range(setting, range, sizeof(range));
	return pwned_error_set(error_r, "'%s': expected %s", value, range);
}

bool pwned_setting_set(struct pwned_settings *set,
		       const struct pwned_setting *setting, const char *value,
		       struct pwned_error *error_r)
{
	void *where = member(set, setting);
	uint64_t number;

	switch (setting->type) {
	case PWNED_TYPE_URLS:
		return set_urls(where, value, error_r);
	case PWNED_TYPE_FILE:
		return set_file(where, value, error_r);
	case PWNED_TYPE_DIR:
		return set_dir(where, value, error_r);
	case PWNED_TYPE_GROUP:
		return set_group(where, value, error_r);
	case PWNED_TYPE_PROXY:
		return set_proxy(where, value, error_r);
	case PWNED_TYPE_LINK:
		return set_link(where, value, error_r);
	case PWNED_TYPE_TEXT:
		return set_text(where, value, error_r);
	case PWNED_TYPE_BOOL:
		return set_bool(where, value, error_r);
	case PWNED_TYPE_ON_UNKNOWN:
		return set_on_unknown(where, value, error_r);
	case PWNED_TYPE_POLICY:
		pwned_policy_unref(where);
		return pwned_policy_parse(value, where, error_r);
	case PWNED_TYPE_EXEMPT:
		pwned_exempt_free(where);
		return pwned_exempt_parse(value, where, error_r);
	case PWNED_TYPE_FLAGS:
		return set_flags(where, value, error_r);
	case PWNED_TYPE_TIME:
	case PWNED_TYPE_DAYS:
	case PWNED_TYPE_PERCENT:
		if (!set_number(setting, value, &number, error_r))
			return false;
		*(unsigned int *)where = (unsigned int)number;
		return true;
	case PWNED_TYPE_SIZE:
		return set_number(setting, value, where, error_r);
	}
	return pwned_error_set(error_r, "a setting without a type");
}

bool pwned_setting_is_same(const struct pwned_settings *one,
			   const struct pwned_settings *two,
			   const struct pwned_setting *setting)
{
	const void *a = (const char *)one + setting->offset;
	const void *b = (const char *)two + setting->offset;
	ptrdiff_t id = setting - pwned_settings_table;

	switch (setting->type) {
	case PWNED_TYPE_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case PWNED_TYPE_TIME:
	case PWNED_TYPE_DAYS:
	case PWNED_TYPE_PERCENT:
		return *(const unsigned int *)a == *(const unsigned int *)b;
	case PWNED_TYPE_SIZE:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	default:
		return strcmp(one->values[id], two->values[id]) == 0;
	}
}

static void write_time(uint64_t msecs, char *text_r, size_t size)
{
	if (msecs % 1000 == 0 && msecs > 0)
		(void)snprintf(text_r, size, "%u s", (unsigned)(msecs / 1000));
	else
		(void)snprintf(text_r, size, "%u ms", (unsigned)msecs);
}

static void write_size(uint64_t bytes, char *text_r, size_t size)
{
	if (bytes == 0)
		(void)snprintf(text_r, size, "0");
	else if (bytes % (1 << 30) == 0)
		(void)snprintf(text_r, size, "%u GB", (unsigned)(bytes >> 30));
	else if (bytes % (1 << 20) == 0)
		(void)snprintf(text_r, size, "%u MB", (unsigned)(bytes >> 20));
	else
		(void)snprintf(text_r, size, "%u KB", (unsigned)(bytes >> 10));
}

void pwned_setting_write_range(const struct pwned_setting *setting,
			       char *text_r, size_t size)
{
	char min[24] = "", max[24] = "";

	switch (setting->type) {
	case PWNED_TYPE_TIME:
		write_time(setting->min, min, sizeof(min));
		write_time(setting->max, max, sizeof(max));
		(void)snprintf(text_r, size, "a time from %s to %s", min, max);
		break;
	case PWNED_TYPE_SIZE:
		write_size(setting->min, min, sizeof(min));
		write_size(setting->max, max, sizeof(max));
		(void)snprintf(text_r, size, "a size from %s to %s", min, max);
		break;
	case PWNED_TYPE_DAYS:
		(void)snprintf(text_r, size, "a time from %u to %u days",
			       (unsigned)setting->min, (unsigned)setting->max);
		break;
	case PWNED_TYPE_PERCENT:
		(void)snprintf(text_r, size, "a share from %u to %u %%",
			       (unsigned)setting->min, (unsigned)setting->max);
		break;
	case PWNED_TYPE_BOOL:
		(void)snprintf(text_r, size, "yes or no");
		break;
	default:
		*text_r = '\0';
		break;
	}
}
