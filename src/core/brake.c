/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The brake: how many of the verified users are newly denied. */

#include "brake.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* The hour is counted in minutes; 0 stands for never. */
#define WINDOW_MINUTES PWNED_BRAKE_MINUTES
#define MOST_PERCENT   50
#define USERS_BITS_MIN 10
#define USERS_BITS_MAX 16
#define DENIED_SETS    8192
#define DENIED_WAYS    4

/* When something happened to a user last, and how many users it happened to
   within the hour. */
struct window {
	uint32_t counts[WINDOW_MINUTES];
	uint64_t total;
	uint32_t newest_minute;
};

struct user {
	uint64_t hash; /* 0: free */
	uint32_t minutes[PWNED_BRAKE_OCCASIONS];
};

struct pwned_brake {
	unsigned int share_percent;
	uint64_t seed;

	/* open addressing; of the users only those whose hash ends in
	   sample_bits zeros */
	struct user *users;
	unsigned int users_bits; /* of the table's size */
	uint32_t users_length;
	unsigned int sample_bits;
	struct window windows[PWNED_BRAKE_OCCASIONS];

	uint32_t engaged_minute; /* when the counts last engaged it */
	uint32_t held_minute;    /* engaged before this, whatever they say */

	/* hashes of the denied, the latest first in their set */
	uint64_t denied[DENIED_SETS][DENIED_WAYS];
};

static void window_add(struct window *window, uint32_t minute)
{
	window->counts[minute % WINDOW_MINUTES]++;
	window->total++;
}

static bool window_holds(const struct window *window, uint32_t minute)
{
	return minute != 0 && minute + WINDOW_MINUTES > window->newest_minute;
}

static void window_remove(struct window *window, uint32_t minute)
{
	if (window_holds(window, minute)) {
		window->counts[minute % WINDOW_MINUTES]--;
		window->total--;
	}
}

/* Forgets the minutes that fall out of the hour. */
static void window_advance(struct window *window, uint32_t minute)
{
	uint32_t steps = minute - window->newest_minute;

	if (steps > WINDOW_MINUTES)
		steps = WINDOW_MINUTES;
	for (uint32_t i = 0; i < steps; i++) {
		uint32_t *count =
			&window->counts[(minute - i) % WINDOW_MINUTES];

		window->total -= *count;
		*count = 0;
	}
	window->newest_minute = minute;
}

static uint32_t users_size(const struct pwned_brake *brake)
{
	return UINT32_C(1) << brake->users_bits;
}

struct pwned_brake *pwned_brake_new(unsigned int share_percent, uint64_t seed)
{
	struct pwned_brake *brake = calloc(1, sizeof(*brake));

	if (brake == NULL)
		return NULL;
	brake->users_bits = USERS_BITS_MIN;
	brake->users = calloc(users_size(brake), sizeof(*brake->users));
	if (brake->users == NULL) {
		free(brake);
		return NULL;
	}
	brake->share_percent = share_percent;
	brake->seed = seed;
	return brake;
}

void pwned_brake_free(struct pwned_brake **_brake)
{
	struct pwned_brake *brake = *_brake;

	*_brake = NULL;
	if (brake == NULL)
		return;
	free(brake->users);
	free(brake);
}

static uint64_t user_hash(const struct pwned_brake *brake, const char *user)
{
	uint64_t hash = XXH3_64bits_withSeed(user, strlen(user), brake->seed);

	return hash == 0 ? 1 : hash;
}

/* Moves all windows on and returns the minute: so far from 0 that the hour
   before the clock began has its minutes, too. */
static uint32_t brake_advance(struct pwned_brake *brake, uint64_t now_secs)
{
	uint32_t minute = (uint32_t)(now_secs / 60) + 1 + WINDOW_MINUTES;
	uint32_t newest = brake->windows[PWNED_BRAKE_VERIFIED].newest_minute;

	/* a clock that goes back all the same stands still here */
	if (minute < newest)
		minute = newest;
	for (unsigned int i = 0; i < PWNED_BRAKE_OCCASIONS; i++)
		window_advance(&brake->windows[i], minute);
	return minute;
}

