/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BENCH_SQLITE_H
#define PWNED_BENCH_SQLITE_H

#include "digest.h"
#include "range.h"

/* The same rows in SQLite: a table of prefixes, each with the blocks of its
   range as one blob; pages of 4 KB, write-ahead log, prepared statements. */
struct bench_sqlite;

/* Made in a folder where there is none. */
struct bench_sqlite *bench_sqlite_new(const char *folder);
/* Closes it. Its files stay. */
void bench_sqlite_free(struct bench_sqlite *sqlite);

/* In one transaction. */
void bench_sqlite_write(struct bench_sqlite *sqlite,
			struct pwned_range *const *ranges, size_t count);
/* Brings all from the log into the file, and to the disk. Returns a descriptor
   of that file, for the caller to close. */
int bench_sqlite_settle(struct bench_sqlite *sqlite, const char *folder);
/* As a subject of bench-measure.h. Proves the block, and looks in it. */
uint64_t bench_sqlite_find(void *context, const struct pwned_digest *digest);

#endif
