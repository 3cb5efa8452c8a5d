/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of one login. Store and source are fakes here, so that a test says
   what they answer and when. */

#include "support/fake-loop.h"
#include "support/fake-source.h"
#include "support/fake-store.h"
#include "support/freed.h"
#include "support/log-lines.h"
#include "support/unit.h"
#include "age.h"
#include "check.h"
#include "digest.h"
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SHA-1 of "password": 5BAA6 1E4C9B93F3F0 ... */
#define PASSWORD "password"
#define PREFIX   0x5baa6
#define KEY      UINT64_C(0x1e4c9b93f3f0)
#define ETAG     "\"0x8DC\""
#define ORIGIN   77

/* A range in which the password was seen count times; 0: never. */
static struct pwned_range *range_new(uint64_t count, uint32_t day)
{
	struct pwned_range_entry entries[] = {
		{ .key = 1, .count = 1 },
		{ .key = KEY, .count = count },
	};
	const struct pwned_range_label label = {
		.prefix = PREFIX,
		.day = day,
		.origin = ORIGIN,
		.etag = ETAG,
	};
	struct pwned_range *range =
		pwned_range_pack(entries, count == 0 ? 1 : 2, &label);

	assert_non_null(range);
	return range;
}

/* who logs in */

struct fixture {
	struct pwned_loop *loop;
	struct pwned_settings set;
	const struct pwned_settings *protocol_set; /* NULL: the same */
	struct log_lines lines;
	struct pwned_log log;
	struct pwned_reporter reporter;
	struct pwned_engine *engine;
};

static struct fixture *current;

static uint32_t today(void)
{
	struct pwned_loop *loop = current->loop;

	return pwned_day_of(loop->v->unix_secs(loop));
}

/* The source's answer. */
static void answer(unsigned int i, uint64_t count)
{
	struct pwned_range *range = range_new(count, today());

	fake_source_end(i, PWNED_REASON_NONE, range);
	pwned_range_unref(&range);
}

/* What the store has: so many days old, or of a day to come. */
static void hold(uint64_t count, enum fake_store_place place, int days)
{
	uint32_t day = (uint32_t)((int)today() - days);
	struct pwned_range *range = range_new(count, day);

	fake_store_hold(range, place, day);
	pwned_range_unref(&range);
}

static uint64_t counted(enum pwned_counter counter)
{
	return pwned_counted(&current->engine->counters, counter);
}

/* A login, and what it was told. */
struct client {
	struct pwned_decision decision; /* the latest */
	unsigned int called;
	bool at_once;
};

static void on_decision(void *context, const struct pwned_decision *decision)
{
	struct client *client = context;

	client->decision = *decision;
	client->called++;
}

static void log_in_as(struct client *client, const char *user,
		      const char *service, const char *password)
{
	const struct pwned_login login = {
		.set = current->protocol_set != NULL ? current->protocol_set :
						       &current->set,
		.user = user,
		.service = service,
		.password = password,
		.password_size = strlen(password),
	};

	*client = (struct client){ .called = 0 };
	client->at_once =
		pwned_check_start(current->engine, &login, on_decision, client,
				  &client->decision);
	/* never from within the call */
	assert_int_equal(client->called, 0);
}

static void log_in(struct client *client, const char *service)
{
	log_in_as(client, "jane", service, PASSWORD);
}

static void advance(unsigned int msecs)
{
	fake_loop_advance(current->loop, msecs);
}

static void assert_decision(const struct client *client,
			    enum pwned_verdict verdict,
			    enum pwned_reason reason, enum pwned_origin origin,
			    enum pwned_action action)
{
	const struct pwned_decision *decision = &client->decision;

	assert_int_equal(decision->verdict, verdict);
	assert_int_equal(decision->reason, reason);
	assert_int_equal(decision->origin, origin);
	assert_int_equal(decision->action, action);
}

static void assert_breached(const struct client *client,
			    enum pwned_origin origin, enum pwned_action action)
{
	assert_decision(client, PWNED_VERDICT_BREACHED, PWNED_REASON_NONE,
			origin, action);
}

static void assert_clean(const struct client *client, enum pwned_origin origin)
{
	assert_decision(client, PWNED_VERDICT_CLEAN, PWNED_REASON_NONE, origin,
			PWNED_ACTION_ALLOW);
}

static void assert_unknown(const struct client *client,
			   enum pwned_reason reason, enum pwned_action action)
{
	assert_decision(client, PWNED_VERDICT_UNKNOWN, reason,
			PWNED_ORIGIN_NONE, action);
}

/* What comes after the login has gone on. */
static void assert_late(const struct client *client, unsigned int called,
			bool renewed)
{
	assert_int_equal(client->called, called);
	assert_true(client->decision.late);
	assert_int_equal(client->decision.renewed, renewed);
	assert_false(client->decision.more);
}

/* The login goes on at once, and something is to follow. */
static void assert_goes_on(const struct client *client)
{
	assert_true(client->at_once || client->called == 1);
	assert_true(client->decision.more);
	assert_false(client->decision.late || client->decision.renewed);
}

static void assert_unchecked(const struct client *client,
			     enum pwned_reason reason)
{
	assert_decision(client, PWNED_VERDICT_UNCHECKED, reason,
			PWNED_ORIGIN_NONE, PWNED_ACTION_ALLOW);
}

static void parse(const char *settings, struct pwned_settings *set_r)
{
	struct pwned_error error;
	char text[512];

	/* the state file has its own test */
	(void)snprintf(text, sizeof(text), "pwned_state_dir =\n%s", settings);
	if (!pwned_settings_parse(text, strlen(text), "file", set_r, &error))
		fail_msg("%s", error.text);
}

static void open_engine(struct fixture *f, const char *settings)
{
	struct pwned_error error;

	parse(settings, &f->set);
	f->engine = pwned_engine_new(&f->set, PWNED_ROLE_AUTH, NULL, 1, NULL,
				     f->loop, &f->reporter, &error);
	assert_non_null(f->engine);
}

