/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of one login whose account may be on record. Records, store and
   source are fakes here, so that a test says what they answer and when. */

#include "support/fake-flags.h"
#include "support/fake-loop.h"
#include "support/fake-source.h"
#include "support/fake-store.h"
#include "support/log-lines.h"
#include "support/unit.h"
#include "age.h"
#include "check.h"
#include "digest.h"
#include "engine.h"

#include <stdio.h>
#include <string.h>

/* SHA-1 of "password": 5BAA6 1E4C9B93F3F0 ... */
#define PASSWORD "password"
#define PREFIX   0x5baa6
#define KEY      UINT64_C(0x1e4c9b93f3f0)
#define DAY      UINT64_C(86400)
#define NOW      UINT64_C(1795000000)

struct fixture {
	struct pwned_loop *loop;
	struct fake_flags flags;
	struct pwned_settings set;
	struct log_lines lines;
	struct pwned_log log;
	struct pwned_reporter reporter;
	struct pwned_engine *engine;
};

struct client {
	struct pwned_decision decision; /* the latest */
	unsigned int called;
	bool at_once;
};

static struct fixture *current;

static void open_engine(struct fixture *f, const char *policy)
{
	struct pwned_error error;
	char text[512];

	(void)snprintf(text, sizeof(text),
		       "pwned_flags = pgsql:/nowhere\npwned_state_dir =\n"
		       "pwned_store =\n%s%s",
		       strchr(policy, '\n') == NULL ? "pwned_policy = " : "",
		       policy);
	if (!pwned_settings_parse(text, strlen(text), "file", &f->set, &error))
		fail_msg("%s", error.text);
	fake_flags_init(&f->flags);
	f->engine = pwned_engine_new(&f->set, PWNED_ROLE_AUTH, NULL, 1,
				     &f->flags.flags, f->loop, &f->reporter,
				     &error);
	assert_non_null(f->engine);
}

static void close_engine(struct fixture *f)
{
	if (f->engine != NULL)
		pwned_engine_free(&f->engine);
	pwned_settings_free(&f->set);
}

static void use_policy(const char *policy)
{
	close_engine(current);
	open_engine(current, policy);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .loop = fake_loop_new() };
	fake_loop_set_unix(f.loop, NOW);
	f.log = log_lines_open(&f.lines);
	f.reporter = (struct pwned_reporter){ .log = &f.log };
	current = &f;
	open_engine(&f, "smtp=deny:grace=14d *=warn");
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	close_engine(f);
	assert_null(f->flags.request);
	assert_int_equal(fake_source.running, 0);
	fake_loop_free(&f->loop);
	return 0;
}

/* What the store has. */
static void hold_range(uint64_t count)
{
	struct pwned_range_entry entries[] = {
		{ .key = 1, .count = 1 },
		{ .key = KEY, .count = count },
	};
	const struct pwned_range_label label = {
		.prefix = PREFIX,
		.day = pwned_day_of(NOW),
		.origin = 1,
		.etag = "\"1\"",
	};
	struct pwned_range *range =
		pwned_range_pack(entries, count == 0 ? 1 : 2, &label);

	assert_non_null(range);
	fake_store_hold(range, FAKE_STORE_IN_MEMORY, pwned_day_of(NOW));
	pwned_range_unref(&range);
}

static void on_decision(void *context, const struct pwned_decision *decision)
{
	struct client *client = context;

	client->decision = *decision;
	client->called++;
}

static void log_in_with(struct client *client, const char *service,
			struct pwned_login login)
{
	login.set = &current->set;
	login.user = "jane";
	login.service = service;
	if (login.password == NULL && login.skip == PWNED_REASON_NONE) {
		login.password = PASSWORD;
		login.password_size = strlen(PASSWORD);
	}
	*client = (struct client){ .called = 0 };
	client->at_once =
		pwned_check_start(current->engine, &login, on_decision, client,
				  &client->decision);
	assert_int_equal(client->called, 0);
}

