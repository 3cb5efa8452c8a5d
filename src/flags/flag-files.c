/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files, and what is not in them yet. */

#include "flag-files-int.h"
#include "hold-sync.h"

#include <stdlib.h>
#include <string.h>

/* Look-ups wait behind it. */
#define BUSY_MSECS    50
#define REOPEN_SECS   1
#define FLUSH_AT_ONCE 1000

struct pwned_flag_files *pwned_flag_files_new(
	const struct pwned_flag_files_params *params)
{
	struct pwned_flag_files *files = calloc(1, sizeof(*files));

	if (files == NULL)
		return NULL;
	pwned_news_init(&files->news);
	files->folder = strdup(params->folder);
	files->hold_folder = strdup(params->hold_folder);
	files->hold_group = strdup(params->hold_group);
	files->suspend_text = strdup(params->suspend_text);
	files->dry_run = files->was_dry_run = params->dry_run;
	files->rules = params->rules;
	files->seed = params->seed;
	files->sync_due = true;
	if (files->folder == NULL || files->hold_folder == NULL ||
	    files->hold_group == NULL || files->suspend_text == NULL)
		pwned_flag_files_free(&files);
	return files;
}

void pwned_flag_files_end_dry_run(struct pwned_flag_files *files)
{
	files->dry_run = false;
}

void pwned_flag_files_free(struct pwned_flag_files **_files)
{
	struct pwned_flag_files *files = *_files;

	*_files = NULL;
	if (files == NULL)
		return;
	pwned_flag_db_close(&files->flags);
	pwned_hold_db_close(&files->holds);
	pwned_news_deinit(&files->news);
	pwned_flag_db_place_free(&files->place);
	pwned_flag_filter_free(&files->filter);
	free(files->folder);
	free(files->hold_folder);
	free(files->hold_group);
	free(files->suspend_text);
	free(files);
}

static bool has_holds(const struct pwned_flag_files *files)
{
	return *files->hold_folder != '\0';
}

/* In a dry run the file is there, and empty. */
static bool writes_holds(const struct pwned_flag_files *files)
{
	return has_holds(files) && !files->dry_run;
}

/* The error has to say where the old one is. */
static void tell_damage(const char *folder, const char *name,
			const struct pwned_error *damage,
			struct pwned_error *error_r)
{
	(void)pwned_error_set(error_r,
			      "%s; it is moved to %s/%s.damaged, and a new one "
			      "is begun",
			      damage->text, folder, name);
}

static enum pwned_db_result open_flags(struct pwned_flag_files *files,
				       struct pwned_error *error_r)
{
	files->walk_due = files->sync_due = true;
	files->journal_id = 0;
	return pwned_flag_db_open(files->folder, PWNED_DB_QUICK, BUSY_MSECS,
				  &files->flags, error_r);
}

static enum pwned_db_result open_holds(struct pwned_flag_files *files,
				       struct pwned_error *error_r)
{
	files->sync_due = true;
	return pwned_hold_db_open(files->hold_folder, files->hold_group,
				  PWNED_DB_QUICK, BUSY_MSECS, &files->holds,
				  error_r);
}

/* What proves to be damaged goes, and a new one comes. The error stays with its
   caller, who tells it. */
static void replace_flags(struct pwned_flag_files *files,
			  struct pwned_error *error)
{
	struct pwned_error damage = *error;

	pwned_flag_db_close(&files->flags);
	if (pwned_sqlite_set_aside(files->folder, PWNED_FLAG_DB_NAME, error)) {
		tell_damage(files->folder, PWNED_FLAG_DB_NAME, &damage, error);
		(void)open_flags(files, &damage);
	}
}

static void replace_holds(struct pwned_flag_files *files,
			  struct pwned_error *error)
{
	struct pwned_error damage = *error;

	pwned_hold_db_close(&files->holds);
	if (pwned_sqlite_set_aside(files->hold_folder, PWNED_HOLD_DB_NAME,
				   error)) {
		tell_damage(files->hold_folder, PWNED_HOLD_DB_NAME, &damage,
			    error);
		(void)open_holds(files, &damage);
	}
}

