/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_COMPLAINTS_H
#define PWNED_FLAG_COMPLAINTS_H

#include "flag-files.h"
#include "loop.h"
#include "report.h"

/* What operators are told of faults of the files: once a minute for as long as
   one lasts, and when it has gone. That another program is at a file is none
   for some seconds. */
struct pwned_flag_complaint {
	struct pwned_error told; /* "": nothing is wrong */
	uint64_t next_msecs;
};

struct pwned_flag_complaints {
	struct pwned_loop *loop;
	const struct pwned_reporter *reporter;
	struct pwned_flag_complaint flags, hold;
	uint64_t busy_since_msecs; /* 0: they are not */
};

/* all_is_well: without faults, the files can be read and written. */
void pwned_flag_complaints_note(struct pwned_flag_complaints *complaints,
				const struct pwned_flag_faults *faults,
				bool all_is_well);

#endif