static void log_in(struct client *client, const char *service)
{
	log_in_with(client, service,
		    (struct pwned_login){ .skip = PWNED_REASON_NONE });
}

static uint64_t counted(enum pwned_counter counter)
{
	return pwned_counted(&current->engine->counters, counter);
}

static struct pwned_flag flagged(unsigned int days_ago)
{
	return (struct pwned_flag){
		.state = PWNED_FLAG_FLAGGED,
		.since_secs = NOW - days_ago * DAY,
		.breached_secs = NOW - days_ago * DAY,
		.decided_secs = NOW - days_ago * DAY,
	};
}

static void nobody_waits_where_nothing_is_on_record(void **state)
{
	struct fixture *f = *state;
	struct client client;

	hold_range(7);
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_int_equal(f->flags.finds, 0);
	/* the grace begins */
	assert_int_equal(client.decision.action, PWNED_ACTION_WARN);
	assert_int_equal(client.decision.stop_secs, NOW + 14 * DAY);
	assert_int_equal(f->flags.tells, 1);
	assert_int_equal(f->flags.waits, 0);
	assert_int_equal(f->flags.news.saying, PWNED_SAYING_BREACHED);
	assert_int_equal(f->flags.news.band, PWNED_BAND_1);
	assert_int_equal(f->flags.news.grace_secs, 14 * DAY);
	assert_true(f->flags.news.stops);
	assert_false(f->flags.news.refused || f->flags.news.dry_run);
	assert_string_equal(f->flags.news.service, "smtp");

	hold_range(0);
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_int_equal(f->flags.tells, 1);
	assert_int_equal(counted(PWNED_COUNT_LOGINS_CHECKED), 2);
}

static void the_record_decides_about_the_grace(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = flagged(14);
	struct client client;

	f->flags.may_have = true;
	hold_range(7);
	log_in(&client, "smtp");
	assert_false(client.at_once);
	assert_string_equal(f->flags.user, "jane");
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(client.called, 1);
	assert_int_equal(client.decision.action, PWNED_ACTION_DENY);
	assert_false(client.decision.more);
	assert_true(f->flags.news.refused);
	assert_int_equal(counted(PWNED_COUNT_LOGINS_REFUSED), 1);

	flag = flagged(13);
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(client.decision.action, PWNED_ACTION_WARN);
	assert_int_equal(client.decision.stop_secs, NOW + DAY);
}

/* Both are asked side by side, whichever answers first. */
static void range_and_record_are_asked_at_once(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = flagged(20);
	struct client client;

	for (unsigned int first = 0; first < 2; first++) {
		f->flags.may_have = true;
		log_in(&client, "smtp");
		assert_int_equal(fake_source.length, first + 1);
		assert_int_equal(f->flags.finds, first + 1);
		if (first == 0)
			fake_flags_find(&f->flags, &flag);
		fake_source_end(first, PWNED_REASON_TLS, NULL);
		if (first == 1) {
			assert_int_equal(client.called, 0);
			fake_flags_find(&f->flags, &flag);
		}
		assert_int_equal(client.called, 1);
		assert_int_equal(client.decision.verdict,
				 PWNED_VERDICT_UNKNOWN);
	}
}

static void a_record_that_does_not_come_in_time(void **state)
{
	struct fixture *f = *state;
	struct client client;

	f->flags.may_have = true;
	hold_range(7);
	log_in(&client, "smtp");
	fake_loop_advance(f->loop, 999);
	assert_int_equal(client.called, 0);
	fake_loop_advance(f->loop, 1);
	assert_int_equal(client.called, 1);
	/* a grace that is not known to have ended has not */
	assert_int_equal(client.decision.action, PWNED_ACTION_WARN);
	assert_int_equal(f->flags.forgotten, 1);
	assert_int_equal(f->flags.tells, 1);
	assert_int_equal(counted(PWNED_COUNT_FLAGS_SLOW), 1);
}

