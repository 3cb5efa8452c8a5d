/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lock of who writes a WAL. */

#include "wal-lock.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

/* SQLite's lock of who writes. */
#define WRITE_LOCK 0
/* A reader needs some 2 us from one look to the other. */
#define KEEP_NSECS 200000

struct pwned_wal_lock {
	sqlite3_io_methods methods; /* must be first */
	const sqlite3_io_methods *original;
};

static int shm_lock(sqlite3_file *file, int offset, int length, int flags)
{
	static const struct timespec keep = { .tv_nsec = KEEP_NSECS };
	const struct pwned_wal_lock *lock =
		(const struct pwned_wal_lock *)file->pMethods;

	if (offset == WRITE_LOCK &&
	    flags == (SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE))
		(void)nanosleep(&keep, NULL);
	return lock->original->xShmLock(file, offset, length, flags);
}

struct pwned_wal_lock *pwned_wal_lock_new(struct sqlite3 *db)
{
	struct pwned_wal_lock *lock;
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(db, NULL, SQLITE_FCNTL_FILE_POINTER, &file) !=
		    SQLITE_OK ||
	    file == NULL || file->pMethods == NULL ||
	    file->pMethods->iVersion < 2)
		return NULL;
	lock = calloc(1, sizeof(*lock));
	if (lock == NULL)
		return NULL;
	lock->original = file->pMethods;
	lock->methods = *file->pMethods;
	lock->methods.xShmLock = shm_lock;
	file->pMethods = &lock->methods;
	return lock;
}

void pwned_wal_lock_free(struct pwned_wal_lock **lock)
{
	free(*lock);
	*lock = NULL;
}
