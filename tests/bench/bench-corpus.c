/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made-up ranges. SHA-1 of a billion words would take longer than all else. */

#include "bench-corpus.h"

#include <err.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECS_PER_DAY 86400
#define ORIGIN       1
#define GAPS         4096
#define QUERIES_EACH 2

/* splitmix64, by Steele, Lea and Flood */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void bench_corpus_init(struct bench_corpus *corpus, uint32_t ranges,
		       uint32_t length_min, uint32_t length_max)
{
	*corpus = (struct bench_corpus){
		.ranges = ranges,
		.length_min = length_min,
		.variants = length_max - length_min + 1,
		.day = (uint32_t)(time(NULL) / SECS_PER_DAY),
	};
	corpus->queries =
		calloc((size_t)ranges * QUERIES_EACH, sizeof(*corpus->queries));
	if (corpus->queries == NULL)
		err(1, "memory");
}

void bench_corpus_free(struct bench_corpus *corpus)
{
	free(corpus->queries);
	corpus->queries = NULL;
}

uint32_t bench_corpus_prefix(const struct bench_corpus *corpus, uint32_t number)
{
	return (uint32_t)((uint64_t)number * PWNED_PREFIX_COUNT /
			  corpus->ranges);
}

/* Quantiles of the exponential distribution, as which the gaps between random
   numbers in order are distributed. So nothing has to be sorted. */
static const double *gaps(void)
{
	static double table[GAPS];

	if (table[0] > 0)
		return table;
	for (unsigned int i = 0; i < GAPS; i++)
		table[i] = -log((i + 0.5) / GAPS);
	return table;
}

/* As many passwords were seen c times or more as 1 / c says. */
static uint64_t random_count(uint64_t random)
{
	return UINT32_MAX / ((random >> 32) + 1) + 1;
}

size_t bench_corpus_range(const struct bench_corpus *corpus, uint32_t prefix,
			  struct pwned_range_label *label_r,
			  struct pwned_range_entry entries_r[BENCH_LENGTH_MAX])
{
	size_t length = corpus->length_min + prefix % corpus->variants;
	const double *table = gaps();
	double at[BENCH_LENGTH_MAX + 1], sum = 0, scale;
	uint64_t state = prefix;

	*label_r = (struct pwned_range_label){
		.prefix = prefix,
		.day = corpus->day,
		.origin = ORIGIN,
	};
	(void)snprintf(label_r->etag, sizeof(label_r->etag), "\"0x8DD%012llX\"",
		       (unsigned long long)next_random(&state) >> 16);
	for (size_t i = 0; i <= length; i++) {
		uint64_t random = next_random(&state);

		sum += table[random % GAPS];
		at[i] = sum;
		if (i < length)
			entries_r[i].count = random_count(random);
	}
	scale = (double)(UINT64_C(1) << PWNED_KEY_BITS) / sum;
	for (size_t i = 0; i < length; i++)
		entries_r[i].key = (uint64_t)(at[i] * scale);
	return length;
}

void bench_corpus_ask(struct bench_corpus *corpus, uint32_t prefix,
		      const struct pwned_range_entry *entries, size_t length)
{
	struct bench_query *query = &corpus->queries[corpus->queries_count];
	uint64_t state = ~(uint64_t)prefix;
	const struct pwned_range_entry *hit =
		&entries[next_random(&state) % length];

	query[0].digest.prefix = query[1].digest.prefix = prefix;
	query[0].digest.key = hit->key;
	query[0].count = hit->count;
	/* that it is in the range all the same has a chance of 10^-9 */
	query[1].digest.key = next_random(&state) >> (64 - PWNED_KEY_BITS);
	query[1].count = 0;
	corpus->queries_count += QUERIES_EACH;
}

void bench_corpus_shuffle(struct bench_corpus *corpus)
{
	uint64_t state = 0;

	for (size_t i = corpus->queries_count; i > 1; i--) {
		struct bench_query *one = &corpus->queries[i - 1];
		struct bench_query *two =
			&corpus->queries[next_random(&state) % i];
		struct bench_query kept = *one;

		*one = *two;
		*two = kept;
	}
}