static void a_record_that_cannot_be_told(void **state)
{
	struct fixture *f = *state;
	struct client client;

	use_policy("smtp=deny *=warn");
	f->flags.may_have = true;
	hold_range(7);
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, NULL);
	assert_int_equal(client.decision.action, PWNED_ACTION_DENY);
	f->flags.refuses = true;
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_int_equal(client.decision.action, PWNED_ACTION_DENY);
	hold_range(0);
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_int_equal(client.decision.action, PWNED_ACTION_ALLOW);
	assert_int_equal(counted(PWNED_COUNT_FLAGS_SLOW), 3);
}

static void a_clean_login_clears_after_its_answer(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = flagged(3);
	struct client client;

	f->flags.may_have = true;
	hold_range(0);
	/* nothing that is on record can matter there */
	log_in(&client, "imap");
	assert_true(client.at_once);
	assert_false(client.decision.more);
	assert_int_equal(f->flags.tells, 0);
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(client.called, 0);
	assert_int_equal(f->flags.tells, 1);
	assert_int_equal(f->flags.news.saying, PWNED_SAYING_CLEAN);
	/* at smtp it may be suspended */
	log_in(&client, "smtp");
	assert_false(client.at_once);
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(client.called, 1);
	assert_int_equal(f->flags.tells, 2);
	/* of who is not flagged there is nothing to tell */
	flag = (struct pwned_flag){ .state = PWNED_FLAG_NONE };
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(f->flags.tells, 2);
}

static void a_hold_is_written_before_the_answer(void **state)
{
	struct fixture *f = *state;
	struct client client;

	use_policy("smtp=hold *=warn");
	hold_range(7);
	log_in(&client, "smtp");
	assert_false(client.at_once);
	assert_int_equal(f->flags.waits, 1);
	assert_non_null(strstr(f->flags.news.hold_text, "then log in"));
	assert_int_equal(client.called, 0);
	fake_flags_write(&f->flags, true);
	assert_int_equal(client.called, 1);
	assert_int_equal(client.decision.action, PWNED_ACTION_HOLD);
	assert_false(client.decision.hold_late);
	assert_int_equal(counted(PWNED_COUNT_LOGINS_HELD), 1);
	assert_int_equal(counted(PWNED_COUNT_HOLDS_LATE), 0);
}

static void a_hold_that_stands_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = flagged(3);
	struct client client;

	use_policy("smtp=hold *=warn");
	f->flags.may_have = true;
	hold_range(7);
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, &flag);
	(void)strcpy(flag.hold_text, f->flags.hold_text);
	fake_flags_write(&f->flags, true);
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(client.called, 1);
	assert_int_equal(f->flags.waits, 1);
}

static void a_hold_that_is_not_written_in_time(void **state)
{
	struct fixture *f = *state;
	struct client client;

	use_policy("smtp=hold *=warn");
	hold_range(7);
	log_in(&client, "smtp");
	fake_loop_advance(f->loop, 1000);
	assert_int_equal(client.called, 1);
	assert_int_equal(client.decision.action, PWNED_ACTION_HOLD);
	assert_true(client.decision.hold_late);
	assert_int_equal(f->flags.forgotten, 1);
	log_in(&client, "smtp");
	fake_flags_write(&f->flags, false);
	assert_true(client.decision.hold_late);
	f->flags.refuses = true;
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_true(client.decision.hold_late);
	assert_int_equal(counted(PWNED_COUNT_HOLDS_LATE), 3);
}

static void a_release_is_written_before_the_answer(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = flagged(3);
	struct client client;

	use_policy("smtp=hold *=warn");
	f->flags.may_have = true;
	(void)strcpy(flag.hold_text, "no mail");
	hold_range(0);
	for (unsigned int i = 0; i < 2; i++) {
		log_in(&client, i == 0 ? "imap" : "smtp");
		assert_false(client.at_once);
		fake_flags_find(&f->flags, &flag);
		assert_int_equal(client.called, 0);
		assert_int_equal(f->flags.waits, i + 1);
		fake_flags_write(&f->flags, true);
		assert_int_equal(client.called, 1);
		assert_int_equal(client.decision.action, PWNED_ACTION_ALLOW);
		assert_false(client.decision.hold_late);
	}
	/* one that is contested is not released, and nobody waits */
	flag.contested = true;
	flag.breached_secs = NOW;
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(client.called, 1);
}

