/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SQLite files: opening, errors, transactions, forms. */

#include "sqlite-file.h"
#include "folder.h"
#include "wal-index.h"
#include "wal-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a WAL that grew keeps of the disk. */
#define WAL_BYTES "4194304"
/* Auth has 256 MB of address space. */
#define CACHE_KB    "512"
#define AGAIN_MSECS 5

static enum pwned_db_result result_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return PWNED_DB_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return PWNED_DB_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return PWNED_DB_DAMAGED;
	default:
		return PWNED_DB_FAILED;
	}
}

enum pwned_db_result pwned_sqlite_error(const struct pwned_sqlite *file,
					struct pwned_error *error_r)
{
	int code = sqlite3_extended_errcode(file->db);
	/* of the last fault of the system, however long ago */
	int system = (code & 0xff) == SQLITE_IOERR ||
				     (code & 0xff) == SQLITE_CANTOPEN ?
			     sqlite3_system_errno(file->db) :
			     0;

	(void)pwned_error_set(error_r, "%s: %s%s%s", file->path,
			      sqlite3_errstr(code), system != 0 ? ": " : "",
			      system != 0 ? strerror(system) : "");
	return result_of(code);
}

enum pwned_db_result pwned_sqlite_exec(struct pwned_sqlite *file,
				       const char *sql,
				       struct pwned_error *error_r)
{
	return sqlite3_exec(file->db, sql, NULL, NULL, NULL) == SQLITE_OK ?
		       PWNED_DB_OK :
		       pwned_sqlite_error(file, error_r);
}

/* A file that does not know our tables is none of ours. The text names what is
   missing. */
static enum pwned_db_result schema_error(struct pwned_sqlite *file,
					 struct pwned_error *error_r)
{
	if (sqlite3_errcode(file->db) != SQLITE_ERROR)
		return pwned_sqlite_error(file, error_r);
	(void)pwned_error_set(error_r, "%s: %s", file->path,
			      sqlite3_errmsg(file->db));
	return PWNED_DB_DAMAGED;
}

/* What lacks our tables shows it here. */
static enum pwned_db_result prepare_all(struct pwned_sqlite *file,
					struct pwned_error *error_r)
{
	const struct pwned_sqlite_kind *kind = file->kind;

	file->statements =
		calloc(kind->statements_count, sizeof(sqlite3_stmt *));
	if (file->statements == NULL) {
		(void)pwned_error_set(error_r, "%s: out of memory", file->path);
		return PWNED_DB_FAILED;
	}
	for (unsigned int i = 0; i < kind->statements_count; i++) {
		if (sqlite3_prepare_v3(file->db, kind->statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT,
				       &file->statements[i], NULL) != SQLITE_OK)
			return schema_error(file, error_r);
	}
	return PWNED_DB_OK;
}

enum pwned_db_result pwned_sqlite_run(struct pwned_sqlite *file,
				      struct sqlite3_stmt *statement,
				      struct pwned_error *error_r)
{
	enum pwned_db_result result = PWNED_DB_OK;

	if (sqlite3_step(statement) != SQLITE_DONE)
		result = pwned_sqlite_error(file, error_r);
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return result;
}

enum pwned_db_result pwned_sqlite_begin(struct pwned_sqlite *file,
					struct pwned_error *error_r)
{
	/* so that what is read is still so when it is written */
	return pwned_sqlite_exec(file, "BEGIN IMMEDIATE", error_r);
}

enum pwned_db_result pwned_sqlite_commit(struct pwned_sqlite *file,
					 struct pwned_error *error_r)
{
	enum pwned_db_result result =
		pwned_sqlite_exec(file, "COMMIT", error_r);

	if (result != PWNED_DB_OK)
		pwned_sqlite_rollback(file);
	return result;
}

void pwned_sqlite_rollback(struct pwned_sqlite *file)
{
	if (sqlite3_get_autocommit(file->db) == 0)
		(void)sqlite3_exec(file->db, "ROLLBACK", NULL, NULL, NULL);
}

