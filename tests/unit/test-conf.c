/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings file and the files that it names, on disk. */

#include "support/freed.h"
#include "support/unit.h"
#include "conf.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME   "dovecot-pwned.conf.ext"
#define SIZE_MAX_KB 256

/* A directory for the files of one test; removed at its end. */
struct place {
	char dir[64];
	char path[96];  /* of the settings file */
	char named[96]; /* of the file that it names */
};

static int place_make(void **state)
{
	static struct place place;

	(void)snprintf(place.dir, sizeof(place.dir), "/tmp/pwned-conf-XXXXXX");
	if (mkdtemp(place.dir) == NULL)
		return -1;
	(void)snprintf(place.path, sizeof(place.path), "%s/%s", place.dir,
		       FILE_NAME);
	(void)snprintf(place.named, sizeof(place.named), "%s/named", place.dir);
	*state = &place;
	return 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;

	(void)unlink(place->path);
	(void)unlink(place->named);
	return rmdir(place->dir);
}

static void write_bytes(const char *path, const char *data, size_t size)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

/* Settings that use the named file as the proxy's user and password. */
static void write_proxy_settings(const struct place *place)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "pwned_source_proxy = http://127.0.0.1:3128\n"
		       "pwned_source_proxy_auth_file = %s\n",
		       place->named);
	write_text(place->path, text);
}

static void load_good(const char *path, const char *fallback,
		      struct pwned_conf *conf_r)
{
	struct pwned_error error;

	if (!pwned_conf_load(path, fallback, conf_r, &error))
		fail_msg("refused: %s", error.text);
}

/* The error's text starts with the path of a file, which differs from run to
   run; `expected` is the rest. */
static void assert_error(const struct place *place, const char *expected)
{
	struct pwned_conf conf;
	struct pwned_error error;

	assert_false(pwned_conf_load(place->path, "/nowhere", &conf, &error));
	assert_int_equal(strncmp(error.text, place->dir, strlen(place->dir)),
			 0);
	if (strstr(error.text, expected) == NULL)
		fail_msg("expected '%s' in '%s'", expected, error.text);
	assert_null(conf.set.url);
	assert_null(conf.set.policy);
	assert_null(conf.proxy_auth.data);
}

static void the_file_is_read(void **state)
{
	const struct place *place = *state;
	struct pwned_conf conf;

	write_text(place->path, "# ours\r\npwned_wait = 2 s\r\n");
	load_good(place->path, "/nowhere", &conf);
	assert_int_equal(conf.set.wait_msecs, 2000);
	assert_int_equal(conf.set.lines[PWNED_SET_WAIT], 2);
	assert_null(conf.proxy_auth.data);
	pwned_conf_free(&conf);
	assert_null(conf.set.url);
}

static void without_a_path_the_fallback_is_read(void **state)
{
	const struct place *place = *state;
	struct pwned_conf conf;

	write_text(place->path, "pwned_wait = 3 s\n");
	load_good(NULL, place->path, &conf);
	assert_int_equal(conf.set.wait_msecs, 3000);
	pwned_conf_free(&conf);
}

static void without_any_file_the_defaults_stand(void **state)
{
	const struct place *place = *state;
	struct pwned_conf conf;

	load_good(NULL, place->path, &conf);
	assert_int_equal(conf.set.wait_msecs, 1000);
	assert_int_equal(conf.set.lines[PWNED_SET_WAIT], 0);
	pwned_conf_free(&conf);
}

static void a_named_file_must_exist(void **state)
{
	assert_error(*state,
		     FILE_NAME ": cannot be opened: No such file or directory");
}

/* A mistake in the file that was found is an error, not the defaults. */
static void a_bad_fallback_is_an_error(void **state)
{
	const struct place *place = *state;
	struct pwned_conf conf;
	struct pwned_error error;

	write_text(place->path, "\nbogus = 1\n");
	assert_false(pwned_conf_load(NULL, place->path, &conf, &error));
	assert_non_null(strstr(error.text, " line 2: Unknown setting: bogus"));
	assert_error(place, FILE_NAME " line 2: Unknown setting: bogus");
}

