/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hold.db after flags.db. */

#include "hold-sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is to be written where. */
struct change {
	char *user;
	char text[PWNED_FLAG_TEXT_MAX + 1];
};

struct changes {
	struct change *list;
	size_t length, room;
	bool failed; /* for want of memory */
};

struct sync {
	const struct pwned_hold_rules *rules;
	struct pwned_flag_db *flags;
	struct pwned_hold_db *holds;
	struct changes rows, records;
	enum pwned_db_result result;
	struct pwned_error *error;
};

static void add(struct changes *changes, const char *user, const char *text)
{
	struct change *change;

	if (changes->length == changes->room) {
		size_t room = changes->room == 0 ? 64 : changes->room * 2;
		struct change *list =
			realloc(changes->list, room * sizeof(*list));

		if (list == NULL) {
			changes->failed = true;
			return;
		}
		changes->list = list;
		changes->room = room;
	}
	change = &changes->list[changes->length];
	change->user = strdup(user);
	(void)snprintf(change->text, sizeof(change->text), "%s", text);
	if (change->user == NULL)
		changes->failed = true;
	else
		changes->length++;
}

static void changes_free(struct changes *changes)
{
	for (size_t i = 0; i < changes->length; i++)
		free(changes->list[i].user);
	free(changes->list);
}

static bool look_at_row(void *context, const char *user, const char *text)
{
	struct sync *sync = context;
	struct pwned_flag flag;
	const char *right = "";

	sync->result = pwned_flag_db_get(sync->flags, user, &flag, sync->error);
	if (strlen(user) > PWNED_FLAG_USER_MAX || *user == '\0') {
		/* nobody's of ours */
		sync->result = PWNED_DB_OK;
	} else if (sync->result == PWNED_DB_NONE) {
		add(&sync->records, user, text);
		right = text;
		sync->result = PWNED_DB_OK;
	} else if (sync->result == PWNED_DB_OK) {
		right = flag.hold_text;
	}
	if (sync->rules->dry_run)
		right = "";
	if (sync->result == PWNED_DB_OK && strcmp(right, text) != 0)
		add(&sync->rows, user, right);
	return sync->result == PWNED_DB_OK;
}

static bool look_at_record(void *context, const char *user,
			   const struct pwned_flag *flag)
{
	struct sync *sync = context;
	char text[PWNED_FLAG_TEXT_MAX + 1];

	sync->result = pwned_hold_db_get(sync->holds, user, text, sync->error);
	if (sync->result == PWNED_DB_NONE) {
		add(&sync->rows, user, flag->hold_text);
		sync->result = PWNED_DB_OK;
	}
	return sync->result == PWNED_DB_OK;
}

static enum pwned_db_result write_rows(struct sync *sync)
{
	enum pwned_db_result result;

	if (sync->rows.length == 0)
		return PWNED_DB_OK;
	result = pwned_hold_db_begin(sync->holds, sync->error);
	for (size_t i = 0; i < sync->rows.length && result == PWNED_DB_OK; i++)
		result =
			pwned_hold_db_set(sync->holds, sync->rows.list[i].user,
					  sync->rows.list[i].text, sync->error);
	if (result == PWNED_DB_OK)
		return pwned_hold_db_commit(sync->holds, sync->error);
	pwned_hold_db_rollback(sync->holds);
	return result;
}

static struct pwned_flag record_of(const struct sync *sync, const char *text,
				   uint64_t now_secs)
{
	struct pwned_flag flag = { .state = PWNED_FLAG_NONE };

	if (strcmp(text, sync->rules->suspend_text) == 0)
		flag.suspended_secs = now_secs;
	else
		flag = (struct pwned_flag){
			.state = PWNED_FLAG_FLAGGED,
			.since_secs = now_secs,
			.breached_secs = now_secs,
			.decided_secs = now_secs,
			.stop_secs = now_secs,
		};
	(void)snprintf(flag.hold_text, sizeof(flag.hold_text), "%s", text);
	return flag;
}

static enum pwned_db_result write_records(struct sync *sync, uint64_t now_secs)
{
	enum pwned_db_result result = PWNED_DB_OK;

	for (size_t i = 0; i < sync->records.length && result == PWNED_DB_OK;
	     i++) {
		const struct change *change = &sync->records.list[i];
		const struct pwned_flag flag =
			record_of(sync, change->text, now_secs);

		result = pwned_flag_db_put(sync->flags, change->user, &flag,
					   now_secs, sync->error);
	}
	return result;
}

/* What differs. */
static enum pwned_db_result compare(struct sync *sync)
{
	enum pwned_db_result result =
		pwned_hold_db_list(sync->holds, look_at_row, sync, sync->error);

	if (result == PWNED_DB_OK && sync->result == PWNED_DB_OK &&
	    !sync->rules->dry_run)
		result = pwned_flag_db_held(sync->flags, look_at_record, sync,
					    sync->error);
	if (result == PWNED_DB_OK)
		result = sync->result;
	if (result == PWNED_DB_OK &&
	    (sync->rows.failed || sync->records.failed)) {
		(void)pwned_error_set(sync->error, "out of memory");
		result = PWNED_DB_FAILED;
	}
	return result;
}

/* Whoever writes a hold has locked flags.db: so nothing is half done by another
   program while the two are compared, and nothing of it is undone. */
enum pwned_db_result pwned_hold_sync(struct pwned_flag_db *flags,
				     struct pwned_hold_db *holds,
				     const struct pwned_hold_rules *rules,
				     uint64_t now_secs,
				     struct pwned_error *error_r)
{
	struct sync sync = {
		.rules = rules,
		.flags = flags,
		.holds = holds,
		.result = PWNED_DB_OK,
		.error = error_r,
	};
	enum pwned_db_result result = pwned_flag_db_begin(flags, error_r);

	if (result != PWNED_DB_OK)
		return result;
	result = compare(&sync);
	if (result == PWNED_DB_OK)
		result = write_rows(&sync);
	if (result == PWNED_DB_OK)
		result = write_records(&sync, now_secs);
	if (result == PWNED_DB_OK)
		result = pwned_flag_db_commit(flags, error_r);
	pwned_flag_db_rollback(flags);
	changes_free(&sync.rows);
	changes_free(&sync.records);
	return result;
}