static bool ends_in_zeros(uint64_t hash, uint64_t bits)
{
	return (hash & ((UINT64_C(1) << bits) - 1)) == 0;
}

static bool is_sampled(const struct pwned_brake *brake, uint64_t hash)
{
	return ends_in_zeros(hash, brake->sample_bits);
}

/* The user's place, or the free one where he belongs. The table is never
   full. */
static struct user *user_find(const struct pwned_brake *brake, uint64_t hash)
{
	struct user *users = brake->users;
	uint32_t i = (uint32_t)(hash >> (64 - brake->users_bits));

	while (users[i].hash != 0 && users[i].hash != hash)
		i = (i + 1) & (users_size(brake) - 1);
	return &users[i];
}

static bool user_is_current(const struct pwned_brake *brake,
			    const struct user *user)
{
	return user->hash != 0 && is_sampled(brake, user->hash) &&
	       window_holds(&brake->windows[PWNED_BRAKE_VERIFIED],
			    user->minutes[PWNED_BRAKE_VERIFIED]);
}

/* Forgets a user who does not count any more. */
static void user_forget(struct pwned_brake *brake, const struct user *user)
{
	for (unsigned int o = 0; o < PWNED_BRAKE_OCCASIONS; o++)
		window_remove(&brake->windows[o], user->minutes[o]);
}

/* Moves the users that still count into a new table. */
static bool users_rebuild(struct pwned_brake *brake, unsigned int bits)
{
	struct user *old = brake->users;
	uint32_t old_size = users_size(brake);
	struct user *users = calloc((size_t)1 << bits, sizeof(*users));

	if (users == NULL)
		return false;
	brake->users = users;
	brake->users_bits = bits;
	brake->users_length = 0;
	for (uint32_t i = 0; i < old_size; i++) {
		if (old[i].hash == 0)
			continue;
		if (user_is_current(brake, &old[i])) {
			*user_find(brake, old[i].hash) = old[i];
			brake->users_length++;
		} else {
			user_forget(brake, &old[i]);
		}
	}
	free(old);
	return true;
}

/* An hour with few users ends the sampling. */
static void sample_more(struct pwned_brake *brake)
{
	const struct window *verified = &brake->windows[PWNED_BRAKE_VERIFIED];

	if (verified->total < users_size(brake) / 8 && brake->sample_bits > 0)
		brake->sample_bits--;
}

/* Makes room: those of the last hour stay, in a larger table, and where it may
   not grow any more, every second one. */
static bool users_make_room(struct pwned_brake *brake)
{
	const struct window *verified = &brake->windows[PWNED_BRAKE_VERIFIED];
	bool emptied = false;

	while (brake->users_length >= users_size(brake) / 4 * 3) {
		unsigned int bits = brake->users_bits;

		if (verified->total < users_size(brake) / 2 && !emptied)
			emptied = true; /* of those who count no more */
		else if (bits < USERS_BITS_MAX)
			bits++;
		else
			brake->sample_bits++;
		if (!users_rebuild(brake, bits))
			return false;
	}
	return true;
}

/* Finds the user or adds him. Returns NULL when memory is short. */
static struct user *user_get(struct pwned_brake *brake, uint64_t hash)
{
	struct user *user;

	if (!users_make_room(brake))
		return NULL;
	user = user_find(brake, hash);
	if (user->hash == 0) {
		user->hash = hash;
		brake->users_length++;
	}
	return user;
}

static void user_happened(struct pwned_brake *brake, struct user *user,
			  enum pwned_brake_occasion occasion, uint32_t minute)
{
	window_remove(&brake->windows[occasion], user->minutes[occasion]);
	window_add(&brake->windows[occasion], minute);
	user->minutes[occasion] = minute;
}

void pwned_brake_verified(struct pwned_brake *brake, const char *name,
			  bool may_deny, uint64_t now_secs)
{
	uint32_t minute = brake_advance(brake, now_secs);
	uint64_t hash = user_hash(brake, name);
	struct user *user;

	sample_more(brake);
	if (!is_sampled(brake, hash))
		return;
	user = user_get(brake, hash);
	if (user == NULL)
		return;
	user_happened(brake, user, PWNED_BRAKE_VERIFIED, minute);
	if (may_deny)
		user_happened(brake, user, PWNED_BRAKE_MAY_DENY, minute);
}

