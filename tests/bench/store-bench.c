/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a look-up in the store costs, and what filling it does: beside a bare
   read of a page, and beside SQLite. */

#include "bench-file.h"
#include "bench-measure.h"
#include "bench-sqlite.h"
#include "bench-store.h"

#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LENGTH_MIN  1900
#define LENGTH_MAX  2000
#define LENGTH_FULL 1950
#define FULL_BYTES  (UINT64_C(14) << 30)
/* Ranges that go into SQLite in one transaction. */
#define CHUNK      500
#define COLD_FINDS 2000
/* Blocks in memory: the least, and the default, of which so many keys use a
   part. */
#define CACHE_LEAST  "64 KB"
#define CACHE_USUAL  "8 MB"
#define CACHED_FINDS 500

#define MOST_OF_PREAD     1.3
#define MOST_OF_SQLITE    0.35
#define MOST_OF_SMALL     2.5
#define LEAST_FILL        15000
#define MOST_BYTES_A_HASH 7

struct options {
	const char *folder;
	unsigned int rounds;
	size_t finds;
	uint32_t ranges;
	bool full;
};

/* The subjects of the warm rounds; of the cold ones the first three. */
enum {
	PREAD,
	SLOTS,
	SQLITE,
	STORE_FILE,
	STORE_MEMORY,

	SUBJECTS
};

struct bench {
	struct options options;
	char *folder;
	struct bench_file file;
	struct bench_sqlite *sqlite;
	double sqlite_usecs; /* of filling */
	int sqlite_fd;
	struct bench_store *stores[2];
	struct bench_subject subjects[SUBJECTS];
};

/* One of our own, removed at the end. */
static char *make_folder(const char *place)
{
	char *folder, *absolute = realpath(place, NULL);

	if (absolute == NULL)
		err(1, "%s", place);
	if (asprintf(&folder, "%s/store-bench-XXXXXX", absolute) < 0)
		err(1, "memory");
	free(absolute);
	if (mkdtemp(folder) == NULL)
		err(1, "%s", folder);
	return folder;
}

static void fill_sqlite(struct bench *bench, struct pwned_range **ranges,
			size_t count)
{
	double begin = bench_now_usecs();

	bench_sqlite_write(bench->sqlite, ranges, count);
	bench->sqlite_usecs += bench_now_usecs() - begin;
	while (count > 0)
		pwned_range_unref(&ranges[--count]);
}

static void fill(struct bench *bench)
{
	struct bench_file *file = &bench->file;
	struct pwned_range *ranges[CHUNK];
	size_t count = 0;

	bench_file_open(file, bench->folder, bench->options.ranges, LENGTH_MIN,
			LENGTH_MAX);
	bench->sqlite = bench_sqlite_new(bench->folder);
	for (uint32_t i = 0; i < bench->options.ranges; i++) {
		ranges[count++] = bench_file_add(
			file, bench_corpus_prefix(&file->corpus, i));
		if (count == CHUNK || i + 1 == bench->options.ranges) {
			fill_sqlite(bench, ranges, count);
			count = 0;
		}
	}
	bench_corpus_shuffle(&file->corpus);
	bench_file_settle(file);
	bench->sqlite_fd = bench_sqlite_settle(bench->sqlite, bench->folder);
}

static double fill_rate(const struct bench_file *file)
{
	return file->corpus.ranges * 1e6 /
	       (file->pack_usecs + file->write_usecs);
}

static double bytes_a_hash(const struct bench_file *file)
{
	return (double)pwned_slots_allocated(file->slots) /
	       (double)file->hashes;
}

static void report_filling(const char *name, const struct bench_file *file)
{
	printf("\nFilling, %s\n", name);
	printf("%-52s%10.0f\n", "ranges a second, one core", fill_rate(file));
	printf("%-52s%10.1f\n", "  of that packing, us a range",
	       file->pack_usecs / file->corpus.ranges);
	printf("%-52s%10.1f\n", "  of that writing, us a range",
	       file->write_usecs / file->corpus.ranges);
	printf("%-52s%10.2f\n", "bytes a hash, allocated", bytes_a_hash(file));
}

static void report_sqlite_filling(const struct bench *bench)
{
	printf("%-52s%10.0f\n", "SQLite: ranges a second",
	       bench->file.corpus.ranges * 1e6 /
		       (bench->file.pack_usecs + bench->sqlite_usecs));
}

/* Each begins elsewhere, so that none finds in the CPU's cache what another has
   just read. */
static void subject_init(struct bench *bench, unsigned int which,
			 const char *name,
			 uint64_t (*find)(void *context,
					  const struct pwned_digest *digest),
			 void *context)
{
	const struct bench_corpus *corpus = &bench->file.corpus;

	bench->subjects[which] = (struct bench_subject){
		.name = name,
		.find = find,
		.context = context,
		.corpus = corpus,
		.next = corpus->queries_count / SUBJECTS * which,
	};
}