/* What a call on a file came to. Returns whether it was well. */
bool pwned_flag_files_flags_are_well(struct pwned_flag_files *files,
				     enum pwned_db_result result,
				     struct pwned_flag_faults *faults)
{
	if (result == PWNED_DB_DAMAGED)
		replace_flags(files, &faults->flags);
	faults->busy |= result == PWNED_DB_BUSY;
	return result == PWNED_DB_OK || result == PWNED_DB_NONE;
}

static bool holds_are_well(struct pwned_flag_files *files,
			   enum pwned_db_result result,
			   struct pwned_flag_faults *faults)
{
	if (result == PWNED_DB_DAMAGED)
		replace_holds(files, &faults->hold);
	faults->busy |= result == PWNED_DB_BUSY;
	return result == PWNED_DB_OK || result == PWNED_DB_NONE;
}

/* A file that cannot be opened is tried again after a while. */
static bool may_open(uint64_t *opened_secs, uint64_t now_secs)
{
	if (now_secs < *opened_secs + REOPEN_SECS && now_secs >= *opened_secs)
		return false;
	*opened_secs = now_secs;
	return true;
}

bool pwned_flag_files_need_flags(struct pwned_flag_files *files,
				 uint64_t now_secs,
				 struct pwned_flag_faults *faults)
{
	if (files->flags != NULL)
		return true;
	faults->flags = files->flags_error;
	if (!may_open(&files->flags_opened_secs, now_secs))
		return false;
	*faults->flags.text = '\0';
	(void)pwned_flag_files_flags_are_well(
		files, open_flags(files, &faults->flags), faults);
	files->flags_error = faults->flags;
	return files->flags != NULL;
}

static bool need_holds(struct pwned_flag_files *files, uint64_t now_secs,
		       struct pwned_flag_faults *faults)
{
	if (files->holds != NULL)
		return true;
	faults->hold = files->holds_error;
	if (!may_open(&files->holds_opened_secs, now_secs))
		return false;
	*faults->hold.text = '\0';
	(void)holds_are_well(files, open_holds(files, &faults->hold), faults);
	files->holds_error = faults->hold;
	return files->holds != NULL;
}

void pwned_flag_faults_init(struct pwned_flag_faults *faults_r)
{
	*faults_r = (struct pwned_flag_faults){ .busy = false };
}

bool pwned_flag_files_find(struct pwned_flag_files *files, const char *user,
			   uint64_t now_secs, struct pwned_flag *flag_r,
			   struct pwned_flag_faults *faults_r)
{
	const struct pwned_news_user *news =
		pwned_news_find(&files->news, user);
	char written[sizeof(flag_r->hold_text)];
	bool hold_changed;

	pwned_flag_faults_init(faults_r);
	if (!pwned_flag_files_need_flags(files, now_secs, faults_r) ||
	    !pwned_flag_files_flags_are_well(
		    files,
		    pwned_flag_db_get(files->flags, user, flag_r,
				      &faults_r->flags),
		    faults_r))
		return false;
	(void)pwned_flag_age(flag_r, now_secs, &files->rules, &hold_changed);
	if (news == NULL)
		return true;
	memcpy(written, flag_r->hold_text, sizeof(written));
	(void)pwned_news_apply(news, flag_r, now_secs, &files->rules,
			       &hold_changed, NULL);
	/* MTAs do not read the news yet: whoever wants that has to wait */
	memcpy(flag_r->hold_text, written, sizeof(written));
	return true;
}

bool pwned_flag_files_tell(struct pwned_flag_files *files,
			   const struct pwned_flag_news *said, uint64_t number)
{
	if (files->filter != NULL)
		pwned_flag_filter_add(files->filter, said->user);
	return pwned_news_has_room(files->news.length, said) &&
	       pwned_news_add(&files->news, said, number);
}

bool pwned_flag_files_has_written(struct pwned_flag_files *files,
				  const char *user)
{
	return !files->sync_due && pwned_news_find(&files->news, user) == NULL;
}

unsigned int pwned_flag_files_unwritten(const struct pwned_flag_files *files)
{
	return files->news.length;
}

/* A record as the news make it. */
struct edit {
	struct pwned_news_user *news;
	struct pwned_flag flag;
	bool changed, hold_changed;
	bool left; /* what MTAs read could not be written: it stays news */
	struct pwned_news_outcomes outcomes;
};

struct flush {
	struct edit list[FLUSH_AT_ONCE];
	size_t length;
};

