/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_FLAG_NEWS_H
#define PWNED_FLAG_NEWS_H

#include "flag.h"
#include "report.h"

#include <sys/queue.h>

/* What logins said and what is not written yet, by user and in order. Owned by
   one thread. */
struct pwned_news_user;
TAILQ_HEAD(pwned_news_users, pwned_news_user);

struct pwned_news {
	void *tree;                    /* of tsearch(3), by name */
	struct pwned_news_users users; /* the longest known first */
	unsigned int length;           /* of all that was said */
};

/* What came of one thing that was said, once it is written. */
struct pwned_news_outcome {
	TAILQ_ENTRY(pwned_news_outcome) entry;
	char *user;
	char service[PWNED_FLAG_SERVICE_MAX + 1];
	enum pwned_flag_change change;
	bool expired, held, released, dry_run;
};
TAILQ_HEAD(pwned_news_outcomes, pwned_news_outcome);

void pwned_news_init(struct pwned_news *news);
void pwned_news_deinit(struct pwned_news *news);

/* Whether so many leave room for that. What clears is said of many where
   records cannot be read, and again at each login: it takes half of all places
   at most.
 */
bool pwned_news_has_room(unsigned int length,
			 const struct pwned_flag_news *said);
/* Copies what was said. number: grows with each. What says the same as the last
   of its user takes its place. Returns false when memory is short. */
bool pwned_news_add(struct pwned_news *news, const struct pwned_flag_news *said,
		    uint64_t number);
/* NULL: nothing was said of him. */
struct pwned_news_user *pwned_news_find(struct pwned_news *news,
					const char *user);
const char *pwned_news_name(const struct pwned_news_user *user);
struct pwned_news_user *pwned_news_next(struct pwned_news_user *user);
/* Of the last that was said of him. */
uint64_t pwned_news_number(const struct pwned_news_user *user);
void pwned_news_remove(struct pwned_news *news, struct pwned_news_user *user);
/* Moves him with all that was said of him to where nothing was. Returns false
   when memory is short. */
bool pwned_news_move(struct pwned_news *from, struct pwned_news_user *user,
		     struct pwned_news *to);

/* He is written behind the others. */
void pwned_news_defer(struct pwned_news *news, struct pwned_news_user *user);

/* Makes of a record what was said of its user, now. hold_changed_r: at the end
   it says otherwise than before. outcomes: gets what there is to tell; NULL:
   nobody asks. Returns whether there is anything to write. */
bool pwned_news_apply(const struct pwned_news_user *user,
		      struct pwned_flag *flag, uint64_t now_secs,
		      const struct pwned_flag_rules *rules,
		      bool *hold_changed_r,
		      struct pwned_news_outcomes *outcomes);
void pwned_news_outcomes_report(const struct pwned_news_outcomes *outcomes,
				const struct pwned_reporter *reporter);
void pwned_news_outcomes_free(struct pwned_news_outcomes *outcomes);

#endif
