/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state file: whatever it holds is taken or refused with a line, and what
   was taken is printed, and taken again as the same. */

#include "brake.h"
#include "fuzz.h"
#include "state.h"

#include <string.h>

static char one[PWNED_STATE_TEXT_MAX], two[PWNED_STATE_TEXT_MAX];

static void check_again(const struct pwned_state *state)
{
	size_t one_size = pwned_state_print(state, one, sizeof(one)), two_size;
	struct pwned_state again;
	struct pwned_error error;

	FUZZ_ASSERT(one_size != 0);
	FUZZ_ASSERT(pwned_state_parse(one, one_size, &again, &error));
	two_size = pwned_state_print(&again, two, sizeof(two));
	FUZZ_ASSERT(one_size == two_size && memcmp(one, two, one_size) == 0);
}

/* A brake takes whatever users they are. */
static void check_brake(const struct pwned_brake_snapshot *snapshot)
{
	struct pwned_brake *brake = pwned_brake_new(20, 1);
	uint64_t unix_secs = snapshot->saved_minute * 60;

	FUZZ_ASSERT(brake != NULL);
	pwned_brake_restore(brake, snapshot, 0, unix_secs);
	(void)pwned_brake_is_engaged(brake, 60);
	FUZZ_ASSERT(!pwned_brake_is_engaged(brake, 3600));
	pwned_brake_free(&brake);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pwned_state state;
	struct pwned_error error = { .text = "" };

	if (pwned_state_parse((const char *)data, size, &state, &error)) {
		check_again(&state);
		check_brake(&state.brake);
	} else {
		FUZZ_ASSERT(strncmp(error.text, "line ", 5) == 0);
		FUZZ_ASSERT(state.pid == 0 && state.sources_length == 0);
	}
	return 0;
}
