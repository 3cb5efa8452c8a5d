/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BENCH_MEASURE_H
#define PWNED_BENCH_MEASURE_H

#include "bench-corpus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times and what is made of them. Whatever goes wrong ends the program: a
   figure from a bench that half works is worth nothing. */

#define BENCH_ROUNDS_MAX 1000

struct bench_subject {
	const char *name;
	/* Returns the count that the answer has. */
	uint64_t (*find)(void *context, const struct pwned_digest *digest);
	void *context;
	bool answers_nothing; /* only what it costs is of interest */
	const struct bench_corpus *corpus;
	size_t queries_max; /* of them it asks the first so many; 0: all */

	size_t next;                     /* query */
	double values[BENCH_ROUNDS_MAX]; /* of rounds, in microseconds */
	size_t values_count;
};

double bench_now_usecs(void);

/* So many look-ups, one after the other, each answer checked: adds what one
   took on average. */
void bench_run(struct bench_subject *subject, size_t finds);
/* Each look-up timed by itself, which costs some 0.05 us of its own: adds to
   times_r, of `finds`. */
void bench_time_each(struct bench_subject *subject, size_t finds,
		     double *times_r);

/* These sort what they are given. percent 50: the median. */
double bench_percentile(double *values, size_t count, unsigned int percent);
double bench_median(const struct bench_subject *subject);
/* The median of what each round gives by itself. */
double bench_ratio(const struct bench_subject *one,
		   const struct bench_subject *other);

/* A line that sets beside each other what was found and what is aimed at. */
void bench_aim(const char *text, double value, double limit, bool at_least);

#endif
