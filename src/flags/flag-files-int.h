/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_FILES_INT_H
#define PWNED_FLAG_FILES_INT_H

#include "flag-db.h"
#include "flag-files.h"
#include "hold-db.h"

#include <stdatomic.h>

/* What flag-files.c, which writes, and flag-look.c, which looks, share. */

struct pwned_flag_files {
	char *folder, *hold_folder, *hold_group, *suspend_text;
	atomic_bool dry_run; /* the loop may end it */
	bool was_dry_run;    /* at the last look */
	struct pwned_flag_rules rules;
	uint64_t seed;

	struct pwned_flag_db *flags;
	struct pwned_hold_db *holds;
	uint64_t flags_opened_secs, holds_opened_secs; /* or tried to */
	struct pwned_error flags_error, holds_error;   /* why they are not */
	bool sync_due; /* hold.db may say otherwise than flags.db */
	bool walk_due;
	uint64_t journal_id;
	bool journal_due; /* it has lines that are not read yet */

	struct pwned_news news;

	struct pwned_flag_filter *filter; /* of the walk */
	struct pwned_flag_db_place place;
	bool walks;
};

void pwned_flag_faults_init(struct pwned_flag_faults *faults_r);
/* What a call on flags.db came to; a damaged one is replaced. Returns whether
   it was well. */
bool pwned_flag_files_flags_are_well(struct pwned_flag_files *files,
				     enum pwned_db_result result,
				     struct pwned_flag_faults *faults);
/* Opens it if need be. Returns whether it is there. */
bool pwned_flag_files_need_flags(struct pwned_flag_files *files,
				 uint64_t now_secs,
				 struct pwned_flag_faults *faults);
/* Brings hold.db together with flags.db, where that is due. */
void pwned_flag_files_sync(struct pwned_flag_files *files, uint64_t now_secs,
			   struct pwned_flag_faults *faults);

#endif
