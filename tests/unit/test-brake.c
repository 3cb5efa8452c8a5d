/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The brake: the edges of its share, its hour and its memory. */

#include "support/unit.h"
#include "brake.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#define SEED   UINT64_C(0x9e3779b97f4a7c15)
#define SHARE  20
#define MINUTE 60
#define HOUR   3600
/* Any clock will do: one that has just started, or the time of day. */
#define START UINT64_C(1700000000)

static struct pwned_brake *brake_new(unsigned int share_percent)
{
	struct pwned_brake *brake = pwned_brake_new(share_percent, SEED);

	assert_non_null(brake);
	return brake;
}

static const char *user_name(unsigned int number)
{
	static char name[32];

	(void)snprintf(name, sizeof(name), "user%u@example.com", number);
	return name;
}

/* Users are numbered; these are first .. first + count - 1. */
static void verify(struct pwned_brake *brake, unsigned int first,
		   unsigned int count, bool may_deny, uint64_t now_secs)
{
	for (unsigned int i = first; i < first + count; i++)
		pwned_brake_verified(brake, user_name(i), may_deny, now_secs);
}

/* Returns how many of them are denied. */
static unsigned int deny(struct pwned_brake *brake, unsigned int first,
			 unsigned int count, uint64_t now_secs)
{
	unsigned int denied = 0;

	for (unsigned int i = first; i < first + count; i++)
		denied += pwned_brake_deny(brake, user_name(i), now_secs);
	return denied;
}

static void fewer_than_a_hundred_users_tell_nothing(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	verify(brake, 0, 99, true, START);
	assert_int_equal(deny(brake, 0, 99, START), 99);
	assert_false(pwned_brake_is_engaged(brake, START));
	/* the hundredth shows that nearly all are denied */
	verify(brake, 99, 1, true, START);
	assert_true(pwned_brake_is_engaged(brake, START));
	assert_int_equal(deny(brake, 99, 1, START), 0);
	pwned_brake_free(&brake);
	assert_null(brake);
}

static void different_users_count_not_their_logins(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	for (unsigned int i = 0; i < 50; i++)
		verify(brake, 0, 10, true, START + i);
	assert_int_equal(deny(brake, 0, 10, START + 50), 10);
	assert_false(pwned_brake_is_engaged(brake, START + 50));
	pwned_brake_free(&brake);
}

static void the_share_itself_is_not_too_much(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 20, START), 20);
	assert_false(pwned_brake_is_engaged(brake, START));
	assert_int_equal(deny(brake, 20, 1, START), 1);
	assert_true(pwned_brake_is_engaged(brake, START));
	assert_int_equal(deny(brake, 21, 79, START), 0);
	pwned_brake_free(&brake);
}

static void a_share_of_hundred_never_engages(void **state)
{
	struct pwned_brake *brake = brake_new(100);

	(void)state;
	verify(brake, 0, 300, true, START);
	assert_int_equal(deny(brake, 0, 300, START), 300);
	assert_false(pwned_brake_is_engaged(brake, START));
	pwned_brake_free(&brake);
}

static void who_is_denied_stays_denied(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 100, START), 21);
	assert_true(pwned_brake_is_engaged(brake, START));
	/* the same 21, and no others, however often they come */
	for (unsigned int i = 1; i <= 3; i++) {
		assert_int_equal(deny(brake, 0, 21, START + i), 21);
		assert_int_equal(deny(brake, 21, 79, START + i), 0);
	}
	pwned_brake_free(&brake);
}

/* A customer who keeps trying is one denial, and an old one. */
static void a_denial_counts_once(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	verify(brake, 0, 100, true, START);
	for (unsigned int minute = 0; minute < 50; minute++) {
		assert_int_equal(deny(brake, 0, 20, START + minute * MINUTE),
				 20);
	}
	assert_false(pwned_brake_is_engaged(brake, START + 50 * MINUTE));
	/* newly denied an hour ago is not newly denied any more */
	verify(brake, 0, 100, true, START + 65 * MINUTE);
	assert_int_equal(deny(brake, 0, 20, START + 65 * MINUTE), 20);
	assert_int_equal(deny(brake, 20, 20, START + 65 * MINUTE), 20);
	pwned_brake_free(&brake);
}

