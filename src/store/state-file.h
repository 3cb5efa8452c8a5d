/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_STATE_FILE_H
#define PWNED_STATE_FILE_H

#include "error.h"
#include "state.h"

/* The state file (core/state.h) in its folder. Blocking: for a start, a thread
   or a command. Of several processes each reads a whole file, whoever writes
   one meanwhile. */
#define PWNED_STATE_FILE_NAME "auth.state"
/* What is larger is none of ours. */
#define PWNED_STATE_FILE_MAX (64 * 1024)

enum pwned_state_read {
	PWNED_STATE_READ,
	PWNED_STATE_NONE,   /* no auth has written any here yet */
	PWNED_STATE_UNREAD, /* the error says why */
};

/* Where it is not READ, the state is empty. */
enum pwned_state_read pwned_state_file_read(const char *folder,
					    struct pwned_state *state_r,
					    struct pwned_error *error_r);

enum pwned_state_written {
	PWNED_STATE_WRITTEN,
	/* the file is of an auth that started later, and has not ended */
	PWNED_STATE_NOT_OURS,
	PWNED_STATE_UNWRITTEN, /* the error says why */
};

/* Replaces the file. One that cannot be read goes. It is not forced to the
   disk: what a crash of the machine takes is an hour of counts. Two auths that
   write in the same moment may leave the older one's, until the newer writes
   again. */
enum pwned_state_written pwned_state_file_write(const char *folder,
						const struct pwned_state *state,
						struct pwned_error *error_r);

#endif
