/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file that says how to connect to PostgreSQL. */

#include "sql-conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX       (64 * 1024)
#define WORDS_MAX      64
#define NAME_MAX_CHARS 64

/* What the file may leave out. */
static const struct {
	const char *name, *value;
} defaults[] = {
	{ "application_name", "dovecot-pwned" },
	/* the system notices a host that is gone */
	{ "keepalives_idle", "30" },
	{ "keepalives_interval", "10" },
	{ "keepalives_count", "3" },
	/* asking for Kerberos' tickets would block */
	{ "gssencmode", "disable" },
	{ "client_encoding", "UTF8" },
};

struct reader {
	struct pwned_sql_conf *conf;
	const char *at;
	unsigned int line;
	struct pwned_error *error;
};

static bool wrong(struct reader *reader, const char *text, const char *name)
{
	return pwned_error_set(reader->error, "%s line %u: %s%s%s",
			       reader->conf->path, reader->line,
			       name == NULL ? "" : name,
			       name == NULL ? "" : ": ", text);
}

static void skip_blanks(struct reader *reader)
{
	for (;; reader->at++) {
		if (*reader->at == '#')
			reader->at += strcspn(reader->at, "\n");
		if (*reader->at == '\n')
			reader->line++;
		if (*reader->at == '\0' || !isspace((unsigned char)*reader->at))
			return;
	}
}

static bool read_name(struct reader *reader, char *name_r)
{
	size_t size = strspn(reader->at, "abcdefghijklmnopqrstuvwxyz_");

	if (size == 0 || size > NAME_MAX_CHARS)
		return wrong(reader,
			     "expected name=value, as in a connection string "
			     "of PostgreSQL (host=, dbname=, user=, password=)",
			     NULL);
	memcpy(name_r, reader->at, size);
	name_r[size] = '\0';
	reader->at += size;
	reader->at += strspn(reader->at, " \t");
	if (*reader->at != '=')
		return wrong(reader, "expected = behind it", name_r);
	reader->at++;
	reader->at += strspn(reader->at, " \t");
	return true;
}

/* value_r has room for the rest of the file. */
static bool read_value(struct reader *reader, const char *name, char *value_r)
{
	bool quoted = *reader->at == '\'';

	reader->at += quoted;
	for (;; reader->at++) {
		char c = *reader->at;

		if (quoted ? c == '\'' :
			     (c == '\0' || isspace((unsigned char)c)))
			break;
		if (c == '\0' || c == '\n')
			return wrong(reader, "expected ' at its end", name);
		if (c == '\\') {
			c = *++reader->at;
			if (c == '\0' || c == '\n')
				return wrong(reader,
					     "expected a character behind \\",
					     name);
		}
		*value_r++ = c;
	}
	*value_r = '\0';
	reader->at += quoted;
	if (*reader->at != '\0' && !isspace((unsigned char)*reader->at))
		return wrong(reader, "expected a blank behind it", name);
	return true;
}

static bool add_word(struct pwned_sql_conf *conf, const char *name,
		     const char *value)
{
	struct pwned_sql_word *word = &conf->words[conf->count];

	word->name = strdup(name);
	word->value = strdup(value);
	conf->count++;
	return word->name != NULL && word->value != NULL;
}

static bool check_word(struct reader *reader, const char *name,
		       const char *value)
{
	if (strcmp(name, "client_encoding") == 0)
		return wrong(reader, "it is always UTF8", name);
	if (strcmp(name, "maxconns") == 0)
		return wrong(reader, "the number of connections is fixed",
			     name);
	if (strncmp(value, "inline:", 7) == 0)
		return wrong(reader,
			     "a value may not begin with inline:", name);
	for (unsigned int i = 0; i < reader->conf->count; i++) {
		if (strcmp(reader->conf->words[i].name, name) == 0)
			return wrong(reader,
				     "it is there already (several hosts are "
				     "separated by commas)",
				     name);
	}
	if (reader->conf->count ==
	    WORDS_MAX - sizeof(defaults) / sizeof(*defaults))
		return wrong(reader, "too much for one connection", name);
	return true;
}

static bool read_words(struct reader *reader, char *value)
{
	char name[NAME_MAX_CHARS + 1];

	for (skip_blanks(reader); *reader->at != '\0'; skip_blanks(reader)) {
		if (!read_name(reader, name) ||
		    !read_value(reader, name, value) ||
		    !check_word(reader, name, value))
			return false;
		if (!add_word(reader->conf, name, value))
			return wrong(reader, "out of memory", NULL);
	}
	return true;
}