enum pwned_db_result pwned_sqlite_checkpoint(struct pwned_sqlite *file,
					     struct pwned_error *error_r)
{
	int code = sqlite3_wal_checkpoint_v2(
		file->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY)
		return PWNED_DB_OK;
	return pwned_sqlite_error(file, error_r);
}

/* A folder as such has no form of SQLite's; what is there instead of a file is
   left alone. */
static enum pwned_db_result check_file(struct pwned_sqlite *file,
				       struct pwned_error *error_r)
{
	struct stat st;

	if (lstat(file->path, &st) < 0) {
		(void)pwned_error_set(error_r, "%s: %s", file->path,
				      strerror(errno));
		return PWNED_DB_FAILED;
	}
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		(void)pwned_error_set(
			error_r,
			"%s: expected a file of user %lu, not %s; remove it, "
			"or give it to that user with its -wal and -shm",
			file->path, (unsigned long)geteuid(),
			S_ISREG(st.st_mode) ? "another's" : "something else");
		return PWNED_DB_FAILED;
	}
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	return PWNED_DB_OK;
}

/* Files of a folder that was given to another group since, or of another mode:
   who may read it could not read them. */
static enum pwned_db_result share_files(
	const struct pwned_sqlite_params *params,
	const struct pwned_sqlite *file, struct pwned_error *error_r)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	struct stat folder, st;
	char path[4096];

	if (stat(params->folder, &folder) < 0 ||
	    (folder.st_mode & S_ISGID) == 0)
		return PWNED_DB_OK;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", file->path,
			       parts[i]);
		if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		if ((st.st_gid != folder.st_gid &&
		     lchown(path, (uid_t)-1, folder.st_gid) < 0) ||
		    ((st.st_mode & 07777) != params->kind->mode &&
		     chmod(path, params->kind->mode) < 0)) {
			(void)pwned_error_set(
				error_r,
				"%s: its group is not its folder's (%s); run "
				"\"chgrp %lu %s*\" as root",
				path, strerror(errno),
				(unsigned long)folder.st_gid, file->path);
			return PWNED_DB_FAILED;
		}
	}
	return PWNED_DB_OK;
}

/* Only one that is new is opened here: to close another's descriptor would
   let go of the locks that SQLite holds in this process. */
static enum pwned_db_result make_file(struct pwned_sqlite *file, mode_t mode,
				      struct pwned_error *error_r)
{
	int fd =
		open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	bool ok = fd < 0 ? errno == EEXIST : fchmod(fd, mode) == 0;

	if (!ok)
		(void)pwned_error_set(error_r, "%s: %s", file->path,
				      strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return ok ? PWNED_DB_OK : PWNED_DB_FAILED;
}

static int on_commit(void *context, struct sqlite3 *db, const char *name,
		     int pages)
{
	struct pwned_sqlite *file = context;

	(void)db;
	(void)name;
	file->wal_pages = (unsigned int)pages;
	return SQLITE_OK;
}

/* Nothing that this connection does keeps out readers who do not wait. */
static void spare_readers(struct pwned_sqlite *file)
{
	/* SQLite's own closing locks the whole file */
	(void)sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				NULL);
	file->lock = pwned_wal_lock_new(file->db);
}

/* Where another makes the same file, SQLite does not wait by itself: one of
   them may already read when it finds that the other writes
   (sqlite3BtreeBeginTrans). */
static enum pwned_db_result become_wal(struct pwned_sqlite *file,
				       unsigned int busy_msecs,
				       struct pwned_error *error_r)
{
	enum pwned_db_result result;
	unsigned int waited_msecs = 0;

	while ((result = pwned_sqlite_exec(file, "PRAGMA journal_mode=WAL",
					   error_r)) == PWNED_DB_BUSY &&
	       waited_msecs < busy_msecs) {
		(void)sqlite3_sleep(AGAIN_MSECS);
		waited_msecs += AGAIN_MSECS;
	}
	return result;
}

