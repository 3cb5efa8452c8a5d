/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of ranges as a file: finding it, making it, telling whose it is.

   Its header, in the first 512 bytes, which a disk writes as a whole:

	0  24  "dovecot-pwned ranges\n", filled up with zeros
       24   4  form, PWNED_SLOTS_FORM
       28   4  zeros
       32   8  generation: how many purges there were
       40   8  XXH3 of the bytes before

   Little endian. Newer forms will keep these fields; else nothing is read or
   changed of them. A file that begins otherwise is not ours. */

#include "slots-int.h"
#include "folder.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#define PWNED_SLOTS_FORM 1
#define MAGIC            "dovecot-pwned ranges\n"
#define HEADER_BYTES     48
/* The folder decides who may read. */
#define FILE_MODE 0644

/* https://bford.info/cachedir/: backups leave the folder out. */
#define CACHEDIR_TAG "CACHEDIR.TAG"
static const char cachedir_tag[] =
	"Signature: 8a477f597d28d172789f06886806bc55\n"
	"# This folder is a cache of dovecot-pwned. Its file has holes, so it\n"
	"# is much smaller than it looks; it can be removed at any time.\n";

struct header {
	char magic[24];
	uint32_t form;
	uint32_t zeros;
	uint64_t generation;
	uint64_t checksum;
};
_Static_assert(sizeof(struct header) == HEADER_BYTES, "no gaps");

enum header_state {
	HEADER_OURS,
	HEADER_NONE,    /* the file is empty, or was cut to nothing */
	HEADER_DAMAGED, /* ours, but not whole */
	HEADER_NEWER,
	HEADER_FOREIGN,
	HEADER_UNREADABLE, /* errno says why */
};

static uint64_t header_checksum(const struct header *header)
{
	return htole64(XXH3_64bits(header, offsetof(struct header, checksum)));
}

static enum header_state header_judge(const struct header *header)
{
	static const struct header none;

	if (memcmp(header, &none, sizeof(none)) == 0)
		return HEADER_NONE;
	if (strncmp(header->magic, MAGIC, sizeof(header->magic)) != 0)
		return HEADER_FOREIGN;
	if (header->checksum != header_checksum(header))
		return HEADER_DAMAGED;
	return le32toh(header->form) == PWNED_SLOTS_FORM ? HEADER_OURS :
							   HEADER_NEWER;
}

static enum header_state header_read(const struct pwned_slots *slots,
				     struct header *header_r)
{
	if (pwned_slots_pread(slots, header_r, sizeof(*header_r), 0, true) !=
	    PWNED_SLOTS_IO_DONE)
		return HEADER_UNREADABLE;
	return header_judge(header_r);
}

static bool header_write(struct pwned_slots *slots, uint64_t generation)
{
	struct header header = { .magic = MAGIC,
				 .form = htole32(PWNED_SLOTS_FORM),
				 .generation = htole64(generation) };

	header.checksum = header_checksum(&header);
	return pwned_slots_pwrite(slots, &header, sizeof(header), 0);
}

bool pwned_slots_generation(const struct pwned_slots *slots,
			    uint64_t *generation_r)
{
	struct header header;

	if (header_read(slots, &header) != HEADER_OURS)
		return false;
	*generation_r = le64toh(header.generation);
	return true;
}

bool pwned_slots_next_generation(struct pwned_slots *slots)
{
	struct header header;

	if (header_read(slots, &header) != HEADER_OURS)
		return false;
	return header_write(slots, le64toh(header.generation) + 1);
}