static void close_engine(struct fixture *f)
{
	if (f->engine != NULL)
		pwned_engine_free(&f->engine);
	assert_null(f->engine);
	pwned_settings_free(&f->set);
}

static void use_settings(const char *settings)
{
	close_engine(current);
	open_engine(current, settings);
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .loop = fake_loop_new() };
	f.log = log_lines_open(&f.lines);
	f.reporter = (struct pwned_reporter){ .log = &f.log };
	current = &f;
	open_engine(&f, "");
	*state = &f;
	return 0;
}

/* Every test ends here: nothing is left in the loop, and nobody waits whose
   client has gone with the test. */
static int tear_down(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fake_source.running, 0);
	assert_int_equal(fake_store.reading, 0);
	close_engine(f);
	fake_loop_free(&f->loop);
	return 0;
}

/* the tests */

static void an_answer_within_the_wait_decides(void **state)
{
	struct client client;

	(void)state;
	log_in(&client, "smtp");
	assert_false(client.at_once);
	assert_int_equal(fake_source.length, 1);
	assert_int_equal(fake_source_prefix(0), PREFIX);
	advance(999);
	assert_int_equal(client.called, 0);
	answer(0, 1);
	assert_int_equal(client.called, 1);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	assert_false(client.decision.more || client.decision.late ||
		     client.decision.braked || client.decision.dry_run);
	/* and that is all */
	advance(10000);
	assert_int_equal(client.called, 1);
}

static void what_was_fetched_decides_at_once(void **state)
{
	struct client client;

	(void)state;
	log_in(&client, "smtp");
	answer(0, 5);
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_DENY);
	assert_false(client.decision.more);
	log_in(&client, "imap");
	assert_true(client.at_once);
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_WARN);
	/* another password, whose range is not there */
	log_in_as(&client, "jane", "imap", "123456");
	assert_false(client.at_once);
	assert_int_equal(fake_source_prefix(1), 0x7c4a8);
	assert_int_equal(fake_source.length, 2);
	answer(1, 0);
	assert_int_equal(client.called, 1);
}

static void a_password_that_is_not_in_its_range_is_clean(void **state)
{
	struct client client;

	(void)state;
	log_in(&client, "smtp");
	answer(0, 0);
	assert_clean(&client, PWNED_ORIGIN_SOURCE);
	log_in(&client, "smtp");
	assert_clean(&client, PWNED_ORIGIN_CACHE);
}

static void the_policy_has_the_last_word(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_policy = smtp=deny:min=100 imap=warn sieve=off\n");
	log_in(&client, "smtp");
	answer(0, 99);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_ALLOW);
	log_in(&client, "imap");
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_WARN);
	log_in(&client, "sieve");
	assert_true(client.at_once);
	assert_unchecked(&client, PWNED_REASON_SERVICE_OFF);
	log_in(&client, "pop3");
	assert_unchecked(&client, PWNED_REASON_SERVICE_OFF);
	assert_int_equal(fake_source.length, 1);
}

static void a_login_waits_no_longer_than_it_should(void **state)
{
	struct client client;

	(void)state;
	log_in(&client, "smtp");
	advance(999);
	assert_int_equal(client.called, 0);
	advance(1);
	assert_int_equal(client.called, 1);
	assert_unknown(&client, PWNED_REASON_TIMEOUT, PWNED_ACTION_ALLOW);
	assert_true(client.decision.more);
	assert_false(client.decision.late);
	/* it is judged when the answer comes */
	advance(3000);
	answer(0, 1);
	assert_int_equal(client.called, 2);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	assert_true(client.decision.late);
	assert_false(client.decision.renewed);
	assert_false(client.decision.more);
}

static void a_late_failure_is_told_as_well(void **state)
{
	struct client client;

	(void)state;
	log_in(&client, "imap");
	advance(1000);
	fake_source_end(0, PWNED_REASON_CONNECT, NULL);
	assert_int_equal(client.called, 2);
	assert_int_equal(client.decision.verdict, PWNED_VERDICT_UNKNOWN);
	assert_int_equal(client.decision.reason, PWNED_REASON_CONNECT);
	assert_true(client.decision.late);
	assert_false(client.decision.more);
}

static void without_a_wait_no_login_waits(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_wait = 0\n");
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_unknown(&client, PWNED_REASON_NO_WAIT, PWNED_ACTION_ALLOW);
	assert_true(client.decision.more);
	answer(0, 1);
	assert_int_equal(client.called, 1);
	assert_true(client.decision.late);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	/* the next one is decided */
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_DENY);
}

static void a_failure_is_unknown_and_allowed(void **state)
{
	struct client client;

	(void)state;
	log_in(&client, "smtp");
	fake_source_end(0, PWNED_REASON_TLS, NULL);
	assert_int_equal(client.called, 1);
	assert_unknown(&client, PWNED_REASON_TLS, PWNED_ACTION_ALLOW);
	assert_false(client.decision.more);
	/* one that is known at once does not wait */
	fake_source.refuse = PWNED_REASON_TLS;
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_unknown(&client, PWNED_REASON_TLS, PWNED_ACTION_ALLOW);
	assert_false(client.decision.more);
}

static void unknown_can_be_a_temporary_failure(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_on_unknown = tempfail\n");
	log_in(&client, "smtp");
	fake_source_end(0, PWNED_REASON_HTTP_STATUS, NULL);
	assert_unknown(&client, PWNED_REASON_HTTP_STATUS,
		       PWNED_ACTION_TEMPFAIL);
	log_in(&client, "imap");
	advance(1000);
	assert_unknown(&client, PWNED_REASON_TIMEOUT, PWNED_ACTION_TEMPFAIL);
	fake_source_end(1, PWNED_REASON_CONNECT, NULL);
	fake_source.refuse = PWNED_REASON_QUEUE_FULL;
	log_in(&client, "imap");
	assert_unknown(&client, PWNED_REASON_QUEUE_FULL, PWNED_ACTION_TEMPFAIL);
	/* what is unchecked is allowed, whatever that says */
	log_in_as(&client, "jane", "imap", "");
	assert_unchecked(&client, PWNED_REASON_NO_PASSWORD);
}