static void the_hour_slides(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 21, START), 21);
	assert_true(pwned_brake_is_engaged(brake, START));
	verify(brake, 0, 100, true, START + 59 * MINUTE);
	assert_true(pwned_brake_is_engaged(brake, START + 59 * MINUTE));
	assert_false(pwned_brake_is_engaged(brake, START + 60 * MINUTE));
	assert_int_equal(deny(brake, 21, 21, START + 60 * MINUTE), 21);
	assert_true(pwned_brake_is_engaged(brake, START + 60 * MINUTE));
	pwned_brake_free(&brake);
}

/* Users who have not come within the hour are no longer among those that the
   share is taken of. */
static void absent_users_do_not_count(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	verify(brake, 0, 1000, true, START);
	verify(brake, 0, 100, true, START + 60 * MINUTE);
	assert_int_equal(deny(brake, 0, 100, START + 60 * MINUTE), 21);
	pwned_brake_free(&brake);

	/* and below a hundred of them the brake says nothing */
	brake = brake_new(SHARE);
	verify(brake, 0, 100, true, START);
	verify(brake, 0, 99, true, START + 60 * MINUTE);
	assert_int_equal(deny(brake, 0, 99, START + 60 * MINUTE), 99);
	pwned_brake_free(&brake);
}

static void who_is_held_back_keeps_it_engaged(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);
	uint64_t later = START + 50 * MINUTE;

	(void)state;
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 60, START), 21);
	verify(brake, 0, 100, true, later);
	assert_int_equal(deny(brake, 21, 39, later), 0);
	/* the 21 are too old by now, the 39 are not */
	assert_true(pwned_brake_is_engaged(brake, START + 70 * MINUTE));
	assert_true(pwned_brake_is_engaged(brake, later + 59 * MINUTE));
	pwned_brake_free(&brake);
}

static void it_lets_go_when_the_share_has_fallen(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);
	uint64_t later = START + 10 * MINUTE;

	(void)state;
	/* by more users ... */
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 21, START), 21);
	assert_true(pwned_brake_is_engaged(brake, START));
	verify(brake, 100, 5, true, later);
	assert_false(pwned_brake_is_engaged(brake, later));
	assert_int_equal(deny(brake, 50, 1, later), 1);
	assert_true(pwned_brake_is_engaged(brake, later));
	/* ... and by time */
	verify(brake, 0, 100, true, later + 2 * HOUR);
	assert_false(pwned_brake_is_engaged(brake, later + 2 * HOUR));
	pwned_brake_free(&brake);
}

/* Where many read and few send, more than half of those who send is too much as
   well. */
static void most_of_the_senders_are_too_many(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	verify(brake, 0, 2000, false, START);
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 50, START), 50);
	assert_false(pwned_brake_is_engaged(brake, START));
	assert_int_equal(deny(brake, 50, 50, START), 1);
	assert_true(pwned_brake_is_engaged(brake, START));
	pwned_brake_free(&brake);

	/* of 99 senders it is not */
	brake = brake_new(SHARE);
	verify(brake, 0, 2000, false, START);
	verify(brake, 0, 99, true, START);
	assert_int_equal(deny(brake, 0, 99, START), 99);
	pwned_brake_free(&brake);

	/* a larger share counts for them, too */
	brake = brake_new(80);
	verify(brake, 0, 2000, false, START);
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 100, START), 81);
	pwned_brake_free(&brake);
}

static void it_works_from_the_first_second_of_a_clock(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	verify(brake, 0, 100, true, 0);
	assert_int_equal(deny(brake, 0, 100, 0), 21);
	assert_true(pwned_brake_is_engaged(brake, 59 * MINUTE));
	assert_false(pwned_brake_is_engaged(brake, 60 * MINUTE));
	pwned_brake_free(&brake);
}

/* What the allocator has handed out. */
static size_t memory_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* `users` of them within most of an hour, of whom `percent` would be denied.
   Returns how many were. */