static void a_dry_run_writes_and_holds_nobody(void **state)
{
	struct fixture *f = *state;
	struct client client;

	use_policy("pwned_dry_run = yes\npwned_policy = smtp=hold *=warn\n");
	hold_range(7);
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_int_equal(client.decision.action, PWNED_ACTION_HOLD);
	assert_int_equal(pwned_decision_effect(&client.decision),
			 PWNED_ACTION_ALLOW);
	assert_int_equal(f->flags.tells, 1);
	assert_true(f->flags.news.dry_run);
	assert_null(f->flags.news.hold_text);
	assert_int_equal(counted(PWNED_COUNT_LOGINS_HELD), 0);
}

static void who_is_exempt_is_not_checked(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = { .exempt_until_secs = NOW + 1 };
	struct client client;

	f->flags.may_have = true;
	hold_range(7);
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(client.decision.verdict, PWNED_VERDICT_UNCHECKED);
	assert_int_equal(client.decision.reason, PWNED_REASON_EXEMPT);
	assert_int_equal(client.decision.action, PWNED_ACTION_ALLOW);
	assert_int_equal(f->flags.tells, 0);
	flag.exempt_until_secs = NOW;
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(client.decision.verdict, PWNED_VERDICT_BREACHED);
	assert_int_equal(counted(PWNED_COUNT_UNCHECKED_EXEMPT), 1);
}

/* Only a login that the policy would hold nowhere. */
static void whom_the_policy_holds_no_more_is_released(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = flagged(3);
	struct pwned_settings other;
	struct pwned_error error;
	struct client client;

	assert_true(pwned_settings_parse("pwned_policy = *=warn\n", 22, "file",
					 &other, &error));
	(void)snprintf(flag.hold_text, sizeof(flag.hold_text), "no mail");
	use_policy("smtp=hold *=warn");
	f->flags.may_have = true;
	hold_range(7);
	log_in(&client, "imap");
	fake_flags_find(&f->flags, &flag);
	assert_false(f->flags.news.frees);
	use_policy("smtp=hold:min=100 *=warn");
	f->flags.may_have = true;
	hold_range(7);
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, &flag);
	assert_true(f->flags.news.frees);
	assert_int_equal(f->flags.waits, 1);
	fake_flags_write(&f->flags, true);
	assert_int_equal(client.decision.action, PWNED_ACTION_ALLOW);

	/* what another protocol's policy does not say of smtp is no word on it
	 */
	pwned_engine_add_settings(f->engine, &other);
	log_in(&client, "imap");
	fake_flags_find(&f->flags, &flag);
	assert_false(f->flags.news.frees);
	pwned_settings_free(&other);

	use_policy("pwned_policy = smtp=hold *=warn\npwned_exempt = jane\n");
	f->flags.may_have = true;
	log_in(&client, "imap");
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(f->flags.news.saying, PWNED_SAYING_NOTHING);
	assert_true(f->flags.news.frees);
	fake_flags_write(&f->flags, true);
	assert_int_equal(client.decision.reason, PWNED_REASON_EXEMPT);
}

static void the_settings_exempt_before_anything_is_asked(void **state)
{
	struct fixture *f = *state;
	struct client client;

	use_policy("pwned_exempt = 192.0.2.0/24\n");
	log_in_with(&client, "imap",
		    (struct pwned_login){ .address = "192.0.2.1" });
	assert_true(client.at_once);
	assert_int_equal(client.decision.reason, PWNED_REASON_EXEMPT);
	assert_int_equal(f->flags.finds + f->flags.tells, 0);
	assert_int_equal(fake_source.length, 0);
}