static enum pwned_db_result set_up(struct pwned_sqlite *file,
				   const struct pwned_sqlite_params *params,
				   struct pwned_error *error_r)
{
	static const char common[] = "PRAGMA journal_size_limit=" WAL_BYTES ";"
				     "PRAGMA cache_size=-" CACHE_KB ";"
				     "PRAGMA mmap_size=0;"
				     "PRAGMA temp_store=MEMORY;"
				     "PRAGMA trusted_schema=OFF;";
	enum pwned_db_result result;
	int persist = 1;

	(void)sqlite3_extended_result_codes(file->db, 1);
	(void)sqlite3_file_control(file->db, NULL, SQLITE_FCNTL_PERSIST_WAL,
				   &persist);
	result = become_wal(file, params->busy_msecs, error_r);
	if (result == PWNED_DB_OK)
		result = pwned_sqlite_exec(file, common, error_r);
	if (result != PWNED_DB_OK)
		return result;
	if (params->durability == PWNED_DB_DURABLE)
		return pwned_sqlite_exec(file, "PRAGMA synchronous=FULL",
					 error_r);
	/* instead of the automatic checkpoint, whose hook it is */
	(void)sqlite3_wal_hook(file->db, on_commit, file);
	return pwned_sqlite_exec(file, "PRAGMA synchronous=NORMAL", error_r);
}

static enum pwned_db_result open_file(const struct pwned_sqlite_params *params,
				      struct pwned_sqlite *file,
				      struct pwned_error *error_r)
{
	enum pwned_db_result result;

	file->is_shared = (params->kind->mode & S_IRGRP) != 0;
	result = make_file(file, params->kind->mode, error_r);
	if (result == PWNED_DB_OK)
		result = check_file(file, error_r);
	if (result == PWNED_DB_OK && file->is_shared)
		result = share_files(params, file, error_r);
	if (result != PWNED_DB_OK)
		return result;
	if (file->is_shared) {
		file->index = pwned_wal_index_keep(file->path);
		if (file->index == NULL) {
			(void)pwned_error_set(error_r, "%s: out of memory",
					      file->path);
			return PWNED_DB_FAILED;
		}
	}
	if (sqlite3_open_v2(file->path, &file->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
				    SQLITE_OPEN_PRIVATECACHE,
			    NULL) != SQLITE_OK) {
		(void)pwned_error_set(error_r, "%s: %s", file->path,
				      file->db == NULL ?
					      "out of memory" :
					      sqlite3_errmsg(file->db));
		return PWNED_DB_FAILED;
	}
	/* without the right to write it is opened all the same */
	if (sqlite3_db_readonly(file->db, "main") != 0) {
		(void)pwned_error_set(error_r,
				      "%s: this process may not write it",
				      file->path);
		return PWNED_DB_FAILED;
	}
	(void)sqlite3_busy_timeout(file->db, (int)params->busy_msecs);
	if (file->is_shared)
		spare_readers(file);
	return set_up(file, params, error_r);
}

bool pwned_sqlite_is_in_place(const struct pwned_sqlite *file)
{
	struct stat st;

	return lstat(file->path, &st) == 0 && st.st_dev == file->dev &&
	       st.st_ino == file->ino;
}

/* The -wal goes along: it may hold what the file lacks. The -shm is made anew
   with any. */
bool pwned_sqlite_set_aside(const char *folder, const char *name,
			    struct pwned_error *error_r)
{
	static const char *const parts[] = { "-shm", "-wal", "" };
	char from[4096], to[4096];

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		(void)snprintf(from, sizeof(from), "%s/%s%s", folder, name,
			       parts[i]);
		(void)snprintf(to, sizeof(to), "%s/%s.damaged%s", folder, name,
			       parts[i]);
		if (i == 0)
			(void)unlink(to);
		if ((i == 0 ? unlink(from) : rename(from, to)) < 0 &&
		    errno != ENOENT)
			return pwned_error_set(error_r, "%s: %s", from,
					       strerror(errno));
	}
	return true;
}

static enum pwned_db_result read_form(struct pwned_sqlite *file, int *form_r,
				      struct pwned_error *error_r)
{
	sqlite3_stmt *statement = NULL;
	enum pwned_db_result result = PWNED_DB_OK;

