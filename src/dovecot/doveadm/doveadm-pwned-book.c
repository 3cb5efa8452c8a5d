/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens the records of accounts, with the rights of their owner. */

#include "lib.h"
#include "sleep.h"
#include "doveadm.h"
#include "doveadm-pwned-book.h"
#include "flag-book-local.h"
#include "flag-db.h"
#include "folder.h"
#include "shared-book.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Auth looks for news once a second. */
#define AUTH_READS_MSECS 1300

/* Returns false where there is no such folder, or none that can be opened:
   whoever opens it next says so. */
static bool find_owner(const char *folder, uid_t *uid_r, bool *has_flags_r)
{
	struct pwned_error error;
	struct stat st;
	int fd = pwned_folder_open(folder, &error);
	bool ok = fd >= 0 && fstat(fd, &st) == 0;

	if (ok) {
		*uid_r = st.st_uid;
		*has_flags_r = faccessat(fd, PWNED_FLAG_DB_NAME, F_OK, 0) == 0;
	}
	i_close_fd(&fd);
	return ok;
}

static bool check_owners(const struct pwned_settings *set,
			 struct pwned_error *error_r)
{
	uid_t uid, hold_uid;
	bool has_flags, unused;

	if (!find_owner(set->state_dir, &uid, &has_flags))
		return TRUE;
	if (uid == 0 && !has_flags)
		return pwned_error_set(
			error_r,
			"%s: it belongs to root, and auth could not open what "
			"is made there now: start Dovecot, which gives the "
			"folder to auth's user",
			set->state_dir);
	if (*set->hold != '\0' && find_owner(set->hold, &hold_uid, &unused) &&
	    hold_uid != uid)
		return pwned_error_set(error_r,
				       "%s and %s have different owners: give "
				       "both to auth's user",
				       set->state_dir, set->hold);
	return TRUE;
}

bool doveadm_pwned_rights_take_of_auth(const struct pwned_settings *set,
				       struct doveadm_pwned_rights *rights_r,
				       struct pwned_error *error_r)
{
	i_zero(rights_r);
	if (*set->state_dir == '\0')
		return pwned_error_set(error_r,
				       "pwned_state_dir is empty: nothing is "
				       "on record");
	return (geteuid() != 0 || check_owners(set, error_r)) &&
	       doveadm_pwned_rights_take(set->state_dir, rights_r, error_r);
}

static bool open_book(struct doveadm_pwned_book *book,
		      struct pwned_error *error_r)
{
	const struct pwned_settings *set = &book->conf.set;

	if (set->flags.shared) {
		book->book = pwned_shared_book_open(set->flags.path, error_r);
		return book->book != NULL;
	}
	if (!doveadm_pwned_rights_take_of_auth(set, &book->rights, error_r))
		return FALSE;
	book->book = pwned_flag_book_local_open(set, error_r);
	if (book->book == NULL)
		doveadm_pwned_rights_give_back(&book->rights);
	return book->book != NULL;
}

bool doveadm_pwned_book_open(const struct doveadm_cmd_context *cctx,
			     struct doveadm_pwned_book *book_r)
{
	struct pwned_error error;
	bool ok;

	i_zero(book_r);
	ok = doveadm_pwned_load_for(cctx, &book_r->conf, &error);
	if (ok) {
		doveadm_pwned_let_interrupt(cctx);
		ok = open_book(book_r, &error);
		if (!ok)
			pwned_conf_free(&book_r->conf);
	}
	if (!ok)
		doveadm_pwned_fail(&error);
	return ok;
}

/* As far as its state file says. */
static bool auth_runs(const struct pwned_settings *set)
{
	struct pwned_state state;
	struct pwned_error error;

	switch (doveadm_pwned_state_read(set, &state, &error)) {
	case PWNED_STATE_READ:
		return !state.ended;
	case PWNED_STATE_NONE:
		return FALSE;
	case PWNED_STATE_UNREAD:
		break;
	}
	return TRUE;
}

void doveadm_pwned_book_close(struct doveadm_pwned_book *book)
{
	bool wait = book->news && auth_runs(&book->conf.set);

	book->book->v->close(&book->book);
	doveadm_pwned_rights_give_back(&book->rights);
	pwned_conf_free(&book->conf);
	if (wait)
		i_sleep_msecs(AUTH_READS_MSECS);
}
