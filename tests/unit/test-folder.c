/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders: which are used, and which root gives away. Run as root it sees
   more. */

#include "support/temp-folder.h"
#include "support/unit.h"
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Users and groups that need not exist. */
#define A_USER      64201
#define ANOTHER     64202
#define NO_SUCH     "no-such-group-of-ours"
#define MODE(path)  (stat_of(path).st_mode & 07777)
#define OWNER(path) (stat_of(path).st_uid)

static struct stat stat_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static const char *below(const char *folder, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void make_file(const char *folder, const char *name)
{
	int fd = open(below(folder, name), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

/* expected: in the text. */
static void assert_unusable(const char *path, const char *group,
			    const char *expected)
{
	struct pwned_error error = { .text = "" };

	assert_false(pwned_folder_usable(path, group, &error));
	if (strstr(error.text, path) == NULL ||
	    strstr(error.text, expected) == NULL)
		fail_msg("expected \"%s\": %s", expected, error.text);
}

static void assert_usable(const char *path, const char *group)
{
	struct pwned_error error;

	if (!pwned_folder_usable(path, group, &error))
		fail_msg("%s", error.text);
}

/* The name of the group that the folder has, so that a chgrp is not needed. */
static const char *group_of(const char *path)
{
	const struct group *group = getgrgid(stat_of(path).st_gid);

	if (group == NULL)
		skip();
	return group->gr_name;
}

static void a_private_folder_is_used(void **state)
{
	const char *path = *state;

	assert_usable(path, NULL);
	assert_usable(path, "");
	/* nobody of the group can look in, which is not our trouble */
	assert_usable(path, group_of(path));
	assert_usable(path, NO_SUCH);
}

static void a_missing_one_is_told_how_to_make(void **state)
{
	const char *path = below(*state, "missing");

	assert_unusable(path, NULL, "it does not exist");
	assert_unusable(path, NULL, "install -d -o ");
	assert_unusable(path, NULL, " -m 700 /tmp/");
	assert_unusable(path, "panel", " -g panel -m 2750 /tmp/");
}

static void others_may_not_look_in(void **state)
{
	static const mode_t modes[] = { 0701, 0702, 0704,  0755, 0777,
					0720, 0770, 01777, 0500 };
	const char *path = *state;
	char expected[16];

	for (unsigned int i = 0; i < N_ELEMENTS(modes); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		(void)snprintf(expected, sizeof(expected), "mode is %o",
			       modes[i]);
		assert_unusable(path, NULL, expected);
		assert_unusable(path, group_of(path), expected);
	}
}

static void only_the_named_group_may_look_in(void **state)
{
	const char *path = *state;

	assert_int_equal(chmod(path, 0750), 0);
	assert_usable(path, group_of(path));
	assert_unusable(path, NULL, "mode is 750");
	assert_unusable(path, NO_SUCH, "mode is 750");
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 0, ANOTHER), 0);
		assert_unusable(path, "root", "mode is 750");
	}
}

static void a_link_or_a_file_is_none(void **state)
{
	const char *folder = *state;

	assert_int_equal(symlink(folder, below(folder, "link")), 0);
	assert_unusable(below(folder, "link"), NULL, "not a link");
	make_file(folder, "file");
	assert_unusable(below(folder, "file"), NULL, "expected a folder");
}

static void that_of_another_is_not_used(void **state)
{
	const char *path = *state;

	if (geteuid() != 0) {
		assert_unusable("/", NULL, "it belongs to root");
		return;
	}
	assert_int_equal(chown(path, A_USER, 0), 0);
	assert_unusable(path, NULL, "it belongs to 64201, not root");
}

static bool give(const char *path, uid_t uid, const char *group)
{
	struct pwned_error error = { .text = "" };

	if (pwned_folder_give(path, uid, group, &error))
		return true;
	assert_string_not_equal(error.text, "");
	return false;
}

static void root_gives_a_new_folder(void **state)
{
	const char *path = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(path, 0755), 0);
	assert_true(give(path, A_USER, NULL));
	assert_int_equal(OWNER(path), A_USER);
	assert_int_equal(MODE(path), 0700);
}

static void root_gives_the_group_its_right_and_takes_it(void **state)
{
	const char *path = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(path, A_USER, ANOTHER), 0);
	make_file(path, "file");
	assert_true(give(path, A_USER, "root"));
	assert_int_equal(stat_of(path).st_gid, 0);
	assert_int_equal(MODE(path), 02750);
	assert_true(give(path, A_USER, "root"));
	assert_int_equal(MODE(path), 02750);
	assert_true(give(path, A_USER, ""));
	assert_int_equal(MODE(path), 0700);
	/* what is in it is nobody's business */
	assert_int_equal(OWNER(below(path, "file")), 0);
}

static void root_leaves_what_was_not_made_for_us(void **state)
{
	const char *path = *state;

	if (geteuid() != 0)
		skip();
	make_file(path, "file");
	assert_int_equal(chmod(path, 0755), 0);
	/* root's, and there is something in it */
	assert_true(give(path, A_USER, NULL));
	assert_true(give(path, 0, NULL));
	assert_int_equal(OWNER(path), 0);
	assert_int_equal(MODE(path), 0755);
	/* another's */
	assert_int_equal(unlink(below(path, "file")), 0);
	assert_int_equal(chown(path, ANOTHER, 0), 0);
	assert_true(give(path, A_USER, NULL));
	assert_int_equal(OWNER(path), ANOTHER);
	assert_int_equal(MODE(path), 0755);
}

static void root_follows_no_link_and_makes_nothing(void **state)
{
	const char *folder = *state;
	char target[128];

	if (geteuid() != 0)
		skip();
	(void)snprintf(target, sizeof(target), "%s/target", folder);
	assert_int_equal(mkdir(target, 0755), 0);
	assert_int_equal(symlink(target, below(folder, "link")), 0);
	/* pwned_folder_usable() tells of it */
	assert_true(give(below(folder, "link"), A_USER, NULL));
	assert_int_equal(OWNER(target), 0);
	assert_true(give(below(folder, "missing"), A_USER, NULL));
	assert_int_equal(access(below(folder, "missing"), F_OK), -1);
}

static void an_unknown_group_is_told(void **state)
{
	const char *path = *state;
	struct pwned_error error;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(path, 0755), 0);
	assert_false(pwned_folder_give(path, A_USER, NO_SUCH, &error));
	assert_non_null(strstr(error.text, NO_SUCH));
	/* so nobody may read it */
	assert_int_equal(OWNER(path), A_USER);
	assert_int_equal(MODE(path), 0700);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, temp_folder_make,                \
					temp_folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_private_folder_is_used),
		TEST(a_missing_one_is_told_how_to_make),
		TEST(others_may_not_look_in),
		TEST(only_the_named_group_may_look_in),
		TEST(a_link_or_a_file_is_none),
		TEST(that_of_another_is_not_used),
		TEST(root_gives_a_new_folder),
		TEST(root_gives_the_group_its_right_and_takes_it),
		TEST(root_leaves_what_was_not_made_for_us),
		TEST(root_follows_no_link_and_makes_nothing),
		TEST(an_unknown_group_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