	if (sqlite3_prepare_v2(file->db, "PRAGMA user_version", -1, &statement,
			       NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		result = pwned_sqlite_error(file, error_r);
	else
		*form_r = sqlite3_column_int(statement, 0);
	(void)sqlite3_finalize(statement);
	return result;
}

/* Within a transaction. */
static enum pwned_db_result take_steps(struct pwned_sqlite *file,
				       struct pwned_error *error_r)
{
	int steps_count = (int)file->kind->steps_count;
	char set_form[48];
	enum pwned_db_result result;
	int form;

	result = read_form(file, &form, error_r);
	if (result != PWNED_DB_OK)
		return result;
	if (form < 0 || form > steps_count) {
		(void)pwned_error_set(error_r,
				      "%s: its form is %d, and this program "
				      "knows those up to %d: it is of a newer "
				      "one, and left as it is",
				      file->path, form, steps_count);
		return PWNED_DB_FAILED;
	}
	for (int i = form; i < steps_count && result == PWNED_DB_OK; i++) {
		if (sqlite3_exec(file->db, file->kind->steps[i], NULL, NULL,
				 NULL) != SQLITE_OK)
			result = schema_error(file, error_r);
	}
	(void)snprintf(set_form, sizeof(set_form), "PRAGMA user_version = %d",
		       steps_count);
	if (result == PWNED_DB_OK && form < steps_count)
		result = pwned_sqlite_exec(file, set_form, error_r);
	return result;
}

static enum pwned_db_result migrate(struct pwned_sqlite *file,
				    struct pwned_error *error_r)
{
	enum pwned_db_result result;
	int form;

	/* most often there is nothing to do, and nobody to be waited for */
	result = read_form(file, &form, error_r);
	if (result != PWNED_DB_OK || form == (int)file->kind->steps_count)
		return result;
	result = pwned_sqlite_begin(file, error_r);
	if (result != PWNED_DB_OK)
		return result;
	result = take_steps(file, error_r);
	if (result == PWNED_DB_OK)
		return pwned_sqlite_commit(file, error_r);
	pwned_sqlite_rollback(file);
	return result;
}

enum pwned_db_result pwned_sqlite_open(const struct pwned_sqlite_params *params,
				       struct pwned_sqlite *file_r,
				       struct pwned_error *error_r)
{
	enum pwned_db_result result;

	*file_r = (struct pwned_sqlite){ .kind = params->kind };
	if (!pwned_folder_usable(params->folder, params->group, error_r))
		return PWNED_DB_FAILED;
	if (asprintf(&file_r->path, "%s/%s", params->folder,
		     params->kind->name) < 0) {
		file_r->path = NULL;
		(void)pwned_error_set(error_r, "out of memory");
		return PWNED_DB_FAILED;
	}
	result = open_file(params, file_r, error_r);
	if (result == PWNED_DB_OK)
		result = migrate(file_r, error_r);
	/* now it has been read */
	if (result == PWNED_DB_OK && file_r->is_shared)
		pwned_wal_index_note(file_r->path);
	if (result == PWNED_DB_OK)
		result = prepare_all(file_r, error_r);
	if (result != PWNED_DB_OK)
		pwned_sqlite_close(file_r);
	return result;
}

static void finalize_all(struct pwned_sqlite *file)
{
	if (file->statements == NULL)
		return;
	for (unsigned int i = 0; i < file->kind->statements_count; i++)
		(void)sqlite3_finalize(file->statements[i]);
	free(file->statements);
}

void pwned_sqlite_close(struct pwned_sqlite *file)
{
	finalize_all(file);
	/* a reader who finds no writer reads the whole WAL */
	if (file->db != NULL && file->is_shared) {
		(void)sqlite3_busy_timeout(file->db, 0);
		(void)sqlite3_wal_checkpoint_v2(
			file->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	}
	(void)sqlite3_close(file->db);
	pwned_wal_lock_free(&file->lock);
	pwned_wal_index_release(&file->index);
	free(file->path);
	*file = (struct pwned_sqlite){ .db = NULL };
}
