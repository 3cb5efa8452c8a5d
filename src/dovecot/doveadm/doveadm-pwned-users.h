/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOVEADM_PWNED_USERS_H
#define DOVEADM_PWNED_USERS_H

#include "doveadm-pwned-book.h"

/* The users that a command names: each as he is, or by a mask of Dovecot's, in
   which * and ? stand for others unless a \ stands before them. */

struct doveadm_pwned_mask;

/* From the data stack. */
const struct doveadm_pwned_mask *doveadm_pwned_mask_new(const char *text);
bool doveadm_pwned_mask_has(const struct doveadm_pwned_mask *mask,
			    const char *user);

/* Visits those on record whom the words name, word by word. A word that names
   nobody is told, and sets the exit status; so does what fails. */
void doveadm_pwned_users_visit(struct doveadm_pwned_book *book,
			       const char *const *words,
			       pwned_book_visit *visit, void *context);
/* The same for what changes the record. Returns for how many users it did. */
typedef enum pwned_book_result doveadm_pwned_act(
	struct doveadm_pwned_book *book, const char *user,
	struct pwned_error *error_r);
unsigned int doveadm_pwned_users_act(struct doveadm_pwned_book *book,
				     const char *const *words,
				     doveadm_pwned_act *act);

/* Says that nothing is on record of them, and sets the exit status. */
void doveadm_pwned_no_user(const char *user);
void doveadm_pwned_no_match(const char *mask);

#endif
