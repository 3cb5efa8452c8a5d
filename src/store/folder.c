/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders: whose they are, and who else may look in. */

#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE_BITS    07777
#define MODE_PRIVATE 0700
/* what is made in it is the group's as well */
#define MODE_SHARED (S_ISGID | 0750)

/* A user's or a group's name, or its number where it has none. */
struct name {
	char text[64];
};

/* Enough for a user; a group may need more. */
#define ENTRY_BYTES     4096
#define ENTRY_BYTES_MAX (4 * 1024 * 1024)

static struct name user_name(uid_t uid)
{
	char entry[ENTRY_BYTES];
	struct passwd user, *found = NULL;
	struct name name;

	(void)getpwuid_r(uid, &user, entry, sizeof(entry), &found);
	if (found != NULL)
		(void)snprintf(name.text, sizeof(name.text), "%s",
			       found->pw_name);
	else
		(void)snprintf(name.text, sizeof(name.text), "%lu",
			       (unsigned long)uid);
	return name;
}

/* With what an operator has to do, which does no harm where it was done. */
static bool set_error(const char *path, const char *group, const char *what,
		      struct pwned_error *error_r)
{
	bool shared = group != NULL && *group != '\0';

	return pwned_error_set(error_r,
			       "%s: %s; if it is meant for this alone, run "
			       "\"install -d -o %s%s%s -m %o %s\"",
			       path, what, user_name(geteuid()).text,
			       shared ? " -g " : "", shared ? group : "",
			       shared ? MODE_SHARED : MODE_PRIVATE, path);
}

int pwned_folder_open(const char *path, struct pwned_error *error_r)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int saved_errno = errno;

	if (fd < 0)
		(void)pwned_error_set(error_r, "%s: %s", path,
				      errno == ENOTDIR || errno == ELOOP ?
					      "expected a folder, not a link" :
					      strerror(errno));
	errno = saved_errno;
	return fd;
}

/* A group may have any number of members. Returns an errno, 0 also where there
   is none of that name. */
static int look_up_group(const char *name, gid_t *gid_r, bool *found_r)
{
	struct group buffer, *found;
	size_t size = ENTRY_BYTES;
	int ret;

	do {
		char *entry = malloc(size);

		if (entry == NULL)
			return ENOMEM;
		ret = getgrnam_r(name, &buffer, entry, size, &found);
		*found_r = found != NULL;
		if (*found_r)
			*gid_r = found->gr_gid;
		free(entry);
		size *= 4;
	} while (ret == ERANGE && size <= ENTRY_BYTES_MAX);
	return ret;
}

/* group NULL or "": a group of nobody. */
static bool find_group(const char *group, gid_t *gid_r,
		       struct pwned_error *error_r)
{
	bool found = false;
	int ret;

	*gid_r = (gid_t)-1;
	if (group == NULL || *group == '\0')
		return true;
	ret = look_up_group(group, gid_r, &found);
	return found ||
	       pwned_error_set(error_r, "group %s: %s", group,
			       ret == 0 ? "there is none of this name" :
					  strerror(ret));
}

/* Of another group than this one nobody may read. */
static bool is_private(const struct stat *st, gid_t gid)
{
	return (st->st_mode & (S_IWGRP | S_IRWXO)) == 0 &&
	       ((st->st_mode & S_IRWXG) == 0 || st->st_gid == gid);
}

static bool check(const char *path, const struct stat *st, const char *group,
		  struct pwned_error *error_r)
{
	struct pwned_error ignored;
	char what[192];
	gid_t gid;

	(void)find_group(group, &gid, &ignored);
	if (st->st_uid != geteuid())
		(void)snprintf(what, sizeof(what), "it belongs to %s, not %s",
			       user_name(st->st_uid).text,
			       user_name(geteuid()).text);
	else if ((st->st_mode & S_IRWXU) != S_IRWXU || !is_private(st, gid))
		(void)snprintf(what, sizeof(what),
			       "its mode is %o, which is not private",
			       st->st_mode & MODE_BITS);
	else
		return true;
	return set_error(path, group, what, error_r);
}

bool pwned_folder_usable(const char *path, const char *group,
			 struct pwned_error *error_r)
{
	int fd = pwned_folder_open(path, error_r);
	struct stat st;
	bool ok;

	if (fd < 0 && errno == ENOENT)
		return set_error(path, group, "it does not exist", error_r);
	/* another user's, which cannot even be opened */
	if (fd < 0 && errno == EACCES && lstat(path, &st) == 0)
		return check(path, &st, group, error_r);
	if (fd < 0)
		return false;
	ok = fstat(fd, &st) == 0 ?
		     check(path, &st, group, error_r) :
		     pwned_error_set(error_r, "%s: %s", path, strerror(errno));
	(void)close(fd);
	return ok;
}

static bool is_empty(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = again < 0 ? NULL : fdopendir(again);
	unsigned int entries = 0;

	if (list == NULL) {
		if (again >= 0)
			(void)close(again);
		return false;
	}
	while (entries <= 2 && readdir(list) != NULL)
		entries++;
	(void)closedir(list);
	return entries <= 2; /* . and .. */
}

/* A folder that is root's and not empty was not made for us: somebody has named
   the wrong one. */
static bool is_to_give(int fd, const struct stat *st, uid_t uid)
{
	return (st->st_uid == uid && uid != 0) ||
	       (st->st_uid == 0 && is_empty(fd));
}

/* gid -1: the folder is nobody else's to read, and its group does not matter.
   Closed first, so that no group can look in which may not. */
static bool give(int fd, const struct stat *st, uid_t uid, gid_t gid)
{
	mode_t mode = gid == (gid_t)-1 ? MODE_PRIVATE : MODE_SHARED;
	bool group_fits = gid == (gid_t)-1 || st->st_gid == gid;

	if (st->st_uid == uid && group_fits &&
	    (st->st_mode & MODE_BITS) == mode)
		return true;
	return fchmod(fd, MODE_PRIVATE) == 0 && fchown(fd, uid, gid) == 0 &&
	       fchmod(fd, mode) == 0;
}

bool pwned_folder_give(const char *path, uid_t uid, const char *group,
		       struct pwned_error *error_r)
{
	int fd = pwned_folder_open(path, error_r);
	bool ok, group_ok;
	struct stat st;
	gid_t gid;

	/* what there is instead of a folder is told by pwned_folder_usable() */
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
	group_ok = find_group(group, &gid, error_r);
	ok = fstat(fd, &st) == 0 &&
	     (!is_to_give(fd, &st, uid) || give(fd, &st, uid, gid));
	if (!ok)
		(void)pwned_error_set(error_r, "%s: %s", path, strerror(errno));
	(void)close(fd);
	return ok && group_ok;
}
