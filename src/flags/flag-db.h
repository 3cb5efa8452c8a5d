/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_DB_H
#define PWNED_FLAG_DB_H

#include "error.h"
#include "flag.h"
#include "sqlite-file.h"

#include <stdbool.h>
#include <stdint.h>

/* flags.db: the records of accounts on one host, SQLite in WAL mode, private to
   auth's user. Blocking: for a thread or a command. Not shared by threads.
   Its form is PRAGMA user_version; older ones are brought to ours when it is
   opened, newer ones are left alone. Beside the records stands a journal of
   what running auths have to learn: names that are new on record, and what
   operators ask of them. */
struct pwned_flag_db;

#define PWNED_FLAG_DB_NAME "flags.db"

/* Makes the file where it is not there, in a folder that is usable
   (store/folder.h). busy_msecs: how long a call waits for another program. */
enum pwned_db_result pwned_flag_db_open(const char *folder,
					enum pwned_db_durability durability,
					unsigned int busy_msecs,
					struct pwned_flag_db **db_r,
					struct pwned_error *error_r);
void pwned_flag_db_close(struct pwned_flag_db **db);

enum pwned_db_result pwned_flag_db_begin(struct pwned_flag_db *db,
					 struct pwned_error *error_r);
enum pwned_db_result pwned_flag_db_commit(struct pwned_flag_db *db,
					  struct pwned_error *error_r);
void pwned_flag_db_rollback(struct pwned_flag_db *db);

enum pwned_db_result pwned_flag_db_get(struct pwned_flag_db *db,
				       const char *user,
				       struct pwned_flag *flag_r,
				       struct pwned_error *error_r);
/* Within a transaction. An empty record is removed. One that is new also gets
   its line in the journal, of now_secs. */
enum pwned_db_result pwned_flag_db_put(struct pwned_flag_db *db,
				       const char *user,
				       const struct pwned_flag *flag,
				       uint64_t now_secs,
				       struct pwned_error *error_r);
enum pwned_db_result pwned_flag_db_remove(struct pwned_flag_db *db,
					  const char *user,
					  struct pwned_error *error_r);

/* Where a walk over all records has come to; begin with zeros. */
struct pwned_flag_db_place {
	char *domain, *user; /* NULL: at the begin, or at the end */
};
void pwned_flag_db_place_free(struct pwned_flag_db_place *place);

/* Returns whether to go on. It may not use the database. */
typedef bool pwned_flag_db_visit(void *context, const char *user,
				 const struct pwned_flag *flag);
/* Visits so many records at most, by domain and user, from the place on. When
   it has come to the end, the place is at the begin again: place->user is NULL.
 */
enum pwned_db_result pwned_flag_db_walk(struct pwned_flag_db *db,
					struct pwned_flag_db_place *place,
					unsigned int limit,
					pwned_flag_db_visit *visit,
					void *context,
					struct pwned_error *error_r);
/* Those with a hold_text: MTAs refuse their mail. */
enum pwned_db_result pwned_flag_db_held(struct pwned_flag_db *db,
					pwned_flag_db_visit *visit,
					void *context,
					struct pwned_error *error_r);
enum pwned_db_result pwned_flag_db_count(struct pwned_flag_db *db,
					 uint64_t *count_r,
					 struct pwned_error *error_r);

/* The journal. id: of the last line that is known; 0: none. */
struct pwned_flag_db_entry {
	uint64_t id;
	unsigned int command; /* enum pwned_flag_command; 0: a new record */
	uint64_t at_secs;
	const char *user; /* of a new record; else "" */
};
typedef void pwned_flag_db_read(void *context,
				const struct pwned_flag_db_entry *entry);
enum pwned_db_result pwned_flag_db_journal(struct pwned_flag_db *db,
					   uint64_t *id,
					   pwned_flag_db_read *read,
					   void *context,
					   struct pwned_error *error_r);
/* Within a transaction. now_secs: of the day; lines older than an hour go, but
   for the last of each command. */
enum pwned_db_result pwned_flag_db_command(struct pwned_flag_db *db,
					   unsigned int command,
					   uint64_t now_secs,
					   struct pwned_error *error_r);
enum pwned_db_result pwned_flag_db_trim(struct pwned_flag_db *db,
					uint64_t now_secs,
					struct pwned_error *error_r);

/* Whether another program has written since the last call. */
enum pwned_db_result pwned_flag_db_has_news(struct pwned_flag_db *db,
					    bool *news_r,
					    struct pwned_error *error_r);
/* As a file: whether it is in place, checkpoints (sqlite-file.h). */
struct pwned_sqlite *pwned_flag_db_file(struct pwned_flag_db *db);

#endif