/* Whatever the password, and whether it was seen or not. */
static void a_suspended_account_does_not_send(void **state)
{
	static const enum pwned_reason skips[] = {
		PWNED_REASON_NONE,
		PWNED_REASON_MECHANISM,
		PWNED_REASON_NO_PASSWORD,
		PWNED_REASON_EXEMPT,
	};
	struct fixture *f = *state;
	struct pwned_flag flag = { .suspended_secs = NOW };
	struct client client;

	f->flags.may_have = true;
	for (uint64_t count = 0; count < 2; count++) {
		hold_range(count);
		for (size_t i = 0; i < N_ELEMENTS(skips); i++) {
			log_in_with(&client, "smtp",
				    (struct pwned_login){ .skip = skips[i] });
			fake_flags_find(&f->flags, &flag);
			assert_int_equal(client.decision.action,
					 PWNED_ACTION_DENY);
			assert_true(client.decision.suspended);
			assert_false(client.decision.braked);
		}
		log_in(&client, "imap");
		if (count == 0) {
			assert_true(client.at_once);
			fake_flags_find(&f->flags, &flag);
		} else {
			fake_flags_find(&f->flags, &flag);
			assert_int_equal(client.decision.action,
					 PWNED_ACTION_WARN);
		}
		assert_false(client.decision.suspended);
	}
}

static void a_master_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct client client;

	f->flags.may_have = true;
	log_in_with(&client, "smtp",
		    (struct pwned_login){ .skip = PWNED_REASON_MASTER_USER });
	assert_true(client.at_once);
	assert_int_equal(client.decision.reason, PWNED_REASON_MASTER_USER);
	assert_int_equal(f->flags.finds + f->flags.tells, 0);
	assert_int_equal(counted(PWNED_COUNT_UNCHECKED_MASTER_USER), 1);
}

static void a_policy_of_the_login_replaces_the_other(void **state)
{
	struct fixture *f = *state;
	struct pwned_policy *policy;
	struct pwned_error error;
	struct client client;

	f->flags.may_have = true;
	hold_range(7);
	assert_true(pwned_policy_parse("smtp=deny", &policy, &error));
	log_in_with(&client, "smtp", (struct pwned_login){ .policy = policy });
	/* whoever brought it may let go of it */
	pwned_policy_unref(&policy);
	fake_flags_find(&f->flags, &(struct pwned_flag){ .since_secs = 0 });
	assert_int_equal(client.decision.action, PWNED_ACTION_DENY);
	assert_int_equal(f->flags.news.grace_secs, 0);
}

static void a_late_answer_flags_and_holds(void **state)
{
	struct fixture *f = *state;
	struct client client;
	struct pwned_range_entry entry = { .key = KEY, .count = 3 };
	const struct pwned_range_label label = {
		.prefix = PREFIX,
		.day = pwned_day_of(NOW),
		.origin = 1,
	};
	struct pwned_range *range = pwned_range_pack(&entry, 1, &label);

	use_policy("smtp=hold *=warn");
	log_in(&client, "smtp");
	fake_loop_advance(f->loop, 1000);
	assert_int_equal(client.decision.verdict, PWNED_VERDICT_UNKNOWN);
	assert_true(client.decision.more);
	assert_int_equal(f->flags.tells, 0);
	fake_source_end(0, PWNED_REASON_NONE, range);
	pwned_range_unref(&range);
	assert_int_equal(client.called, 2);
	assert_true(client.decision.late);
	assert_int_equal(client.decision.action, PWNED_ACTION_HOLD);
	assert_int_equal(f->flags.tells, 1);
	assert_int_equal(f->flags.waits, 0);
	assert_non_null(f->flags.news.hold_text);
	assert_false(f->flags.news.refused);
}

static void nobody_waits_where_logins_are_told_not_to(void **state)
{
	struct fixture *f = *state;
	struct client client;

	use_policy("pwned_wait = 0\npwned_policy = smtp=hold *=warn\n");
	f->flags.may_have = true;
	hold_range(7);
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_int_equal(client.decision.action, PWNED_ACTION_HOLD);
	assert_true(client.decision.hold_late);
	assert_int_equal(f->flags.forgotten, 1);
	assert_int_equal(f->flags.tells, 1);
}

