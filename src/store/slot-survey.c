/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A walk over all slots. */

#include "slot-survey.h"
#include "folder.h"
#include "slots.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const pwned_store_age_names[PWNED_STORE_AGES] = {
	"0-1 days",   "2-7 days",    "8-30 days",
	"31-90 days", "91-365 days", "more than 365 days",
};

/* The last day of each. */
static const uint32_t age_ends[PWNED_STORE_AGES] = { 1,  7,   30,
						     90, 365, UINT32_MAX };

static void survey_add(struct pwned_store_survey *survey, uint32_t day,
		       uint32_t today)
{
	uint32_t age = day < today ? today - day : 0;
	unsigned int i = 0;

	while (age > age_ends[i])
		i++;
	survey->by_age[i]++;
	if (survey->ranges == 0 || day < survey->oldest_day)
		survey->oldest_day = day;
	if (day > survey->newest_day)
		survey->newest_day = day;
	survey->ranges++;
}

/* Opens the file; a problem that leaves it usable is none here. */
static struct pwned_slots *open_slots(const char *folder,
				      enum pwned_slots_access access,
				      struct pwned_error *error_r)
{
	struct pwned_slots *slots = pwned_slots_open(folder, access, error_r);

	if (slots != NULL && access == PWNED_SLOTS_CHANGE &&
	    !pwned_slots_is_writable(slots))
		pwned_slots_close(&slots);
	return slots;
}

/* Whether nothing was ever stored in a folder, which is no fault. */
static bool is_unused(const char *folder)
{
	struct pwned_error ignored;
	struct stat st;
	int fd = pwned_folder_open(folder, &ignored);
	bool unused =
		fd >= 0 &&
		fstatat(fd, PWNED_SLOTS_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
		errno == ENOENT;

	if (fd >= 0)
		(void)close(fd);
	return unused;
}

bool pwned_store_survey(const char *folder, uint32_t today,
			struct pwned_store_survey *survey_r,
			struct pwned_error *error_r)
{
	struct pwned_slots *slots =
		open_slots(folder, PWNED_SLOTS_READ, error_r);
	uint32_t prefix, day;

	*survey_r = (struct pwned_store_survey){ .ranges = 0 };
	if (slots == NULL)
		return is_unused(folder);
	survey_r->bytes_on_disk = pwned_slots_allocated(slots);
	for (uint32_t next = 0; pwned_slots_next(slots, next, &prefix);
	     next = prefix + 1) {
		switch (pwned_slots_day(slots, prefix, &day)) {
		case PWNED_BLOCK_VALID:
			survey_add(survey_r, day, today);
			break;
		case PWNED_BLOCK_ABSENT:
			break;
		case PWNED_BLOCK_DAMAGED:
			survey_r->damaged++;
			break;
		case PWNED_BLOCK_NEWER:
			/* whole, but of what day is not for us to read */
			break;
		}
	}
	pwned_slots_close(&slots);
	return true;
}

bool pwned_store_purge(const char *folder, uint32_t before_day,
		       uint64_t *purged_r, struct pwned_error *error_r)
{
	struct pwned_slots *slots =
		open_slots(folder, PWNED_SLOTS_CHANGE, error_r);
	uint32_t prefix, day;
	bool ok = true;

	*purged_r = 0;
	if (slots == NULL)
		return is_unused(folder);
	for (uint32_t next = 0; ok && pwned_slots_next(slots, next, &prefix);
	     next = prefix + 1) {
		enum pwned_block_state state =
			pwned_slots_day(slots, prefix, &day);

		if (state == PWNED_BLOCK_VALID && day >= before_day)
			continue;
		ok = pwned_slots_forget(slots, prefix) ||
		     pwned_error_set(error_r,
				     "%s: a range cannot be removed: "
				     "%s",
				     folder, strerror(errno));
		*purged_r += ok && state != PWNED_BLOCK_ABSENT;
	}
	/* what auth has in its memory is void */
	if (!pwned_slots_next_generation(slots))
		ok = pwned_error_set(
			error_r, "%s: its header cannot be written", folder);
	pwned_slots_close(&slots);
	return ok;
}
