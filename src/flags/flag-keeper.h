/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_KEEPER_H
#define PWNED_FLAG_KEEPER_H

#include "counters.h"
#include "flag-book-local.h"
#include "flags.h"
#include "loop.h"
#include "pwned-settings.h"
#include "report.h"

/* flags.db and hold.db for auth: a struct pwned_flags whose files a thread
   reads and writes. News are written together, within a second; those that
   somebody waits for, at once. A second thread writes the files back to the
   disk (checkpoints), so that no look-up waits for that. What fails is
   reported, kept (a bounded number) and tried again. Once a second it looks for
   what other programs have written, and whether the files are still in place.
 */
struct pwned_flag_keeper;

typedef void pwned_flag_command_callback(void *context,
					 enum pwned_flag_command command,
					 uint64_t sent_secs);

/* Opens nothing yet: that is the thread's. command: called from the loop for
   what operators ask, once; those sent before it began are told as well, with
   their time. seed: random. NULL where there can be no thread or no memory.
   With set->flags.shared it is for commands alone. */
struct pwned_flag_keeper *pwned_flag_keeper_new(
	const struct pwned_settings *set, uint64_t seed,
	struct pwned_loop *loop, const struct pwned_reporter *reporter,
	struct pwned_counters *counters, pwned_flag_command_callback *command,
	void *context);
/* As accounts' store. NULL with set->flags.shared. pwned_flags.free frees the
   keeper. */
struct pwned_flags *pwned_flag_keeper_flags(struct pwned_flag_keeper *keeper);
/* The dry run of the settings is none for all logins: hold.db is filled. */
void pwned_flag_keeper_end_dry_run(struct pwned_flag_keeper *keeper);
bool pwned_flag_keeper_is_busy(struct pwned_flag_keeper *keeper);
/* Writes what still waits, for a second at most. */
void pwned_flag_keeper_free(struct pwned_flag_keeper **keeper);

#endif