static void only_a_regular_file_will_do(void **state)
{
	static const char expected[] = ": expected a regular file";
	const struct place *place = *state;

	assert_int_equal(mkfifo(place->path, 0600), 0);
	assert_error(place, expected);
	assert_int_equal(unlink(place->path), 0);

	assert_int_equal(symlink(place->dir, place->path), 0);
	assert_error(place, expected);
	assert_int_equal(unlink(place->path), 0);
}

static void the_size_is_bounded(void **state)
{
	const struct place *place = *state;
	size_t limit = SIZE_MAX_KB * 1024;
	char *text = malloc(limit);
	struct pwned_conf conf;

	assert_non_null(text);
	memset(text, '#', limit);
	write_bytes(place->path, text, limit - 1);
	load_good(place->path, "/nowhere", &conf);
	pwned_conf_free(&conf);
	write_bytes(place->path, text, limit);
	assert_error(place, ": expected less than 256 KB");
	free(text);
}

static void an_empty_file_has_the_defaults(void **state)
{
	const struct place *place = *state;
	struct pwned_conf conf;

	write_text(place->path, "");
	load_good(place->path, "/nowhere", &conf);
	assert_int_equal(conf.set.wait_msecs, 1000);
	pwned_conf_free(&conf);
}

static void a_ca_file_must_be_there(void **state)
{
	const struct place *place = *state;
	struct pwned_conf conf;
	char text[256];

	(void)snprintf(text, sizeof(text), "\npwned_source_ca_file = %s\n",
		       place->named);
	write_text(place->path, text);
	assert_error(place, " line 2: pwned_source_ca_file: ");
	assert_error(place, "/named: cannot be opened: No such file");
	/* a bundle of certificates may be larger than our own files */
	write_text(place->named, "certificates");
	assert_int_equal(truncate(place->named, 1 << 20), 0);
	load_good(place->path, "/nowhere", &conf);
	assert_string_equal(conf.set.source_ca_file, place->named);
	pwned_conf_free(&conf);
}

static void the_proxys_password_is_the_first_line(void **state)
{
	static const char *const files[] = {
		"user:pass:word # \"x\"", "user:pass:word # \"x\"\n",
		"user:pass:word # \"x\"\r\nmore\n"
	};
	const struct place *place = *state;

	write_proxy_settings(place);
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		struct pwned_conf conf;

		write_text(place->named, files[i]);
		load_good(place->path, "/nowhere", &conf);
		assert_string_equal(conf.proxy_auth.data,
				    "user:pass:word # \"x\"");
		assert_int_equal(conf.proxy_auth.size,
				 strlen("user:pass:word # \"x\""));
		pwned_conf_free(&conf);
		assert_null(conf.proxy_auth.data);
	}
}

static void a_proxys_password_needs_a_user(void **state)
{
	static const char *const files[] = { "", "\n", "secret\n",
					     "\nuser:secret\n" };
	const struct place *place = *state;

	write_proxy_settings(place);
	assert_error(place, " line 2: pwned_source_proxy_auth_file: ");
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		write_text(place->named, files[i]);
		assert_error(place,
			     "/named: expected user:password in one line");
	}
}

static void no_copy_of_the_proxys_password_is_left(void **state)
{
	static const char secret[] = "proxy-user:proxy-password";
	const struct place *place = *state;
	struct pwned_conf conf;

	write_proxy_settings(place);
	write_text(place->named, "proxy-user:proxy-password\n");
	test_freed_watch(secret, sizeof(secret) - 1);
	load_good(place->path, "/nowhere", &conf);
	assert_string_equal(conf.proxy_auth.data, secret);
	pwned_conf_free(&conf);
	assert_false(test_freed_had_secret());
}

#define with_place(test)                                                       \
	cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_place(the_file_is_read),
		with_place(without_a_path_the_fallback_is_read),
		with_place(without_any_file_the_defaults_stand),
		with_place(a_named_file_must_exist),
		with_place(a_bad_fallback_is_an_error),
		with_place(only_a_regular_file_will_do),
		with_place(the_size_is_bounded),
		with_place(an_empty_file_has_the_defaults),
		with_place(a_ca_file_must_be_there),
		with_place(the_proxys_password_is_the_first_line),
		with_place(a_proxys_password_needs_a_user),
		with_place(no_copy_of_the_proxys_password_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