static bool denied_find(const struct pwned_brake *brake, uint64_t hash)
{
	const uint64_t *set = brake->denied[hash % DENIED_SETS];

	for (unsigned int i = 0; i < DENIED_WAYS; i++) {
		if (set[i] == hash)
			return true;
	}
	return false;
}

static void denied_add(struct pwned_brake *brake, uint64_t hash)
{
	uint64_t *set = brake->denied[hash % DENIED_SETS];

	memmove(set + 1, set, (DENIED_WAYS - 1) * sizeof(*set));
	set[0] = hash;
}

/* How many it happened to within the hour, as far as the sample tells. */
static uint64_t users_within_hour(const struct pwned_brake *brake,
				  enum pwned_brake_occasion occasion)
{
	return brake->windows[occasion].total << brake->sample_bits;
}

static bool share_is_exceeded(const struct pwned_brake *brake,
			      enum pwned_brake_occasion verified,
			      unsigned int percent)
{
	uint64_t users = users_within_hour(brake, verified);
	uint64_t denied = users_within_hour(brake, PWNED_BRAKE_NEWLY_DENIED);

	return users >= PWNED_BRAKE_MIN_USERS && denied * 100 > users * percent;
}

/* Where many read and few send, a source that lies refuses all senders before
   they are a share of all users worth the name. So most of those who could be
   denied are too many as well; fewer than most a thief can be, among the few
   honest ones who send at the same time. */
static bool counts_engage(const struct pwned_brake *brake)
{
	unsigned int share = brake->share_percent;

	return share_is_exceeded(brake, PWNED_BRAKE_VERIFIED, share) ||
	       share_is_exceeded(brake, PWNED_BRAKE_MAY_DENY,
				 share > MOST_PERCENT ? share : MOST_PERCENT);
}

static bool is_engaged(struct pwned_brake *brake, uint32_t minute)
{
	if (!counts_engage(brake))
		return minute < brake->held_minute;
	brake->engaged_minute = minute;
	return true;
}

bool pwned_brake_deny(struct pwned_brake *brake, const char *name,
		      uint64_t now_secs)
{
	uint32_t minute = brake_advance(brake, now_secs);
	uint64_t hash = user_hash(brake, name);
	struct user *user = user_find(brake, hash);
	bool engaged;

	if (denied_find(brake, hash))
		return true;
	engaged = is_engaged(brake, minute);
	/* One that is held back counts as long as he comes: the brake must
	   not let go while its cause lasts. */
	if (user->hash != 0)
		user_happened(brake, user, PWNED_BRAKE_NEWLY_DENIED, minute);
	if (!engaged)
		denied_add(brake, hash);
	return !engaged;
}

bool pwned_brake_is_engaged(struct pwned_brake *brake, uint64_t now_secs)
{
	return is_engaged(brake, brake_advance(brake, now_secs));
}

void pwned_brake_release(struct pwned_brake *brake, uint64_t now_secs)
{
	uint32_t minute = brake_advance(brake, now_secs);

	memset(brake->users, 0, users_size(brake) * sizeof(*brake->users));
	brake->users_length = 0;
	brake->sample_bits = 0;
	memset(brake->windows, 0, sizeof(brake->windows));
	for (unsigned int i = 0; i < PWNED_BRAKE_OCCASIONS; i++)
		brake->windows[i].newest_minute = minute;
	brake->engaged_minute = 0;
	brake->held_minute = 0;
}

/* So many zeros must a hash end in that no more users do than are saved. */
static unsigned int saved_sample_bits(const struct pwned_brake *brake)
{
	uint32_t ending[64] = { 0 }, left = 0;
	unsigned int bits = brake->sample_bits;

	for (uint32_t i = 0; i < users_size(brake); i++) {
		if (user_is_current(brake, &brake->users[i])) {
			ending[__builtin_ctzll(brake->users[i].hash)]++;
			left++;
		}
	}
	while (left > PWNED_BRAKE_SAVED_USERS)
		left -= ending[bits++];
	return bits;
}