static unsigned int crowd(struct pwned_brake *brake, unsigned int first,
			  unsigned int users, unsigned int percent,
			  uint64_t start_secs)
{
	unsigned int denied = 0;

	for (unsigned int i = 0; i < users; i++) {
		uint64_t now_secs = start_secs + i * UINT64_C(3000) / users;
		const char *user = user_name(first + i);

		pwned_brake_verified(brake, user, true, now_secs);
		if (i % 100 < percent)
			denied += pwned_brake_deny(brake, user, now_secs);
	}
	return denied;
}

static void a_crowd_below_the_share_is_not_braked(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	/* the first few, all of them denied, may be more than the share */
	verify(brake, 0, 2000, true, START);
	assert_int_equal(crowd(brake, 10000, 150000, 18, START), 27000);
	assert_false(pwned_brake_is_engaged(brake, START + 3000));
	pwned_brake_free(&brake);
}

static void a_crowd_above_the_share_is_braked(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);
	unsigned int denied;

	(void)state;
	verify(brake, 0, 2000, true, START);
	denied = crowd(brake, 10000, 150000, 30, START);
	/* the share counts before the crowd is there as well: of the first
	   who came, up to a fifth */
	assert_true(denied >= 400 && denied <= 30000);
	assert_true(pwned_brake_is_engaged(brake, START + 3000));
	assert_int_equal(deny(brake, 10000 + 149999, 1, START + 3000), 0);
	pwned_brake_free(&brake);
}

static void memory_does_not_grow_with_the_crowd(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);
	size_t before, after;

	(void)state;
	/* the table has its full size by then */
	(void)crowd(brake, 0, 100000, 10, START);
	before = memory_in_use();
	(void)crowd(brake, 0, 200000, 10, START);
	after = memory_in_use();
	assert_true(after <= before + 4096);
	assert_true(after < 3 * 1024 * 1024);
	pwned_brake_free(&brake);
}

static void a_clock_that_goes_back_stands_still(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	(void)crowd(brake, 0, 100000, 10, START);
	(void)crowd(brake, 100000, 100000, 10, START - 1000);
	assert_false(pwned_brake_is_engaged(brake, 0));
	pwned_brake_free(&brake);
}

/* After a crowd the few are counted one by one again. */
static void a_quiet_hour_ends_the_sampling(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	(void)crowd(brake, 0, 200000, 10, START);
	verify(brake, 300000, 500, true, START + 4 * HOUR);
	verify(brake, 300000, 100, true, START + 6 * HOUR);
	assert_int_equal(deny(brake, 300000, 20, START + 6 * HOUR), 20);
	assert_false(pwned_brake_is_engaged(brake, START + 6 * HOUR));
	assert_int_equal(deny(brake, 300020, 80, START + 6 * HOUR), 1);
	assert_true(pwned_brake_is_engaged(brake, START + 6 * HOUR));
	pwned_brake_free(&brake);
}

/* Who was denied long before a crowd is remembered as well; the memory is
   bounded, so a few of many may be forgotten. */
static void thousands_of_the_denied_are_remembered(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);
	uint64_t later = START + 3 * HOUR;

	(void)state;
	verify(brake, 0, 45000, true, START);
	assert_int_equal(deny(brake, 0, 8000, START), 8000);
	verify(brake, 50000, 200, true, later);
	assert_int_equal(deny(brake, 50000, 200, later), 41);
	assert_true(pwned_brake_is_engaged(brake, later));
	assert_true(deny(brake, 0, 8000, later) >= 7900);
	pwned_brake_free(&brake);
}

/* The clock of another process: it has just started. */
#define OTHER 100
/* The time of the day, on a minute. */
#define TODAY (UINT64_C(28000000) * MINUTE)

/* A brake as the next process has it: `away_secs` later, by a clock of its
   own. */
static struct pwned_brake *brake_restored(struct pwned_brake *brake,
					  uint64_t now_secs, uint64_t away_secs)
{
	struct pwned_brake_snapshot snapshot;

	pwned_brake_save(brake, now_secs, TODAY, &snapshot);
	brake = pwned_brake_new(SHARE, SEED + 1);
	assert_non_null(brake);
	pwned_brake_restore(brake, &snapshot, OTHER, TODAY + away_secs);
	return brake;
}