/* Who waits is let go on, and those behind the answer are let be. */
static void the_end_waits_for_nobody(void **state)
{
	struct fixture *f = *state;
	struct client asks, writes;

	use_policy("smtp=hold *=warn");
	hold_range(7);
	log_in(&writes, "smtp");
	pwned_engine_free(&f->engine);
	assert_int_equal(writes.called, 1);
	assert_true(writes.decision.hold_late);

	use_policy("smtp=deny *=warn");
	f->flags.may_have = true;
	hold_range(0);
	log_in(&asks, "smtp");
	pwned_engine_free(&f->engine);
	assert_int_equal(asks.called, 1);
	assert_int_equal(asks.decision.action, PWNED_ACTION_ALLOW);

	use_policy("smtp=deny *=warn");
	f->flags.may_have = true;
	hold_range(0);
	log_in(&asks, "imap");
	assert_true(asks.at_once);
	pwned_engine_free(&f->engine);
	assert_int_equal(asks.called, 0);
	assert_null(f->flags.request);
}

static struct pwned_range *range_of(uint64_t count)
{
	struct pwned_range_entry entries[] = {
		{ .key = 1, .count = 1 },
		{ .key = KEY, .count = count },
	};
	const struct pwned_range_label label = {
		.prefix = PREFIX,
		.day = pwned_day_of(NOW),
		.origin = 1,
	};

	return pwned_range_pack(entries, count == 0 ? 1 : 2, &label);
}

/* One that decides, and is asked for anew. */
static void hold_old_range(uint64_t count)
{
	struct pwned_range *range = range_of(count);

	fake_store_hold(range, FAKE_STORE_IN_MEMORY, pwned_day_of(NOW) - 45);
	pwned_range_unref(&range);
}

static void answer(unsigned int number, uint64_t count)
{
	struct pwned_range *range = range_of(count);

	fake_source_end(number, PWNED_REASON_NONE, range);
	pwned_range_unref(&range);
}

static void log_in_as(struct client *client, const char *kind, unsigned int i)
{
	char user[32];
	struct pwned_login login = {
		.set = &current->set,
		.user = user,
		.service = "smtp",
		.password = PASSWORD,
		.password_size = strlen(PASSWORD),
	};

	(void)snprintf(user, sizeof(user), "%s%u", kind, i);
	*client = (struct client){ .called = 0 };
	client->at_once =
		pwned_check_start(current->engine, &login, on_decision, client,
				  &client->decision);
}

/* A source that lies slowly must not stop everybody's mail. */
static void the_brake_holds_late_holds_back(void **state)
{
	struct fixture *f = *state;
	struct client client;

	use_policy("pwned_wait = 0\npwned_policy = smtp=hold *=warn\n");
	hold_range(7);
	for (unsigned int i = 0; i < 300; i++)
		log_in_as(&client, "user", i);
	assert_true(client.decision.braked);
	for (unsigned int i = 0; i < 20; i++) {
		fake_store.place = FAKE_STORE_NOWHERE;
		log_in_as(&client, "late", i);
		assert_true(client.decision.more);
		answer(i, 7);
		assert_true(client.decision.late);
		assert_int_equal(client.decision.action, PWNED_ACTION_WARN);
		assert_null(f->flags.news.hold_text);
	}
}

static void a_late_breach_behind_a_release(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = flagged(3);
	struct client client;

	use_policy("smtp=hold *=warn");
	f->flags.may_have = true;
	(void)strcpy(flag.hold_text, "no mail");
	hold_old_range(0);
	log_in(&client, "smtp");
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(f->flags.waits, 1);
	answer(0, 9);
	assert_int_equal(client.called, 0);
	fake_flags_write(&f->flags, true);
	assert_int_equal(client.called, 2);
	assert_true(client.decision.late);
	assert_int_equal(f->flags.news.saying, PWNED_SAYING_BREACHED);
	assert_non_null(f->flags.news.hold_text);
}

/* The old range said so, and the new one says the same before the record has
   come. */
