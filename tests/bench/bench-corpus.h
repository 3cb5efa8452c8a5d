/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BENCH_CORPUS_H
#define PWNED_BENCH_CORPUS_H

#include "digest.h"
#include "range.h"

#include <stddef.h>
#include <stdint.h>

/* Ranges of the size of the real ones, made up, the same at every run: keys
   like those of random hashes, in order; counts by Zipf's law, so mostly small;
   an entity tag of the real service's length; today's day. */

struct bench_query {
	struct pwned_digest digest;
	uint64_t count; /* the right answer */
};

struct bench_corpus {
	uint32_t ranges; /* spread evenly over all prefixes */
	uint32_t length_min,
		variants; /* hashes a range: min + 0 .. variants-1 */
	uint32_t day;

	/* one hit and one miss of every range made so far */
	struct bench_query *queries;
	size_t queries_count;
};

#define BENCH_LENGTH_MAX 2000

/* Ends the program when memory is short. */
void bench_corpus_init(struct bench_corpus *corpus, uint32_t ranges,
		       uint32_t length_min, uint32_t length_max);
void bench_corpus_free(struct bench_corpus *corpus);

uint32_t bench_corpus_prefix(const struct bench_corpus *corpus,
			     uint32_t number);
/* Makes a range. Returns its length. */
size_t bench_corpus_range(const struct bench_corpus *corpus, uint32_t prefix,
			  struct pwned_range_label *label_r,
			  struct pwned_range_entry entries_r[BENCH_LENGTH_MAX]);
/* Adds its queries. */
void bench_corpus_ask(struct bench_corpus *corpus, uint32_t prefix,
		      const struct pwned_range_entry *entries, size_t length);
/* Mixes the queries, once all are there. */
void bench_corpus_shuffle(struct bench_corpus *corpus);

#endif
