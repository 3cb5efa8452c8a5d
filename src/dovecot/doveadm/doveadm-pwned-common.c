/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the commands share: settings, and the rights of a folder's owner. */

#include "lib.h"
#include "doveadm.h"
#include "compat-conf.h"
#include "doveadm-pwned-common.h"
#include "folder.h"

#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

void doveadm_pwned_fail(const struct pwned_error *error)
{
	i_error("%s", error->text);
	doveadm_exit_code = DOVEADM_PWNED_EX_FAILED;
}

void doveadm_pwned_mistyped(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	i_error("%s", t_strdup_vprintf(format, args));
	va_end(args);
	doveadm_exit_code = EX_USAGE;
}

bool doveadm_pwned_load(const char *path, struct pwned_conf *conf_r,
			struct pwned_error *error_r)
{
	if (path != NULL)
		return pwned_conf_load(path, NULL, conf_r, error_r);
	return pwned_compat_conf_load_common(conf_r, error_r);
}

bool doveadm_pwned_load_for(const struct doveadm_cmd_context *cctx,
			    struct pwned_conf *conf_r,
			    struct pwned_error *error_r)
{
	const char *path = NULL;

	(void)doveadm_cmd_param_str(cctx, "config-file", &path);
	return doveadm_pwned_load(path, conf_r, error_r);
}

void doveadm_pwned_let_interrupt(const struct doveadm_cmd_context *cctx)
{
	/* a server's signals are not ours */
	if (cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI)
		return;
	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
}

/* The groups first: only root may change them. Those that root has besides
   would let him read what the owner may not. */
static bool become(const struct stat *st, struct doveadm_pwned_rights *rights)
{
	int count = getgroups(0, NULL);

	rights->gid = getegid();
	rights->groups = i_new(gid_t, count > 0 ? count : 1);
	rights->groups_count = getgroups(count, rights->groups);
	if (rights->groups_count < 0 || setgroups(1, &st->st_gid) < 0)
		return FALSE;
	rights->taken = TRUE;
	return setegid(st->st_gid) == 0 && seteuid(st->st_uid) == 0;
}

bool doveadm_pwned_rights_take(const char *folder,
			       struct doveadm_pwned_rights *rights_r,
			       struct pwned_error *error_r)
{
	struct stat st;
	int fd;
	bool ok;

	i_zero(rights_r);
	if (geteuid() != 0)
		return TRUE;
	fd = pwned_folder_open(folder, error_r);
	if (fd < 0)
		return errno == ENOENT;
	ok = fstat(fd, &st) == 0 && become(&st, rights_r);
	if (!ok) {
		(void)pwned_error_set(error_r, "%s: its owner's rights: %s",
				      folder, strerror(errno));
		doveadm_pwned_rights_give_back(rights_r);
	}
	i_close_fd(&fd);
	return ok;
}

void doveadm_pwned_rights_give_back(struct doveadm_pwned_rights *rights)
{
	if (rights->taken &&
	    (seteuid(0) < 0 || setegid(rights->gid) < 0 ||
	     setgroups(rights->groups_count, rights->groups) < 0))
		i_fatal("root's rights cannot be taken back: %m");
	rights->taken = FALSE;
	i_free(rights->groups);
}

enum pwned_state_read doveadm_pwned_state_read(const struct pwned_settings *set,
					       struct pwned_state *state_r,
					       struct pwned_error *error_r)
{
	enum pwned_state_read result;
	struct doveadm_pwned_rights rights;

	i_zero(state_r);
	if (*set->state_dir == '\0')
		return PWNED_STATE_NONE;
	if (!doveadm_pwned_rights_take(set->state_dir, &rights, error_r))
		return PWNED_STATE_UNREAD;
	result = pwned_state_file_read(set->state_dir, state_r, error_r);
	doveadm_pwned_rights_give_back(&rights);
	return result;
}
