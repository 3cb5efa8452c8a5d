/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_STORE_H
#define PWNED_STORE_H

#include "counters.h"
#include "digest.h"
#include "error.h"
#include "loop.h"
#include "range.h"
#include "report.h"
#include "pwned-settings.h"

/* The store of ranges, as the loop sees it: nothing here waits for a disk or
   for another process. Pages read last stand in memory; what is in the kernel's
   page cache is read at once; what is not is read by a thread, and all writing
   is done by another. What cannot be read, or does not prove itself, is a
   miss. */
struct pwned_store;
struct pwned_store_read;

enum pwned_store_access {
	PWNED_STORE_OWNER,   /* auth */
	PWNED_STORE_VISITOR, /* other programs: without write access */
};

/* The settings must outlive the store, and so must counters and reporter. Where
   the file cannot be used the reporter is told, once, and the store is one in
   memory; that is no failure. Returns NULL when memory is short. */
struct pwned_store *pwned_store_new(const struct pwned_settings *set,
				    enum pwned_store_access access,
				    struct pwned_loop *loop,
				    const struct pwned_reporter *reporter,
				    struct pwned_counters *counters);
/* Writes what is queued, for a second at most. Reads that are under way do not
   call back any more. */
void pwned_store_free(struct pwned_store **store);

enum pwned_store_result {
	PWNED_STORE_FOUND,
	PWNED_STORE_MISS,
	PWNED_STORE_ON_DISK, /* perhaps: pwned_store_read() will tell */
};

struct pwned_store_answer {
	uint64_t count; /* 0: the password is in no known breach */
	uint32_t day;   /* when the range was fetched */
	bool from_cache;
	const unsigned char *block; /* that answered; until the next call */
};

/* Looks a digest up in what is at hand. */
enum pwned_store_result pwned_store_find(struct pwned_store *store,
					 const struct pwned_digest *digest,
					 struct pwned_store_answer *answer_r);

/* answer NULL: a miss. */
typedef void pwned_store_callback(void *context,
				  const struct pwned_store_answer *answer);
/* Looks a digest up on the disk. Calls back from the loop, unless cancelled:
   when the disk has answered, or with a miss when it has not come back from one
   read for 300 ms. Returns NULL, and does not call back, where that is so
   already or too many wait: a miss. A callback may begin reads and cancel
   others, but not free the store. */
struct pwned_store_read *pwned_store_read(struct pwned_store *store,
					  const struct pwned_digest *digest,
					  pwned_store_callback *callback,
					  void *context);
/* The digest is wiped: at once, unless a thread is at the disk for it. */
void pwned_store_cancel(struct pwned_store_read **read);

/* Takes a range that was fetched, by a reference of its own. It is written
   later, or dropped and counted. */
void pwned_store_add(struct pwned_store *store, struct pwned_range *range);
/* Keeps in memory the block of a range that answered for a key, so that the
   same password need not come from the disk, or does not fit it. */
void pwned_store_remember(struct pwned_store *store,
			  const struct pwned_range *range, uint64_t key);
/* The source says that what has this tag is as it was: it gets a new day, if
   all its blocks carry the tag, else it is forgotten. */
void pwned_store_renew(struct pwned_store *store,
		       const struct pwned_range_label *label);

struct pwned_store_queue {
	unsigned int length;     /* ranges that wait to be written */
	unsigned int length_max; /* since the start */
};
void pwned_store_get_queue(const struct pwned_store *store,
			   struct pwned_store_queue *queue_r);
/* "disk", "memory", "read-only" or "closed": for the state file. */
const char *pwned_store_mode(const struct pwned_store *store);
/* Whether a thread has something to do, or hangs at a disk: a process is not
   gone before such a thread is. */
bool pwned_store_is_busy(const struct pwned_store *store);

#endif
