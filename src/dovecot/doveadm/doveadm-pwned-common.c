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