static bool is_said(const struct pwned_sql_conf *conf, const char *name)
{
	for (unsigned int i = 0; i < conf->count; i++) {
		if (strcmp(conf->words[i].name, name) == 0)
			return true;
	}
	return false;
}

static bool add_defaults(struct reader *reader)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++) {
		if (!is_said(reader->conf, defaults[i].name) &&
		    !add_word(reader->conf, defaults[i].name,
			      defaults[i].value))
			return wrong(reader, "out of memory", NULL);
	}
	return true;
}

static bool parse(struct pwned_sql_conf *conf, const char *text, size_t size,
		  bool is_public, struct pwned_error *error_r)
{
	struct reader reader = {
		.conf = conf,
		.at = text,
		.line = 1,
		.error = error_r,
	};
	char *value = malloc(size + 1);
	bool ok = value != NULL;

	if (!ok)
		return wrong(&reader, "out of memory", NULL);
	ok = read_words(&reader, value);
	explicit_bzero(value, size + 1);
	free(value);
	if (ok && conf->count == 0)
		ok = pwned_error_set(error_r,
				     "%s: expected name=value, as in a "
				     "connection string of PostgreSQL",
				     conf->path);
	if (ok && is_public && is_said(conf, "password"))
		ok = pwned_error_set(error_r,
				     "%s: it holds a password, and everybody "
				     "may read it: chmod 600",
				     conf->path);
	return ok && add_defaults(&reader);
}

/* text_r: of FILE_MAX + 1 bytes. */
static bool read_file(const char *path, char *text_r, size_t *size_r,
		      bool *is_public_r, struct pwned_error *error_r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	ssize_t size = 0;

	*size_r = 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		size = -1;
	while (size >= 0 && *size_r <= FILE_MAX) {
		size = read(fd, text_r + *size_r, FILE_MAX + 1 - *size_r);
		if (size <= 0)
			break;
		*size_r += (size_t)size;
	}
	if (size < 0) {
		(void)pwned_error_set(error_r, "%s: %s", path, strerror(errno));
	} else if (*size_r > FILE_MAX) {
		size = -1;
		(void)pwned_error_set(error_r, "%s: larger than %d bytes", path,
				      FILE_MAX);
	} else if (memchr(text_r, '\0', *size_r) != NULL) {
		size = -1;
		(void)pwned_error_set(error_r, "%s: not a text", path);
	} else {
		text_r[*size_r] = '\0';
		*is_public_r = (st.st_mode & S_IROTH) != 0;
	}
	if (fd >= 0)
		(void)close(fd);
	return size >= 0;
}

struct pwned_sql_conf *pwned_sql_conf_read(const char *path,
					   struct pwned_error *error_r)
{
	struct pwned_sql_conf *conf = calloc(1, sizeof(*conf));
	char *text = malloc(FILE_MAX + 1);
	bool is_public = false, ok = false;
	size_t size;

	if (conf != NULL) {
		conf->path = strdup(path);
		conf->words = calloc(WORDS_MAX, sizeof(*conf->words));
	}
	if (conf == NULL || text == NULL || conf->path == NULL ||
	    conf->words == NULL)
		(void)pwned_error_set(error_r, "out of memory");
	else
		ok = read_file(path, text, &size, &is_public, error_r) &&
		     parse(conf, text, size, is_public, error_r);
	if (text != NULL)
		explicit_bzero(text, FILE_MAX + 1);
	free(text);
	if (!ok)
		pwned_sql_conf_free(&conf);
	return conf;
}

void pwned_sql_conf_free(struct pwned_sql_conf **_conf)
{
	struct pwned_sql_conf *conf = *_conf;

	*_conf = NULL;
	if (conf == NULL)
		return;
	for (unsigned int i = 0; i < conf->count; i++) {
		if (conf->words[i].value != NULL)
			explicit_bzero(conf->words[i].value,
				       strlen(conf->words[i].value));
		free(conf->words[i].value);
		free(conf->words[i].name);
	}
	free(conf->words);
	free(conf->path);
	free(conf);
}

const char *pwned_sql_conf_value(const struct pwned_sql_conf *conf,
				 const char *name)
{
	for (unsigned int i = 0; i < conf->count; i++) {
		if (strcmp(conf->words[i].name, name) == 0)
			return conf->words[i].value;
	}
	return "";
}
