/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_TEST_TEMP_FOLDER_H
#define PWNED_TEST_TEMP_FOLDER_H

/* A folder for the files of one test, mode 0700: as a cmocka setup and
   teardown. *state is its path; all that is in it goes at the end. */
int temp_folder_make(void **state);
int temp_folder_remove(void **state);

/* The same where reads may need a disk, and where they never do. */
int temp_folder_make_on_disk(void **state);
int temp_folder_make_in_memory(void **state);
/* A test that is run there, or in both. */
#define UNIT_TEST_ON_DISK(test)                                                \
	cmocka_unit_test_setup_teardown(test, temp_folder_make_on_disk,        \
					temp_folder_remove)
#define UNIT_TEST_ON_BOTH(test)                                                \
	UNIT_TEST_ON_DISK(test),                                               \
	{                                                                      \
		.name = #test " (tmpfs)", .test_func = test,                   \
		.setup_func = temp_folder_make_in_memory,                      \
		.teardown_func = temp_folder_remove,                           \
	}

#endif