static void user_save(const struct pwned_brake *brake, const struct user *user,
		      uint32_t minute, struct pwned_brake_user *saved_r)
{
	saved_r->hash = user->hash;
	saved_r->denied = denied_find(brake, user->hash);
	for (unsigned int o = 0; o < PWNED_BRAKE_OCCASIONS; o++) {
		uint32_t happened = user->minutes[o];

		saved_r->ages[o] = window_holds(&brake->windows[o], happened) ?
					   (uint8_t)(minute - happened) :
					   PWNED_BRAKE_MINUTES;
	}
}

static void users_save(const struct pwned_brake *brake, uint32_t minute,
		       struct pwned_brake_snapshot *snapshot)
{
	unsigned int bits = saved_sample_bits(brake);

	snapshot->seed = brake->seed;
	snapshot->sample_bits = bits;
	for (uint32_t i = 0; i < users_size(brake); i++) {
		const struct user *user = &brake->users[i];

		if (user_is_current(brake, user) &&
		    ends_in_zeros(user->hash, bits))
			user_save(brake, user, minute,
				  &snapshot->users[snapshot->users_length++]);
	}
}

void pwned_brake_save(struct pwned_brake *brake, uint64_t now_secs,
		      uint64_t unix_secs,
		      struct pwned_brake_snapshot *snapshot_r)
{
	uint32_t minute = brake_advance(brake, now_secs);
	uint64_t unix_minute = unix_secs / 60;

	memset(snapshot_r, 0, sizeof(*snapshot_r));
	snapshot_r->saved_minute = unix_minute;
	snapshot_r->engaged = is_engaged(brake, minute);
	if (brake->engaged_minute != 0 &&
	    minute - brake->engaged_minute < unix_minute)
		snapshot_r->engaged_minute =
			unix_minute - (minute - brake->engaged_minute);
	users_save(brake, minute, snapshot_r);
}

/* Who was denied stays so, though he may not have come for an hour by now. */
static void user_restore(struct pwned_brake *brake,
			 const struct pwned_brake_user *saved, uint32_t minute,
			 uint32_t away)
{
	struct user *user;

	if (saved->denied && !denied_find(brake, saved->hash))
		denied_add(brake, saved->hash);
	if (away + saved->ages[PWNED_BRAKE_VERIFIED] >= WINDOW_MINUTES)
		return;
	user = user_get(brake, saved->hash);
	if (user == NULL)
		return;
	for (unsigned int o = 0; o < PWNED_BRAKE_OCCASIONS; o++) {
		uint32_t age = away + saved->ages[o];

		if (age < WINDOW_MINUTES)
			user_happened(brake, user, o, minute - age);
	}
}

static void users_restore(struct pwned_brake *brake,
			  const struct pwned_brake_snapshot *snapshot,
			  uint32_t minute, uint32_t away)
{
	brake->seed = snapshot->seed;
	for (unsigned int i = 0; i < snapshot->users_length; i++) {
		const struct pwned_brake_user *saved = &snapshot->users[i];

		if (ends_in_zeros(saved->hash, snapshot->sample_bits))
			user_restore(brake, saved, minute, away);
	}
	brake->sample_bits = (unsigned int)snapshot->sample_bits;
}

void pwned_brake_restore(struct pwned_brake *brake,
			 const struct pwned_brake_snapshot *snapshot,
			 uint64_t now_secs, uint64_t unix_secs)
{
	uint32_t minute = brake_advance(brake, now_secs);
	uint64_t unix_minute = unix_secs / 60;
	uint64_t away = unix_minute - snapshot->saved_minute;
	uint64_t since = unix_minute - snapshot->engaged_minute;

	/* one from the future was away for longer than anybody lives */
	if (away >= WINDOW_MINUTES)
		return;
	if (brake->users_length == 0)
		users_restore(brake, snapshot, minute, (uint32_t)away);
	if (since < WINDOW_MINUTES) {
		brake->engaged_minute = minute - (uint32_t)since;
		if (snapshot->engaged)
			brake->held_minute =
				brake->engaged_minute + WINDOW_MINUTES;
	}
}