/* The first user of a snapshot who was verified so many minutes ago. */
static const struct pwned_brake_user *saved_at(
	const struct pwned_brake_snapshot *snapshot, unsigned int age)
{
	for (unsigned int i = 0; i < snapshot->users_length; i++) {
		if (snapshot->users[i].ages[PWNED_BRAKE_VERIFIED] == age)
			return &snapshot->users[i];
	}
	fail();
	return NULL;
}

static void a_snapshot_holds_users_and_minutes(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);
	const struct pwned_brake_user *user;
	struct pwned_brake_snapshot snapshot;
	uint64_t later = START + 58 * MINUTE;

	(void)state;
	verify(brake, 2, 1, true, START - 2 * MINUTE);
	verify(brake, 0, 1, false, START);
	verify(brake, 1, 1, true, START + 10 * MINUTE);
	assert_int_equal(deny(brake, 1, 1, START + 20 * MINUTE), 1);
	verify(brake, 1, 1, false, later);
	pwned_brake_save(brake, later + MINUTE, TODAY + 59, &snapshot);
	assert_int_equal(snapshot.saved_minute, TODAY / MINUTE);
	assert_false(snapshot.engaged);
	assert_int_equal(snapshot.engaged_minute, 0);
	assert_true(snapshot.seed == SEED);
	assert_int_equal(snapshot.sample_bits, 0);
	/* without him who came more than an hour ago */
	assert_int_equal(snapshot.users_length, 2);
	user = saved_at(&snapshot, 59);
	assert_int_equal(user->ages[PWNED_BRAKE_MAY_DENY], 60);
	assert_int_equal(user->ages[PWNED_BRAKE_NEWLY_DENIED], 60);
	assert_false(user->denied);
	user = saved_at(&snapshot, 1);
	assert_int_equal(user->ages[PWNED_BRAKE_MAY_DENY], 49);
	assert_int_equal(user->ages[PWNED_BRAKE_NEWLY_DENIED], 39);
	assert_true(user->denied);
	pwned_brake_free(&brake);
}

static void restored_users_count_and_age(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE), *next;

	(void)state;
	/* 60, half an hour later 50 of whom 20 are denied, and 15 minutes
	   without a process */
	verify(brake, 0, 60, true, START);
	verify(brake, 60, 50, true, START + 30 * MINUTE);
	assert_int_equal(deny(brake, 60, 20, START + 30 * MINUTE), 20);
	next = brake_restored(brake, START + 30 * MINUTE, 15 * MINUTE);
	/* of 115, 20 and 4 are too many; 20 and 3 were not */
	verify(next, 200, 5, true, OTHER);
	assert_int_equal(deny(next, 200, 3, OTHER), 3);
	assert_false(pwned_brake_is_engaged(next, OTHER));
	assert_int_equal(deny(next, 203, 2, OTHER), 1);
	assert_true(pwned_brake_is_engaged(next, OTHER));
	/* the 60 are an hour old in the minute after the next 14, the 50 and
	   their 20 half an hour later */
	verify(next, 300, 60, true, OTHER + 14 * MINUTE);
	assert_false(pwned_brake_is_engaged(next, OTHER + 14 * MINUTE));
	assert_true(pwned_brake_is_engaged(next, OTHER + 15 * MINUTE));
	assert_true(pwned_brake_is_engaged(next, OTHER + 44 * MINUTE));
	verify(next, 400, 100, true, OTHER + 45 * MINUTE);
	assert_false(pwned_brake_is_engaged(next, OTHER + 45 * MINUTE));
	pwned_brake_free(&next);
	pwned_brake_free(&brake);
}

