/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file of ranges as a file: whose it is, and what becomes of it. Run as
   root it sees more. */

#include "support/contents.h"
#include "support/temp-folder.h"
#include "support/unit.h"
#include "slots-int.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define PREFIX 0xabcdeU
#define DAY    19000

/* A user that need not exist. */
#define NOBODY 64201

static const char *below(void **state, const char *name)
{
	static char paths[4][160];
	static unsigned int turn;
	char *path = paths[turn++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", (char *)*state, name);
	return path;
}

static void make_file(void **state, const char *name, const void *data,
		      size_t size)
{
	int fd = open(below(state, name), O_WRONLY | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(close(fd), 0);
}

static void assert_file(void **state, const char *name, const void *data,
			size_t size)
{
	static char found[8192];
	int fd = open(below(state, name), O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, found, sizeof(found)), size);
	assert_memory_equal(found, data, size);
	assert_int_equal(close(fd), 0);
}

static bool exists(void **state, const char *name)
{
	struct stat st;

	return lstat(below(state, name), &st) == 0;
}

/* The text "": none; otherwise what is in it, beside the path. */
static void assert_problem(void **state, const struct pwned_error *problem,
			   const char *text)
{
	if (*text == '\0' ? *problem->text != '\0' :
			    strstr(problem->text, text) == NULL)
		fail_msg("expected \"%s\": %s", text, problem->text);
	if (*text != '\0')
		assert_non_null(strstr(problem->text, *state));
}

static struct pwned_slots *open_as(void **state, enum pwned_slots_access access,
				   const char *text)
{
	struct pwned_error problem = { "untouched" };
	struct pwned_slots *slots = pwned_slots_open(*state, access, &problem);

	assert_problem(state, &problem, text);
	return slots;
}

static struct pwned_slots *open_well(void **state,
				     enum pwned_slots_access access)
{
	struct pwned_slots *slots = open_as(state, access, "");

	assert_non_null(slots);
	return slots;
}

static void assert_not_opened(void **state, enum pwned_slots_access access,
			      const char *text)
{
	assert_null(open_as(state, access, text));
}

static void write_one(struct pwned_slots *slots)
{
	struct pwned_range_label label = content_label(PREFIX, DAY, "\"t\"");
	struct pwned_range *range = content_range(1, 100, &label);

	assert_int_equal(pwned_slots_write(slots, range), PWNED_SLOTS_WRITTEN);
	pwned_range_unref(&range);
}

static bool has_one(const struct pwned_slots *slots)
{
	struct pwned_digest digest = content_digest(PREFIX, 1, 50);
	unsigned char block[PWNED_BLOCK_BYTES];

	return pwned_slots_find(slots, &digest, true, block) ==
	       PWNED_SLOTS_FOUND;
}

static uint64_t generation_of(const struct pwned_slots *slots)
{
	uint64_t generation = UINT64_MAX;

	assert_true(pwned_slots_generation(slots, &generation));
	return generation;
}

static void a_new_file_has_a_header_and_a_tag(void **state)
{
	static const char tag[] = "Signature: 8a477f597d28d172789f06886806bc55";
	struct pwned_slots *slots;
	struct stat st;
	char found[sizeof(tag) - 1];
	mode_t before = umask(0077);
	int fd;

	slots = open_well(state, PWNED_SLOTS_WRITE);
	(void)umask(before);
	assert_true(pwned_slots_is_writable(slots));
	assert_true(pwned_slots_is_in_place(slots));
	assert_int_equal(generation_of(slots), 0);
	/* the folder decides who may read */
	assert_int_equal(lstat(below(state, PWNED_SLOTS_FILE), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(lstat(below(state, "CACHEDIR.TAG"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	fd = open(below(state, "CACHEDIR.TAG"), O_RDONLY);
	assert_int_equal(read(fd, found, sizeof(found)), sizeof(found));
	assert_memory_equal(found, tag, sizeof(found));
	assert_int_equal(close(fd), 0);
	pwned_slots_close(&slots);
	assert_null(slots);
	pwned_slots_close(&slots);
}

static void what_is_ours_is_kept(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);

	write_one(slots);
	assert_true(pwned_slots_next_generation(slots));
	pwned_slots_close(&slots);
	slots = open_well(state, PWNED_SLOTS_WRITE);
	assert_true(has_one(slots));
	assert_int_equal(generation_of(slots), 1);
	pwned_slots_close(&slots);
}

static void a_reader_makes_nothing(void **state)
{
	struct pwned_slots *slots;

	assert_not_opened(state, PWNED_SLOTS_READ, "No such file");
	assert_not_opened(state, PWNED_SLOTS_CHANGE, "No such file");
	assert_false(exists(state, PWNED_SLOTS_FILE));
	assert_false(exists(state, "CACHEDIR.TAG"));
	make_file(state, PWNED_SLOTS_FILE, "", 0);
	assert_not_opened(state, PWNED_SLOTS_READ, "empty");
	assert_file(state, PWNED_SLOTS_FILE, "", 0);

	slots = open_well(state, PWNED_SLOTS_CHANGE);
	assert_true(pwned_slots_is_writable(slots));
	assert_int_equal(generation_of(slots), 0);
	pwned_slots_close(&slots);
}

static void a_reader_changes_nothing(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);
	struct pwned_range_label label = content_label(PREFIX, DAY, "\"t\"");
	struct pwned_range *range = content_range(2, 100, &label);

	write_one(slots);
	pwned_slots_close(&slots);
	slots = open_well(state, PWNED_SLOTS_READ);
	assert_false(pwned_slots_is_writable(slots));
	assert_int_equal(pwned_slots_write(slots, range), PWNED_SLOTS_FAILED);
	assert_int_equal(errno, EBADF);
	assert_int_equal(pwned_slots_renew(slots, &label), PWNED_SLOTS_FAILED);
	assert_false(pwned_slots_punch(slots, PREFIX));
	assert_false(pwned_slots_forget(slots, PREFIX));
	assert_false(pwned_slots_next_generation(slots));
	assert_true(has_one(slots));
	pwned_slots_close(&slots);
	pwned_range_unref(&range);
}

static void a_foreign_file_is_moved_aside(void **state)
{
	static const char first[] = "a mailbox, perhaps", second[] = "another";
	struct pwned_slots *slots;

	make_file(state, PWNED_SLOTS_FILE, first, sizeof(first));
	assert_not_opened(state, PWNED_SLOTS_READ, "not ours");
	assert_not_opened(state, PWNED_SLOTS_CHANGE, "not ours");
	assert_file(state, PWNED_SLOTS_FILE, first, sizeof(first));
	slots = open_as(state, PWNED_SLOTS_WRITE,
			"not ours and is called ranges.aside now");
	assert_non_null(slots);
	write_one(slots);
	assert_true(has_one(slots));
	assert_file(state, PWNED_SLOTS_ASIDE, first, sizeof(first));
	pwned_slots_close(&slots);

	/* the next one stays where it is */
	assert_int_equal(unlink(below(state, PWNED_SLOTS_FILE)), 0);
	make_file(state, PWNED_SLOTS_FILE, second, sizeof(second));
	assert_not_opened(state, PWNED_SLOTS_WRITE, "look at both");
	assert_file(state, PWNED_SLOTS_ASIDE, first, sizeof(first));
	assert_file(state, PWNED_SLOTS_FILE, second, sizeof(second));
}

struct header {
	char magic[24];
	uint32_t form, zeros;
	uint64_t generation, checksum;
};

static struct header header_of(uint32_t form, uint64_t generation)
{
	struct header header = { .magic = "dovecot-pwned ranges\n",
				 .form = htole32(form),
				 .generation = htole64(generation) };

	header.checksum = htole64(
		XXH3_64bits(&header, offsetof(struct header, checksum)));
	return header;
}

/* The form on disk is not to change by accident. */
static void the_header_has_its_form(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);
	struct header header = header_of(1, 2), found;
	struct stat st;

	assert_true(pwned_slots_next_generation(slots));
	assert_true(pwned_slots_next_generation(slots));
	assert_int_equal(pread(pwned_slots_fd(slots), &found, sizeof(found), 0),
			 sizeof(found));
	assert_memory_equal(&found, &header, sizeof(header));
	/* the rest is a hole */
	assert_int_equal(fstat(pwned_slots_fd(slots), &st), 0);
	assert_int_equal(st.st_size, PWNED_SLOTS_BYTES);
	assert_true(pwned_slots_allocated(slots) <= PWNED_SLOT_BYTES);
	pwned_slots_close(&slots);
}

/* Also where what is left is whole. */
static void a_file_that_was_cut_is_noticed(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);
	const int64_t cuts[] = { PWNED_SLOTS_BYTES - 1, PWNED_SLOTS_BYTES / 2,
				 PWNED_SLOT_BYTES, 0 };
	struct pwned_error problem;
	struct stat st;

	for (size_t i = 0; i < N_ELEMENTS(cuts); i++) {
		assert_true(pwned_slots_is_in_place(slots));
		assert_int_equal(
			truncate(below(state, PWNED_SLOTS_FILE), cuts[i]), 0);
		assert_false(pwned_slots_is_in_place(slots));
		assert_true(pwned_slots_reopen(slots, &problem));
		assert_string_equal(problem.text, "");
		assert_int_equal(fstat(pwned_slots_fd(slots), &st), 0);
		assert_int_equal(st.st_size, PWNED_SLOTS_BYTES);
	}
	pwned_slots_close(&slots);
}

static void a_newer_form_is_left_alone(void **state)
{
	struct header header = header_of(2, 5);

	make_file(state, PWNED_SLOTS_FILE, &header, sizeof(header));
	assert_not_opened(state, PWNED_SLOTS_WRITE, "newer release");
	assert_not_opened(state, PWNED_SLOTS_CHANGE, "newer release");
	assert_not_opened(state, PWNED_SLOTS_READ, "newer release");
	assert_file(state, PWNED_SLOTS_FILE, &header, sizeof(header));
	assert_false(exists(state, PWNED_SLOTS_ASIDE));
}

static void a_damaged_header_is_mended(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);
	struct header mended = header_of(1, 0);
	static const char zeros[sizeof(struct header)];
	uint64_t generation;
	char found[sizeof(mended)];

	write_one(slots);
	assert_true(pwned_slots_next_generation(slots));
	for (unsigned int i = 0; i < 2; i++) {
		/* a bit of the generation, or all of it */
		assert_int_equal(pwrite(pwned_slots_fd(slots), "\xff", 1, 35),
				 1);
		if (i == 1)
			assert_int_equal(pwrite(pwned_slots_fd(slots), zeros,
						sizeof(zeros), 0),
					 sizeof(zeros));
		assert_false(pwned_slots_is_in_place(slots));
		assert_false(pwned_slots_generation(slots, &generation));
		assert_false(pwned_slots_next_generation(slots));
		pwned_slots_close(&slots);

		if (i == 0) {
			slots = open_well(state, PWNED_SLOTS_READ);
			assert_true(has_one(slots));
			assert_false(
				pwned_slots_generation(slots, &generation));
			pwned_slots_close(&slots);
		}
		slots = open_well(state, PWNED_SLOTS_WRITE);
		assert_true(has_one(slots));
		assert_int_equal(
			pread(pwned_slots_fd(slots), found, sizeof(found), 0),
			sizeof(found));
		assert_memory_equal(found, &mended, sizeof(mended));
	}
	pwned_slots_close(&slots);
}

static void assert_refused(void **state, const char *text)
{
	assert_not_opened(state, PWNED_SLOTS_WRITE, text);
	assert_not_opened(state, PWNED_SLOTS_CHANGE, text);
	assert_not_opened(state, PWNED_SLOTS_READ, text);
	assert_false(exists(state, PWNED_SLOTS_ASIDE));
}

static void what_is_no_file_is_refused(void **state)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s",
		       below(state, PWNED_SLOTS_FILE));
	make_file(state, "target", "", 0);
	assert_int_equal(symlink("target", path), 0);
	assert_refused(state, "a link");
	assert_file(state, "target", "", 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_refused(state, "a link");
	assert_false(exists(state, "nowhere"));
	assert_int_equal(unlink(path), 0);
	/* and nobody waits for its other end */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(state, "no regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(state, "no regular file");
}

static void the_folder_is_no_link(void **state)
{
	char folder[160], *link = folder;

	(void)snprintf(folder, sizeof(folder), "%s", below(state, "link"));
	assert_int_equal(symlink(".", folder), 0);
	assert_not_opened((void **)&link, PWNED_SLOTS_WRITE, "link");
	(void)snprintf(folder, sizeof(folder), "%s", below(state, "nowhere"));
	assert_not_opened((void **)&link, PWNED_SLOTS_WRITE, "No such file");
	assert_false(exists(state, PWNED_SLOTS_FILE));
}

/* As a user to whom modes apply. */
static uid_t become_somebody(void)
{
	uid_t before = geteuid();

	if (before == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	return before;
}

static void become_again(uid_t before)
{
	assert_int_equal(seteuid(before), 0);
}

static void a_file_that_can_only_be_read_is_read(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);
	uid_t before;

	write_one(slots);
	pwned_slots_close(&slots);
	assert_int_equal(chmod(below(state, PWNED_SLOTS_FILE), 0444), 0);
	assert_int_equal(chmod(*state, 0555), 0);
	before = become_somebody();
	slots = open_as(state, PWNED_SLOTS_WRITE,
			"it can only be read (Permission denied)");
	assert_non_null(slots);
	assert_false(pwned_slots_is_writable(slots));
	assert_true(has_one(slots));
	assert_true(pwned_slots_is_in_place(slots));
	pwned_slots_close(&slots);
	slots = open_as(state, PWNED_SLOTS_CHANGE, "Permission denied");
	pwned_slots_close(&slots);
	slots = open_well(state, PWNED_SLOTS_READ);
	pwned_slots_close(&slots);
	become_again(before);
}

static void a_folder_that_can_only_be_read_stays_empty(void **state)
{
	uid_t before;

	assert_int_equal(chmod(*state, 0555), 0);
	before = become_somebody();
	assert_not_opened(state, PWNED_SLOTS_WRITE,
			  "it cannot be opened: Permission denied");
	become_again(before);
	assert_int_equal(chmod(*state, 0), 0);
	before = become_somebody();
	assert_not_opened(state, PWNED_SLOTS_READ, "Permission denied");
	become_again(before);
	assert_int_equal(chmod(*state, 0700), 0);
	assert_false(exists(state, PWNED_SLOTS_FILE));
}

static void a_file_that_may_not_be_read_is_none(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);
	uid_t before;

	pwned_slots_close(&slots);
	assert_int_equal(chmod(below(state, PWNED_SLOTS_FILE), 0), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	before = become_somebody();
	assert_not_opened(state, PWNED_SLOTS_WRITE, "Permission denied");
	assert_not_opened(state, PWNED_SLOTS_READ, "Permission denied");
	become_again(before);
}

static void assert_made_anew(void **state, struct pwned_slots *slots)
{
	struct pwned_error problem = { "untouched" };
	int fd = pwned_slots_fd(slots);
	bool needs_thread = pwned_slots_needs_thread(slots);
	struct stat ours, there;

	assert_false(pwned_slots_is_in_place(slots));
	assert_true(pwned_slots_reopen(slots, &problem));
	assert_string_equal(problem.text, "");
	assert_int_equal(pwned_slots_fd(slots), fd);
	assert_int_equal(pwned_slots_needs_thread(slots), needs_thread);
	assert_true(pwned_slots_is_in_place(slots));
	assert_true(pwned_slots_is_writable(slots));
	assert_false(has_one(slots));
	write_one(slots);
	assert_true(has_one(slots));
	assert_int_equal(fstat(fd, &ours), 0);
	assert_int_equal(stat(below(state, PWNED_SLOTS_FILE), &there), 0);
	assert_int_equal(ours.st_ino, there.st_ino);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void a_file_that_is_gone_is_made_anew(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);
	struct pwned_error problem;

	write_one(slots);
	/* removed */
	assert_int_equal(unlink(below(state, PWNED_SLOTS_FILE)), 0);
	assert_true(has_one(slots));
	assert_made_anew(state, slots);
	/* called otherwise */
	assert_int_equal(
		rename(below(state, PWNED_SLOTS_FILE), below(state, "other")),
		0);
	assert_made_anew(state, slots);
	/* with all that is around it */
	assert_int_equal(unlink(below(state, PWNED_SLOTS_FILE)), 0);
	assert_int_equal(unlink(below(state, "CACHEDIR.TAG")), 0);
	assert_int_equal(unlink(below(state, "other")), 0);
	assert_int_equal(rmdir(*state), 0);
	assert_false(pwned_slots_is_in_place(slots));
	assert_false(pwned_slots_reopen(slots, &problem));
	assert_problem(state, &problem, "No such file");
	assert_int_equal(mkdir(*state, 0700), 0);
	assert_made_anew(state, slots);
	/* cut */
	assert_int_equal(truncate(below(state, PWNED_SLOTS_FILE), 0), 0);
	assert_made_anew(state, slots);
	pwned_slots_close(&slots);
}

static void a_reader_looks_again_without_making_it(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);
	struct pwned_slots *reader = open_well(state, PWNED_SLOTS_READ);
	struct pwned_error problem;

	assert_int_equal(unlink(below(state, PWNED_SLOTS_FILE)), 0);
	assert_false(pwned_slots_is_in_place(reader));
	assert_false(pwned_slots_reopen(reader, &problem));
	assert_false(exists(state, PWNED_SLOTS_FILE));
	assert_true(pwned_slots_reopen(slots, &problem));
	write_one(slots);
	assert_false(has_one(reader));
	assert_true(pwned_slots_reopen(reader, &problem));
	assert_true(has_one(reader));
	assert_false(pwned_slots_is_writable(reader));
	pwned_slots_close(&slots);
	pwned_slots_close(&reader);
}