static void a_clean_login_clears_though_its_range_is_renewed(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = flagged(3);
	struct client client;

	f->flags.may_have = true;
	hold_old_range(0);
	log_in(&client, "imap");
	assert_true(client.at_once && client.decision.more);
	answer(0, 0);
	assert_int_equal(client.called, 1);
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(f->flags.tells, 1);
	assert_int_equal(f->flags.news.saying, PWNED_SAYING_CLEAN);
	/* but not where the new one knows better */
	hold_old_range(0);
	log_in(&client, "imap");
	answer(1, 5);
	assert_null(f->flags.request);
	assert_int_equal(f->flags.tells, 2);
	assert_int_equal(f->flags.news.saying, PWNED_SAYING_BREACHED);
}

/* A source that is being tried has nobody wait for it, nor for the record. */
static void a_clean_login_clears_though_its_range_comes_late(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = flagged(3);
	struct client client;

	f->flags.may_have = true;
	fake_source.probe = true;
	log_in(&client, "imap");
	fake_source.probe = false;
	assert_true(client.at_once);
	assert_int_equal(client.decision.verdict, PWNED_VERDICT_UNKNOWN);
	answer(0, 0);
	assert_int_equal(client.called, 1);
	assert_int_equal(f->flags.tells, 0);
	fake_flags_find(&f->flags, &flag);
	assert_int_equal(f->flags.tells, 1);
	assert_int_equal(f->flags.news.saying, PWNED_SAYING_CLEAN);
}

static void the_end_goes_by_what_an_old_range_said(void **state)
{
	struct fixture *f = *state;
	struct client client;

	use_policy("smtp=deny *=warn");
	f->flags.may_have = true;
	hold_old_range(7);
	log_in(&client, "smtp");
	assert_false(client.at_once);
	pwned_engine_free(&f->engine);
	assert_int_equal(client.called, 1);
	assert_false(client.decision.late);
	assert_int_equal(client.decision.action, PWNED_ACTION_DENY);
}

static void who_is_exempt_does_not_fail_with_the_source(void **state)
{
	struct fixture *f = *state;
	struct pwned_flag flag = { .exempt_until_secs = NOW + 1 };
	struct client client;

	use_policy("pwned_on_unknown = tempfail\npwned_policy = *=warn\n");
	f->flags.may_have = true;
	fake_source.refuse = PWNED_REASON_BREAKER_OPEN;
	log_in(&client, "imap");
	assert_false(client.at_once);
	fake_flags_find(&f->flags, &flag);
	fake_source.refuse = PWNED_REASON_NONE;
	assert_int_equal(client.decision.action, PWNED_ACTION_ALLOW);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nobody_waits_where_nothing_is_on_record),
		TEST(the_record_decides_about_the_grace),
		TEST(range_and_record_are_asked_at_once),
		TEST(a_record_that_does_not_come_in_time),
		TEST(a_record_that_cannot_be_told),
		TEST(a_clean_login_clears_after_its_answer),
		TEST(a_hold_is_written_before_the_answer),
		TEST(a_hold_that_stands_is_not_waited_for),
		TEST(a_hold_that_is_not_written_in_time),
		TEST(a_release_is_written_before_the_answer),
		TEST(a_dry_run_writes_and_holds_nobody),
		TEST(who_is_exempt_is_not_checked),
		TEST(whom_the_policy_holds_no_more_is_released),
		TEST(the_settings_exempt_before_anything_is_asked),
		TEST(a_suspended_account_does_not_send),
		TEST(a_master_changes_nothing),
		TEST(a_policy_of_the_login_replaces_the_other),
		TEST(a_late_answer_flags_and_holds),
		TEST(nobody_waits_where_logins_are_told_not_to),
		TEST(the_end_waits_for_nobody),
		TEST(the_brake_holds_late_holds_back),
		TEST(a_late_breach_behind_a_release),
		TEST(a_clean_login_clears_though_its_range_is_renewed),
		TEST(a_clean_login_clears_though_its_range_comes_late),
		TEST(the_end_goes_by_what_an_old_range_said),
		TEST(who_is_exempt_does_not_fail_with_the_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
