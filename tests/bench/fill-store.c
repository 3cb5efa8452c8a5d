/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fills a store with made-up ranges: all of them, or those of the prefixes that
   come on the standard input, five hex digits a line. */

#include "bench-file.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LENGTH 1950

static void add(struct bench_file *file, uint32_t prefix)
{
	struct pwned_range *range = bench_file_add(file, prefix);

	pwned_range_unref(&range);
}

static void add_read(struct bench_file *file)
{
	uint32_t prefix;

	for (uint32_t i = 0;
	     i < file->corpus.ranges && scanf("%5" SCNx32, &prefix) == 1; i++)
		add(file, prefix);
	if (!feof(stdin))
		errx(1, "expected five hex digits a line");
}

int main(int argc, char **argv)
{
	struct bench_file file;

	if (argc != 3 ||
	    (strcmp(argv[1], "all") != 0 && strcmp(argv[1], "-") != 0)) {
		fputs("usage: fill-store all|- FOLDER\n", stderr);
		return 64;
	}
	bench_file_open(&file, argv[2], PWNED_PREFIX_COUNT, LENGTH, LENGTH);
	if (strcmp(argv[1], "-") == 0) {
		add_read(&file);
	} else {
		for (uint32_t i = 0; i < PWNED_PREFIX_COUNT; i++)
			add(&file, i);
	}
	bench_file_settle(&file);
	bench_file_close(&file);
	return 0;
}
