/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What others have written, and walks over all records. */

#include "flag-files-int.h"

#define WALK_AT_ONCE 5000

struct look {
	struct pwned_flag_files *files;
	const struct pwned_flag_files_watcher *watcher;
};

static void on_entry(void *context, const struct pwned_flag_db_entry *entry)
{
	const struct look *look = context;
	const struct pwned_flag_files_watcher *watcher = look->watcher;

	if (entry->command != 0) {
		watcher->command(watcher->context, entry->command,
				 entry->at_secs);
		return;
	}
	/* a walk may have come by where he stands now */
	if (look->files->filter != NULL)
		pwned_flag_filter_add(look->files->filter, entry->user);
	watcher->user(watcher->context, entry->user);
}

/* Somebody may have removed or replaced a file. */
static void check_places(struct pwned_flag_files *files)
{
	if (files->flags != NULL &&
	    !pwned_sqlite_is_in_place(pwned_flag_db_file(files->flags))) {
		pwned_flag_db_close(&files->flags);
		files->flags_opened_secs = 0;
		files->sync_due = true;
	}
	if (files->holds != NULL &&
	    !pwned_sqlite_is_in_place(pwned_hold_db_file(files->holds))) {
		pwned_hold_db_close(&files->holds);
		files->holds_opened_secs = 0;
		files->sync_due = true;
	}
}

void pwned_flag_files_look(struct pwned_flag_files *files, uint64_t now_secs,
			   const struct pwned_flag_files_watcher *watcher,
			   struct pwned_flag_faults *faults_r)
{
	struct look look = { .files = files, .watcher = watcher };
	bool news = false;

	pwned_flag_faults_init(faults_r);
	check_places(files);
	pwned_flag_files_sync(files, now_secs, faults_r);
	if (!pwned_flag_files_need_flags(files, now_secs, faults_r) ||
	    !pwned_flag_files_flags_are_well(
		    files,
		    pwned_flag_db_has_news(files->flags, &news,
					   &faults_r->flags),
		    faults_r))
		return;
	files->journal_due |= news || files->journal_id == 0;
	if (files->journal_due &&
	    pwned_flag_files_flags_are_well(
		    files,
		    pwned_flag_db_journal(files->flags, &files->journal_id,
					  on_entry, &look, &faults_r->flags),
		    faults_r))
		files->journal_due = false;
}

struct walk {
	struct pwned_flag_files *files;
	uint64_t now_secs;
};

static bool on_record(void *context, const char *user,
		      const struct pwned_flag *flag)
{
	const struct walk *walk = context;
	struct pwned_flag_files *files = walk->files;
	const struct pwned_flag_news time_has_passed = {
		.user = user,
		.saying = PWNED_SAYING_NOTHING,
		.now_secs = walk->now_secs,
	};
	struct pwned_flag aged = *flag;
	bool ignored;

	pwned_flag_filter_add(files->filter, user);
	if (pwned_flag_age(&aged, walk->now_secs, &files->rules, &ignored) !=
		    PWNED_FLAG_SAME &&
	    pwned_news_has_room(files->news.length, &time_has_passed))
		(void)pwned_news_add(&files->news, &time_has_passed, 0);
	return true;
}

static bool walk_begin(struct pwned_flag_files *files, uint64_t now_secs,
		       struct pwned_flag_faults *faults)
{
	uint64_t count;

	files->walk_due = false;
	pwned_flag_db_place_free(&files->place);
	if (!pwned_flag_files_flags_are_well(
		    files, pwned_flag_db_begin(files->flags, &faults->flags),
		    faults))
		return false;
	if (pwned_flag_db_trim(files->flags, now_secs, &faults->flags) ==
	    PWNED_DB_OK)
		(void)pwned_flag_db_commit(files->flags, &faults->flags);
	pwned_flag_db_rollback(files->flags);
	if (!pwned_flag_files_flags_are_well(
		    files,
		    pwned_flag_db_count(files->flags, &count, &faults->flags),
		    faults))
		return false;
	/* and those who come by the next walk */
	files->filter = pwned_flag_filter_new(count + count / 4, files->seed);
	files->walks = files->filter != NULL;
	return files->walks;
}

bool pwned_flag_files_walk(struct pwned_flag_files *files, uint64_t now_secs,
			   struct pwned_flag_filter **filter_r,
			   struct pwned_flag_faults *faults_r)
{
	struct walk walk = { .files = files, .now_secs = now_secs };
	bool ok;

	*filter_r = NULL;
	pwned_flag_faults_init(faults_r);
	ok = pwned_flag_files_need_flags(files, now_secs, faults_r) &&
	     (files->walks || walk_begin(files, now_secs, faults_r)) &&
	     pwned_flag_files_flags_are_well(
		     files,
		     pwned_flag_db_walk(files->flags, &files->place,
					WALK_AT_ONCE, on_record, &walk,
					&faults_r->flags),
		     faults_r);
	if (ok && files->place.user != NULL)
		return false;
	files->walks = false;
	if (ok) {
		*filter_r = files->filter;
		files->filter = NULL;
	} else {
		pwned_flag_filter_free(&files->filter);
		files->walk_due = true;
	}
	return true;
}
