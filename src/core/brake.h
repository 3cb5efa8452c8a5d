/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_BRAKE_H
#define PWNED_BRAKE_H

#include "brake-snapshot.h"

#include <stdbool.h>
#include <stdint.h>

/* The brake on denials. A source that lies, or a mistake of ours, hits nearly
   everybody; a thief with stolen passwords hits a few. So denials are counted
   as a share of the users who were verified within the last hour, and once it
   is too large nobody is newly denied until it has fallen. A number alone
   would not do: a thief could reach it, and send.

   Users are kept as hashes under a random seed, in bounded memory: where they
   are too many, a sample of them is counted, which leaves the share as it is.
   Of the denied the last 32,768 are remembered. */
struct pwned_brake;

/* Fewer verified users than this tell nothing about a share. */
#define PWNED_BRAKE_MIN_USERS 100

/* share_percent: more than this of all verified users engages the brake, and so
   does more than half (or share_percent, if that is more) of those verified
   where a denial is possible. Returns NULL when memory is short. */
struct pwned_brake *pwned_brake_new(unsigned int share_percent, uint64_t seed);
void pwned_brake_free(struct pwned_brake **brake);

/* A user's password was verified; may_deny: at a service that the policy
   refuses to those with a breached one. Call it before pwned_brake_deny().
   now_secs is any clock that does not go back. */
void pwned_brake_verified(struct pwned_brake *brake, const char *user,
			  bool may_deny, uint64_t now_secs);

/* The policy wants the user denied. Returns false where the brake holds: he is
   only to be warned. Who was denied before stays denied. */
bool pwned_brake_deny(struct pwned_brake *brake, const char *user,
		      uint64_t now_secs);

/* Whether new denials are held back. */
bool pwned_brake_is_engaged(struct pwned_brake *brake, uint64_t now_secs);

/* An operator says that it is right to refuse so many. Lets go, and counts anew
   from nothing, so that it cannot take hold before PWNED_BRAKE_MIN_USERS were
   verified again. Who was denied stays denied. */
void pwned_brake_release(struct pwned_brake *brake, uint64_t now_secs);

/* A brake outlives its process, whose clock does not: a snapshot is of
   unix_secs, the time of the day. */
void pwned_brake_save(struct pwned_brake *brake, uint64_t now_secs,
		      uint64_t unix_secs,
		      struct pwned_brake_snapshot *snapshot_r);
/* Once. A new brake goes on with the users of the snapshot, and with its seed.
   One that has counted users already cannot know who of them is the same, and
   takes over only whether it holds. A brake that was engaged stays so until an
   hour after its counts last engaged it, whatever they say meanwhile: of the
   users there may be a sample only. A snapshot from the future, or an hour old,
   is as none. */
void pwned_brake_restore(struct pwned_brake *brake,
			 const struct pwned_brake_snapshot *snapshot,
			 uint64_t now_secs, uint64_t unix_secs);

#endif