/* what the store has */

static void a_fresh_range_decides_at_once(void **state)
{
	static const struct {
		enum fake_store_place place;
		enum pwned_origin origin;
	} cases[] = { { FAKE_STORE_IN_MEMORY, PWNED_ORIGIN_CACHE },
		      { FAKE_STORE_IN_FILE, PWNED_ORIGIN_STORE } };
	struct client client;

	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(cases); i++) {
		for (int days = 0; days < 7; days++) {
			hold(3, cases[i].place, days);
			log_in(&client, "smtp");
			assert_true(client.at_once);
			assert_breached(&client, cases[i].origin,
					PWNED_ACTION_DENY);
			assert_false(client.decision.more);
		}
		hold(0, cases[i].place, 0);
		log_in(&client, "smtp");
		assert_clean(&client, cases[i].origin);
	}
	assert_int_equal(fake_source.length + fake_store.length, 0);
	assert_int_equal(counted(PWNED_COUNT_STALE), 0);
}

static void a_decision_has_a_band_and_no_count(void **state)
{
	static const struct {
		uint64_t count;
		enum pwned_band band;
	} cases[] = { { 0, PWNED_BAND_NONE },
		      { 9, PWNED_BAND_1 },
		      { 10, PWNED_BAND_10 },
		      { 999, PWNED_BAND_100 },
		      { 5000000, PWNED_BAND_1000 } };
	struct client client;

	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(cases); i++) {
		hold(cases[i].count, FAKE_STORE_IN_FILE, 0);
		log_in(&client, "smtp");
		assert_int_equal(client.decision.band, cases[i].band);
	}
	hold(0, FAKE_STORE_NOWHERE, 0);
	log_in(&client, "smtp");
	answer(0, 100);
	assert_int_equal(client.decision.band, PWNED_BAND_100);
}

/* An old range decides, and the source is asked behind the login. */
static void an_old_range_decides_at_once(void **state)
{
	/* one of tomorrow: a clock was wrong, and nothing can be told */
	static const int days[] = { 7, 100, 365, -1 };
	const enum fake_store_place places[] = { FAKE_STORE_IN_MEMORY,
						 FAKE_STORE_IN_FILE };
	struct client client;

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		const struct pwned_range_label *label;

		hold(3, places[i % 2], days[i / 2]);
		log_in(&client, "smtp");
		assert_true(client.at_once);
		assert_goes_on(&client);
		assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
		assert_int_equal(client.decision.band, PWNED_BAND_1);
		assert_int_equal(counted(PWNED_COUNT_STALE), i + 1);

		/* with the label of the block that answered */
		assert_int_equal(fake_source.length, i + 1);
		assert_int_equal(fake_source_prefix(i), PREFIX);
		assert_int_equal(fake_source_mode(i), PWNED_FETCH_LATER);
		label = fake_source_known(i);
		assert_string_equal(label->etag, ETAG);
		assert_int_equal(label->origin, ORIGIN);
		assert_int_equal(label->prefix, PREFIX);
		assert_int_equal(label->day, (int)today() - days[i / 2]);

		fake_source_not_modified(i, today());
		assert_late(&client, 1, true);
		assert_breached(&client, PWNED_ORIGIN_SOURCE,
				PWNED_ACTION_DENY);
		assert_int_equal(fake_store.renewed, i + 1);
		assert_string_equal(fake_store.renewed_label.etag, ETAG);
		assert_int_equal(fake_store.renewed_label.day, today());
		/* which makes it fresh */
		log_in(&client, "smtp");
		assert_true(client.at_once);
		assert_false(client.decision.more);
	}
	/* the logins knew it */
	assert_int_equal(counted(PWNED_COUNT_LATE_BREACHED), 0);
}

static void what_has_changed_is_told_late(void **state)
{
	struct client client;

	(void)state;
	hold(0, FAKE_STORE_IN_FILE, 8);
	log_in(&client, "smtp");
	assert_clean(&client, PWNED_ORIGIN_STALE);
	assert_goes_on(&client);
	answer(0, 1);
	assert_late(&client, 1, false);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	assert_int_equal(fake_store.added, 1);
	assert_int_equal(counted(PWNED_COUNT_LATE_BREACHED), 1);
	/* and the next login goes by it */
	log_in(&client, "smtp");
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_DENY);

	hold(1, FAKE_STORE_IN_FILE, 8);
	log_in(&client, "smtp");
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	answer(1, 0);
	assert_late(&client, 1, true);
	assert_clean(&client, PWNED_ORIGIN_SOURCE);
	assert_int_equal(counted(PWNED_COUNT_LATE_BREACHED), 1);
}

/* An old answer is better than none. */
static void an_old_range_does_without_a_source(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_on_unknown = tempfail\n");
	hold(9, FAKE_STORE_IN_MEMORY, 30);
	/* whether that is known to be down, */
	fake_source.refuse = PWNED_REASON_BREAKER_OPEN;
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_false(client.decision.more);
	fake_source.refuse = PWNED_REASON_NONE;
	/* fails, */
	log_in(&client, "smtp");
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	fake_source_end(0, PWNED_REASON_CONNECT, NULL);
	assert_late(&client, 1, true);
	assert_unknown(&client, PWNED_REASON_CONNECT, PWNED_ACTION_TEMPFAIL);
	/* or does not answer: the check is gone in time */
	log_in(&client, "smtp");
	advance(4999);
	assert_int_equal(client.called, 0);
	advance(1);
	assert_late(&client, 1, true);
	assert_unknown(&client, PWNED_REASON_TIMEOUT, PWNED_ACTION_TEMPFAIL);
	assert_int_equal(fake_source.running, 0);
	/* a probe is as good as any request to it */
	fake_source.probe = true;
	log_in(&client, "smtp");
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_goes_on(&client);
	fake_source_not_modified(2, today());
	assert_late(&client, 1, true);
}

