/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_FILES_H
#define PWNED_FLAG_FILES_H

#include "error.h"
#include "flag-filter.h"
#include "flag-news.h"

#include <stdbool.h>
#include <stdint.h>

/* flags.db and hold.db with the news that are not in them yet: what the
   keeper's thread works on (flag-keeper.h). Blocking, and of one thread at a
   time. The files are opened when they are first needed, and anew where they
   were removed or damaged; a damaged one is set aside. */
struct pwned_flag_files;

struct pwned_flag_files_params {
	const char *folder;
	const char *hold_folder; /* "": there are no MTAs */
	const char *hold_group;
	struct pwned_flag_rules rules;
	bool dry_run;             /* MTAs refuse nobody */
	const char *suspend_text; /* with what they refuse who is suspended */
	uint64_t seed;            /* of filters */
};

/* What went wrong with each file: "" where nothing did. busy: it is only that
   another program is at it. */
struct pwned_flag_faults {
	struct pwned_error flags, hold;
	bool busy;
};

/* NULL when memory is short. */
struct pwned_flag_files *pwned_flag_files_new(
	const struct pwned_flag_files_params *params);
void pwned_flag_files_free(struct pwned_flag_files **files);
/* From any thread: it is none for all logins. */
void pwned_flag_files_end_dry_run(struct pwned_flag_files *files);

/* The record, with the news; but hold_text is what is written. Returns false
 * where it could not be read. */
bool pwned_flag_files_find(struct pwned_flag_files *files, const char *user,
			   uint64_t now_secs, struct pwned_flag *flag_r,
			   struct pwned_flag_faults *faults_r);

/* Keeps news, written later. Returns false when memory is short, or where there
   are too many. */
bool pwned_flag_files_tell(struct pwned_flag_files *files,
			   const struct pwned_flag_news *said, uint64_t number);
/* Writes them, with what MTAs read: a hold before its record, a release after
   it, so that what is left half done refuses rather than lets through. What
   could not be written stays. outcomes: what there is to tell. */
void pwned_flag_files_flush(struct pwned_flag_files *files, uint64_t now_secs,
			    struct pwned_news_outcomes *outcomes,
			    struct pwned_flag_faults *faults_r);
/* Whether all that was told of the user is written, with what MTAs read. */
bool pwned_flag_files_has_written(struct pwned_flag_files *files,
				  const char *user);
unsigned int pwned_flag_files_unwritten(const struct pwned_flag_files *files);

/* What other programs have written since the last time, and, the first time, of
   the last hour. */
struct pwned_flag_files_watcher {
	void (*user)(void *context, const char *user); /* is on record now */
	void (*command)(void *context, unsigned int command, uint64_t at_secs);
	void *context;
};
void pwned_flag_files_look(struct pwned_flag_files *files, uint64_t now_secs,
			   const struct pwned_flag_files_watcher *watcher,
			   struct pwned_flag_faults *faults_r);

/* A walk over all records, portion by portion: makes a filter of them, and
   finds those on which time alone has something to say, which become news.
   Returns true at its end, with the filter, or with NULL where it failed. */
bool pwned_flag_files_walk(struct pwned_flag_files *files, uint64_t now_secs,
			   struct pwned_flag_filter **filter_r,
			   struct pwned_flag_faults *faults_r);
/* Whether the file is another one than that of the last walk. */
bool pwned_flag_files_walk_is_due(const struct pwned_flag_files *files);

/* So many pages stand in the longer of the files' WALs. */
unsigned int pwned_flag_files_wal_pages(const struct pwned_flag_files *files);

#endif
