/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_STATE_KEEPER_H
#define PWNED_STATE_KEEPER_H

#include "loop.h"
#include "report.h"
#include "state.h"

#include <stdbool.h>

/* Reads the state file at a start, and writes it, by a thread of its own: a
   slow disk of the cache must not hold it up. */
struct pwned_state_keeper;

/* Reads what is there, and waits for that for half a second at most. A folder
   that cannot be used, or a file that cannot be read, is reported. Returns NULL
   where nothing can be kept. */
struct pwned_state_keeper *pwned_state_keeper_new(
	const char *folder, struct pwned_loop *loop,
	const struct pwned_reporter *reporter);
/* Writes what still waits, for a second at most. */
void pwned_state_keeper_free(struct pwned_state_keeper **keeper);

/* Whether the disk has not told yet what was there. What is saved meanwhile
   would take its place. */
bool pwned_state_keeper_is_loading(const struct pwned_state_keeper *keeper);
/* What was there at the start; NULL: nothing. */
const struct pwned_state *pwned_state_keeper_found(
	const struct pwned_state_keeper *keeper);
/* Copies a state, and writes it soon. Of those that still wait only the last is
   written, and for a minute none after the file was found to be of a newer
   auth. */
void pwned_state_keeper_save(struct pwned_state_keeper *keeper,
			     const struct pwned_state *state);
/* Whether its thread writes, or hangs at it. */
bool pwned_state_keeper_is_busy(const struct pwned_state_keeper *keeper);

#endif
