/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_SWEEPER_H
#define PWNED_FLAG_SWEEPER_H

#include "loop.h"

#include <stdbool.h>

/* Writes the WALs of flags.db and hold.db back into them (checkpoints), by a
   thread and with connections of its own: nothing that looks up or commits
   waits for an fsync. What fails is met again by those who use the files, who
   tell. */
struct pwned_flag_sweeper;

/* hold_folder "": there is none. */
struct pwned_flag_sweeper *pwned_flag_sweeper_new(const char *folder,
						  const char *hold_folder,
						  const char *hold_group,
						  struct pwned_loop *loop);
/* Soon; once for those who ask meanwhile. */
void pwned_flag_sweeper_sweep(struct pwned_flag_sweeper *sweeper);
bool pwned_flag_sweeper_is_busy(struct pwned_flag_sweeper *sweeper);
/* Does not wait for a disk for long. */
void pwned_flag_sweeper_free(struct pwned_flag_sweeper **sweeper);

#endif
