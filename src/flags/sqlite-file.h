/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SQLITE_FILE_H
#define PWNED_SQLITE_FILE_H

#include "error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A database of ours: an SQLite file in a folder of its owner, in WAL mode,
   whose -wal and -shm persist (SQLITE_FCNTL_PERSIST_WAL), so that readers
   without write access find it whole when no writer is there. Blocking: for a
   thread or a command. Not shared by threads. */
struct sqlite3;
struct sqlite3_stmt;
struct pwned_wal_index;
struct pwned_wal_lock;

enum pwned_db_result {
	PWNED_DB_OK,
	PWNED_DB_NONE,    /* no such record */
	PWNED_DB_BUSY,    /* another program holds it: try again */
	PWNED_DB_DAMAGED, /* it proves that it is none of ours, or broken */
	PWNED_DB_FAILED,  /* the disk, or our own rights */
};

enum pwned_db_durability {
	/* synchronous=NORMAL, and checkpoints are somebody else's: for auth,
	   which must not wait for an fsync */
	PWNED_DB_QUICK,
	PWNED_DB_DURABLE, /* FULL: for an operator's command */
};

/* What kind of file it is; static. */
struct pwned_sqlite_kind {
	const char *name;
	mode_t mode; /* -wal and -shm follow it */
	/* what brings a file from each form to the next; PRAGMA user_version
	   says how many it has seen */
	const char *const *steps;
	unsigned int steps_count;
	/* that are kept prepared, by number */
	const char *const *statements;
	unsigned int statements_count;
};

struct pwned_sqlite_params {
	const struct pwned_sqlite_kind *kind;
	const char *folder;
	const char *group; /* that may read the folder; NULL: none */
	enum pwned_db_durability durability;
	unsigned int busy_msecs; /* how long a call waits for other programs */
};

struct pwned_sqlite {
	const struct pwned_sqlite_kind *kind;
	struct sqlite3 *db;
	struct sqlite3_stmt **statements; /* of its kind */
	char *path;
	dev_t dev;
	ino_t ino;
	bool is_shared; /* a group reads it, and does not wait */
	struct pwned_wal_index *index;
	struct pwned_wal_lock *lock;
	unsigned int wal_pages; /* after the last commit of this connection */
};

/* Makes the file where it is not there, and brings it to the form of its kind;
   one of a newer form is left alone. The folder has to be usable for this
   process (store/folder.h), and the file its own. */
enum pwned_db_result pwned_sqlite_open(const struct pwned_sqlite_params *params,
				       struct pwned_sqlite *file_r,
				       struct pwned_error *error_r);
/* Of one that could not be opened it does nothing. */
void pwned_sqlite_close(struct pwned_sqlite *file);
/* Whether the file is still the one of its path. */
bool pwned_sqlite_is_in_place(const struct pwned_sqlite *file);
/* Moves a damaged file, which is not open here, to NAME.damaged with its -wal;
   what stood there before goes. */
bool pwned_sqlite_set_aside(const char *folder, const char *name,
			    struct pwned_error *error_r);

/* What SQLite's last call on the file came to, with its text, which holds no
   value. */
enum pwned_db_result pwned_sqlite_error(const struct pwned_sqlite *file,
					struct pwned_error *error_r);
enum pwned_db_result pwned_sqlite_exec(struct pwned_sqlite *file,
				       const char *sql,
				       struct pwned_error *error_r);
/* Runs a statement that returns no rows, and resets it. */
enum pwned_db_result pwned_sqlite_run(struct pwned_sqlite *file,
				      struct sqlite3_stmt *statement,
				      struct pwned_error *error_r);
enum pwned_db_result pwned_sqlite_begin(struct pwned_sqlite *file,
					struct pwned_error *error_r);
enum pwned_db_result pwned_sqlite_commit(struct pwned_sqlite *file,
					 struct pwned_error *error_r);
/* Of none it does nothing. */
void pwned_sqlite_rollback(struct pwned_sqlite *file);
/* Writes the WAL back into the file as far as nobody is in the way, and waits
   for the disk. */
enum pwned_db_result pwned_sqlite_checkpoint(struct pwned_sqlite *file,
					     struct pwned_error *error_r);

#endif
