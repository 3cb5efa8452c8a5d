/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the settings file and the files that it names. */

#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* of those that are read here */
#define FILE_MAX_BYTES (256 * 1024)

/* Opens a regular file. Non-blocking, because a FIFO in its place must not
   hold up the start of auth. */
static int open_regular(const char *path, struct pwned_error *error_r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0) {
		(void)pwned_error_set(error_r, "%s: cannot be opened: %s", path,
				      strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)pwned_error_set(error_r, "%s: expected a regular file",
				      path);
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Reads a whole file into memory that wipes itself. */
static bool read_file(const char *path, struct pwned_secret *content_r,
		      struct pwned_error *error_r)
{
	char *buffer = malloc(FILE_MAX_BYTES);
	size_t size = 0;
	ssize_t ret = 0;
	int fd;
	bool ok;

	if (buffer == NULL)
		return pwned_error_set(error_r, "%s: out of memory", path);
	fd = open_regular(path, error_r);
	if (fd < 0) {
		free(buffer);
		return false;
	}
	while (size < FILE_MAX_BYTES &&
	       (ret = read(fd, buffer + size, FILE_MAX_BYTES - size)) > 0)
		size += (size_t)ret;
	if (ret < 0)
		ok = pwned_error_set(error_r, "%s: cannot be read: %s", path,
				     strerror(errno));
	else if (size == FILE_MAX_BYTES)
		ok = pwned_error_set(error_r, "%s: expected less than %d KB",
				     path, FILE_MAX_BYTES / 1024);
	else if (!pwned_secret_set(content_r, buffer, size))
		ok = pwned_error_set(error_r, "%s: out of memory", path);
	else
		ok = true;
	(void)close(fd);
	pwned_wipe(buffer, size);
	free(buffer);
	return ok;
}

static bool parse_file(const char *path, struct pwned_settings *set_r,
		       struct pwned_error *error_r)
{
	struct pwned_secret content = { .data = NULL };
	bool ok;

	if (!read_file(path, &content, error_r))
		return false;
	ok = pwned_settings_parse(content.data, content.size, path, set_r,
				  error_r);
	pwned_secret_free(&content);
	return ok;
}

static bool check_ca_file(const struct pwned_settings *set, const char *path,
			  struct pwned_error *error_r)
{
	struct pwned_error reason;
	int fd;

	if (*set->source_ca_file == '\0')
		return true;
	fd = open_regular(set->source_ca_file, &reason);
	if (fd < 0)
		return pwned_settings_error(set, PWNED_SET_SOURCE_CA_FILE, path,
					    reason.text, error_r);
	(void)close(fd);
	return true;
}

/* The first line of the file, which must be user:password. */
static bool read_proxy_auth(struct pwned_conf *conf, const char *path,
			    struct pwned_error *error_r)
{
	struct pwned_secret content = { .data = NULL };
	struct pwned_error reason;
	size_t size;
	bool ok;

	if (*conf->set.source_proxy_auth_file == '\0')
		return true;
	ok = read_file(conf->set.source_proxy_auth_file, &content, &reason);
	if (ok) {
		size = strcspn(content.data, "\r\n");
		if (memchr(content.data, ':', size) == NULL)
			ok = pwned_error_set(&reason,
					     "%s: expected user:password in "
					     "one line",
					     conf->set.source_proxy_auth_file);
		else if (!pwned_secret_set(&conf->proxy_auth, content.data,
					   size))
			ok = pwned_error_set(&reason, "out of memory");
	}
	pwned_secret_free(&content);
	return ok || pwned_settings_error(&conf->set,
					  PWNED_SET_SOURCE_PROXY_AUTH_FILE,
					  path, reason.text, error_r);
}

static bool read_named_files(struct pwned_conf *conf, const char *path,
			     struct pwned_error *error_r)
{
	return check_ca_file(&conf->set, path, error_r) &&
	       read_proxy_auth(conf, path, error_r);
}

bool pwned_conf_load(const char *path, const char *fallback,
		     struct pwned_conf *conf_r, struct pwned_error *error_r)
{
	bool ok;

	*conf_r = (struct pwned_conf){ .proxy_auth = { .data = NULL } };
	if (path == NULL && access(fallback, F_OK) < 0 && errno == ENOENT)
		return pwned_settings_parse("", 0, "default settings",
					    &conf_r->set, error_r);
	if (path == NULL)
		path = fallback;
	ok = parse_file(path, &conf_r->set, error_r) &&
	     read_named_files(conf_r, path, error_r);
	if (!ok)
		pwned_conf_free(conf_r);
	return ok;
}

bool pwned_conf_from_values(const char *const values[PWNED_SET_COUNT],
			    struct pwned_conf *conf_r,
			    struct pwned_error *error_r)
{
	bool ok;

	*conf_r = (struct pwned_conf){ .proxy_auth = { .data = NULL } };
	ok = pwned_settings_from_values(values, &conf_r->set, error_r) &&
	     read_named_files(conf_r, NULL, error_r);
	if (!ok)
		pwned_conf_free(conf_r);
	return ok;
}

void pwned_conf_free(struct pwned_conf *conf)
{
	pwned_settings_free(&conf->set);
	pwned_secret_free(&conf->proxy_auth);
}

bool pwned_conf_file_agrees(const char *path, const struct pwned_settings *set,
			    struct pwned_error *error_r)
{
	struct pwned_settings other;
	enum pwned_setting_id id;
	bool differs;

	if (access(path, F_OK) < 0)
		return true;
	if (!parse_file(path, &other, error_r))
		return false;
	differs =
		pwned_settings_differ(set, &other, PWNED_SETTINGS_CHOICE, &id);
	pwned_settings_free(&other);
	return !differs || pwned_error_set(error_r, "%s: %s differs there",
					   path, pwned_settings_table[id].name);
}