static void choose(struct client *client)
{
	log_in_as(client, NULL, NULL, PASSWORD);
}

/* Nobody's login waits, so an old range decides only without an answer. */
static void a_choice_asks_the_source_first(void **state)
{
	static const enum fake_store_place places[] = { FAKE_STORE_IN_FILE,
							FAKE_STORE_ON_DISK };
	struct client client;
	unsigned int fetches = 0;

	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(places); i++) {
		/* it has changed, */
		hold(0, places[i], 30);
		choose(&client);
		if (places[i] == FAKE_STORE_ON_DISK)
			fake_store_end(0);
		assert_false(client.at_once);
		assert_int_equal(client.called, 0);
		assert_string_equal(fake_source_known(fetches)->etag, ETAG);
		assert_int_equal(fake_source_mode(fetches), PWNED_FETCH_URGENT);
		answer(fetches++, 1);
		assert_int_equal(client.called, 1);
		assert_false(client.decision.late);
		assert_breached(&client, PWNED_ORIGIN_SOURCE,
				PWNED_ACTION_DENY);
	}
	/* has not, */
	hold(9, FAKE_STORE_IN_FILE, 30);
	choose(&client);
	fake_source_not_modified(fetches++, today());
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	/* or cannot be asked: now, */
	hold(9, FAKE_STORE_IN_FILE, 30);
	fake_source.refuse = PWNED_REASON_CONNECT;
	choose(&client);
	assert_true(client.at_once);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_false(client.decision.more);
	fake_source.refuse = PWNED_REASON_NONE;
	/* or at all, */
	choose(&client);
	fake_source_end(fetches++, PWNED_REASON_TLS, NULL);
	assert_int_equal(client.called, 1);
	assert_false(client.decision.late);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	/* or in time; what comes then is no news */
	choose(&client);
	advance(1000);
	assert_int_equal(client.called, 1);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_true(client.decision.more);
	fake_source_not_modified(fetches++, today());
	assert_late(&client, 2, true);
}

static void a_range_that_is_too_old_is_none(void **state)
{
	struct client client;

	(void)state;
	hold(9, FAKE_STORE_IN_FILE, 366);
	log_in(&client, "smtp");
	assert_false(client.at_once);
	assert_int_equal(fake_source_mode(0), PWNED_FETCH_URGENT);
	assert_string_equal(fake_source_known(0)->etag, "");
	answer(0, 0);
	assert_int_equal(client.called, 1);
	assert_clean(&client, PWNED_ORIGIN_SOURCE);
	assert_false(client.decision.late || client.decision.renewed);

	hold(9, FAKE_STORE_IN_FILE, 366);
	fake_source.refuse = PWNED_REASON_BREAKER_OPEN;
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_unknown(&client, PWNED_REASON_BREAKER_OPEN, PWNED_ACTION_ALLOW);
}

static void the_ages_are_settings(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_store_max_age = 2 days\n"
		     "pwned_store_stale = 3 days\n");
	hold(9, FAKE_STORE_IN_FILE, 1);
	log_in(&client, "smtp");
	assert_breached(&client, PWNED_ORIGIN_STORE, PWNED_ACTION_DENY);
	/* and a range gets older while the engine lives */
	advance(24U * 3600 * 1000);
	log_in(&client, "smtp");
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	fake_source_end(0, PWNED_REASON_CONNECT, NULL);
	hold(9, FAKE_STORE_IN_FILE, 3);
	log_in(&client, "smtp");
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	fake_source_end(1, PWNED_REASON_CONNECT, NULL);
	hold(9, FAKE_STORE_IN_FILE, 4);
	log_in(&client, "smtp");
	assert_false(client.at_once);
	answer(2, 0);
}

/* what the disk has */

static void a_login_waits_for_the_disk(void **state)
{
	struct client client;

	(void)state;
	hold(3, FAKE_STORE_ON_DISK, 6);
	log_in(&client, "smtp");
	assert_false(client.at_once);
	assert_int_equal(fake_store.length, 1);
	advance(999);
	assert_int_equal(client.called, 0);
	fake_store_end(0);
	assert_int_equal(client.called, 1);
	assert_breached(&client, PWNED_ORIGIN_STORE, PWNED_ACTION_DENY);
	assert_false(client.decision.late || client.decision.more);
	assert_int_equal(fake_source.length, 0);
	advance(10000);
	assert_int_equal(client.called, 1);
}

static void the_disk_may_have_an_old_range(void **state)
{
	struct client client;

	(void)state;
	hold(3, FAKE_STORE_ON_DISK, 8);
	log_in(&client, "smtp");
	advance(100);
	fake_store_end(0);
	assert_goes_on(&client);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_int_equal(counted(PWNED_COUNT_STALE), 1);
	assert_int_equal(fake_source_mode(0), PWNED_FETCH_LATER);
	assert_string_equal(fake_source_known(0)->etag, ETAG);
	answer(0, 0);
	assert_late(&client, 2, true);
	assert_clean(&client, PWNED_ORIGIN_SOURCE);
	/* without a source that is all */
	hold(3, FAKE_STORE_ON_DISK, 8);
	fake_source.refuse = PWNED_REASON_BREAKER_OPEN;
	log_in(&client, "smtp");
	fake_store_end(1);
	assert_int_equal(client.called, 1);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_false(client.decision.more);
}

