/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BENCH_FILE_H
#define PWNED_BENCH_FILE_H

#include "bench-corpus.h"
#include "slots-int.h"

#include <stdbool.h>

/* A file of ranges that is filled from a corpus. */
struct bench_file {
	const char *folder;
	struct bench_corpus corpus;
	struct pwned_slots *slots;

	double pack_usecs, write_usecs; /* all that it took */
	uint64_t hashes;
	size_t waited; /* look-ups that the kernel did not have at hand */
};

/* folder: it is there, and must outlive the file. */
void bench_file_open(struct bench_file *file, const char *folder,
		     uint32_t ranges, uint32_t length_min, uint32_t length_max);
void bench_file_close(struct bench_file *file);

/* Packs and writes a range, which the caller owns. */
struct pwned_range *bench_file_add(struct bench_file *file, uint32_t prefix);
/* Has all on the disk. */
void bench_file_settle(const struct bench_file *file);
/* Has the kernel forget what it has at hand of a file that is settled. */
void bench_forget_pages(int fd);
/* Removes file and folder, in steps: to unlink 13 GB at once holds up some file
   systems for a minute. */
void bench_folder_remove(const char *folder);

/* As subjects of bench-measure.h: as auth's loop reads, with its thread's read
   where that finds nothing; as its thread reads; and a bare pread() of the same
   page. */
uint64_t bench_file_find(void *context, const struct pwned_digest *digest);
uint64_t bench_file_find_waiting(void *context,
				 const struct pwned_digest *digest);
uint64_t bench_file_pread(void *context, const struct pwned_digest *digest);

#endif
