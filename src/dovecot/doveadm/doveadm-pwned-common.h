/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOVEADM_PWNED_COMMON_H
#define DOVEADM_PWNED_COMMON_H

#include "conf.h"
#include "state-file.h"

#include <stdbool.h>
#include <sys/types.h>

/* What the commands share. */

struct doveadm_cmd_context;

/* An interface, with EX_USAGE and EX_NOUSER: doc/man/doveadm-pwned.1 */
#define DOVEADM_PWNED_EX_FAILED 1

/* Says what is wrong, and sets the exit status. */
void doveadm_pwned_fail(const struct pwned_error *error);
/* The same for what was typed. */
void doveadm_pwned_mistyped(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Reads the settings. path NULL: those that Dovecot reads. */
bool doveadm_pwned_load(const char *path, struct pwned_conf *conf_r,
			struct pwned_error *error_r);
/* The same for a command with -c, --config-file. */
bool doveadm_pwned_load_for(const struct doveadm_cmd_context *cctx,
			    struct pwned_conf *conf_r,
			    struct pwned_error *error_r);

/* From here on ^C ends the program at once; Dovecot would wait for the end of
   the command. Does nothing where the command runs in a doveadm server. */
void doveadm_pwned_let_interrupt(const struct doveadm_cmd_context *cctx);

/* Root's way to work in a folder as its owner would: it is not led elsewhere by
   what stands there, and leaves no file that auth cannot open. Others work with
   the rights that they have. */
struct doveadm_pwned_rights {
	bool taken;
	/* what they were */
	gid_t gid;
	gid_t *groups;
	int groups_count;
};

/* Where there is no such folder, nothing is taken; the work itself will say so.
   Returns false with what failed. Only for the time of the work: give them
   back. */
bool doveadm_pwned_rights_take(const char *folder,
			       struct doveadm_pwned_rights *rights_r,
			       struct pwned_error *error_r);
void doveadm_pwned_rights_give_back(struct doveadm_pwned_rights *rights);

/* Auth's state file, with the rights of its owner. NONE where nothing is kept.
 */
enum pwned_state_read doveadm_pwned_state_read(const struct pwned_settings *set,
					       struct pwned_state *state_r,
					       struct pwned_error *error_r);

#endif
