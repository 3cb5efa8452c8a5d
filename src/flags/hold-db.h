/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_HOLD_DB_H
#define PWNED_HOLD_DB_H

#include "error.h"
#include "sqlite-file.h"

/* hold.db: the accounts whose mail MTAs refuse now, with the text that they
   refuse it with, and nothing else. A public interface, which Postfix and Exim
   read with their own SQLite (doc/HOLD):

	CREATE TABLE pwned_hold (username TEXT PRIMARY KEY, text TEXT NOT NULL)

   with an index for look-ups without case. Columns may be added; what would
   break a query gets another name. SQLite in WAL mode whose -wal and -shm
   persist (SQLITE_FCNTL_PERSIST_WAL), so that readers without write access
   find it whole while auth writes, has ended or was killed. Its folder is
   setgid of pwned_hold_group; files are 0640. */
struct pwned_hold_db;

#define PWNED_HOLD_DB_NAME "hold.db"

enum pwned_db_result pwned_hold_db_open(const char *folder, const char *group,
					enum pwned_db_durability durability,
					unsigned int busy_msecs,
					struct pwned_hold_db **db_r,
					struct pwned_error *error_r);
void pwned_hold_db_close(struct pwned_hold_db **db);

enum pwned_db_result pwned_hold_db_begin(struct pwned_hold_db *db,
					 struct pwned_error *error_r);
enum pwned_db_result pwned_hold_db_commit(struct pwned_hold_db *db,
					  struct pwned_error *error_r);
void pwned_hold_db_rollback(struct pwned_hold_db *db);
/* text "": no more. */
enum pwned_db_result pwned_hold_db_set(struct pwned_hold_db *db,
				       const char *user, const char *text,
				       struct pwned_error *error_r);
/* The text of a user; NONE: not held. text_r: PWNED_FLAG_TEXT_MAX + 1 bytes. */
enum pwned_db_result pwned_hold_db_get(struct pwned_hold_db *db,
				       const char *user, char *text_r,
				       struct pwned_error *error_r);
/* As a file: whether it is in place, checkpoints (sqlite-file.h). */
struct pwned_sqlite *pwned_hold_db_file(struct pwned_hold_db *db);
enum pwned_db_result pwned_hold_db_list(
	struct pwned_hold_db *db,
	bool (*visit)(void *context, const char *user, const char *text),
	void *context, struct pwned_error *error_r);

#endif
