/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_BOOK_LOCAL_H
#define PWNED_FLAG_BOOK_LOCAL_H

#include "flag-book.h"
#include "pwned-settings.h"

/* flags.db in pwned_state_dir and hold.db in pwned_hold, for a command. The
   process has to have the rights of the folder's owner, else nothing is opened:
   it never makes what auth could not open. With synchronous=FULL. A file that
   is not there is made, where the folder is; one of an older form is brought to
   ours. hold.db is opened when it is to be written. The settings have to
   outlive the book. Returns NULL with what is wrong, where, and what to do. */
struct pwned_flag_book *pwned_flag_book_local_open(
	const struct pwned_settings *set, struct pwned_error *error_r);

/* What an operator asks of auth, which reads it within a second. */
enum pwned_flag_command {
	PWNED_COMMAND_RESUME = 1, /* release the brake */
};
bool pwned_flag_command_send(const struct pwned_settings *set,
			     enum pwned_flag_command command,
			     uint64_t sent_secs, struct pwned_error *error_r);

#endif
