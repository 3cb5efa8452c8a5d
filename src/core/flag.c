/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The record of an account, and what changes it. */

#include "flag.h"

#include <stdio.h>
#include <string.h>

/* Clocks may go back. */
static bool is_past(uint64_t since_secs, uint64_t secs, uint64_t now_secs)
{
	return now_secs >= since_secs && now_secs - since_secs >= secs;
}

static bool set_text(char *to, size_t size, const char *from)
{
	if (strcmp(to, from) == 0)
		return false;
	(void)snprintf(to, size, "%s", from);
	return true;
}

static bool set_hold(struct pwned_flag *flag, const char *text)
{
	return set_text(flag->hold_text, sizeof(flag->hold_text), text);
}

/* A suspension stays, whatever the password. */
static bool release(struct pwned_flag *flag)
{
	return flag->suspended_secs == 0 && set_hold(flag, "");
}

/* Without what logins said. */
static void forget_logins(struct pwned_flag *flag)
{
	struct pwned_flag said = *flag;

	*flag = (struct pwned_flag){
		.suspended_secs = said.suspended_secs,
		.exempt_until_secs = said.exempt_until_secs,
	};
	(void)set_hold(flag, said.hold_text);
}

enum pwned_flag_change pwned_flag_age(struct pwned_flag *flag,
				      uint64_t now_secs,
				      const struct pwned_flag_rules *rules,
				      bool *hold_changed_r)
{
	enum pwned_flag_change change = PWNED_FLAG_SAME;

	*hold_changed_r = false;
	if (flag->exempt_until_secs != 0 &&
	    flag->exempt_until_secs <= now_secs) {
		flag->exempt_until_secs = 0;
		change = PWNED_FLAG_RENEWED;
	}
	if (flag->state == PWNED_FLAG_FLAGGED &&
	    is_past(flag->breached_secs, rules->expire_secs, now_secs)) {
		flag->state = PWNED_FLAG_CLEARED;
		flag->cleared_secs = now_secs;
		*hold_changed_r = release(flag);
		change = PWNED_FLAG_LOWERED;
	} else if (flag->state == PWNED_FLAG_CLEARED &&
		   is_past(flag->cleared_secs, rules->expire_secs, now_secs)) {
		forget_logins(flag);
		change = PWNED_FLAG_RENEWED;
	}
	return change;
}

bool pwned_flag_is_empty(const struct pwned_flag *flag)
{
	return flag->state == PWNED_FLAG_NONE && flag->suspended_secs == 0 &&
	       flag->exempt_until_secs == 0;
}

static uint64_t stop_of(const struct pwned_flag *flag,
			const struct pwned_flag_news *news)
{
	return news->stops && flag->decided_secs != 0 ?
		       flag->decided_secs + news->grace_secs :
		       0;
}

/* What does not wait for the next renewal. A stop that two protocols see
   differently must not be written at each of their logins by turns, so only an
   earlier one counts at once. */
static bool has_news(const struct pwned_flag *flag,
		     const struct pwned_flag_news *news)
{
	uint64_t stop = stop_of(flag, news);

	return news->band > flag->band ||
	       (!news->dry_run && flag->decided_secs == 0) ||
	       (news->refused && flag->refused_secs == 0) ||
	       (stop != 0 && (flag->stop_secs == 0 || stop < flag->stop_secs));
}

/* From a contested one's date it is counted when it may be cleared. */
static uint64_t renew_secs(const struct pwned_flag *flag,
			   const struct pwned_flag_rules *rules)
{
	uint64_t part = rules->clear_after_secs / PWNED_FLAG_CONTESTED_PART;

	if (!flag->contested || rules->clear_after_secs == 0)
		return PWNED_FLAG_RENEW_SECS;
	return part < PWNED_FLAG_CONTESTED_SECS ? part :
						  PWNED_FLAG_CONTESTED_SECS;
}

static bool is_due(const struct pwned_flag *flag, uint64_t now_secs,
		   const struct pwned_flag_rules *rules)
{
	return is_past(flag->breached_secs, renew_secs(flag, rules),
		       now_secs) ||
	       now_secs < flag->breached_secs;
}

static void take_over(struct pwned_flag *flag,
		      const struct pwned_flag_news *news)
{
	flag->breached_secs = news->now_secs;
	flag->band = news->band;
	(void)set_text(flag->service, sizeof(flag->service), news->service);
	if (!news->dry_run && flag->decided_secs == 0)
		flag->decided_secs = news->now_secs;
	flag->stop_secs = stop_of(flag, news);
	if (news->refused && flag->refused_secs == 0)
		flag->refused_secs = news->now_secs;
}

static enum pwned_flag_change raise(struct pwned_flag *flag,
				    const struct pwned_flag_news *news)
{
	bool returns = flag->state == PWNED_FLAG_CLEARED;

	if (returns) {
		flag->contested = true;
		flag->cleared_secs = 0;
		flag->refused_secs = 0;
	} else {
		flag->since_secs = news->now_secs;
	}
	flag->state = PWNED_FLAG_FLAGGED;
	take_over(flag, news);
	return returns ? PWNED_FLAG_RETURNED : PWNED_FLAG_RAISED;
}

/* News are written a moment after their login, or when a database is back: what
   was said before the account was cleared does not raise the flag again. A
   clock that was set back since then does not count: by it the clearing is
   still to come when they are written. Clocks of hosts may differ a little. */