static void subjects_init(struct bench *bench)
{
	bench->stores[0] = bench_store_new(bench->folder, CACHE_LEAST);
	bench->stores[1] = bench_store_new(bench->folder, CACHE_USUAL);
	subject_init(bench, PREAD, "bare pread of a page", bench_file_pread,
		     &bench->file);
	bench->subjects[PREAD].answers_nothing = true;
	subject_init(bench, SLOTS, "store's file", bench_file_find,
		     &bench->file);
	subject_init(bench, SQLITE, "SQLite", bench_sqlite_find, bench->sqlite);
	subject_init(bench, STORE_FILE, "whole store, from its file",
		     bench_store_find, bench->stores[0]);
	subject_init(bench, STORE_MEMORY, "whole store, from memory",
		     bench_store_find, bench->stores[1]);
	bench->subjects[STORE_MEMORY].queries_max = CACHED_FINDS;
}

static void measure_warm(struct bench *bench)
{
	for (unsigned int round = 0; round <= bench->options.rounds; round++) {
		for (unsigned int i = 0; i < SUBJECTS; i++)
			bench_run(&bench->subjects[(i + round) % SUBJECTS],
				  bench->options.finds);
		/* the first is there to warm up */
		for (unsigned int i = 0; round == 0 && i < SUBJECTS; i++)
			bench->subjects[i].values_count = 0;
	}
}

static void report_warm(const struct bench *bench)
{
	const struct bench_subject *subjects = bench->subjects;

	printf("\n%-42s%10s%10s\n", "Look-ups, warm", "us", "/ pread");
	for (unsigned int i = 0; i < SUBJECTS; i++)
		printf("%-42s%10.2f%10.2f\n", subjects[i].name,
		       bench_median(&subjects[i]),
		       bench_ratio(&subjects[i], &subjects[PREAD]));
	if (bench->file.waited > 0)
		printf("%zu look-ups in the file found that RWF_NOWAIT is not "
		       "known there, or that the\nkernel had dropped the page, "
		       "and waited for the disk\n",
		       bench->file.waited);
}

static void report_cold(const char *name, double *times, size_t count)
{
	printf("%-42s%10.0f%10.0f\n", name, bench_percentile(times, count, 50),
	       bench_percentile(times, count, 99));
}

/* By turns, each look-up for other ranges than the rest. */
static void measure_cold(struct bench *bench)
{
	static double times[STORE_FILE][COLD_FINDS];

	bench_forget_pages(pwned_slots_fd(bench->file.slots));
	bench_forget_pages(bench->sqlite_fd);
	bench->subjects[SLOTS].find = bench_file_find_waiting;
	for (size_t i = 0; i < COLD_FINDS; i++) {
		for (unsigned int j = 0; j < STORE_FILE; j++)
			bench_time_each(&bench->subjects[j], 1, &times[j][i]);
	}
	printf("\n%-42s%10s%10s\n", "Look-ups, cold, us", "p50", "p99");
	for (unsigned int j = 0; j < STORE_FILE; j++)
		report_cold(bench->subjects[j].name, times[j], COLD_FINDS);
}

static bool has_room(const char *folder)
{
	struct statvfs fs;
	uint64_t bytes;

	if (statvfs(folder, &fs) < 0)
		err(1, "%s", folder);
	bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (bytes >= FULL_BYTES)
		return true;
	printf("\nThe full file was left out: of 14 GB there are %.1f free\n",
	       (double)bytes / (1 << 30));
	return false;
}

static void fill_full(struct bench_file *full, const char *folder)
{
	bench_file_open(full, folder, PWNED_PREFIX_COUNT, LENGTH_FULL,
			LENGTH_FULL);
	for (uint32_t prefix = 0; prefix < PWNED_PREFIX_COUNT; prefix++) {
		struct pwned_range *range = bench_file_add(full, prefix);

		pwned_range_unref(&range);
	}
	bench_corpus_shuffle(&full->corpus);
	bench_file_settle(full);
}

/* The median of one round, whose mean would be that of the few pages that the
   kernel has dropped. */
static void run_p50(struct bench_subject *subject, size_t finds)
{
	double *times = calloc(finds, sizeof(*times));

	if (times == NULL)
		err(1, "memory");
	bench_time_each(subject, finds, times);
	subject->values[subject->values_count++] =
		bench_percentile(times, finds, 50);
	free(times);
}

