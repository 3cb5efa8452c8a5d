/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* News that are not written yet. */

#include "flag-news.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A crash loses them, and each takes some 400 bytes. */
#define NEWS_MAX 65536

struct item {
	TAILQ_ENTRY(item) entry;
	struct pwned_flag_news said; /* its texts are these */
	char service[PWNED_FLAG_SERVICE_MAX + 1];
	char hold_text[PWNED_FLAG_TEXT_MAX + 1];
};
TAILQ_HEAD(items, item);

struct pwned_news_user {
	TAILQ_ENTRY(pwned_news_user) entry;
	char *name; /* must be there for compare() */
	struct items items;
	uint64_t number;
};

static int compare(const void *a, const void *b)
{
	const struct pwned_news_user *one = a, *two = b;

	return strcmp(one->name, two->name);
}

void pwned_news_init(struct pwned_news *news)
{
	*news = (struct pwned_news){ .tree = NULL };
	TAILQ_INIT(&news->users);
}

void pwned_news_deinit(struct pwned_news *news)
{
	struct pwned_news_user *user;

	while ((user = TAILQ_FIRST(&news->users)) != NULL)
		pwned_news_remove(news, user);
}

struct pwned_news_user *pwned_news_find(struct pwned_news *news,
					const char *user)
{
	struct pwned_news_user key = { .name = (char *)user };
	struct pwned_news_user **found = tfind(&key, &news->tree, compare);

	return found == NULL ? NULL : *found;
}

static void user_free(struct pwned_news_user *user)
{
	struct item *item;

	while ((item = TAILQ_FIRST(&user->items)) != NULL) {
		TAILQ_REMOVE(&user->items, item, entry);
		free(item);
	}
	free(user->name);
	free(user);
}

static struct pwned_news_user *user_new(struct pwned_news *news,
					const char *name)
{
	struct pwned_news_user *user = calloc(1, sizeof(*user));

	if (user == NULL)
		return NULL;
	TAILQ_INIT(&user->items);
	user->name = strdup(name);
	if (user->name == NULL || tsearch(user, &news->tree, compare) == NULL) {
		user_free(user);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&news->users, user, entry);
	return user;
}

void pwned_news_remove(struct pwned_news *news, struct pwned_news_user *user)
{
	struct item *item;

	(void)tdelete(user, &news->tree, compare);
	TAILQ_REMOVE(&news->users, user, entry);
	TAILQ_FOREACH(item, &user->items, entry)
		news->length--;
	user_free(user);
}

static void item_set(struct item *item, const struct pwned_flag_news *said)
{
	item->said = *said;
	item->said.user = NULL;
	(void)snprintf(item->service, sizeof(item->service), "%s",
		       said->service == NULL ? "" : said->service);
	item->said.service = item->service;
	if (said->hold_text != NULL) {
		(void)snprintf(item->hold_text, sizeof(item->hold_text), "%s",
			       said->hold_text);
		item->said.hold_text = item->hold_text;
	}
}

/* Of two in a row that say the same, the later is enough, with what only the
   earlier has. */
static bool item_merge(struct item *item, const struct pwned_flag_news *said)
{
	struct pwned_flag_news merged = *said;
	char hold_text[sizeof(item->hold_text)];

	if (item->said.saying != said->saying ||
	    item->said.dry_run != said->dry_run)
		return false;
	if (merged.band < item->said.band)
		merged.band = item->said.band;
	merged.refused |= item->said.refused;
	merged.frees |= item->said.frees && merged.hold_text == NULL;
	if (merged.hold_text == NULL && item->said.hold_text != NULL) {
		memcpy(hold_text, item->hold_text, sizeof(hold_text));
		merged.hold_text = hold_text;
	}
	item_set(item, &merged);
	return true;
}

bool pwned_news_has_room(unsigned int length,
			 const struct pwned_flag_news *said)
{
	return length <
	       (said->saying == PWNED_SAYING_CLEAN ? NEWS_MAX / 2 : NEWS_MAX);
}

bool pwned_news_add(struct pwned_news *news, const struct pwned_flag_news *said,
		    uint64_t number)
{
	struct pwned_news_user *user = pwned_news_find(news, said->user);
	struct item *last, *item;

	if (user == NULL)
		user = user_new(news, said->user);
	if (user == NULL)
		return false;
	user->number = number;
	last = TAILQ_LAST(&user->items, items);
	if (last != NULL && item_merge(last, said))
		return true;
	item = calloc(1, sizeof(*item));
	if (item == NULL) {
		if (TAILQ_EMPTY(&user->items))
			pwned_news_remove(news, user);
		return false;
	}
	item_set(item, said);
	TAILQ_INSERT_TAIL(&user->items, item, entry);
	news->length++;
	return true;
}

