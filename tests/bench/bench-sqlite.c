/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is measured beside the store. */

#include "bench-sqlite.h"

#include <err.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_NAME "ranges.sqlite"

struct bench_sqlite {
	sqlite3 *db;
	sqlite3_stmt *insert, *select;
};

static void expect(const struct bench_sqlite *sqlite, int result, int expected)
{
	if (result != expected)
		errx(1, "SQLite: %s", sqlite3_errmsg(sqlite->db));
}

static void execute(struct bench_sqlite *sqlite, const char *statements)
{
	expect(sqlite, sqlite3_exec(sqlite->db, statements, NULL, NULL, NULL),
	       SQLITE_OK);
}

static sqlite3_stmt *prepare(struct bench_sqlite *sqlite, const char *text)
{
	sqlite3_stmt *statement;

	expect(sqlite,
	       sqlite3_prepare_v3(sqlite->db, text, -1,
				  SQLITE_PREPARE_PERSISTENT, &statement, NULL),
	       SQLITE_OK);
	return statement;
}

struct bench_sqlite *bench_sqlite_new(const char *folder)
{
	struct bench_sqlite *sqlite = calloc(1, sizeof(*sqlite));
	char path[4096];

	if (sqlite == NULL)
		err(1, "memory");
	(void)snprintf(path, sizeof(path), "%s/%s", folder, FILE_NAME);
	expect(sqlite, sqlite3_open(path, &sqlite->db), SQLITE_OK);
	execute(sqlite, "PRAGMA page_size = 4096;"
			"PRAGMA journal_mode = WAL;"
			"PRAGMA synchronous = NORMAL;"
			"CREATE TABLE ranges (prefix INTEGER PRIMARY KEY,"
			" blocks BLOB NOT NULL)");
	sqlite->insert = prepare(sqlite, "INSERT INTO ranges VALUES (?, ?)");
	sqlite->select =
		prepare(sqlite, "SELECT blocks FROM ranges WHERE prefix = ?");
	return sqlite;
}

void bench_sqlite_free(struct bench_sqlite *sqlite)
{
	(void)sqlite3_finalize(sqlite->insert);
	(void)sqlite3_finalize(sqlite->select);
	(void)sqlite3_close(sqlite->db);
	free(sqlite);
}

void bench_sqlite_write(struct bench_sqlite *sqlite,
			struct pwned_range *const *ranges, size_t count)
{
	sqlite3_stmt *insert = sqlite->insert;

	execute(sqlite, "BEGIN");
	for (size_t i = 0; i < count; i++) {
		unsigned int total;
		const unsigned char *blocks =
			pwned_range_blocks(ranges[i], &total);
		uint32_t prefix = pwned_range_label(ranges[i])->prefix;

		(void)sqlite3_bind_int64(insert, 1, prefix);
		(void)sqlite3_bind_blob(insert, 2, blocks,
					(int)total * PWNED_BLOCK_BYTES,
					SQLITE_STATIC);
		expect(sqlite, sqlite3_step(insert), SQLITE_DONE);
		(void)sqlite3_reset(insert);
	}
	execute(sqlite, "COMMIT");
}

int bench_sqlite_settle(struct bench_sqlite *sqlite, const char *folder)
{
	char path[4096];
	int fd;

	execute(sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
	(void)snprintf(path, sizeof(path), "%s/%s", folder, FILE_NAME);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fdatasync(fd) < 0)
		err(1, "%s", path);
	return fd;
}

uint64_t bench_sqlite_find(void *context, const struct pwned_digest *digest)
{
	struct bench_sqlite *sqlite = context;
	const unsigned char *block;
	unsigned int total, index;
	uint64_t count;

	(void)sqlite3_bind_int64(sqlite->select, 1, digest->prefix);
	expect(sqlite, sqlite3_step(sqlite->select), SQLITE_ROW);
	block = sqlite3_column_blob(sqlite->select, 0);
	total = (unsigned int)sqlite3_column_bytes(sqlite->select, 0) /
		PWNED_BLOCK_BYTES;
	index = pwned_block_index_of(digest->key, total);
	block += (size_t)index * PWNED_BLOCK_BYTES;
	if (pwned_block_verify(block, digest->prefix, index) !=
	    PWNED_BLOCK_VALID)
		errx(1, "SQLite: a block is damaged");
	count = pwned_block_find(block, digest->key);
	(void)sqlite3_reset(sqlite->select);
	return count;
}
