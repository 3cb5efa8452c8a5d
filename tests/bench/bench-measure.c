/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times, medians, lines. */

#include "bench-measure.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now_usecs(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void find_next(struct bench_subject *subject)
{
	size_t count = subject->corpus->queries_count;
	const struct bench_query *query;
	uint64_t found;

	if (subject->queries_max > 0 && subject->queries_max < count)
		count = subject->queries_max;
	query = &subject->corpus->queries[subject->next++ % count];
	found = subject->find(subject->context, &query->digest);
	if (!subject->answers_nothing && found != query->count)
		errx(1, "%s: a wrong answer", subject->name);
}

void bench_run(struct bench_subject *subject, size_t finds)
{
	double begin = bench_now_usecs();

	if (subject->values_count == BENCH_ROUNDS_MAX)
		errx(1, "too many rounds");
	for (size_t i = 0; i < finds; i++)
		find_next(subject);
	subject->values[subject->values_count++] =
		(bench_now_usecs() - begin) / (double)finds;
}

void bench_time_each(struct bench_subject *subject, size_t finds,
		     double *times_r)
{
	for (size_t i = 0; i < finds; i++) {
		double begin = bench_now_usecs();

		find_next(subject);
		times_r[i] = bench_now_usecs() - begin;
	}
}

static int compare(const void *a, const void *b)
{
	double one = *(const double *)a, two = *(const double *)b;

	return (one > two) - (one < two);
}

double bench_percentile(double *values, size_t count, unsigned int percent)
{
	qsort(values, count, sizeof(*values), compare);
	return values[(count - 1) * percent / 100];
}

double bench_median(const struct bench_subject *subject)
{
	double values[BENCH_ROUNDS_MAX];

	memcpy(values, subject->values,
	       subject->values_count * sizeof(*values));
	return bench_percentile(values, subject->values_count, 50);
}

double bench_ratio(const struct bench_subject *one,
		   const struct bench_subject *other)
{
	double ratios[BENCH_ROUNDS_MAX];

	for (size_t i = 0; i < one->values_count; i++)
		ratios[i] = one->values[i] / other->values[i];
	return bench_percentile(ratios, one->values_count, 50);
}

void bench_aim(const char *text, double value, double limit, bool at_least)
{
	bool met = at_least ? value >= limit : value <= limit;

	printf("%-52s%10.2f   at %s %-8g %s\n", text, value,
	       at_least ? "least" : "most ", limit, met ? "met" : "MISSED");
}