/* The wait is one for both. */
static void a_login_waits_for_the_disk_and_the_source(void **state)
{
	struct client client;

	(void)state;
	hold(0, FAKE_STORE_ON_DISK, 400);
	log_in(&client, "smtp");
	advance(500);
	fake_store_end(0);
	assert_int_equal(client.called, 0);
	assert_int_equal(fake_source_mode(0), PWNED_FETCH_URGENT);
	assert_string_equal(fake_source_known(0)->etag, "");
	advance(499);
	answer(0, 2);
	assert_int_equal(client.called, 1);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	assert_false(client.decision.late);

	hold(0, FAKE_STORE_ON_DISK, 400);
	log_in(&client, "smtp");
	advance(500);
	fake_store_end(1);
	advance(500);
	assert_goes_on(&client);
	assert_unknown(&client, PWNED_REASON_TIMEOUT, PWNED_ACTION_ALLOW);
	/* and so is the time that a digest is kept */
	advance(3999);
	assert_int_equal(client.called, 1);
	advance(1);
	assert_late(&client, 2, false);
	assert_unknown(&client, PWNED_REASON_TIMEOUT, PWNED_ACTION_ALLOW);
	assert_int_equal(fake_source.running, 0);
}

static void a_source_that_is_down_is_known_after_the_disk(void **state)
{
	struct client client;

	(void)state;
	hold(0, FAKE_STORE_ON_DISK, 400);
	fake_source.refuse = PWNED_REASON_BREAKER_OPEN;
	log_in(&client, "smtp");
	fake_store_end(0);
	assert_int_equal(client.called, 1);
	assert_unknown(&client, PWNED_REASON_BREAKER_OPEN, PWNED_ACTION_ALLOW);
	assert_false(client.decision.more);
	/* where it is probed, nobody waits for that */
	fake_source.refuse = PWNED_REASON_NONE;
	fake_source.probe = true;
	log_in(&client, "smtp");
	fake_store_end(1);
	assert_goes_on(&client);
	assert_unknown(&client, PWNED_REASON_BREAKER_OPEN, PWNED_ACTION_ALLOW);
	answer(0, 1);
	assert_late(&client, 2, false);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
}

/* A login for which the disk was too slow. */
static void log_in_too_early(struct client *client)
{
	log_in(client, "smtp");
	assert_false(client->at_once);
	advance(1000);
	assert_goes_on(client);
	assert_unknown(client, PWNED_REASON_STORE_SLOW, PWNED_ACTION_ALLOW);
}

static void a_slow_disk_is_late(void **state)
{
	struct client client;

	(void)state;
	hold(3, FAKE_STORE_ON_DISK, 0);
	log_in_too_early(&client);
	advance(3000);
	assert_int_equal(client.called, 1);
	fake_store_end(0);
	assert_late(&client, 2, false);
	assert_breached(&client, PWNED_ORIGIN_STORE, PWNED_ACTION_DENY);
	assert_int_equal(counted(PWNED_COUNT_LATE_BREACHED), 1);
	assert_int_equal(fake_source.length, 0);
}

static void after_a_slow_disk_the_source_is_asked(void **state)
{
	struct client client;

	(void)state;
	hold(3, FAKE_STORE_ON_DISK, 400);
	log_in_too_early(&client);
	fake_store_end(0);
	assert_int_equal(client.called, 1);
	assert_int_equal(fake_source_mode(0), PWNED_FETCH_LATER);
	assert_string_equal(fake_source_known(0)->etag, "");
	answer(0, 1);
	assert_late(&client, 2, false);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);

	hold(3, FAKE_STORE_ON_DISK, 400);
	fake_source.refuse = PWNED_REASON_TLS;
	log_in_too_early(&client);
	fake_store_end(1);
	assert_late(&client, 2, false);
	assert_unknown(&client, PWNED_REASON_TLS, PWNED_ACTION_ALLOW);
}

/* An old range that comes late has the last word unless the source has it. */
static void a_slow_disk_may_have_an_old_range(void **state)
{
	struct client client;

	(void)state;
	hold(3, FAKE_STORE_ON_DISK, 8);
	log_in_too_early(&client);
	fake_store_end(0);
	assert_int_equal(client.called, 1);
	assert_string_equal(fake_source_known(0)->etag, ETAG);
	fake_source_not_modified(0, today() - 8);
	assert_late(&client, 2, false);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	assert_int_equal(counted(PWNED_COUNT_LATE_BREACHED), 1);

	log_in_too_early(&client);
	fake_store_end(1);
	fake_source_end(1, PWNED_REASON_CONNECT, NULL);
	assert_late(&client, 2, false);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_int_equal(counted(PWNED_COUNT_LATE_BREACHED), 2);

	log_in_too_early(&client);
	fake_store_end(2);
	advance(4000);
	assert_late(&client, 2, false);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);

	fake_source.refuse = PWNED_REASON_BREAKER_OPEN;
	log_in_too_early(&client);
	fake_store_end(3);
	assert_late(&client, 2, false);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_int_equal(counted(PWNED_COUNT_STALE), 4);
}

static void a_disk_that_hangs_is_left(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_fetch_timeout = 2 s\n");
	hold(3, FAKE_STORE_ON_DISK, 0);
	log_in_too_early(&client);
	advance(999);
	assert_int_equal(client.called, 1);
	assert_int_equal(fake_store.reading, 1);
	advance(1);
	assert_late(&client, 2, false);
	assert_unknown(&client, PWNED_REASON_TIMEOUT, PWNED_ACTION_ALLOW);
	assert_int_equal(fake_store.reading, 0);
	/* one that is known to hang is not asked */
	fake_store.refuse = true;
	log_in(&client, "smtp");
	assert_false(client.at_once);
	answer(0, 1);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
}

static void without_a_wait_nobody_waits_for_the_disk(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_wait = 0\n");
	hold(3, FAKE_STORE_ON_DISK, 0);
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_goes_on(&client);
	assert_unknown(&client, PWNED_REASON_NO_WAIT, PWNED_ACTION_ALLOW);
	fake_store_end(0);
	assert_late(&client, 1, false);
	assert_breached(&client, PWNED_ORIGIN_STORE, PWNED_ACTION_DENY);
}

