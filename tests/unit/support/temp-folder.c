/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A folder for one test. */

#include "temp-folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char path[64];

static int make_below(const char *folder, void **state)
{
	(void)snprintf(path, sizeof(path), "%s/pwned-test-XXXXXX", folder);
	if (mkdtemp(path) == NULL)
		return -1;
	*state = path;
	return 0;
}

int temp_folder_make(void **state)
{
	return make_below("/tmp", state);
}

int temp_folder_make_on_disk(void **state)
{
	return make_below("/var/tmp", state);
}

int temp_folder_make_in_memory(void **state)
{
	return make_below("/dev/shm", state);
}

static int remove_one(const char *name, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(name);
}

int temp_folder_remove(void **state)
{
	const char *folder = *state;

	/* tests take rights away */
	(void)chmod(folder, 0700);
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
