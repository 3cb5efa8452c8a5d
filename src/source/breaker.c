/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a source is asked, and when it is left alone. */

#include "breaker.h"

#define MSECS_PER_SEC 1000

/* More than it takes to reach the longest time. */
#define OPENINGS_MAX 16

void pwned_breaker_init(struct pwned_breaker *breaker, uint64_t seed)
{
	*breaker = (struct pwned_breaker){ .state = PWNED_BREAKER_CLOSED,
					   .jitter = seed };
}

/* SplitMix64: https://prng.di.unimi.it/splitmix64.c */
static uint64_t jitter_next(struct pwned_breaker *breaker)
{
	uint64_t bits = (breaker->jitter += UINT64_C(0x9e3779b97f4a7c15));

	bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
	return bits ^ (bits >> 31);
}

/* From three to five quarters of the time. */
static uint64_t with_jitter(struct pwned_breaker *breaker, uint64_t msecs)
{
	return msecs - msecs / 4 + jitter_next(breaker) % (msecs / 2 + 1);
}

static uint64_t clamp(uint64_t value, uint64_t min, uint64_t max)
{
	if (value < min)
		return min;
	return value < max ? value : max;
}

/* retry_after_msecs: as long as the source asks for, unless 0. */
static void breaker_open(struct pwned_breaker *breaker,
			 uint64_t retry_after_msecs, uint64_t now_msecs)
{
	uint64_t msecs = (uint64_t)PWNED_BREAKER_OPEN_MSECS
			 << breaker->openings;

	msecs = with_jitter(breaker,
			    clamp(msecs, 0, PWNED_BREAKER_OPEN_MAX_MSECS));
	if (retry_after_msecs != 0)
		msecs = clamp(retry_after_msecs, PWNED_BREAKER_RETRY_MIN_MSECS,
			      PWNED_BREAKER_RETRY_MAX_MSECS);
	breaker->state = PWNED_BREAKER_OPEN;
	breaker->open_until_msecs = now_msecs + msecs;
	if (breaker->openings < OPENINGS_MAX)
		breaker->openings++;
	breaker->failed_count = 0;
}

enum pwned_breaker_answer pwned_breaker_ask(struct pwned_breaker *breaker,
					    uint64_t now_msecs)
{
	if (breaker->state == PWNED_BREAKER_CLOSED)
		return PWNED_BREAKER_ASK;
	if (breaker->state == PWNED_BREAKER_PROBING ||
	    now_msecs < breaker->open_until_msecs)
		return PWNED_BREAKER_DO_NOT_ASK;
	breaker->state = PWNED_BREAKER_PROBING;
	return PWNED_BREAKER_PROBE;
}

/* Once it is open only its probe tells something new. */
static bool is_straggler(const struct pwned_breaker *breaker, bool probe)
{
	return breaker->state != PWNED_BREAKER_CLOSED && !probe;
}

bool pwned_breaker_success(struct pwned_breaker *breaker, bool probe)
{
	if (is_straggler(breaker, probe))
		return false;
	breaker->failed_count = 0;
	breaker->openings = 0;
	if (breaker->state == PWNED_BREAKER_CLOSED)
		return false;
	breaker->state = PWNED_BREAKER_CLOSED;
	return true;
}

static void remember_failed(struct pwned_breaker *breaker, uint32_t prefix)
{
	for (unsigned int i = 0; i < breaker->failed_count; i++) {
		if (breaker->failed[i] == prefix)
			return;
	}
	breaker->failed[breaker->failed_count++] = prefix;
}

bool pwned_breaker_failure(struct pwned_breaker *breaker, bool probe,
			   uint32_t prefix, uint64_t retry_after_msecs,
			   uint64_t now_msecs)
{
	if (is_straggler(breaker, probe))
		return false;
	if (breaker->state == PWNED_BREAKER_CLOSED) {
		remember_failed(breaker, prefix);
		if (breaker->failed_count < PWNED_BREAKER_PREFIXES &&
		    retry_after_msecs == 0)
			return false;
	}
	breaker_open(breaker, retry_after_msecs, now_msecs);
	return true;
}

void pwned_breaker_probe_cancelled(struct pwned_breaker *breaker)
{
	if (breaker->state == PWNED_BREAKER_PROBING)
		breaker->state = PWNED_BREAKER_OPEN; /* its time is over */
}

void pwned_breaker_save(const struct pwned_breaker *breaker, uint64_t now_msecs,
			uint64_t unix_secs,
			struct pwned_breaker_snapshot *snapshot_r)
{
	uint64_t left_msecs = 0;

	*snapshot_r = (struct pwned_breaker_snapshot){ .openings = 0 };
	if (breaker->state == PWNED_BREAKER_CLOSED)
		return;
	if (breaker->open_until_msecs > now_msecs)
		left_msecs = breaker->open_until_msecs - now_msecs;
	snapshot_r->open_until_secs =
		unix_secs + (left_msecs + MSECS_PER_SEC - 1) / MSECS_PER_SEC;
	snapshot_r->openings = breaker->openings;
}

void pwned_breaker_restore(struct pwned_breaker *breaker, uint64_t now_msecs,
			   uint64_t unix_secs,
			   const struct pwned_breaker_snapshot *snapshot)
{
	uint64_t left_secs = 0;

	if (snapshot->open_until_secs == 0 ||
	    breaker->state != PWNED_BREAKER_CLOSED || breaker->openings > 0 ||
	    breaker->failed_count > 0)
		return;
	if (snapshot->open_until_secs > unix_secs)
		left_secs =
			clamp(snapshot->open_until_secs - unix_secs, 0,
			      PWNED_BREAKER_RETRY_MAX_MSECS / MSECS_PER_SEC);
	breaker->state = PWNED_BREAKER_OPEN;
	breaker->open_until_msecs = now_msecs + left_secs * MSECS_PER_SEC;
	breaker->openings =
		(unsigned int)clamp(snapshot->openings, 1, OPENINGS_MAX);
	breaker->failed_count = 0;
}
