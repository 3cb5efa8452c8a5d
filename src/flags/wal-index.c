/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeping the index of a WAL. */

#include "wal-index.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLite's lock of all who use the index. */
#define USED_BYTE 128

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* A database that this process has open. To close any descriptor of its -shm
   lets go of all locks that SQLite has on that in this process: so there is one
   for all who have it open, or none, as the first of them found it, and it is
   closed after the last. */
struct pwned_wal_index {
	LIST_ENTRY(pwned_wal_index) entry;
	dev_t dev; /* of the database */
	ino_t ino;
	int fd; /* of the -shm; -1: SQLite alone looks after it */
	unsigned int users;
};

static LIST_HEAD(, pwned_wal_index) kept = LIST_HEAD_INITIALIZER(kept);
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;

/* What an index belongs to. */
struct belongings {
	char text[256];
};

static bool read_text(const char *path, struct belongings *text_r)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text_r->text, sizeof(text_r->text) - 1);
	(void)close(fd);
	if (length <= 0)
		return false;
	text_r->text[length] = '\0';
	return true;
}

static bool stat_of(const char *path, const char *suffix, struct stat *st_r)
{
	char name[4096];

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	return lstat(name, st_r) == 0 && S_ISREG(st_r->st_mode);
}

static bool find_belongings(const char *path, struct belongings *text_r)
{
	struct belongings boot;
	struct stat file, wal, shm;

	if (!read_text(BOOT_ID, &boot) || !stat_of(path, "", &file) ||
	    !stat_of(path, "-wal", &wal) || !stat_of(path, "-shm", &shm))
		return false;
	boot.text[strcspn(boot.text, "\n")] = '\0';
	(void)snprintf(text_r->text, sizeof(text_r->text),
		       "%.64s %llu %llu %llu %llu\n", boot.text,
		       (unsigned long long)file.st_dev,
		       (unsigned long long)file.st_ino,
		       (unsigned long long)wal.st_ino,
		       (unsigned long long)shm.st_ino);
	return true;
}

static bool read_note(const char *path, struct belongings *text_r)
{
	char name[4096];

	(void)snprintf(name, sizeof(name), "%s-boot", path);
	return read_text(name, text_r);
}

/* A lock of the descriptor, not of the process: to SQLite in this process it is
   another's. */
static bool lock_used(int fd)
{
	struct flock lock = {
		.l_type = F_RDLCK,
		.l_whence = SEEK_SET,
		.l_start = USED_BYTE,
		.l_len = 1,
	};

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static struct pwned_wal_index *find_kept(const struct stat *st)
{
	struct pwned_wal_index *index;

	LIST_FOREACH(index, &kept, entry)
	{
		if (index->dev == st->st_dev && index->ino == st->st_ino)
			return index;
	}
	return NULL;
}

/* Returns -1 where there is nothing to be kept. A lock that cannot be had is
   somebody's who makes the index anew. */
static int open_index(const char *path)
{
	struct belongings now, noted;
	char name[4096];
	int fd;

	if (!find_belongings(path, &now) || !read_note(path, &noted) ||
	    strcmp(now.text, noted.text) != 0)
		return -1;
	(void)snprintf(name, sizeof(name), "%s-shm", path);
	fd = open(name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		(void)lock_used(fd);
	return fd;
}

static struct pwned_wal_index *add_kept(const char *path, const struct stat *st)
{
	struct pwned_wal_index *index = calloc(1, sizeof(*index));

	if (index == NULL)
		return NULL;
	index->dev = st->st_dev;
	index->ino = st->st_ino;
	index->fd = open_index(path);
	LIST_INSERT_HEAD(&kept, index, entry);
	return index;
}

struct pwned_wal_index *pwned_wal_index_keep(const char *path)
{
	struct pwned_wal_index *index;
	struct stat st;

	if (!stat_of(path, "", &st))
		return NULL;
	(void)pthread_mutex_lock(&kept_lock);
	index = find_kept(&st);
	if (index == NULL)
		index = add_kept(path, &st);
	if (index != NULL)
		index->users++;
	(void)pthread_mutex_unlock(&kept_lock);
	return index;
}

void pwned_wal_index_note(const char *path)
{
	struct belongings now, noted;
	char name[4096];
	int fd;

	if (!find_belongings(path, &now) ||
	    (read_note(path, &noted) && strcmp(now.text, noted.text) == 0))
		return;
	(void)snprintf(name, sizeof(name), "%s-boot", path);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0)
		return;
	/* one that is cut belongs to nothing */
	(void)!write(fd, now.text, strlen(now.text));
	(void)close(fd);
}

void pwned_wal_index_release(struct pwned_wal_index **_index)
{
	struct pwned_wal_index *index = *_index;

	*_index = NULL;
	if (index == NULL)
		return;
	(void)pthread_mutex_lock(&kept_lock);
	if (--index->users == 0) {
		LIST_REMOVE(index, entry);
		if (index->fd >= 0)
			(void)close(index->fd);
		free(index);
	}
	(void)pthread_mutex_unlock(&kept_lock);
}