static bool was_before_clearing(const struct pwned_flag *flag,
				const struct pwned_flag_news *news)
{
	return flag->state == PWNED_FLAG_CLEARED &&
	       news->now_secs < flag->cleared_secs &&
	       (flag->cleared_secs - news->now_secs <= PWNED_FLAG_DELAY_SECS ||
		flag->cleared_secs <= news->applied_secs);
}

static enum pwned_flag_change breached(struct pwned_flag *flag,
				       const struct pwned_flag_news *news,
				       const struct pwned_flag_rules *rules,
				       bool *hold_changed_r)
{
	enum pwned_flag_change change = PWNED_FLAG_SAME;

	if (was_before_clearing(flag, news))
		return change;
	/* whoever told it may not have known that he is exempt */
	if (news->hold_text != NULL && flag->suspended_secs == 0 &&
	    !pwned_flag_is_exempt(flag, news->now_secs))
		*hold_changed_r |= set_hold(flag, news->hold_text);
	if (flag->state != PWNED_FLAG_FLAGGED) {
		change = raise(flag, news);
	} else if (has_news(flag, news) ||
		   is_due(flag, news->now_secs, rules)) {
		take_over(flag, news);
		change = PWNED_FLAG_RENEWED;
	}
	return change;
}

static enum pwned_flag_change clean(struct pwned_flag *flag,
				    const struct pwned_flag_news *news,
				    const struct pwned_flag_rules *rules,
				    bool *hold_changed_r)
{
	if (flag->state != PWNED_FLAG_FLAGGED ||
	    (flag->contested &&
	     !is_past(flag->breached_secs, rules->clear_after_secs,
		      news->now_secs)))
		return PWNED_FLAG_SAME;
	flag->state = PWNED_FLAG_CLEARED;
	flag->cleared_secs = news->now_secs;
	*hold_changed_r |= release(flag);
	return PWNED_FLAG_LOWERED;
}

enum pwned_flag_change pwned_flag_apply(struct pwned_flag *flag,
					const struct pwned_flag_news *news,
					const struct pwned_flag_rules *rules,
					bool *hold_changed_r)
{
	enum pwned_flag_change aged =
		pwned_flag_age(flag, news->now_secs, rules, hold_changed_r);
	enum pwned_flag_change change = PWNED_FLAG_SAME;

	if (news->saying == PWNED_SAYING_BREACHED)
		change = breached(flag, news, rules, hold_changed_r);
	else if (news->saying == PWNED_SAYING_CLEAN)
		change = clean(flag, news, rules, hold_changed_r);
	if (news->frees)
		*hold_changed_r |= release(flag);
	if (change == PWNED_FLAG_SAME)
		change = *hold_changed_r && aged == PWNED_FLAG_SAME ?
				 PWNED_FLAG_RENEWED :
				 aged;
	return change;
}

void pwned_flag_clear(struct pwned_flag *flag, uint64_t now_secs)
{
	if (flag->state == PWNED_FLAG_FLAGGED) {
		flag->state = PWNED_FLAG_CLEARED;
		flag->cleared_secs = now_secs;
	}
	flag->contested = false;
	flag->suspended_secs = 0;
	(void)set_hold(flag, "");
}

void pwned_flag_suspend(struct pwned_flag *flag, uint64_t now_secs,
			const char *hold_text)
{
	flag->suspended_secs = now_secs;
	(void)set_hold(flag, hold_text);
}

void pwned_flag_exempt(struct pwned_flag *flag, uint64_t until_secs,
		       uint64_t now_secs)
{
	flag->exempt_until_secs = until_secs;
	if (pwned_flag_is_exempt(flag, now_secs))
		(void)release(flag);
}

bool pwned_flag_is_exempt(const struct pwned_flag *flag, uint64_t now_secs)
{
	return flag->exempt_until_secs > now_secs;
}

enum pwned_flag_status pwned_flag_status_of(const struct pwned_flag *flag,
					    uint64_t now_secs)
{
	if (flag->suspended_secs != 0)
		return PWNED_STATUS_SUSPENDED;
	if (pwned_flag_is_exempt(flag, now_secs))
		return PWNED_STATUS_EXEMPT;
	if (flag->state == PWNED_FLAG_NONE)
		return PWNED_STATUS_NONE;
	if (flag->state == PWNED_FLAG_CLEARED)
		return PWNED_STATUS_CLEARED;
	if (flag->stop_secs == 0)
		return PWNED_STATUS_FLAGGED;
	return flag->stop_secs > now_secs ? PWNED_STATUS_GRACE :
					    PWNED_STATUS_STOPPED;
}

static const char *const status_names[PWNED_STATUSES] = {
	[PWNED_STATUS_NONE] = "none",
	[PWNED_STATUS_CLEARED] = "cleared",
	[PWNED_STATUS_FLAGGED] = "flagged",
	[PWNED_STATUS_GRACE] = "grace",
	[PWNED_STATUS_STOPPED] = "stopped",
	[PWNED_STATUS_SUSPENDED] = "suspended",
	[PWNED_STATUS_EXEMPT] = "exempt",
};

const char *pwned_flag_status_name(enum pwned_flag_status status)
{
	return status_names[status];
}

bool pwned_user_is_recordable(const char *user)
{
	return *user != '\0' &&
	       strnlen(user, PWNED_FLAG_USER_MAX + 1) <= PWNED_FLAG_USER_MAX;
}

const char *pwned_user_domain(const char *user)
{
	const char *at = strrchr(user, '@');

	return at == NULL ? user + strlen(user) : at + 1;
}
