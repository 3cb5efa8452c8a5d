/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings file's lines: name = value, as doveconf reads them. */

#include "settings.h"
#include "settings-value.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool pwned_settings_error(const struct pwned_settings *set,
			  enum pwned_setting_id id, const char *path,
			  const char *text, struct pwned_error *error_r)
{
	const char *name = pwned_settings_table[id].name;

	if (set->lines[id] == 0)
		return pwned_error_set(error_r, "%s: %s: %s", path, name, text);
	return pwned_error_set(error_r, "%s line %u: %s: %s", path,
			       set->lines[id], name, text);
}

/* Cuts a comment: a # outside of quotes. One that follows text directly, as in
   a URL, is no comment. A quote that is never closed, as in "don't", protects
   the rest of the line: doveconf has it so. */
static void cut_comment(char *line)
{
	for (char *p = line; *p != '\0'; p++) {
		if (*p == '#' && (p == line || is_blank(p[-1]))) {
			*p = '\0';
			return;
		}
		if (*p == '"' || *p == '\'') {
			char quote = *p++;

			while (*p != quote && *p != '\0')
				p += *p == '\\' && p[1] != '\0' ? 2 : 1;
			if (*p == '\0')
				return;
		}
	}
}

static char *trim(char *text)
{
	size_t size;

	while (is_blank(*text))
		text++;
	size = strlen(text);
	while (size > 0 && is_blank(text[size - 1]))
		size--;
	text[size] = '\0';
	return text;
}

/* Takes off quotes around a whole value, and the backslashes within. */
static char *unquote(char *value)
{
	size_t size = strlen(value);
	char *from, *to;

	if (size < 2 || (*value != '"' && *value != '\'') ||
	    value[size - 1] != *value)
		return value;
	value[size - 1] = '\0';
	for (from = to = ++value; *from != '\0'; from++) {
		if (*from == '\\' && from[1] != '\0')
			from++;
		*to++ = *from;
	}
	*to = '\0';
	return value;
}

static bool find_setting(const char *name, enum pwned_setting_id *id_r)
{
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		if (strcmp(pwned_settings_table[i].name, name) == 0) {
			*id_r = i;
			return true;
		}
	}
	return false;
}

static bool set_value(struct pwned_settings *set, enum pwned_setting_id id,
		      const char *value, struct pwned_error *error_r)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return pwned_error_set(error_r, "out of memory");
	free(set->values[id]);
	set->values[id] = copy;
	return pwned_setting_set(set, &pwned_settings_table[id], value,
				 error_r);
}

/* Parses a line that is neither empty nor a comment; it is modified. */
static bool parse_assignment(struct pwned_settings *set, char *line,
			     unsigned int number, const char *path,
			     struct pwned_error *error_r)
{
	char *equals = strchr(line, '=');
	struct pwned_error reason;
	enum pwned_setting_id id;
	const char *name;

	if (equals == NULL) {
		return pwned_error_set(
			error_r, "%s line %u: '%s': expected name = value",
			path, number, line);
	}
	*equals = '\0';
	name = trim(line);
	if (!find_setting(name, &id)) {
		return pwned_error_set(error_r,
				       "%s line %u: Unknown setting: %s", path,
				       number, name);
	}
	set->lines[id] = number;
	if (!set_value(set, id, unquote(trim(equals + 1)), &reason))
		return pwned_settings_error(set, id, path, reason.text,
					    error_r);
	return true;
}

static bool set_defaults(struct pwned_settings *set,
			 struct pwned_error *error_r)
{
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++) {
		const char *value = pwned_settings_table[i].default_value;

		if (!set_value(set, i, value, error_r))
			return false;
	}
	return true;
}

/* What no value can tell by itself. */
static bool check_together(const struct pwned_settings *set, const char *path,
			   struct pwned_error *error_r)
{
	enum pwned_setting_id id;

	if (set->wait_msecs > set->fetch_timeout_msecs) {
		id = set->lines[PWNED_SET_WAIT] != 0 ? PWNED_SET_WAIT :
						       PWNED_SET_FETCH_TIMEOUT;
		return pwned_settings_error(set, id, path,
					    "expected pwned_wait to be no "
					    "longer than pwned_fetch_timeout",
					    error_r);
	}
	if (*set->source_proxy_auth_file != '\0' && *set->source_proxy == '\0')
		return pwned_settings_error(
			set, PWNED_SET_SOURCE_PROXY_AUTH_FILE, path,
			"expected pwned_source_proxy to be set as well",
			error_r);
	if (!pwned_texts_fit(set, &id))
		return pwned_settings_error(set, id, path,
					    "expected at most 200 bytes in a "
					    "text with {url} expanded",
					    error_r);
	return true;
}

static bool parse_lines(struct pwned_settings *set, char *text,
			const char *path, struct pwned_error *error_r)
{
	unsigned int number = 1;
	char *line, *next;

	for (line = text; line != NULL; line = next, number++) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		line = trim(line);
		cut_comment(line);
		line = trim(line);
		if (*line != '\0' &&
		    !parse_assignment(set, line, number, path, error_r))
			return false;
	}
	return true;
}

bool pwned_settings_parse(const char *text, size_t size, const char *path,
			  struct pwned_settings *set_r,
			  struct pwned_error *error_r)
{
	char *copy;
	bool ok;

	*set_r = (struct pwned_settings){ .sources = NULL };
	if (memchr(text, '\0', size) != NULL)
		return pwned_error_set(error_r,
				       "%s: expected a text file, "
				       "found a NUL byte",
				       path);
	copy = strndup(text, size);
	if (copy == NULL)
		return pwned_error_set(error_r, "%s: out of memory", path);
	ok = set_defaults(set_r, error_r) &&
	     parse_lines(set_r, copy, path, error_r) &&
	     check_together(set_r, path, error_r);
	free(copy);
	if (!ok)
		pwned_settings_free(set_r);
	return ok;
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
