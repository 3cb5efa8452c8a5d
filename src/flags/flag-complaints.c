/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Faults of the files, as operators hear of them. */

#include "flag-complaints.h"

#include <string.h>

#define REPORT_EVERY_MSECS 60000
#define BUSY_MSECS         3000

static uint64_t now_msecs(const struct pwned_flag_complaints *complaints)
{
	return complaints->loop->v->now_msecs(complaints->loop);
}

static void complain(struct pwned_flag_complaints *complaints,
		     struct pwned_flag_complaint *complaint,
		     enum pwned_store_fault fault,
		     const struct pwned_error *error)
{
	uint64_t now = now_msecs(complaints);

	if (*error->text == '\0' ||
	    (strcmp(complaint->told.text, error->text) == 0 &&
	     now < complaint->next_msecs))
		return;
	complaint->told = *error;
	complaint->next_msecs = now + REPORT_EVERY_MSECS;
	pwned_report_store(complaints->reporter, fault, error->text);
}

static void has_gone(struct pwned_flag_complaints *complaints,
		     struct pwned_flag_complaint *complaint, const char *what)
{
	if (*complaint->told.text == '\0')
		return;
	*complaint->told.text = '\0';
	pwned_log(complaints->reporter->log, PWNED_LOG_INFO,
		  "%s can be read and written again", what);
}

static bool is_busy_for_long(struct pwned_flag_complaints *complaints)
{
	uint64_t now = now_msecs(complaints);

	if (complaints->busy_since_msecs == 0)
		complaints->busy_since_msecs = now;
	return now - complaints->busy_since_msecs >= BUSY_MSECS;
}

void pwned_flag_complaints_note(struct pwned_flag_complaints *complaints,
				const struct pwned_flag_faults *faults,
				bool all_is_well)
{
	bool fails = *faults->flags.text != '\0' || *faults->hold.text != '\0';

	if (!fails && all_is_well) {
		complaints->busy_since_msecs = 0;
		has_gone(complaints, &complaints->flags, "flags.db");
		has_gone(complaints, &complaints->hold, "hold.db");
	}
	if (!fails || (faults->busy && !is_busy_for_long(complaints)))
		return;
	complain(complaints, &complaints->flags, PWNED_FAULT_FLAGS,
		 &faults->flags);
	complain(complaints, &complaints->hold, PWNED_FAULT_HOLD,
		 &faults->hold);
}