/* What the file system can do. */
static void look_at_system(struct pwned_slots *slots)
{
	struct header header;
	struct iovec iov = { .iov_base = &header, .iov_len = sizeof(header) };
	struct statfs fs;

	slots->is_memory =
		fstatfs(slots->fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
	slots->knows_nowait =
		!slots->is_memory &&
		(fcntl(slots->fd, F_GETFL) & O_NOATIME) != 0 &&
		(preadv2(slots->fd, &iov, 1, 0, RWF_NOWAIT) >= 0 ||
		 errno == EAGAIN);
}

/* Tells whose file it is, and makes one that is empty ours. Returns false where
   it cannot be used; *foreign_r then says whether it may be moved aside. */
static bool take(struct pwned_slots *slots, bool *foreign_r,
		 struct pwned_error *problem_r)
{
	enum header_state state;
	struct header header;

	*foreign_r = false;
	look_at_system(slots);
	state = header_read(slots, &header);
	switch (state) {
	case HEADER_OURS:
		return true;
	case HEADER_NONE:
	case HEADER_DAMAGED:
		if (!slots->writable && state == HEADER_NONE)
			return pwned_error_set(problem_r, "it is empty");
		/* the slots prove themselves */
		return !slots->writable || header_write(slots, 0) ||
		       pwned_error_set(problem_r, "it cannot be written: %s",
				       strerror(errno));
	case HEADER_NEWER:
		return pwned_error_set(problem_r,
				       "it is of a newer release and is left "
				       "alone; upgrade this one, or remove it");
	case HEADER_FOREIGN:
		*foreign_r = true;
		return pwned_error_set(problem_r, "it is not ours");
	case HEADER_UNREADABLE:
		break;
	}
	return pwned_error_set(problem_r, "it cannot be read: %s",
			       strerror(errno));
}

/* A read that writes an access time may wait for the disk, RWF_NOWAIT or not:
   auth, which owns the file, has none kept. Others do not care. */
static int open_file(int folder_fd, int flags)
{
	int fd;

	/* never through a link, and never waiting for a FIFO */
	flags |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	fd = openat(folder_fd, PWNED_SLOTS_FILE, flags | O_NOATIME, FILE_MODE);
	if (fd >= 0 || errno != EPERM)
		return fd;
	return openat(folder_fd, PWNED_SLOTS_FILE, flags, FILE_MODE);
}

/* Opens for writing where that is wanted and can be, else for reading. */
static bool open_either(struct pwned_slots *slots,
			struct pwned_error *problem_r)
{
	int flags =
		slots->access == PWNED_SLOTS_WRITE ? O_RDWR | O_CREAT : O_RDWR;
	int why = ENOENT;

	if (slots->access != PWNED_SLOTS_READ) {
		slots->fd = open_file(slots->folder_fd, flags);
		slots->writable = slots->fd >= 0;
		why = errno;
	}
	if (slots->fd >= 0)
		return true;
	slots->fd = open_file(slots->folder_fd, O_RDONLY);
	if (slots->fd < 0 && errno != ENOENT)
		why = errno;
	if (slots->fd < 0)
		return pwned_error_set(problem_r, "it cannot be opened: %s",
				       why == ELOOP ? "it is a link" :
						      strerror(why));
	if (slots->access == PWNED_SLOTS_WRITE)
		(void)pwned_error_set(problem_r,
				      "it can only be read (%s), so nothing "
				      "new is kept in it; make it writable for "
				      "auth's user, or name another "
				      "pwned_store, and reload",
				      strerror(why));
	else if (slots->access == PWNED_SLOTS_CHANGE)
		(void)pwned_error_set(problem_r, "it can only be read (%s)",
				      strerror(why));
	return true;
}

/* The umask may have taken from the mode what the folder's group needs. */
static void finish_new(const struct pwned_slots *slots)
{
	int fd;

	(void)fchmod(slots->fd, FILE_MODE);
	fd = openat(slots->folder_fd, CACHEDIR_TAG,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    FILE_MODE);
	if (fd < 0)
		return;
	if (write(fd, cachedir_tag, sizeof(cachedir_tag) - 1) < 0)
		(void)unlinkat(slots->folder_fd, CACHEDIR_TAG, 0);
	(void)fchmod(fd, FILE_MODE);
	(void)close(fd);
}

/* Of a new one, and of one that was cut. */
static bool give_length(struct pwned_slots *slots,
			struct pwned_error *problem_r)
{
	struct stat st;

	if (!slots->writable ||
	    (fstat(slots->fd, &st) == 0 && st.st_size >= PWNED_SLOTS_BYTES))
		return true;
	return ftruncate(slots->fd, PWNED_SLOTS_BYTES) == 0 ||
	       pwned_error_set(problem_r, "it cannot have its length: %s",
			       strerror(errno));
}

static bool open_regular(struct pwned_slots *slots, bool *foreign_r,
			 struct pwned_error *problem_r)
{
	struct stat st;

	if (fstat(slots->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return pwned_error_set(problem_r, "it is no regular file");
	if (slots->writable && slots->access == PWNED_SLOTS_WRITE &&
	    st.st_size == 0)
		finish_new(slots);
	return take(slots, foreign_r, problem_r) &&
	       give_length(slots, problem_r);
}

static bool open_once(struct pwned_slots *slots, bool *foreign_r,
		      struct pwned_error *problem_r)
{
	*foreign_r = false;
	if (!open_either(slots, problem_r))
		return false;
	if (open_regular(slots, foreign_r, problem_r))
		return true;
	(void)close(slots->fd);
	slots->fd = -1;
	return false;
}

/* By rename: a file of that size is not removed within a minute. An older one
   that was moved aside stays. */
static bool move_aside(const struct pwned_slots *slots)
{
	return renameat2(slots->folder_fd, PWNED_SLOTS_FILE, slots->folder_fd,
			 PWNED_SLOTS_ASIDE, RENAME_NOREPLACE) == 0;
}

/* Another process may have moved it by now, and made one of ours. */
static bool open_aside(struct pwned_slots *slots, struct pwned_error *problem_r)
{
	bool moved = move_aside(slots), foreign, ok;
	int move_errno = errno;

	*problem_r->text = '\0';
	ok = open_once(slots, &foreign, problem_r);
	if (ok && moved)
		(void)pwned_error_set(problem_r,
				      "it was not ours and is called %s now; "
				      "look at it and remove it",
				      PWNED_SLOTS_ASIDE);
	else if (foreign)
		(void)pwned_error_set(problem_r,
				      "it is not ours, and cannot be moved to "
				      "%s (%s); look at both and remove them",
				      PWNED_SLOTS_ASIDE, strerror(move_errno));
	return ok;
}

static bool open_in_folder(struct pwned_slots *slots,
			   struct pwned_error *problem_r)
{
	struct pwned_error why = { "" };
	bool foreign, ok = open_once(slots, &foreign, &why);

	if (!ok && foreign && slots->access == PWNED_SLOTS_WRITE)
		ok = open_aside(slots, &why);
	if (*why.text != '\0')
		(void)pwned_error_set(problem_r, "%s/%s: %s", slots->folder,
				      PWNED_SLOTS_FILE, why.text);
	return ok;
}

static struct pwned_slots *slots_alloc(const char *folder,
				       enum pwned_slots_access access)
{
	struct pwned_slots *slots = calloc(1, sizeof(*slots));

	if (slots == NULL)
		return NULL;
	slots->fd = slots->folder_fd = -1;
	slots->access = access;
	slots->folder = strdup(folder);
	if (slots->folder == NULL) {
		free(slots);
		return NULL;
	}
	return slots;
}

struct pwned_slots *pwned_slots_open(const char *folder,
				     enum pwned_slots_access access,
				     struct pwned_error *problem_r)
{
	struct pwned_slots *slots = slots_alloc(folder, access);

	*problem_r->text = '\0';
	if (slots == NULL) {
		(void)pwned_error_set(problem_r, "out of memory");
		return NULL;
	}
	slots->folder_fd = pwned_folder_open(folder, problem_r);
	if (slots->folder_fd < 0 || !open_in_folder(slots, problem_r))
		pwned_slots_close(&slots);
	return slots;
}

struct pwned_slots *pwned_slots_open_memory(void)
{
	struct pwned_slots *slots = slots_alloc("", PWNED_SLOTS_WRITE);

	if (slots == NULL)
		return NULL;
	slots->fd = memfd_create("dovecot-pwned", MFD_CLOEXEC);
	slots->writable = slots->is_memory = true;
	if (slots->fd < 0 || !header_write(slots, 0))
		pwned_slots_close(&slots);
	return slots;
}

void pwned_slots_close(struct pwned_slots **_slots)
{
	struct pwned_slots *slots = *_slots;

	*_slots = NULL;
	if (slots == NULL)
		return;
	if (slots->fd >= 0)
		(void)close(slots->fd);
	if (slots->folder_fd >= 0)
		(void)close(slots->folder_fd);
	free(slots->folder);
	free(slots);
}

bool pwned_slots_is_in_place(const struct pwned_slots *slots)
{
	struct stat ours, there;
	struct header header;
	enum header_state state;

	if (slots->folder_fd < 0)
		return true;
	if (fstatat(slots->folder_fd, PWNED_SLOTS_FILE, &there,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return errno != ENOENT;
	if (fstat(slots->fd, &ours) < 0 || ours.st_ino != there.st_ino ||
	    ours.st_dev != there.st_dev ||
	    (slots->writable && ours.st_size < PWNED_SLOTS_BYTES))
		return false;
	state = header_read(slots, &header);
	return state == HEADER_OURS || state == HEADER_UNREADABLE;
}

/* Threads that read use the numbers. Whoever is the last to have a removed file
   open frees its space, which may take a minute: not the loop, if it is just
   reading. */
static bool replace_fds(const struct pwned_slots *slots,
			const struct pwned_slots *fresh)
{
	const struct timespec a_read = { .tv_nsec = 10 * 1000 * 1000 };
	int before = fcntl(slots->fd, F_DUPFD_CLOEXEC, 0);
	bool ok = dup3(fresh->folder_fd, slots->folder_fd, O_CLOEXEC) >= 0 &&
		  dup3(fresh->fd, slots->fd, O_CLOEXEC) >= 0;

	if (before >= 0) {
		(void)nanosleep(&a_read, NULL);
		(void)close(before);
	}
	return ok;
}

bool pwned_slots_reopen(struct pwned_slots *slots,
			struct pwned_error *problem_r)
{
	struct pwned_slots *fresh =
		pwned_slots_open(slots->folder, slots->access, problem_r);
	bool ok;

	if (fresh == NULL) {
		/* what may stand there now is not ours to write */
		slots->writable = false;
		return false;
	}
	/* the loop does not read until it is known how */
	slots->knows_nowait = slots->is_memory = false;
	ok = replace_fds(slots, fresh);
	if (ok) {
		slots->writable = fresh->writable;
		slots->knows_nowait = fresh->knows_nowait;
		slots->is_memory = fresh->is_memory;
	}
	pwned_slots_close(&fresh);
	return ok || pwned_error_set(problem_r, "%s/%s: it cannot be replaced",
				     slots->folder, PWNED_SLOTS_FILE);
}