static void a_restored_user_who_comes_again_is_one(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE), *next;
	struct pwned_brake_snapshot snapshot;

	(void)state;
	verify(brake, 0, 99, true, START);
	assert_int_equal(deny(brake, 0, 30, START), 30);
	next = brake_restored(brake, START, 10 * MINUTE);
	verify(next, 0, 99, true, OTHER);
	/* denied before, not newly */
	assert_int_equal(deny(next, 0, 30, OTHER), 30);
	assert_false(pwned_brake_is_engaged(next, OTHER));
	pwned_brake_save(next, OTHER, TODAY, &snapshot);
	assert_int_equal(snapshot.users_length, 99);
	for (unsigned int i = 0; i < 99; i++) {
		const struct pwned_brake_user *user = &snapshot.users[i];

		assert_int_equal(user->ages[PWNED_BRAKE_VERIFIED], 0);
		assert_int_equal(user->ages[PWNED_BRAKE_NEWLY_DENIED],
				 user->denied ? 10 : 60);
	}
	/* the hundredth shows that there are too many */
	verify(next, 99, 1, true, OTHER);
	assert_true(pwned_brake_is_engaged(next, OTHER));
	pwned_brake_free(&next);
	pwned_brake_free(&brake);
}

/* Who was denied stays so, and who was held back does not become it. */
static void who_was_denied_stays_denied_in_the_next_life(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE), *next;

	(void)state;
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 100, START), 21);
	next = brake_restored(brake, START, 30 * MINUTE);
	verify(next, 0, 100, true, OTHER);
	assert_int_equal(deny(next, 0, 21, OTHER), 21);
	assert_int_equal(deny(next, 21, 79, OTHER), 0);
	pwned_brake_free(&next);
	pwned_brake_free(&brake);
}

/* Each life is ended for idleness, a minute after the last login. */
static struct pwned_brake *next_life(struct pwned_brake *brake)
{
	struct pwned_brake *next = brake_restored(brake, OTHER, MINUTE);

	pwned_brake_free(&brake);
	return next;
}

/* A thief must not reach the brake by trying the few passwords that he has
   again and again. */
static void a_thief_of_two_accounts_never_engages_it(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	for (unsigned int life = 0; life < 150; life++) {
		/* one honest user comes, whoever he is */
		verify(brake, 1000 + life, 1, true, OTHER);
		verify(brake, 0, 2, true, OTHER);
		assert_int_equal(deny(brake, 0, 2, OTHER), 2);
		assert_false(pwned_brake_is_engaged(brake, OTHER));
		brake = next_life(brake);
	}
	pwned_brake_free(&brake);
}

/* Though no life has enough users by itself. */
static void a_source_that_lies_engages_it_over_lives(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE);
	unsigned int denied = 0;

	(void)state;
	for (unsigned int life = 0; life < 50; life++) {
		verify(brake, 10 * life, 10, true, OTHER);
		denied += deny(brake, 10 * life, 10, OTHER);
		brake = next_life(brake);
	}
	/* the tenth life makes them a hundred */
	assert_int_equal(denied, 90);
	assert_true(pwned_brake_is_engaged(brake, OTHER));
	pwned_brake_free(&brake);
}

/* The disk was slow: the users that were counted meanwhile may be the same. */
static void a_late_restore_tells_only_whether_it_holds(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE), *next = brake_new(SHARE);
	struct pwned_brake_snapshot snapshot;

	(void)state;
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 50, START), 21);
	pwned_brake_save(brake, START, TODAY, &snapshot);
	verify(next, 0, 1, true, OTHER);
	pwned_brake_restore(next, &snapshot, OTHER, TODAY);
	assert_true(pwned_brake_is_engaged(next, OTHER + 59 * MINUTE));
	assert_false(pwned_brake_is_engaged(next, OTHER + HOUR));
	pwned_brake_free(&next);
	pwned_brake_free(&brake);
}

static void an_engaged_brake_stays_so_for_an_hour(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE), *next, *third;
	uint64_t away = 10 * MINUTE, left = 50 * MINUTE;

	(void)state;
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 100, START), 21);
	next = brake_restored(brake, START, away);
	/* whatever the counts say */
	verify(next, 1000, 5000, true, OTHER);
	assert_true(pwned_brake_is_engaged(next, OTHER));
	assert_int_equal(deny(next, 1000, 100, OTHER), 0);
	assert_true(pwned_brake_is_engaged(next, OTHER + left - MINUTE));
	/* a third process does not start the hour again */
	third = brake_restored(next, OTHER + left - MINUTE, 0);
	assert_true(pwned_brake_is_engaged(third, OTHER));
	assert_false(pwned_brake_is_engaged(third, OTHER + MINUTE));
	assert_false(pwned_brake_is_engaged(next, OTHER + left));
	pwned_brake_free(&third);
	pwned_brake_free(&next);
	pwned_brake_free(&brake);
}