static bool edits_make(struct pwned_flag_files *files, struct flush *flush,
		       uint64_t now_secs, struct pwned_flag_faults *faults)
{
	struct pwned_news_user *news = TAILQ_FIRST(&files->news.users);

	for (; news != NULL && flush->length < FLUSH_AT_ONCE;
	     news = pwned_news_next(news)) {
		struct edit *edit = &flush->list[flush->length++];

		edit->news = news;
		TAILQ_INIT(&edit->outcomes);
		if (!pwned_flag_files_flags_are_well(
			    files,
			    pwned_flag_db_get(files->flags,
					      pwned_news_name(news),
					      &edit->flag, &faults->flags),
			    faults))
			return false;
		edit->changed = pwned_news_apply(
			news, &edit->flag, now_secs, &files->rules,
			&edit->hold_changed, &edit->outcomes);
	}
	return true;
}

static bool is_hold(const struct edit *edit, bool releases)
{
	return edit->hold_changed &&
	       (*edit->flag.hold_text == '\0') == releases;
}

/* Writes the holds, or the releases. */
static bool holds_write(struct pwned_flag_files *files,
			const struct flush *flush, bool releases,
			struct pwned_flag_faults *faults)
{
	enum pwned_db_result result =
		pwned_hold_db_begin(files->holds, &faults->hold);

	for (size_t i = 0; i < flush->length && result == PWNED_DB_OK; i++) {
		const struct edit *edit = &flush->list[i];

		if (is_hold(edit, releases))
			result = pwned_hold_db_set(
				files->holds, pwned_news_name(edit->news),
				edit->flag.hold_text, &faults->hold);
	}
	if (result == PWNED_DB_OK)
		result = pwned_hold_db_commit(files->holds, &faults->hold);
	else
		pwned_hold_db_rollback(files->holds);
	return holds_are_well(files, result, faults);
}

/* After the records are written: in between an operator may have held a user
   again, and that stays. */
static bool releases_write(struct pwned_flag_files *files, struct flush *flush,
			   struct pwned_flag_faults *faults)
{
	bool ok = pwned_flag_files_flags_are_well(
		files, pwned_flag_db_begin(files->flags, &faults->flags),
		faults);

	for (size_t i = 0; i < flush->length && ok; i++) {
		struct edit *edit = &flush->list[i];
		struct pwned_flag flag;

		if (!is_hold(edit, true))
			continue;
		ok = pwned_flag_files_flags_are_well(
			files,
			pwned_flag_db_get(files->flags,
					  pwned_news_name(edit->news), &flag,
					  &faults->flags),
			faults);
		if (ok && *flag.hold_text != '\0')
			edit->hold_changed = false;
	}
	ok = ok && holds_write(files, flush, true, faults);
	if (files->flags != NULL)
		pwned_flag_db_rollback(files->flags);
	return ok;
}

static bool has_hold(const struct flush *flush, bool releases)
{
	for (size_t i = 0; i < flush->length; i++) {
		if (is_hold(&flush->list[i], releases))
			return true;
	}
	return false;
}

/* Their records wait with them: a hold that MTAs cannot read is none. */
static void leave_holds(struct flush *flush)
{
	for (size_t i = 0; i < flush->length; i++)
		flush->list[i].left = is_hold(&flush->list[i], false);
}

static bool records_write(struct pwned_flag_files *files,
			  const struct flush *flush, uint64_t now_secs,
			  struct pwned_flag_faults *faults)
{
	enum pwned_db_result result = PWNED_DB_OK;

	for (size_t i = 0; i < flush->length && result == PWNED_DB_OK; i++) {
		const struct edit *edit = &flush->list[i];

		if (!edit->changed || edit->left)
			continue;
		result = pwned_flag_db_put(
			files->flags, pwned_news_name(edit->news), &edit->flag,
			now_secs, &faults->flags);
		/* an empty one that was not there */
		if (result == PWNED_DB_NONE)
			result = PWNED_DB_OK;
	}
	if (result == PWNED_DB_OK)
		result = pwned_flag_db_commit(files->flags, &faults->flags);
	else
		pwned_flag_db_rollback(files->flags);
	return pwned_flag_files_flags_are_well(files, result, faults);
}

