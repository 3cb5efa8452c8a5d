/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state file on disk. */

#include "state-file.h"
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TMP_NAME_PATTERN PWNED_STATE_FILE_NAME ".*.tmp"
/* Nobody has been writing a file for so long. */
#define TMP_OLD_SECS 600
/* An auth writes more often than that while anybody logs in. */
#define ABANDONED_SECS 300

/* Reads to the end of the file, size bytes at most. Returns how many, or -1
   with errno. */
static ssize_t read_all(int fd, char *data, size_t size)
{
	size_t used = 0;
	ssize_t ret;

	while (used < size) {
		ret = read(fd, data + used, size - used);
		if (ret == 0)
			break;
		if (ret < 0 && errno != EINTR)
			return -1;
		if (ret > 0)
			used += (size_t)ret;
	}
	return (ssize_t)used;
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t ret = write(fd, data, size);

		if (ret < 0 && errno != EINTR)
			return false;
		if (ret > 0) {
			data += ret;
			size -= (size_t)ret;
		}
	}
	return true;
}

static bool set_error(const char *folder, const char *what,
		      struct pwned_error *error_r)
{
	return pwned_error_set(error_r, "%s/%s: %s", folder,
			       PWNED_STATE_FILE_NAME, what);
}

static bool read_text(int fd, const char *folder, struct pwned_state *state_r,
		      struct pwned_error *error_r)
{
	char text[PWNED_STATE_FILE_MAX + 1];
	struct pwned_error error;
	struct stat st;
	ssize_t size;

	if (fstat(fd, &st) < 0)
		return set_error(folder, strerror(errno), error_r);
	if (!S_ISREG(st.st_mode))
		return set_error(folder, "it is no regular file", error_r);
	size = read_all(fd, text, sizeof(text));
	if (size < 0)
		return set_error(folder, strerror(errno), error_r);
	if (size > PWNED_STATE_FILE_MAX)
		return set_error(folder, "it is too large", error_r);
	if (!pwned_state_parse(text, (size_t)size, state_r, &error))
		return set_error(folder, error.text, error_r);
	return true;
}

static enum pwned_state_read read_in(int dir, const char *folder,
				     struct pwned_state *state_r,
				     struct pwned_error *error_r)
{
	/* what is no regular file may not be waited for either */
	int fd = openat(dir, PWNED_STATE_FILE_NAME,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool ok;

	memset(state_r, 0, sizeof(*state_r));
	if (fd < 0 && errno == ENOENT)
		return PWNED_STATE_NONE;
	if (fd < 0) {
		(void)set_error(folder,
				errno == ELOOP ? "it is a symbolic link" :
						 strerror(errno),
				error_r);
		return PWNED_STATE_UNREAD;
	}
	ok = read_text(fd, folder, state_r, error_r);
	(void)close(fd);
	return ok ? PWNED_STATE_READ : PWNED_STATE_UNREAD;
}

enum pwned_state_read pwned_state_file_read(const char *folder,
					    struct pwned_state *state_r,
					    struct pwned_error *error_r)
{
	enum pwned_state_read result;
	int dir = pwned_folder_open(folder, error_r);

	memset(state_r, 0, sizeof(*state_r));
	if (dir < 0)
		return errno == ENOENT ? PWNED_STATE_NONE : PWNED_STATE_UNREAD;
	result = read_in(dir, folder, state_r, error_r);
	(void)close(dir);
	return result;
}

/* What processes that were killed have left. */
static void remove_old(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (list == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((entry = readdir(list)) != NULL) {
		if (fnmatch(TMP_NAME_PATTERN, entry->d_name, 0) == 0 &&
		    fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			    0 &&
		    st.st_mtime < time(NULL) - TMP_OLD_SECS)
			(void)unlinkat(dir, entry->d_name, 0);
	}
	(void)closedir(list);
}

static int create(int dir, const char *name)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir, name, flags, 0600);

	/* of a process that had our number, and was killed */
	if (fd < 0 && errno == EEXIST && unlinkat(dir, name, 0) == 0)
		fd = openat(dir, name, flags, 0600);
	return fd;
}

/* Returns false with errno; nothing is left then. */
static bool replace(int dir, const char *name, const char *text, size_t size)
{
	int fd = create(dir, name), saved_errno;
	bool ok;

	if (fd < 0)
		return false;
	ok = write_all(fd, text, size);
	saved_errno = errno;
	if (close(fd) < 0 && ok) {
		ok = false;
		saved_errno = errno;
	}
	if (ok && renameat(dir, name, dir, PWNED_STATE_FILE_NAME) < 0) {
		ok = false;
		saved_errno = errno;
	}
	if (!ok)
		(void)unlinkat(dir, name, 0);
	errno = saved_errno;
	return ok;
}

static bool is_running(uint64_t pid)
{
	return pid > 0 && pid <= INT_MAX &&
	       (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
}

/* Its auth was killed. The number of a process alone does not tell: in another
   container it may have one that is not seen here. A clock that was wrong may
   have gone either way since. */
static bool is_abandoned(const struct pwned_state *there,
			 const struct pwned_state *mine)
{
	uint64_t then = there->written_secs, now = mine->written_secs;
	uint64_t secs = now > then ? now - then : then - now;

	return secs > ABANDONED_SECS &&
	       (there->pid == mine->pid || !is_running(there->pid));
}

static bool is_of_newer(int dir, const char *folder,
			const struct pwned_state *mine)
{
	struct pwned_state there;
	struct pwned_error ignored;

	return read_in(dir, folder, &there, &ignored) == PWNED_STATE_READ &&
	       pwned_state_is_newer(&there, mine) &&
	       !is_abandoned(&there, mine);
}

static enum pwned_state_written write_in(int dir, const char *folder,
					 const struct pwned_state *state,
					 struct pwned_error *error_r)
{
	char name[64], text[PWNED_STATE_TEXT_MAX];
	size_t size;

	if (is_of_newer(dir, folder, state))
		return PWNED_STATE_NOT_OURS;
	remove_old(dir);
	size = pwned_state_print(state, text, sizeof(text));
	(void)snprintf(name, sizeof(name),
		       PWNED_STATE_FILE_NAME ".%" PRIu64 ".tmp", state->pid);
	if (!replace(dir, name, text, size)) {
		(void)set_error(folder, strerror(errno), error_r);
		return PWNED_STATE_UNWRITTEN;
	}
	return PWNED_STATE_WRITTEN;
}

enum pwned_state_written pwned_state_file_write(const char *folder,
						const struct pwned_state *state,
						struct pwned_error *error_r)
{
	enum pwned_state_written result;
	int dir = pwned_folder_open(folder, error_r);

	if (dir < 0)
		return PWNED_STATE_UNWRITTEN;
	result = write_in(dir, folder, state, error_r);
	(void)close(dir);
	return result;
}