static void a_brake_that_let_go_is_not_held(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE), *next;
	struct pwned_brake_snapshot snapshot;

	(void)state;
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 21, START), 21);
	assert_true(pwned_brake_is_engaged(brake, START));
	verify(brake, 100, 100, true, START + MINUTE);
	next = brake_restored(brake, START + MINUTE, 0);
	assert_false(pwned_brake_is_engaged(next, OTHER));
	/* when it was engaged is still known */
	pwned_brake_save(next, OTHER, TODAY, &snapshot);
	assert_false(snapshot.engaged);
	assert_int_equal(snapshot.engaged_minute, TODAY / MINUTE - 1);
	pwned_brake_free(&next);
	pwned_brake_free(&brake);
}

static void an_old_or_future_snapshot_is_as_none(void **state)
{
	static const int64_t away_secs[] = { HOUR, 30 * HOUR, -MINUTE, -HOUR };
	struct pwned_brake *brake = brake_new(SHARE), *next;

	(void)state;
	verify(brake, 0, 100, true, START);
	assert_int_equal(deny(brake, 0, 100, START), 21);
	for (unsigned int i = 0; i < N_ELEMENTS(away_secs); i++) {
		next = brake_restored(brake, START, (uint64_t)away_secs[i]);
		assert_false(pwned_brake_is_engaged(next, OTHER));
		verify(next, 0, 99, true, OTHER);
		assert_int_equal(deny(next, 0, 99, OTHER), 99);
		pwned_brake_free(&next);
	}
	/* and one of nothing */
	next = brake_new(SHARE);
	pwned_brake_restore(next, &(struct pwned_brake_snapshot){ 0 }, OTHER,
			    TODAY);
	assert_false(pwned_brake_is_engaged(next, OTHER));
	pwned_brake_free(&next);
	pwned_brake_free(&brake);
}

/* A snapshot comes from a file: the largest numbers do no harm, nor does a user
   who is in it many times, or in no sample. */
static void any_snapshot_is_taken(void **state)
{
	static struct pwned_brake_snapshot snapshot;
	struct pwned_brake *brake = brake_new(SHARE);

	(void)state;
	memset(&snapshot, 0xff, sizeof(snapshot));
	snapshot.engaged = true;
	snapshot.saved_minute = TODAY / MINUTE;
	snapshot.sample_bits = PWNED_BRAKE_SAMPLE_BITS_MAX;
	snapshot.users_length = PWNED_BRAKE_SAVED_USERS;
	for (unsigned int i = 0; i < PWNED_BRAKE_SAVED_USERS; i++) {
		snapshot.users[i] = (struct pwned_brake_user){
			.hash = i % 2 == 0 ? UINT64_C(1) << 63 : UINT64_MAX,
			.ages = { i % 60, 60, 60 },
			.denied = true,
		};
	}
	pwned_brake_restore(brake, &snapshot, OTHER, TODAY);
	assert_false(pwned_brake_is_engaged(brake, OTHER));
	/* in the year 1970 */
	pwned_brake_save(brake, OTHER, 30, &snapshot);
	assert_int_equal(snapshot.engaged_minute, 0);
	assert_int_equal(snapshot.users_length, 1);
	/* so few end the sampling */
	verify(brake, 0, 200, true, OTHER);
	verify(brake, 0, 200, true, OTHER + MINUTE);
	pwned_brake_save(brake, OTHER + MINUTE, TODAY, &snapshot);
	assert_int_equal(snapshot.sample_bits, 0);
	assert_in_range(snapshot.users_length, 200, 201);
	pwned_brake_free(&brake);
}