const char *pwned_news_name(const struct pwned_news_user *user)
{
	return user->name;
}

struct pwned_news_user *pwned_news_next(struct pwned_news_user *user)
{
	return TAILQ_NEXT(user, entry);
}

uint64_t pwned_news_number(const struct pwned_news_user *user)
{
	return user->number;
}

bool pwned_news_move(struct pwned_news *from, struct pwned_news_user *user,
		     struct pwned_news *to)
{
	struct item *item;

	if (tsearch(user, &to->tree, compare) == NULL)
		return false;
	(void)tdelete(user, &from->tree, compare);
	TAILQ_REMOVE(&from->users, user, entry);
	TAILQ_INSERT_TAIL(&to->users, user, entry);
	TAILQ_FOREACH(item, &user->items, entry) {
		from->length--;
		to->length++;
	}
	return true;
}

void pwned_news_defer(struct pwned_news *news, struct pwned_news_user *user)
{
	TAILQ_REMOVE(&news->users, user, entry);
	TAILQ_INSERT_TAIL(&news->users, user, entry);
}

/* What cannot be told for want of memory is written all the same. */
static void tell(struct pwned_news_outcomes *outcomes, const char *user,
		 const struct item *item, enum pwned_flag_change change,
		 bool hold_changed, const struct pwned_flag *flag)
{
	bool is_told = change == PWNED_FLAG_RAISED ||
		       change == PWNED_FLAG_RETURNED ||
		       change == PWNED_FLAG_LOWERED;
	struct pwned_news_outcome *outcome;

	if (outcomes == NULL || (!is_told && !hold_changed))
		return;
	outcome = calloc(1, sizeof(*outcome));
	if (outcome == NULL)
		return;
	outcome->user = strdup(user);
	if (outcome->user == NULL) {
		free(outcome);
		return;
	}
	(void)snprintf(outcome->service, sizeof(outcome->service), "%s",
		       item->service);
	outcome->change = change;
	outcome->expired = change == PWNED_FLAG_LOWERED &&
			   item->said.saying != PWNED_SAYING_CLEAN;
	outcome->held = hold_changed && *flag->hold_text != '\0';
	outcome->released = hold_changed && *flag->hold_text == '\0';
	outcome->dry_run = item->said.dry_run;
	TAILQ_INSERT_TAIL(outcomes, outcome, entry);
}

bool pwned_news_apply(const struct pwned_news_user *user,
		      struct pwned_flag *flag, uint64_t now_secs,
		      const struct pwned_flag_rules *rules,
		      bool *hold_changed_r,
		      struct pwned_news_outcomes *outcomes)
{
	char before[sizeof(flag->hold_text)];
	const struct item *item;
	bool changed = false;

	memcpy(before, flag->hold_text, sizeof(before));
	TAILQ_FOREACH(item, &user->items, entry) {
		struct pwned_flag_news said = item->said;
		enum pwned_flag_change change;
		bool hold_changed;

		said.applied_secs = now_secs;
		change = pwned_flag_apply(flag, &said, rules, &hold_changed);
		changed |= change != PWNED_FLAG_SAME;
		tell(outcomes, user->name, item, change, hold_changed, flag);
	}
	*hold_changed_r = strcmp(before, flag->hold_text) != 0;
	return changed;
}

void pwned_news_outcomes_report(const struct pwned_news_outcomes *outcomes,
				const struct pwned_reporter *reporter)
{
	const struct pwned_news_outcome *outcome;

	TAILQ_FOREACH(outcome, outcomes, entry) {
		const struct pwned_flag_report report = {
			.user = outcome->user,
			.service = outcome->service,
			.change = outcome->change,
			.expired = outcome->expired,
			.held = outcome->held,
			.released = outcome->released,
			.dry_run = outcome->dry_run,
		};

		pwned_report_flag(reporter, &report);
	}
}

void pwned_news_outcomes_free(struct pwned_news_outcomes *outcomes)
{
	struct pwned_news_outcome *outcome;

	while ((outcome = TAILQ_FIRST(outcomes)) != NULL) {
		TAILQ_REMOVE(outcomes, outcome, entry);
		free(outcome->user);
		free(outcome);
	}
}
