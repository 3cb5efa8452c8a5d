/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* slot-writer STORE RANGES DAY: writes ranges into the file of a store, all of
   them again and again, until it is killed: another process that writes what
   auth writes, with other contents.

   RANGES is a folder of answers of a source, each in a file named by its
   prefix. DAY is the one that they get, days since 1970-01-01. */

#include "range-parser.h"
#include "slots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM    "slot-writer"
#define RANGES_MAX 4096

struct ranges {
	struct pwned_range *list[RANGES_MAX];
	unsigned int length;
};

static void fail(const char *what, const char *why)
{
	fprintf(stderr, PROGRAM ": %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static void feed_file(struct pwned_range_parser *parser, int folder_fd,
		      const char *name)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC);
	char data[65536];
	ssize_t ret = -1;

	while (fd >= 0 && (ret = read(fd, data, sizeof(data))) > 0) {
		if (!pwned_range_parser_feed(parser, data, (size_t)ret))
			fail(name, "this is no range");
	}
	if (ret < 0)
		fail(name, strerror(errno));
	(void)close(fd);
}

static struct pwned_range *read_range(int folder_fd, const char *name,
				      uint32_t day)
{
	struct pwned_range_label label = {
		.prefix = (uint32_t)strtoul(name, NULL, 16),
		.day = day,
	};
	struct pwned_range_parser *parser = pwned_range_parser_new();
	struct pwned_range *range = NULL;

	if (parser == NULL)
		fail(name, "out of memory");
	feed_file(parser, folder_fd, name);
	if (pwned_range_parser_finish(parser, &label, &range) !=
	    PWNED_REASON_NONE)
		fail(name, "this is no range");
	pwned_range_parser_free(&parser);
	return range;
}

static void read_ranges(const char *folder, uint32_t day,
			struct ranges *ranges_r)
{
	DIR *list = opendir(folder);
	const struct dirent *entry;

	ranges_r->length = 0;
	if (list == NULL)
		fail(folder, strerror(errno));
	while ((entry = readdir(list)) != NULL) {
		if (*entry->d_name == '.')
			continue;
		if (ranges_r->length == RANGES_MAX)
			fail(folder, "these are too many");
		ranges_r->list[ranges_r->length++] =
			read_range(dirfd(list), entry->d_name, day);
	}
	(void)closedir(list);
	if (ranges_r->length == 0)
		fail(folder, "there are no ranges");
}

int main(int argc, char *argv[])
{
	static struct ranges ranges;
	struct pwned_error problem;
	struct pwned_slots *slots;

	if (argc != 4)
		fail("usage", PROGRAM " STORE RANGES DAY");
	read_ranges(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), &ranges);
	slots = pwned_slots_open(argv[1], PWNED_SLOTS_CHANGE, &problem);
	if (slots == NULL || !pwned_slots_is_writable(slots))
		fail(argv[1], problem.text);
	for (unsigned int i = 0;; i = (i + 1) % ranges.length) {
		if (pwned_slots_write(slots, ranges.list[i]) ==
		    PWNED_SLOTS_FAILED)
			fail(argv[1], strerror(errno));
	}
}