static void a_purge_is_seen_by_others(void **state)
{
	struct pwned_slots *slots = open_well(state, PWNED_SLOTS_WRITE);
	struct pwned_slots *other = open_well(state, PWNED_SLOTS_CHANGE);

	for (uint64_t i = 1; i <= 3; i++) {
		assert_true(pwned_slots_next_generation(other));
		assert_int_equal(generation_of(slots), i);
	}
	pwned_slots_close(&other);
	pwned_slots_close(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST_ON_BOTH(a_new_file_has_a_header_and_a_tag),
		UNIT_TEST_ON_BOTH(what_is_ours_is_kept),
		UNIT_TEST_ON_BOTH(a_reader_makes_nothing),
		UNIT_TEST_ON_BOTH(a_reader_changes_nothing),
		UNIT_TEST_ON_BOTH(a_foreign_file_is_moved_aside),
		UNIT_TEST_ON_BOTH(the_header_has_its_form),
		UNIT_TEST_ON_BOTH(a_file_that_was_cut_is_noticed),
		UNIT_TEST_ON_BOTH(a_newer_form_is_left_alone),
		UNIT_TEST_ON_BOTH(a_damaged_header_is_mended),
		UNIT_TEST_ON_BOTH(what_is_no_file_is_refused),
		UNIT_TEST_ON_BOTH(the_folder_is_no_link),
		UNIT_TEST_ON_BOTH(a_file_that_can_only_be_read_is_read),
		UNIT_TEST_ON_BOTH(a_folder_that_can_only_be_read_stays_empty),
		UNIT_TEST_ON_BOTH(a_file_that_may_not_be_read_is_none),
		UNIT_TEST_ON_BOTH(a_file_that_is_gone_is_made_anew),
		UNIT_TEST_ON_BOTH(a_reader_looks_again_without_making_it),
		UNIT_TEST_ON_BOTH(a_purge_is_seen_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