/* How many users the hashes in a snapshot stand for. */
static uint64_t users_of(const struct pwned_brake_snapshot *snapshot)
{
	return (uint64_t)snapshot->users_length << snapshot->sample_bits;
}

/* A sample is saved, which stands for all of them. */
static void a_crowd_is_saved_as_a_sample(void **state)
{
	struct pwned_brake *brake = brake_new(SHARE), *next;
	struct pwned_brake_snapshot snapshot;

	(void)state;
	verify(brake, 0, 1024, true, START);
	pwned_brake_save(brake, START, TODAY, &snapshot);
	assert_int_equal(snapshot.users_length, 1024);
	assert_int_equal(snapshot.sample_bits, 0);
	verify(brake, 1024, 1, true, START);
	pwned_brake_save(brake, START, TODAY, &snapshot);
	assert_int_equal(snapshot.sample_bits, 1);
	assert_in_range(users_of(&snapshot), 900, 1150);

	verify(brake, 0, 2000, true, START);
	assert_int_equal(crowd(brake, 10000, 150000, 18, START), 27000);
	pwned_brake_save(brake, START + 3000, TODAY, &snapshot);
	assert_in_range(snapshot.users_length, 400, 1024);
	assert_in_range(users_of(&snapshot), 130000, 170000);
	/* a few who come now are not a share of them */
	next = brake_restored(brake, START + 3000, 0);
	verify(next, 0, 200, true, OTHER);
	assert_int_equal(deny(next, 0, 200, OTHER), 200);
	assert_false(pwned_brake_is_engaged(next, OTHER));
	/* and more than the share are */
	(void)crowd(next, 200000, 100000, 50, OTHER);
	assert_true(pwned_brake_is_engaged(next, OTHER + 3000));
	pwned_brake_free(&next);
	pwned_brake_free(&brake);
}

static void freeing_nothing_is_allowed(void **state)
{
	struct pwned_brake *brake = NULL;

	(void)state;
	pwned_brake_free(&brake);
	assert_null(brake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fewer_than_a_hundred_users_tell_nothing),
		cmocka_unit_test(different_users_count_not_their_logins),
		cmocka_unit_test(the_share_itself_is_not_too_much),
		cmocka_unit_test(a_share_of_hundred_never_engages),
		cmocka_unit_test(who_is_denied_stays_denied),
		cmocka_unit_test(a_denial_counts_once),
		cmocka_unit_test(the_hour_slides),
		cmocka_unit_test(absent_users_do_not_count),
		cmocka_unit_test(who_is_held_back_keeps_it_engaged),
		cmocka_unit_test(it_lets_go_when_the_share_has_fallen),
		cmocka_unit_test(most_of_the_senders_are_too_many),
		cmocka_unit_test(it_works_from_the_first_second_of_a_clock),
		cmocka_unit_test(a_crowd_below_the_share_is_not_braked),
		cmocka_unit_test(a_crowd_above_the_share_is_braked),
		cmocka_unit_test(memory_does_not_grow_with_the_crowd),
		cmocka_unit_test(a_clock_that_goes_back_stands_still),
		cmocka_unit_test(a_quiet_hour_ends_the_sampling),
		cmocka_unit_test(thousands_of_the_denied_are_remembered),
		cmocka_unit_test(a_snapshot_holds_users_and_minutes),
		cmocka_unit_test(restored_users_count_and_age),
		cmocka_unit_test(a_restored_user_who_comes_again_is_one),
		cmocka_unit_test(who_was_denied_stays_denied_in_the_next_life),
		cmocka_unit_test(a_thief_of_two_accounts_never_engages_it),
		cmocka_unit_test(a_source_that_lies_engages_it_over_lives),
		cmocka_unit_test(a_late_restore_tells_only_whether_it_holds),
		cmocka_unit_test(an_engaged_brake_stays_so_for_an_hour),
		cmocka_unit_test(a_brake_that_let_go_is_not_held),
		cmocka_unit_test(an_old_or_future_snapshot_is_as_none),
		cmocka_unit_test(any_snapshot_is_taken),
		cmocka_unit_test(a_crowd_is_saved_as_a_sample),
		cmocka_unit_test(freeing_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
