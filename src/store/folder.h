/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FOLDER_H
#define PWNED_FOLDER_H

#include "error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Folders of ours: pwned_store and pwned_state_dir. They are there or not, and
   we make none: somebody may have meant another place. Blocking: for a start or
   a thread. */

/* Returns a descriptor for the folder itself, never for what a link leads to,
   or -1 with errno and why not. */
int pwned_folder_open(const char *path, struct pwned_error *error_r);

/* Whether this process may keep its files there: the folder is its own, nobody
   else writes it, and nobody else reads it but `group` (NULL or "": none).
   Returns false with what was expected and what to do. */
bool pwned_folder_usable(const char *path, const char *group,
			 struct pwned_error *error_r);

/* As root: makes the folder the user's alone, or its group's to read as well,
   where it is not so: one that is the user's, or an empty one of root, as it
   was just made. Nothing in it and nothing above it is touched. What else it
   may be is left to pwned_folder_usable(). Returns false with what could not be
   done. */
bool pwned_folder_give(const char *path, uid_t uid, const char *group,
		       struct pwned_error *error_r);

#endif
