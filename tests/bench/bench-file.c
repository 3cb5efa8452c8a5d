/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file of ranges, filled and read. */

#include "bench-file.h"
#include "bench-measure.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REMOVE_STEP_BYTES (INT64_C(1) << 30)
/* of ranges of the corpus' length */
#define TOTAL 3

void bench_file_open(struct bench_file *file, const char *folder,
		     uint32_t ranges, uint32_t length_min, uint32_t length_max)
{
	struct pwned_error problem;

	*file = (struct bench_file){ .folder = folder };
	bench_corpus_init(&file->corpus, ranges, length_min, length_max);
	file->slots = pwned_slots_open(folder, PWNED_SLOTS_WRITE, &problem);
	if (file->slots == NULL || *problem.text != '\0')
		errx(1, "%s", problem.text);
}

void bench_file_close(struct bench_file *file)
{
	pwned_slots_close(&file->slots);
	bench_corpus_free(&file->corpus);
}

struct pwned_range *bench_file_add(struct bench_file *file, uint32_t prefix)
{
	struct pwned_range_entry entries[BENCH_LENGTH_MAX];
	struct pwned_range_label label;
	size_t length =
		bench_corpus_range(&file->corpus, prefix, &label, entries);
	double begin = bench_now_usecs(), middle;
	struct pwned_range *range = pwned_range_pack(entries, length, &label);

	middle = bench_now_usecs();
	if (range == NULL)
		err(1, "memory");
	if (pwned_slots_write(file->slots, range) != PWNED_SLOTS_WRITTEN)
		err(1, "%s", file->folder);
	file->write_usecs += bench_now_usecs() - middle;
	file->pack_usecs += middle - begin;
	file->hashes += length;
	bench_corpus_ask(&file->corpus, prefix, entries, length);
	return range;
}

void bench_file_settle(const struct bench_file *file)
{
	if (fdatasync(pwned_slots_fd(file->slots)) < 0)
		err(1, "%s", file->folder);
}

void bench_forget_pages(int fd)
{
	int error = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

	if (error != 0)
		errx(1, "posix_fadvise: %s", strerror(error));
}

static void remove_file(int folder_fd, const char *name)
{
	int fd = openat(folder_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", name);
	while (st.st_size > REMOVE_STEP_BYTES) {
		st.st_size -= REMOVE_STEP_BYTES;
		if (ftruncate(fd, st.st_size) < 0)
			err(1, "%s", name);
	}
	(void)close(fd);
	if (unlinkat(folder_fd, name, 0) < 0)
		err(1, "%s", name);
}

void bench_folder_remove(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	if (dir == NULL)
		err(1, "%s", folder);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			remove_file(dirfd(dir), entry->d_name);
	}
	(void)closedir(dir);
	if (rmdir(folder) < 0)
		err(1, "%s", folder);
}

static uint64_t find(struct bench_file *file, const struct pwned_digest *digest,
		     bool wait)
{
	unsigned char block[PWNED_BLOCK_BYTES];
	enum pwned_slots_result result =
		pwned_slots_find(file->slots, digest, wait, block);

	if (result == PWNED_SLOTS_WOULD_BLOCK) {
		file->waited++;
		result = pwned_slots_find(file->slots, digest, true, block);
	}
	if (result != PWNED_SLOTS_FOUND)
		errx(1, "%s: a range is not there", file->folder);
	return pwned_block_find(block, digest->key);
}

uint64_t bench_file_find(void *context, const struct pwned_digest *digest)
{
	return find(context, digest, false);
}

uint64_t bench_file_find_waiting(void *context,
				 const struct pwned_digest *digest)
{
	return find(context, digest, true);
}

uint64_t bench_file_pread(void *context, const struct pwned_digest *digest)
{
	struct bench_file *file = context;
	unsigned char block[PWNED_BLOCK_BYTES];
	unsigned int index = pwned_block_index_of(digest->key, TOTAL);
	int64_t offset = pwned_slot_offset(digest->prefix) +
			 (int64_t)index * PWNED_BLOCK_BYTES;

	if (pread(pwned_slots_fd(file->slots), block, sizeof(block), offset) !=
	    sizeof(block))
		err(1, "%s", file->folder);
	return 0;
}
