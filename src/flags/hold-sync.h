/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_HOLD_SYNC_H
#define PWNED_HOLD_SYNC_H

#include "flag-db.h"
#include "hold-db.h"

/* hold.db says what flags.db says of the accounts that are held. The two are
   committed one after the other, so that a crash, or one that was lost, may
   leave them apart. Blocking. */

struct pwned_hold_rules {
	bool dry_run;             /* nobody stands in hold.db */
	const char *suspend_text; /* of the accounts that are suspended */
};

/* Brings them together: a row whose record says nothing of a hold goes, and one
   of a record that does comes back; in a dry run all go, and come back after
   it. A row without any record becomes one: suspended, if that is its text,
   else flagged since now, so that its user can get rid of it by logging in. */
enum pwned_db_result pwned_hold_sync(struct pwned_flag_db *flags,
				     struct pwned_hold_db *holds,
				     const struct pwned_hold_rules *rules,
				     uint64_t now_secs,
				     struct pwned_error *error_r);

#endif