/* what the source is like */

static void nobody_waits_for_a_probe(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_on_unknown = tempfail\n");
	fake_source.probe = true;
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_goes_on(&client);
	assert_unknown(&client, PWNED_REASON_BREAKER_OPEN,
		       PWNED_ACTION_TEMPFAIL);
	answer(0, 1);
	assert_late(&client, 1, false);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	assert_int_equal(counted(PWNED_COUNT_LATE_BREACHED), 1);
	/* one that fails, and one that nobody answers */
	hold(0, FAKE_STORE_NOWHERE, 0);
	log_in(&client, "smtp");
	fake_source_end(1, PWNED_REASON_CONNECT, NULL);
	assert_late(&client, 1, false);
	assert_unknown(&client, PWNED_REASON_CONNECT, PWNED_ACTION_TEMPFAIL);
	log_in(&client, "smtp");
	advance(5000);
	assert_late(&client, 1, false);
	assert_unknown(&client, PWNED_REASON_TIMEOUT, PWNED_ACTION_TEMPFAIL);
	/* where there is none there is nothing to come */
	fake_source.refuse = PWNED_REASON_BREAKER_OPEN;
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_unknown(&client, PWNED_REASON_BREAKER_OPEN,
		       PWNED_ACTION_TEMPFAIL);
	assert_false(client.decision.more);
}

static void submissions_are_urgent(void **state)
{
	static const struct {
		const char *service;
		enum pwned_fetch_mode mode;
	} cases[] = { { "smtp", PWNED_FETCH_URGENT },
		      { "submission", PWNED_FETCH_URGENT },
		      { "imap", PWNED_FETCH_NORMAL },
		      { NULL, PWNED_FETCH_URGENT } };
	struct client client;

	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(cases); i++) {
		log_in(&client, cases[i].service);
		assert_int_equal(fake_source_mode(i), cases[i].mode);
		fake_source_end(i, PWNED_REASON_TLS, NULL);
	}
}

static void a_password_being_chosen_meets_the_worst_service(void **state)
{
	struct client client;

	(void)state;
	log_in_as(&client, NULL, NULL, PASSWORD);
	answer(0, 1);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
}

static void an_empty_password_is_not_looked_up(void **state)
{
	struct client client;

	(void)state;
	log_in_as(&client, "jane", "smtp", "");
	assert_true(client.at_once);
	assert_unchecked(&client, PWNED_REASON_NO_PASSWORD);
	assert_int_equal(fake_source.length, 0);
}

static void a_dry_run_decides_and_does_nothing(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_dry_run = yes\npwned_on_unknown = tempfail\n");
	log_in(&client, "smtp");
	answer(0, 1);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	assert_true(client.decision.dry_run);
	assert_int_equal(pwned_decision_effect(&client.decision),
			 PWNED_ACTION_ALLOW);
	log_in_as(&client, "jane", "imap", "123456");
	fake_source_end(1, PWNED_REASON_TLS, NULL);
	assert_unknown(&client, PWNED_REASON_TLS, PWNED_ACTION_TEMPFAIL);
	assert_int_equal(pwned_decision_effect(&client.decision),
			 PWNED_ACTION_ALLOW);
}

static void otherwise_the_action_is_what_is_done(void **state)
{
	static const enum pwned_action actions[] = { PWNED_ACTION_ALLOW,
						     PWNED_ACTION_WARN,
						     PWNED_ACTION_DENY,
						     PWNED_ACTION_TEMPFAIL };

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(actions); i++) {
		const struct pwned_decision decision = { .action = actions[i] };

		assert_int_equal(pwned_decision_effect(&decision), actions[i]);
	}
}

/* Each login goes by the settings it came with; cache and source are one. */
static void settings_may_differ_by_login(void **state)
{
	struct fixture *f = *state;
	struct pwned_settings strict, dry;
	struct client client;

	parse("pwned_policy = *=deny\npwned_on_unknown = tempfail\n"
	      "pwned_wait = 0\n",
	      &strict);
	parse("pwned_policy = *=deny\npwned_dry_run = yes\n", &dry);

	f->protocol_set = &strict;
	log_in(&client, "imap");
	assert_true(client.at_once);
	assert_unknown(&client, PWNED_REASON_NO_WAIT, PWNED_ACTION_TEMPFAIL);
	answer(0, 3);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
	f->protocol_set = &dry;
	log_in(&client, "imap");
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_DENY);
	assert_true(client.decision.dry_run);
	f->protocol_set = NULL;
	log_in(&client, "imap");
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_WARN);
	assert_false(client.decision.dry_run);
	pwned_settings_free(&strict);
	pwned_settings_free(&dry);
}

static void a_skip_names_its_reason(void **state)
{
	struct client client = { .called = 0 };

	(void)state;
	pwned_check_skip(NULL, &current->set, PWNED_REASON_MECHANISM,
			 &client.decision);
	assert_unchecked(&client, PWNED_REASON_MECHANISM);
	assert_false(client.decision.dry_run);
	pwned_check_skip(NULL, NULL, PWNED_REASON_CONFIG, &client.decision);
	assert_unchecked(&client, PWNED_REASON_CONFIG);
	use_settings("pwned_dry_run = yes\n");
	pwned_check_skip(NULL, &current->set, PWNED_REASON_MASTER_USER,
			 &client.decision);
	assert_true(client.decision.dry_run);
}

static void log_in_users(struct client *client, unsigned int first,
			 unsigned int count, const char *service)
{
	for (unsigned int i = first; i < first + count; i++) {
		char user[16];

		(void)snprintf(user, sizeof(user), "user%u", i);
		log_in_as(client, user, service, PASSWORD);
	}
}

