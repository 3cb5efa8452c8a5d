/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dovecot 2.4 reads our settings with its own: libpwned_settings.so tells it
   the names. */

#include "lib.h"
#include "lib-event.h"
#include "master-service.h"
#include "settings.h"
#include "compat-conf.h"
#include "compat-settings-2.4.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not checked by Dovecot, to which a mistake is fatal: it was there when
   the configuration was read, and what is left is ours to tell. */
#define LOOKUP_FLAGS (SETTINGS_GET_FLAG_NO_CHECK | SETTINGS_GET_FLAG_NO_EXPAND)

/* What Dovecot calls a bug is most likely one of the installation. */
static const char *settings_hint(const char *error)
{
	return strstr(error, "settings struct") == NULL ?
		       "" :
		       " (is libpwned_settings.so, of this release, among "
		       "Dovecot's modules?)";
}

bool pwned_compat_conf_load(const struct pwned_compat_block *block,
			    struct pwned_conf *conf_r,
			    struct pwned_error *error_r)
{
	const struct pwned_setting_values *values;
	const char *error;
	bool ok;

	pwned_setting_parser_info_init();
	if (settings_get(block->event, &pwned_setting_parser_info, LOOKUP_FLAGS,
			 &values, &error) < 0) {
		*conf_r = (struct pwned_conf){ .proxy_auth = { .data = NULL } };
		return pwned_error_set(error_r, "%s%s", error,
				       settings_hint(error));
	}
	ok = pwned_conf_from_values(values->values, conf_r, error_r);
	settings_free(values);
	return ok;
}

/* The file is read by that program alone, unless it is included. */
bool pwned_compat_conf_is_common(const struct pwned_settings *set,
				 struct pwned_error *error_r)
{
	return pwned_conf_file_agrees(PWNED_SETTINGS_PATH, set, error_r);
}

bool pwned_compat_conf_load_common(struct pwned_conf *conf_r,
				   struct pwned_error *error_r)
{
	struct pwned_compat_block block = {
		.event = event_create(master_service_get_event(master_service)),
	};
	bool ok;

	/* not those of `protocol doveadm { }` */
	event_add_str(block.event, "protocol", "");
	event_set_ptr(block.event, SETTINGS_EVENT_FILTER_NAME,
		      t_strdup_noconst("passdb/pwned"));
	ok = pwned_compat_conf_load(&block, conf_r, error_r);
	event_unref(&block.event);
	return ok;
}

/* The doveconf that belongs to this program, wherever PATH leads. */
static const char *find_doveconf(void)
{
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *name;

	if (size < 0)
		return NULL;
	path[size] = '\0';
	name = strrchr(path, '/');
	return name == NULL ? NULL :
			      t_strdup_printf("%.*s/doveconf",
					      (int)(name - path), path);
}

/* Its standard output goes nowhere. Returns its exit status, or -1 where it did
   not run or did not end by itself. */
static int run_doveconf(const char *path)
{
	const char *program = find_doveconf();
	const char *const argv[] = { program, "-n", "-c", path, NULL };
	posix_spawn_file_actions_t actions;
	int status, ret;
	pid_t pid;

	if (program == NULL || posix_spawn_file_actions_init(&actions) != 0)
		return -1;
	ret = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
					       "/dev/null", O_WRONLY, 0);
	if (ret == 0)
		ret = posix_spawn(&pid, program, &actions, NULL,
				  (char *const *)argv, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (ret != 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* What we are given here is what no protocol says otherwise. */
bool pwned_compat_conf_check_common(struct pwned_error *error_r)
{
	const char *path = pwned_compat_conf_path();
	struct pwned_conf conf;
	int status = run_doveconf(path);

	if (status < 0)
		return pwned_error_set(error_r, "%s: doveconf cannot be run",
				       path);
	if (status > 0)
		return pwned_error_set(error_r, "%s: doveconf refuses it",
				       path);
	/* the files that settings name */
	if (!pwned_compat_conf_load_common(&conf, error_r))
		return false;
	pwned_conf_free(&conf);
	return true;
}

const char *pwned_compat_conf_path(void)
{
	return master_service_get_config_path(master_service);
}
