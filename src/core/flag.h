/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_H
#define PWNED_FLAG_H

#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is on record of one account, and how logins change it. Nothing in it was
   derived from a password but the band of its count; no client address. Pure.
   Times are unix time in seconds; 0: never. */

#define PWNED_FLAG_SERVICE_MAX 32
/* Users with longer names are not recorded. */
#define PWNED_FLAG_USER_MAX 2048
#define PWNED_FLAG_TEXT_MAX 200
/* A record that says nothing new is written so often at most; one that was
   raised again after a clearing, whose last breached login decides when it is
   cleared, each hour, and in each part of what clears it. */
#define PWNED_FLAG_RENEW_SECS     86400
#define PWNED_FLAG_CONTESTED_SECS 3600
#define PWNED_FLAG_CONTESTED_PART 24
/* News are written within so long, but where the file fails. */
#define PWNED_FLAG_DELAY_SECS 60

enum pwned_flag_state {
	PWNED_FLAG_NONE, /* nothing on record, or only what an operator said */
	PWNED_FLAG_FLAGGED,
	PWNED_FLAG_CLEARED, /* its dates are kept for a while */
};

struct pwned_flag {
	enum pwned_flag_state state;
	uint64_t since_secs;    /* the first breached login */
	uint64_t breached_secs; /* the last that was written down */
	uint64_t cleared_secs;
	/* a breached login followed a clearing: the account has several
	   passwords, and a clean one alone clears no more */
	bool contested;
	/* the first decision outside a dry run: a grace period runs from it */
	uint64_t decided_secs;
	uint64_t stop_secs;    /* when sending stops, by the policy then */
	uint64_t refused_secs; /* the first refusal since it was flagged */
	enum pwned_band band;
	char service[PWNED_FLAG_SERVICE_MAX +
		     1]; /* of the last breached login */
	/* what an operator said */
	uint64_t suspended_secs;    /* since then; 0: not */
	uint64_t exempt_until_secs; /* 0: not */
	/* with what the MTA refuses the account's mail; "": it does not */
	char hold_text[PWNED_FLAG_TEXT_MAX + 1];
};

/* What a login says of its account. */
enum pwned_flag_saying {
	PWNED_SAYING_BREACHED,
	PWNED_SAYING_CLEAN,
	PWNED_SAYING_NOTHING, /* time has passed */
};

struct pwned_flag_news {
	const char *user;
	enum pwned_flag_saying saying;
	uint64_t now_secs;
	uint64_t
		applied_secs; /* when it is written; 0: as soon as it is said */
	bool dry_run;         /* nothing is decided */
	/* the policy holds nobody for this (any more): what an earlier one held
	   is released, unless an operator said so */
	bool frees;

	/* of BREACHED */
	const char *service;
	enum pwned_band band;
	bool stops; /* the policy stops sending, so long after decided_secs */
	uint64_t grace_secs;
	bool refused; /* this login */
	const char
		*hold_text; /* mail is refused from now on; NULL: as before */
};

struct pwned_flag_rules {
	uint64_t clear_after_secs; /* pwned_clear_after */
	uint64_t expire_secs;      /* pwned_flag_expire */
};

enum pwned_flag_change {
	PWNED_FLAG_SAME,     /* nothing to write */
	PWNED_FLAG_RENEWED,  /* to be written; nothing to tell */
	PWNED_FLAG_RAISED,   /* flagged for the first time */
	PWNED_FLAG_RETURNED, /* flagged again, with its old dates */
	PWNED_FLAG_LOWERED,  /* cleared */
};

/* What the news make of the record. hold_changed_r: hold_text has changed, so
   that the MTA has to learn of it. A record that has expired is treated as one
   of its age. */
enum pwned_flag_change pwned_flag_apply(struct pwned_flag *flag,
					const struct pwned_flag_news *news,
					const struct pwned_flag_rules *rules,
					bool *hold_changed_r);

/* What time alone makes of it: LOWERED where it was unseen for too long,
   RENEWED where something else has lapsed. Then, whether anything is left. */
enum pwned_flag_change pwned_flag_age(struct pwned_flag *flag,
				      uint64_t now_secs,
				      const struct pwned_flag_rules *rules,
				      bool *hold_changed_r);
bool pwned_flag_is_empty(const struct pwned_flag *flag);

/* What an operator says. */
void pwned_flag_clear(struct pwned_flag *flag, uint64_t now_secs);
void pwned_flag_suspend(struct pwned_flag *flag, uint64_t now_secs,
			const char *hold_text);
/* until_secs 0: no more. */
void pwned_flag_exempt(struct pwned_flag *flag, uint64_t until_secs,
		       uint64_t now_secs);

bool pwned_flag_is_exempt(const struct pwned_flag *flag, uint64_t now_secs);

/* How an account stands, in one word for people; the names are an interface. */
enum pwned_flag_status {
	PWNED_STATUS_NONE,
	PWNED_STATUS_CLEARED,
	PWNED_STATUS_FLAGGED, /* nothing is refused: warned, or a dry run */
	PWNED_STATUS_GRACE,   /* sending stops at stop_secs */
	PWNED_STATUS_STOPPED, /* sending is refused */
	PWNED_STATUS_SUSPENDED,
	PWNED_STATUS_EXEMPT,

	PWNED_STATUSES
};
enum pwned_flag_status pwned_flag_status_of(const struct pwned_flag *flag,
					    uint64_t now_secs);
const char *pwned_flag_status_name(enum pwned_flag_status status);

/* Whether records can have that name. */
bool pwned_user_is_recordable(const char *user);
/* The user's domain, as it is: what follows the last @, within user; "" where
   there is none. */
const char *pwned_user_domain(const char *user);

#endif
