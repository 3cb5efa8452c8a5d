/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOVEADM_PWNED_BOOK_H
#define DOVEADM_PWNED_BOOK_H

#include "doveadm-pwned-common.h"
#include "flag-book.h"

/* The records of accounts, wherever the settings have them, opened with the
   rights of those whose files they are: these are taken until it is closed. */
struct doveadm_pwned_book {
	struct pwned_conf conf;
	struct pwned_flag_book *book;
	struct doveadm_pwned_rights rights;
	/* a user is new on record, of whom auth has to hear before we end */
	bool news;
};

/* With the settings that the command names. Where that fails it says why and
   sets the exit status. */
bool doveadm_pwned_book_open(const struct doveadm_cmd_context *cctx,
			     struct doveadm_pwned_book *book_r);
/* Waits until a running auth knows the news. */
void doveadm_pwned_book_close(struct doveadm_pwned_book *book);

/* Root takes the rights of the owner of auth's files. Refuses where folders
   have different owners, or root himself, with whose files auth could do
   nothing. */
bool doveadm_pwned_rights_take_of_auth(const struct pwned_settings *set,
				       struct doveadm_pwned_rights *rights_r,
				       struct pwned_error *error_r);

#endif