static void the_brake_turns_denials_into_warnings(void **state)
{
	struct client client;

	(void)state;
	log_in_as(&client, NULL, "imap", PASSWORD);
	answer(0, 1);
	log_in_users(&client, 0, 100, "imap");
	assert_int_equal(current->lines.count, 0);
	/* a fifth of them may be denied, and the one that is more shows it */
	log_in_users(&client, 0, 21, "smtp");
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_DENY);
	assert_int_equal(current->lines.count, 1);
	assert_int_equal(current->lines.level, PWNED_LOG_ERROR);
	assert_non_null(strstr(current->lines.text, "20 %"));
	log_in_users(&client, 21, 50, "smtp");
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_WARN);
	assert_true(client.decision.braked);
	assert_int_equal(current->lines.count, 1);
	/* who is denied stays denied */
	log_in_users(&client, 3, 1, "smtp");
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_DENY);
	assert_false(client.decision.braked);
	/* the end is told as well */
	advance(2 * 3600 * 1000);
	log_in_users(&client, 0, 1, "imap");
	assert_int_equal(current->lines.count, 2);
	assert_int_equal(current->lines.level, PWNED_LOG_INFO);
}

static void without_a_share_there_is_no_brake(void **state)
{
	struct client client;

	(void)state;
	use_settings("pwned_brake_share = 0\n");
	log_in_as(&client, NULL, "imap", PASSWORD);
	answer(0, 1);
	for (unsigned int i = 0; i < 150; i++) {
		log_in_users(&client, i, 1, "smtp");
		assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_DENY);
	}
	assert_int_equal(current->lines.count, 0);
}

/* Late denials deny nobody. */
static void late_denials_do_not_brake(void **state)
{
	static struct client clients[200];
	struct client client;

	(void)state;
	use_settings("pwned_wait = 0\n");
	for (unsigned int i = 0; i < 200; i++)
		log_in_users(&clients[i], i, 1, "smtp");
	for (unsigned int i = 0; i < 200; i++)
		answer(i, 1);
	assert_int_equal(current->lines.count, 0);
	log_in_users(&client, 0, 1, "smtp");
	assert_breached(&client, PWNED_ORIGIN_CACHE, PWNED_ACTION_DENY);
}

/* A login in each state that a check can be in; the first three wait. */
#define STATES         8
#define STATES_WAITING 3

static void log_in_to_each_state(struct client clients[STATES])
{
	hold(3, FAKE_STORE_ON_DISK, 8);
	log_in(&clients[3], "smtp");
	log_in(&clients[4], "smtp");
	log_in(&clients[5], "smtp");
	fake_store.place = FAKE_STORE_NOWHERE;
	log_in(&clients[6], "smtp");
	/* the disk and the source are slow; then it has nothing, or an old
	   range, and the source is asked behind the login */
	advance(1000);
	fake_store_end(1);
	fake_store.place = FAKE_STORE_ON_DISK;
	fake_store_end(2);
	/* these wait: for the disk, the source, and that after the disk */
	log_in(&clients[0], "smtp");
	log_in(&clients[2], "smtp");
	fake_store.place = FAKE_STORE_NOWHERE;
	log_in(&clients[1], "smtp");
	fake_store_end(4);
	/* an old range decides it */
	fake_store.place = FAKE_STORE_IN_FILE;
	log_in(&clients[7], "smtp");
}

static void the_end_decides_what_waits(void **state)
{
	struct client clients[STATES], done;

	(void)state;
	use_settings("pwned_on_unknown = tempfail\n");
	hold(1, FAKE_STORE_IN_FILE, 0);
	log_in(&done, "imap");
	log_in_to_each_state(clients);
	assert_int_equal(fake_store.reading, 2);
	assert_int_equal(fake_source.running, 6);
	pwned_engine_free(&current->engine);
	assert_int_equal(fake_store.reading + fake_source.running, 0);

	assert_int_equal(done.called, 0);
	for (unsigned int i = 0; i < STATES; i++) {
		const struct client *client = &clients[i];
		bool late = i >= STATES_WAITING;

		assert_int_equal(client->called,
				 late && !client->at_once ? 2 : 1);
		assert_int_equal(client->decision.late, late);
		assert_int_equal(client->decision.renewed, client->at_once);
		assert_false(client->decision.more);
		if (i == 5)
			assert_breached(client, PWNED_ORIGIN_STALE,
					PWNED_ACTION_DENY);
		else
			assert_unknown(client, PWNED_REASON_SHUTDOWN,
				       PWNED_ACTION_TEMPFAIL);
	}
}

/* More checks than may wait: what the store has decides all the same. */
static void an_old_range_decides_however_many_wait(void **state)
{
	enum { MANY = 65536 };
	static struct client clients[MANY];
	struct client client;

	(void)state;
	use_settings("pwned_wait = 0\n");
	hold(3, FAKE_STORE_ON_DISK, 8);
	for (unsigned int i = 0; i < MANY; i++) {
		log_in(&clients[i], "smtp");
		assert_goes_on(&clients[i]);
	}
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_unknown(&client, PWNED_REASON_QUEUE_FULL, PWNED_ACTION_ALLOW);
	assert_false(client.decision.more);
	assert_int_equal(fake_store.length, MANY);

	fake_store.place = FAKE_STORE_IN_MEMORY;
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_false(client.decision.more);
	assert_int_equal(counted(PWNED_COUNT_STALE), 1);
	assert_int_equal(fake_source.length, 0);
	/* there is room again when one has gone */
	fake_store.day = today();
	fake_store_end(0);
	assert_late(&clients[0], 1, false);
	fake_store.place = FAKE_STORE_NOWHERE;
	log_in(&client, "smtp");
	assert_goes_on(&client);
	answer(0, 0);
	pwned_engine_free(&current->engine);
	assert_late(&clients[MANY - 1], 1, false);
	assert_unknown(&clients[MANY - 1], PWNED_REASON_SHUTDOWN,
		       PWNED_ACTION_ALLOW);
}