/* Within the transaction of flags.db. Returns whether it was committed. */
static bool flush_edits(struct pwned_flag_files *files, struct flush *flush,
			uint64_t now_secs, struct pwned_flag_faults *faults)
{
	bool ok = edits_make(files, flush, now_secs, faults);

	if (ok && writes_holds(files) && has_hold(flush, false) &&
	    (!need_holds(files, now_secs, faults) ||
	     !holds_write(files, flush, false, faults)))
		leave_holds(flush);
	if (ok)
		return records_write(files, flush, now_secs, faults);
	if (files->flags != NULL)
		pwned_flag_db_rollback(files->flags);
	return false;
}

static void flush_end(struct pwned_flag_files *files, struct flush *flush,
		      uint64_t now_secs, struct pwned_news_outcomes *outcomes,
		      struct pwned_flag_faults *faults)
{
	if (writes_holds(files) && has_hold(flush, true) &&
	    (!need_holds(files, now_secs, faults) ||
	     !releases_write(files, flush, faults)))
		files->sync_due = true;
	for (size_t i = 0; i < flush->length; i++) {
		struct edit *edit = &flush->list[i];

		if (edit->left) {
			pwned_news_defer(&files->news, edit->news);
			continue;
		}
		TAILQ_CONCAT(outcomes, &edit->outcomes, entry);
		pwned_news_remove(&files->news, edit->news);
	}
}

/* Returns how many users it was about; 0: they could not be written. */
static size_t flush_some(struct pwned_flag_files *files, uint64_t now_secs,
			 struct pwned_news_outcomes *outcomes,
			 struct pwned_flag_faults *faults)
{
	struct flush *flush = calloc(1, sizeof(*flush));
	size_t length;
	bool committed;

	if (flush == NULL) {
		(void)pwned_error_set(&faults->flags, "out of memory");
		return 0;
	}
	committed = pwned_flag_files_flags_are_well(
			    files,
			    pwned_flag_db_begin(files->flags, &faults->flags),
			    faults) &&
		    flush_edits(files, flush, now_secs, faults);
	if (committed)
		flush_end(files, flush, now_secs, outcomes, faults);
	for (size_t i = 0; i < flush->length; i++)
		pwned_news_outcomes_free(&flush->list[i].outcomes);
	length = flush->length;
	free(flush);
	return committed ? length : 0;
}

void pwned_flag_files_sync(struct pwned_flag_files *files, uint64_t now_secs,
			   struct pwned_flag_faults *faults)
{
	const bool dry_run = files->dry_run;
	const struct pwned_hold_rules rules = {
		.dry_run = dry_run,
		.suspend_text = files->suspend_text,
	};
	struct pwned_error error;
	enum pwned_db_result result;

	files->sync_due |= dry_run != files->was_dry_run;
	files->was_dry_run = dry_run;
	if (!has_holds(files))
		files->sync_due = false;
	if (!files->sync_due ||
	    !pwned_flag_files_need_flags(files, now_secs, faults) ||
	    !need_holds(files, now_secs, faults))
		return;
	result = pwned_hold_sync(files->flags, files->holds, &rules, now_secs,
				 &error);
	files->sync_due = result != PWNED_DB_OK;
	if (files->sync_due)
		faults->hold = error;
	faults->busy |= result == PWNED_DB_BUSY;
}

void pwned_flag_files_flush(struct pwned_flag_files *files, uint64_t now_secs,
			    struct pwned_news_outcomes *outcomes,
			    struct pwned_flag_faults *faults_r)
{
	size_t left;

	pwned_flag_faults_init(faults_r);
	pwned_flag_files_sync(files, now_secs, faults_r);
	if (!pwned_flag_files_need_flags(files, now_secs, faults_r))
		return;
	/* once each: those whose holds cannot be written stay, behind others */
	left = files->news.length;
	while (files->news.length > 0 && left > 0) {
		size_t written =
			flush_some(files, now_secs, outcomes, faults_r);

		left = written == 0 || written > left ? 0 : left - written;
	}
}

bool pwned_flag_files_walk_is_due(const struct pwned_flag_files *files)
{
	return files->walk_due;
}

unsigned int pwned_flag_files_wal_pages(const struct pwned_flag_files *files)
{
	unsigned int flags =
		files->flags == NULL ?
			0 :
			pwned_flag_db_file(files->flags)->wal_pages;
	unsigned int holds =
		files->holds == NULL ?
			0 :
			pwned_hold_db_file(files->holds)->wal_pages;

	return flags > holds ? flags : holds;
}