static double compare_full(struct bench *bench, struct bench_file *full)
{
	struct bench_subject *small = &bench->subjects[SLOTS];
	struct bench_subject *small_pread = &bench->subjects[PREAD];
	struct bench_subject large = { .name = "store's file, full",
				       .find = bench_file_find,
				       .context = full,
				       .corpus = &full->corpus };
	struct bench_subject pread = { .name = "bare pread, full file",
				       .find = bench_file_pread,
				       .context = full,
				       .answers_nothing = true,
				       .corpus = &full->corpus,
				       .next = full->corpus.queries_count / 2 };
	struct bench_subject *subjects[] = { small, small_pread, &large,
					     &pread };
	static double times[COLD_FINDS];

	small->find = bench_file_find;
	small->values_count = small_pread->values_count = 0;
	for (unsigned int round = 0; round < bench->options.rounds; round++) {
		for (unsigned int i = 0; i < 4; i++)
			run_p50(subjects[(i + round) % 4],
				bench->options.finds);
	}
	printf("\n%-42s%10s%10s\n", "Look-ups, warm, p50, us", "us", "/ pread");
	printf("%-42s%10.2f%10.2f\n", small->name, bench_median(small),
	       bench_ratio(small, small_pread));
	printf("%-42s%10.2f%10.2f\n", large.name, bench_median(&large),
	       bench_ratio(&large, &pread));
	printf("%-42s%10.1f\n", "  of these the disk was asked, %",
	       100.0 * (double)full->waited /
		       (double)(bench->options.rounds * bench->options.finds));
	bench_forget_pages(pwned_slots_fd(full->slots));
	large.find = bench_file_find_waiting;
	bench_time_each(&large, COLD_FINDS, times);
	printf("\n%-42s%10s%10s\n", "Look-ups, cold, us", "p50", "p99");
	report_cold(large.name, times, COLD_FINDS);
	return bench_ratio(&large, small);
}

/* Returns the full file's look-up in proportion to the small one's, or 0. */
static double measure_full(struct bench *bench)
{
	struct bench_file full;
	char *folder;
	double ratio;

	if (!bench->options.full || !has_room(bench->options.folder))
		return 0;
	folder = make_folder(bench->options.folder);
	fill_full(&full, folder);
	report_filling("1,048,576 ranges", &full);
	ratio = compare_full(bench, &full);
	bench_file_close(&full);
	bench_folder_remove(folder);
	free(folder);
	return ratio;
}

static void report_aims(const struct bench *bench, double pread_ratio,
			double sqlite_ratio, double full_ratio)
{
	printf("\nAims\n");
	bench_aim("store's file in proportion to a pread", pread_ratio,
		  MOST_OF_PREAD, false);
	bench_aim("store's file in proportion to SQLite", sqlite_ratio,
		  MOST_OF_SQLITE, false);
	if (full_ratio > 0)
		bench_aim("full file in proportion to the small one",
			  full_ratio, MOST_OF_SMALL, false);
	bench_aim("filling, ranges a second", fill_rate(&bench->file),
		  LEAST_FILL, true);
	bench_aim("bytes a hash, allocated", bytes_a_hash(&bench->file),
		  MOST_BYTES_A_HASH, false);
}

static void bench_free(struct bench *bench)
{
	bench_store_free(bench->stores[0]);
	bench_store_free(bench->stores[1]);
	(void)close(bench->sqlite_fd);
	bench_sqlite_free(bench->sqlite);
	bench_file_close(&bench->file);
	bench_folder_remove(bench->folder);
	free(bench->folder);
}

static void bench_all(struct bench *bench)
{
	const struct bench_subject *subjects = bench->subjects;
	double pread_ratio, sqlite_ratio, full_ratio;

	bench->folder = make_folder(bench->options.folder);
	printf("%u ranges of %d to %d hashes; %u rounds of %zu look-ups, half "
	       "of them hits\n",
	       bench->options.ranges, LENGTH_MIN, LENGTH_MAX,
	       bench->options.rounds, bench->options.finds);
	fill(bench);
	report_filling("with these ranges", &bench->file);
	report_sqlite_filling(bench);
	subjects_init(bench);
	measure_warm(bench);
	report_warm(bench);
	pread_ratio = bench_ratio(&subjects[SLOTS], &subjects[PREAD]);
	sqlite_ratio = bench_ratio(&subjects[SLOTS], &subjects[SQLITE]);
	measure_cold(bench);
	full_ratio = measure_full(bench);
	report_aims(bench, pread_ratio, sqlite_ratio, full_ratio);
	bench_free(bench);
}

static void usage(void)
{
	fputs("usage: store-bench [--folder DIR] [--rounds N] [--finds N] "
	      "[--ranges N] [--full]\n"
	      "Measures look-ups in a store that it makes below DIR, and "
	      "removes, and how fast\nit is filled. --full: also in one of all "
	      "ranges, which takes 13 GB.\n",
	      stderr);
	exit(64);
}

static void options_parse(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{ "folder", required_argument, NULL, 'd' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "finds", required_argument, NULL, 'n' },
		{ "ranges", required_argument, NULL, 'p' },
		{ "full", no_argument, NULL, 'f' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'd':
			options->folder = optarg;
			break;
		case 'r':
			options->rounds =
				(unsigned int)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			options->finds = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			options->ranges = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			options->full = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc || options->rounds < 1 ||
	    options->rounds >= BENCH_ROUNDS_MAX || options->finds < 1 ||
	    options->ranges < 1 || options->ranges > PWNED_PREFIX_COUNT)
		usage();
}

int main(int argc, char **argv)
{
	static struct bench bench = { .options = {
					      .folder = ".",
					      .rounds = 15,
					      .finds = 20000,
					      .ranges = 60000,
				      } };

	options_parse(&bench.options, argc, argv);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	bench_all(&bench);
	return 0;
}