static void what_cannot_start_says_why(void **state)
{
	struct fixture *f = *state;
	struct pwned_error error;

	close_engine(f);
	parse("", &f->set);
	fake_source.unusable = true;
	assert_null(pwned_engine_new(&f->set, PWNED_ROLE_AUTH, NULL, 1, NULL,
				     f->loop, &f->reporter, &error));
	fake_source.unusable = false;
	assert_string_equal(error.text, "no libcurl");
}

struct chain {
	struct client next;
	unsigned int called;
};

static void on_decision_log_in(void *context,
			       const struct pwned_decision *decision)
{
	struct chain *chain = context;

	(void)decision;
	chain->called++;
	log_in(&chain->next, "imap");
}

static void a_callback_may_start_a_check(void **state)
{
	const struct pwned_login login = { .set = &current->set,
					   .user = "jane",
					   .service = "smtp",
					   .password = PASSWORD,
					   .password_size = 8 };
	struct chain chain = { .called = 0 };
	struct pwned_decision decision;

	(void)state;
	assert_false(pwned_check_start(current->engine, &login,
				       on_decision_log_in, &chain, &decision));
	answer(0, 3);
	assert_int_equal(chain.called, 1);
	/* the range is there for it already */
	assert_true(chain.next.at_once);
	assert_breached(&chain.next, PWNED_ORIGIN_CACHE, PWNED_ACTION_WARN);
}

/* The callback of a login that goes on may start checks as well, while the
   first one is still there. */
static void a_callback_may_start_a_check_beside_its_own(void **state)
{
	const struct pwned_login login = { .set = &current->set,
					   .user = "jane",
					   .service = "smtp",
					   .password = PASSWORD,
					   .password_size = 8 };
	struct chain slow = { .called = 0 }, old = { .called = 0 };
	struct pwned_decision decision;

	(void)state;
	assert_false(pwned_check_start(current->engine, &login,
				       on_decision_log_in, &slow, &decision));
	advance(1000);
	assert_int_equal(slow.called, 1);
	answer(0, 3);
	assert_int_equal(slow.called, 2);
	assert_true(slow.next.at_once);
	answer(1, 3);

	hold(3, FAKE_STORE_ON_DISK, 8);
	assert_false(pwned_check_start(current->engine, &login,
				       on_decision_log_in, &old, &decision));
	fake_store_end(0);
	assert_int_equal(old.called, 1);
	assert_false(old.next.at_once);
	fake_store_end(1);
	assert_goes_on(&old.next);
	fake_source_not_modified(2, today());
	assert_int_equal(old.called, 2);
	assert_true(old.next.at_once || old.next.called == 0);
	pwned_engine_free(&current->engine);
}

/* Of a password nothing is copied, and of its hash nothing is left. */
static void no_copy_of_the_hash_is_left(void **state)
{
	const struct pwned_digest digest = { .prefix = PREFIX, .key = KEY };
	struct client client, clients[STATES];

	(void)state;
	test_freed_watch(&digest.key, sizeof(digest.key));
	log_in(&client, "smtp");
	fake_source_end(0, PWNED_REASON_TLS, NULL);
	log_in(&client, "smtp");
	advance(5000);
	assert_late(&client, 2, false);
	assert_false(test_freed_had_secret());
	use_settings("");

	test_freed_watch(&digest.key, sizeof(digest.key));
	log_in_to_each_state(clients);
	pwned_engine_free(&current->engine);
	assert_false(test_freed_had_secret());
}

#define with_engine(test)                                                      \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_engine(an_answer_within_the_wait_decides),
		with_engine(what_was_fetched_decides_at_once),
		with_engine(a_password_that_is_not_in_its_range_is_clean),
		with_engine(the_policy_has_the_last_word),
		with_engine(a_login_waits_no_longer_than_it_should),
		with_engine(a_late_failure_is_told_as_well),
		with_engine(without_a_wait_no_login_waits),
		with_engine(a_failure_is_unknown_and_allowed),
		with_engine(unknown_can_be_a_temporary_failure),
		with_engine(a_fresh_range_decides_at_once),
		with_engine(a_decision_has_a_band_and_no_count),
		with_engine(an_old_range_decides_at_once),
		with_engine(what_has_changed_is_told_late),
		with_engine(an_old_range_does_without_a_source),
		with_engine(a_choice_asks_the_source_first),
		with_engine(a_range_that_is_too_old_is_none),
		with_engine(the_ages_are_settings),
		with_engine(a_login_waits_for_the_disk),
		with_engine(the_disk_may_have_an_old_range),
		with_engine(a_login_waits_for_the_disk_and_the_source),
		with_engine(a_source_that_is_down_is_known_after_the_disk),
		with_engine(a_slow_disk_is_late),
		with_engine(after_a_slow_disk_the_source_is_asked),
		with_engine(a_slow_disk_may_have_an_old_range),
		with_engine(a_disk_that_hangs_is_left),
		with_engine(without_a_wait_nobody_waits_for_the_disk),
		with_engine(nobody_waits_for_a_probe),
		with_engine(submissions_are_urgent),
		with_engine(a_password_being_chosen_meets_the_worst_service),
		with_engine(an_empty_password_is_not_looked_up),
		with_engine(a_dry_run_decides_and_does_nothing),
		with_engine(otherwise_the_action_is_what_is_done),
		with_engine(settings_may_differ_by_login),
		with_engine(a_skip_names_its_reason),
		with_engine(the_brake_turns_denials_into_warnings),
		with_engine(without_a_share_there_is_no_brake),
		with_engine(late_denials_do_not_brake),
		with_engine(the_end_decides_what_waits),
		with_engine(an_old_range_decides_however_many_wait),
		with_engine(what_cannot_start_says_why),
		with_engine(a_callback_may_start_a_check),
		with_engine(a_callback_may_start_a_check_beside_its_own),
		with_engine(no_copy_of_the_hash_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
