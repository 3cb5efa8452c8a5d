/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings file's lines: name = value. Dovecot 2.4 includes the same file
   in its configuration, so what is taken here means the same there: a line
   that its src/config/config-parser.c would read otherwise is refused. */

#include "settings-set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts a comment: a # outside of quotes. A quote that is never closed, as in
   "don't", protects the rest of the line. Returns false where it is not clear
   whether a comment was meant, as in a URL: Dovecot says so and cuts it. */
static bool cut_comment(char *line)
{
	for (char *p = line; *p != '\0'; p++) {
		if (*p == '#') {
			bool clear = p == line || is_blank(p[-1]);

			*p = '\0';
			return clear;
		}
		if (*p == '"' || *p == '\'') {
			char quote = *p++;

			while (*p != quote && *p != '\0')
				p += *p == '\\' && p[1] != '\0' ? 2 : 1;
			if (*p == '\0')
				break;
		}
	}
	return true;
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

static bool is_quoted(const char *value, size_t size)
{
	return size >= 2 && (*value == '"' || *value == '\'') &&
	       value[size - 1] == *value;
}

/* Takes off the quotes around a whole value, and the backslashes within.
   Returns NULL where one stands before anything but " and \: releases of
   Dovecot differ about it. */
static char *unquote(char *value)
{
	size_t size = strlen(value);
	char *from, *to;

	if (!is_quoted(value, size))
		return value;
	value[size - 1] = '\0';
	for (from = to = ++value; *from != '\0'; from++) {
		if (*from == '\\' && *++from != '"' && *from != '\\')
			return NULL;
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

/* The value as it was meant, or NULL and what Dovecot would not take, or not
   always. */
static const char *read_value(char *text, const char **error_r)
{
	size_t size = strlen(text);
	const char *value = unquote(text);

	if (value == NULL)
		*error_r = "expected \\\" or \\\\ where a \\ stands in quotes";
	else if (value != text)
		return value; /* in quotes all is well */
	else if (size == 1 && (*text == '"' || *text == '\''))
		*error_r = "expected a second quote";
	else if (size > 0 && text[size - 1] == '\\')
		*error_r = "expected no \\ at the end of the line";
	else if (*text == '<')
		*error_r = "expected quotes around a value that begins with <";
	else if (*text != '"' && *text != '\'' && strchr(text, '$') != NULL)
		*error_r = "expected quotes around a value with a $ in it";
	else
		return value;
	return NULL;
}

/* Parses a line that is neither empty nor a comment; it is modified. */
static bool parse_assignment(struct pwned_settings *set, char *line,
			     unsigned int number, const char *path,
			     struct pwned_error *error_r)
{
	char *equals = strchr(line, '=');
	const char *name, *value, *problem;
	struct pwned_error reason;
	enum pwned_setting_id id;

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
	value = read_value(trim(equals + 1), &problem);
	if (value == NULL)
		return pwned_settings_error(set, id, path, problem, error_r);
	if (!pwned_settings_set_value(set, id, value, &reason))
		return pwned_settings_error(set, id, path, reason.text,
					    error_r);
	return true;
}

static bool parse_line(struct pwned_settings *set, char *line,
		       unsigned int number, const char *path,
		       struct pwned_error *error_r)
{
	line = trim(line);
	if (!cut_comment(line)) {
		return pwned_error_set(error_r,
				       "%s line %u: expected a blank before a "
				       "comment, or quotes around a value with "
				       "a # in it",
				       path, number);
	}
	line = trim(line);
	return *line == '\0' ||
	       parse_assignment(set, line, number, path, error_r);
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
		if (!parse_line(set, line, number, path, error_r))
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
	ok = pwned_settings_set_defaults(set_r, error_r) &&
	     parse_lines(set_r, copy, path, error_r) &&
	     pwned_settings_check_together(set_r, path, error_r);
	free(copy);
	if (!ok)
		pwned_settings_free(set_r);
	return ok;
}
