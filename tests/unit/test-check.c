/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of one login. The source is a fake here, so that a test says what it
   answers and when. */

#include "support/fake-loop.h"
#include "support/fake-source.h"
#include "support/freed.h"
#include "support/log-lines.h"
#include "support/unit.h"
#include "check.h"
#include "digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SHA-1 of "password": 5BAA6 1E4C9B93F3F0 ... */
#define PASSWORD "password"
#define PREFIX   0x5baa6
#define KEY      UINT64_C(0x1e4c9b93f3f0)
#define WEEK     (7U * 24 * 3600 * 1000)

/* Answers with a range in which the password was seen count times; 0: never. */
static void answer(unsigned int i, uint64_t count)
{
	struct pwned_range_entry entries[] = {
		{ .key = 1, .count = 1 },
		{ .key = KEY, .count = count },
	};
	struct pwned_range *range =
		pwned_range_pack(entries, count == 0 ? 1 : 2);

	assert_non_null(range);
	fake_source_end(i, PWNED_REASON_NONE, range);
	pwned_range_unref(&range);
}

/* who logs in */

struct fixture {
	struct pwned_loop *loop;
	struct pwned_settings set;
	const struct pwned_settings *protocol_set; /* NULL: the same */
	struct log_lines lines;
	struct pwned_log log;
	struct pwned_engine *engine;
};

static struct fixture *current;

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

static void assert_unchecked(const struct client *client,
			     enum pwned_reason reason)
{
	assert_decision(client, PWNED_VERDICT_UNCHECKED, reason,
			PWNED_ORIGIN_NONE, PWNED_ACTION_ALLOW);
}

static void open_engine(struct fixture *f, const char *settings)
{
	struct pwned_error error;

	assert_true(pwned_settings_parse(settings, strlen(settings), "file",
					 &f->set, &error));
	f->engine =
		pwned_engine_new(&f->set, NULL, 1, f->loop, &f->log, &error);
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
	fake_source.known = PWNED_REASON_TLS;
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
	fake_source.known = PWNED_REASON_QUEUE_FULL;
	log_in(&client, "imap");
	assert_unknown(&client, PWNED_REASON_QUEUE_FULL, PWNED_ACTION_TEMPFAIL);
	/* what is unchecked is allowed, whatever that says */
	log_in_as(&client, "jane", "imap", "");
	assert_unchecked(&client, PWNED_REASON_NO_PASSWORD);
}

static void a_range_of_a_week_ago_is_fetched_again(void **state)
{
	struct client client;

	(void)state;
	log_in(&client, "smtp");
	answer(0, 0);
	advance(WEEK - 1000);
	log_in(&client, "smtp");
	assert_clean(&client, PWNED_ORIGIN_CACHE);
	advance(1000);
	log_in(&client, "smtp");
	assert_false(client.at_once);
	assert_int_equal(fake_source.length, 2);
	answer(1, 9);
	assert_breached(&client, PWNED_ORIGIN_SOURCE, PWNED_ACTION_DENY);
}

/* An old answer is better than none. */
static void a_stale_range_stands_in(void **state)
{
	struct client client;

	(void)state;
	log_in(&client, "smtp");
	answer(0, 9);
	advance(WEEK);
	/* where the source fails, */
	log_in(&client, "smtp");
	fake_source_end(1, PWNED_REASON_CONNECT, NULL);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_false(client.decision.more);
	/* is known to fail, */
	fake_source.known = PWNED_REASON_CONNECT;
	log_in(&client, "smtp");
	assert_true(client.at_once);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	fake_source.known = PWNED_REASON_NONE;
	/* or is too slow: then the login is judged once more */
	log_in(&client, "smtp");
	advance(1000);
	assert_breached(&client, PWNED_ORIGIN_STALE, PWNED_ACTION_DENY);
	assert_true(client.decision.more);
	assert_false(client.decision.renewed);
	answer(2, 0);
	assert_clean(&client, PWNED_ORIGIN_SOURCE);
	assert_true(client.decision.late);
	assert_true(client.decision.renewed);
}

static void submissions_are_urgent(void **state)
{
	static const struct {
		const char *service;
		bool urgent;
	} cases[] = { { "smtp", true },
		      { "submission", true },
		      { "imap", false },
		      { NULL, true } };
	struct client client;

	(void)state;
	for (unsigned int i = 0; i < N_ELEMENTS(cases); i++) {
		log_in(&client, cases[i].service);
		assert_int_equal(fake_source_is_urgent(i), cases[i].urgent);
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

static void parse(const char *settings, struct pwned_settings *set_r)
{
	struct pwned_error error;

	assert_true(pwned_settings_parse(settings, strlen(settings), "file",
					 set_r, &error));
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
	pwned_check_skip(&current->set, PWNED_REASON_MECHANISM,
			 &client.decision);
	assert_unchecked(&client, PWNED_REASON_MECHANISM);
	assert_false(client.decision.dry_run);
	pwned_check_skip(NULL, PWNED_REASON_CONFIG, &client.decision);
	assert_unchecked(&client, PWNED_REASON_CONFIG);
	use_settings("pwned_dry_run = yes\n");
	pwned_check_skip(&current->set, PWNED_REASON_MASTER_USER,
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

static void the_end_decides_what_waits(void **state)
{
	struct client waits, late, done;

	(void)state;
	use_settings("pwned_on_unknown = tempfail\n");
	log_in_as(&late, "jane", "smtp", "123456");
	advance(1000);
	assert_int_equal(late.called, 1);
	log_in(&done, "imap");
	answer(1, 1);
	log_in_as(&waits, "jane", "smtp", "another");
	pwned_engine_free(&current->engine);
	assert_int_equal(done.called, 1);
	assert_int_equal(waits.called, 1);
	assert_unknown(&waits, PWNED_REASON_SHUTDOWN, PWNED_ACTION_TEMPFAIL);
	assert_false(waits.decision.more || waits.decision.late);
	assert_int_equal(late.called, 2);
	assert_int_equal(late.decision.reason, PWNED_REASON_SHUTDOWN);
	assert_true(late.decision.late);
}

static void what_cannot_start_says_why(void **state)
{
	struct fixture *f = *state;
	struct pwned_error error;

	fake_source.unusable = true;
	assert_null(
		pwned_engine_new(&f->set, NULL, 1, f->loop, &f->log, &error));
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

/* Of a password nothing is copied, and of its hash nothing is left. */
static void no_copy_of_the_hash_is_left(void **state)
{
	const struct pwned_digest digest = { .prefix = PREFIX, .key = KEY };
	struct client client;

	(void)state;
	test_freed_watch(&digest.key, sizeof(digest.key));
	log_in(&client, "smtp");
	fake_source_end(0, PWNED_REASON_TLS, NULL);
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
		with_engine(a_range_of_a_week_ago_is_fetched_again),
		with_engine(a_stale_range_stands_in),
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
		with_engine(a_callback_may_start_a_check),
		with_engine(what_cannot_start_says_why),
		with_engine(no_copy_of_the_hash_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
