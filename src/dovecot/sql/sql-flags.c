/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records in PostgreSQL, for auth. */

#include "lib.h"
#include "ioloop.h"
#include "llist.h"
#include "sql-api.h"
#include "dovecot-loop.h"
#include "flag-news.h"
#include "sql-client.h"
#include "sql-conf.h"
#include "sql-flag.h"
#include "sql-flags.h"
#include "sql-lapsed.h"
#include "sql-request.h"

#define CONNECTIONS    4
#define FIND_MSECS_MIN 1000
#define WRITE_MSECS    10000
#define FLUSH_MSECS    500 /* a crash loses what was told since */
#define STOP_MSECS     1000
#define JOBS_MAX       16   /* records that are being written at a time */
#define LAPSED_MAX     1000 /* of those that wait to be written */
#define COMPLAIN_MSECS 60000

/* What was said of a user is being written; it stays where that fails. */
struct job {
	struct job *prev, *next;
	struct sql_flags *flags;
	struct pwned_news_user *user; /* of `taken` */
	bool runs;
	enum pwned_sql_urgency urgency;
	struct pwned_sql_record read;
	uint64_t version; /* that was written last, as far as known; 0: none */
	struct pwned_news_outcomes outcomes; /* to tell once it is written */
};

struct sql_flags {
	struct pwned_flags flags; /* must be first */
	const struct pwned_sql_conf *conf;
	const struct pwned_settings *set;
	struct event *parent;
	struct pwned_loop *loop;
	const struct pwned_reporter *reporter;
	struct pwned_counters *counters;
	struct pwned_flag_rules rules;
	struct pwned_sql *client;
	struct pwned_news waiting, taken;
	uint64_t number;
	struct job *jobs;
	unsigned int running;
	struct pwned_flags_request *tellers; /* who wait until it is written */
	unsigned int finders;
	struct pwned_timer *flush_timer, *stop_timer;
	bool drains; /* more is written than was taken at once */
	struct pwned_sql_lapsed *lapsed;
	uint64_t complain_msecs;
	bool ends;
	struct ioloop *last_ioloop; /* at the end */
};

static void jobs_start(struct sql_flags *flags);
static void job_start(struct job *job);
static void start_at_once(struct sql_flags *flags, const char *name);

static uint64_t now_secs(const struct sql_flags *flags)
{
	return flags->loop->v->unix_secs(flags->loop);
}

static void timer_remove(struct sql_flags *flags, struct pwned_timer **timer)
{
	if (*timer != NULL)
		flags->loop->v->timer_remove(timer);
}

static void job_free(struct job **_job)
{
	struct job *job = *_job;

	*_job = NULL;
	DLLIST_REMOVE(&job->flags->jobs, job);
	pwned_news_outcomes_free(&job->outcomes);
	i_free(job);
}

static void job_stops(struct job *job)
{
	i_assert(job->runs);
	job->runs = FALSE;
	job->flags->running--;
}

/* It is tried again when the database is back. */
static void job_failed(struct job *job)
{
	struct sql_flags *flags = job->flags;

	job_stops(job);
	pwned_sql_tellers_answer(&flags->tellers, pwned_news_name(job->user),
				 pwned_news_number(job->user), FALSE);
}

static void job_done(struct job *job)
{
	struct sql_flags *flags = job->flags;
	char *user = i_strdup(pwned_news_name(job->user));
	uint64_t number = pwned_news_number(job->user);

	job_stops(job);
	pwned_news_outcomes_report(&job->outcomes, flags->reporter);
	pwned_news_remove(&flags->taken, job->user);
	job_free(&job);
	pwned_sql_tellers_answer(&flags->tellers, user, number, TRUE);
	if (pwned_sql_somebody_waits(flags->tellers, user))
		start_at_once(flags, user);
	i_free(user);
	jobs_start(flags);
}

static void on_written(void *context, bool ok, struct sql_result *result)
{
	struct job *job = context;

	if (!ok) {
		job_failed(job);
	} else if (result != NULL) {
		job_done(job);
	} else {
		/* somebody else has written it, or the reply was lost */
		job_stops(job);
		job_start(job);
	}
}

static void job_write(struct job *job)
{
	struct pwned_flag flag = job->read.flag;
	bool hold_changed;

	pwned_news_outcomes_free(&job->outcomes);
	if (!pwned_news_apply(job->user, &flag, now_secs(job->flags),
			      &job->flags->rules, &hold_changed,
			      &job->outcomes) ||
	    (job->read.version == 0 && pwned_flag_is_empty(&flag))) {
		job_done(job);
		return;
	}
	job->version = pwned_sql_flag_new_version();
	if (!pwned_sql_send(job->flags->client,
			    pwned_sql_flag_put(pwned_news_name(job->user),
					       &job->read, &flag, job->version),
			    job->urgency, WRITE_MSECS, on_written, job))
		job_failed(job);
}

static void on_read(void *context, bool ok, struct sql_result *result)
{
	struct job *job = context;

	if (!ok) {
		job_failed(job);
		return;
	}
	pwned_sql_flag_read(result, &job->read);
	if (job->version != 0 && job->read.version == job->version)
		job_done(job);
	else
		job_write(job);
}

static void job_start(struct job *job)
{
	struct sql_flags *flags = job->flags;
	const char *user = pwned_news_name(job->user);

	job->runs = TRUE;
	flags->running++;
	job->urgency = pwned_sql_somebody_waits(flags->tellers, user) ?
			       PWNED_SQL_NOW :
			       PWNED_SQL_SOON;
	if (!pwned_sql_send(flags->client, pwned_sql_flag_get(user),
			    job->urgency, WRITE_MSECS, on_read, job))
		job_failed(job);
}

static struct job *job_new(struct sql_flags *flags,
			   struct pwned_news_user *user)
{
	struct job *job;

	if (!pwned_news_move(&flags->waiting, user, &flags->taken))
		return NULL;
	job = i_new(struct job, 1);
	job->flags = flags;
	job->user = user;
	TAILQ_INIT(&job->outcomes);
	DLLIST_PREPEND(&flags->jobs, job);
	return job;
}

static struct job *find_job(struct sql_flags *flags, const char *user)
{
	struct job *job = flags->jobs;

	while (job != NULL && strcmp(pwned_news_name(job->user), user) != 0)
		job = job->next;
	return job;
}

static void start_at_once(struct sql_flags *flags, const char *name)
{
	struct job *job = find_job(flags, name);
	struct pwned_news_user *user;

	/* behind what is being written of him */
	if (job == NULL) {
		user = pwned_news_find(&flags->waiting, name);
		job = user == NULL ? NULL : job_new(flags, user);
	}
	if (job != NULL && !job->runs)
		job_start(job);
}

/* What failed before goes first, so that each user's news stay in order. */
static void jobs_start(struct sql_flags *flags)
{
	struct pwned_news_user *user, *next;
	struct job *job, *next_job;

	if (pwned_sql_is_down(flags->client) ||
	    (flags->flush_timer != NULL && !flags->drains))
		return;
	for (job = flags->jobs; job != NULL; job = next_job) {
		next_job = job->next;
		if (!job->runs && flags->running < JOBS_MAX)
			job_start(job);
	}
	for (user = TAILQ_FIRST(&flags->waiting.users);
	     user != NULL && flags->running < JOBS_MAX; user = next) {
		next = pwned_news_next(user);
		if (pwned_news_find(&flags->taken, pwned_news_name(user)) ==
			    NULL &&
		    (job = job_new(flags, user)) != NULL)
			job_start(job);
	}
	if (flags->running < JOBS_MAX)
		flags->drains = FALSE;
	if (flags->last_ioloop != NULL && flags->jobs == NULL)
		io_loop_stop(flags->last_ioloop);
}

static void flush(void *context)
{
	struct sql_flags *flags = context;

	flags->flush_timer = NULL;
	flags->drains = TRUE;
	jobs_start(flags);
}

static void flush_later(struct sql_flags *flags)
{
	if (flags->flush_timer == NULL && !flags->ends)
		flags->flush_timer = flags->loop->v->timer_add(
			flags->loop, FLUSH_MSECS, flush, flags);
}

static void complain(struct sql_flags *flags, const char *text)
{
	uint64_t now = flags->loop->v->now_msecs(flags->loop);

	if (flags->counters != NULL)
		pwned_count(flags->counters, PWNED_COUNT_FLAGS_DROPPED);
	if (now < flags->complain_msecs)
		return;
	flags->complain_msecs = now + COMPLAIN_MSECS;
	pwned_report_store(flags->reporter, PWNED_FAULT_FLAGS, text);
}

static bool sql_may_have(struct pwned_flags *flags ATTR_UNUSED,
			 const char *user ATTR_UNUSED)
{
	return TRUE;
}

static void on_found(void *context, bool ok, struct sql_result *result)
{
	struct pwned_flags_request *request = context;
	struct sql_flags *flags = request->flags;
	struct pwned_news *const news[] = { &flags->taken, &flags->waiting };
	struct pwned_sql_record record;
	char written[sizeof(record.flag.hold_text)];
	bool hold_changed;

	flags->finders--;
	if (ok) {
		pwned_sql_flag_read(result, &record);
		(void)pwned_flag_age(&record.flag, now_secs(flags),
				     &flags->rules, &hold_changed);
		memcpy(written, record.flag.hold_text, sizeof(written));
	}
	for (unsigned int i = 0; ok && i < N_ELEMENTS(news); i++) {
		struct pwned_news_user *user =
			pwned_news_find(news[i], request->user);

		if (user != NULL)
			(void)pwned_news_apply(user, &record.flag,
					       now_secs(flags), &flags->rules,
					       &hold_changed, NULL);
	}
	/* MTAs do not read the news yet: whoever wants that has to wait */
	if (ok)
		memcpy(record.flag.hold_text, written, sizeof(written));
	request->found(request->context, ok ? &record.flag : NULL);
	pwned_sql_request_free(request);
}

static struct pwned_flags_request *sql_find(
	struct pwned_flags *_flags, const char *user,
	pwned_flags_found_callback *callback, void *context)
{
	struct sql_flags *flags = (struct sql_flags *)_flags;
	struct pwned_flags_request *request;

	if (flags->ends || pwned_sql_is_down(flags->client) ||
	    !pwned_sql_can_have(user))
		return NULL;
	request = pwned_sql_request_new(flags, user, context);
	request->found = callback;
	request->query = pwned_sql_flag_get(user);
	flags->finders++;
	(void)pwned_sql_send(flags->client, request->query, PWNED_SQL_NOW,
			     I_MAX(flags->set->wait_msecs, FIND_MSECS_MIN),
			     on_found, request);
	return request;
}

static unsigned int unwritten(const struct sql_flags *flags)
{
	return flags->waiting.length + flags->taken.length;
}

static bool keep_news(struct sql_flags *flags,
		      const struct pwned_flag_news *news)
{
	if (!pwned_sql_can_have(news->user)) {
		complain(flags, "a user whose name PostgreSQL cannot hold "
				"(not UTF-8, or too long) is not recorded");
		return FALSE;
	}
	if (pwned_news_has_room(unwritten(flags), news) &&
	    pwned_news_add(&flags->waiting, news, ++flags->number))
		return TRUE;
	if (news->saying != PWNED_SAYING_CLEAN)
		complain(flags, "more changes of records wait for PostgreSQL "
				"than can be kept: some are lost");
	return FALSE;
}

static struct pwned_flags_request *sql_tell(struct pwned_flags *_flags,
					    const struct pwned_flag_news *news,
					    pwned_flags_told_callback *callback,
					    void *context)
{
	struct sql_flags *flags = (struct sql_flags *)_flags;
	struct pwned_flags_request *request;

	if (!keep_news(flags, news))
		return NULL;
	if (callback == NULL || pwned_sql_is_down(flags->client)) {
		flush_later(flags);
		return NULL;
	}
	request = pwned_sql_request_new(flags, news->user, context);
	request->number = flags->number;
	request->told = callback;
	DLLIST_PREPEND(&flags->tellers, request);
	start_at_once(flags, news->user);
	return request;
}

static void sql_forget_request(struct pwned_flags_request **_request)
{
	struct pwned_flags_request *request = *_request;

	*_request = NULL;
	if (request->told != NULL) {
		request->told = NULL;
		return;
	}
	request->flags->finders--;
	pwned_sql_query_forget(&request->query);
	pwned_sql_request_free(request);
}

static bool sql_is_busy(struct pwned_flags *_flags)
{
	struct sql_flags *flags = (struct sql_flags *)_flags;

	return unwritten(flags) > 0 || flags->finders > 0;
}

static void on_status(void *context, const char *text)
{
	struct sql_flags *flags = context;
	struct pwned_error error;

	if (flags->ends)
		return;
	if (text == NULL) {
		pwned_log(flags->reporter->log, PWNED_LOG_INFO,
			  "the records of accounts in PostgreSQL can be read "
			  "and written again");
		jobs_start(flags);
		return;
	}
	(void)pwned_error_set(&error,
			      "the records of accounts in PostgreSQL (%s) "
			      "cannot be used: %s; %u changes wait",
			      flags->conf->path, text, unwritten(flags));
	pwned_report_store(flags->reporter, PWNED_FAULT_FLAGS, error.text);
}

/* Each is looked at as if its user had logged in, so that hosts which do this
   at the same time change it once. */
static bool on_lapsed(void *context, const char *user)
{
	struct sql_flags *flags = context;
	const struct pwned_flag_news news = {
		.user = user,
		.saying = PWNED_SAYING_NOTHING,
		.now_secs = now_secs(flags),
	};

	flush_later(flags);
	return keep_news(flags, &news) && unwritten(flags) < LAPSED_MAX;
}

static bool connect_client(struct sql_flags *flags, unsigned int connections,
			   struct pwned_error *error_r)
{
	flags->client =
		pwned_sql_new(flags->conf, flags->parent, flags->loop,
			      connections, TRUE, on_status, flags, error_r);
	return flags->client != NULL;
}

static void stop_last(void *context)
{
	struct sql_flags *flags = context;

	flags->stop_timer = NULL;
	io_loop_stop(flags->last_ioloop);
}

/* With connections and an ioloop of their own, because auth's does not run any
   more. */
static void write_last(struct sql_flags *flags)
{
	struct pwned_loop *loop = flags->loop;
	struct pwned_error error;

	flags->last_ioloop = io_loop_create();
	flags->loop = pwned_dovecot_loop_new();
	if (connect_client(flags, CONNECTIONS, &error)) {
		flags->stop_timer = flags->loop->v->timer_add(
			flags->loop, STOP_MSECS, stop_last, flags);
		jobs_start(flags);
		if (flags->jobs != NULL)
			io_loop_run(flags->last_ioloop);
		timer_remove(flags, &flags->stop_timer);
		pwned_sql_free(&flags->client);
	}
	pwned_dovecot_loop_free(&flags->loop);
	io_loop_destroy(&flags->last_ioloop);
	flags->loop = loop;
}

static void sql_free(struct pwned_flags **_flags)
{
	struct sql_flags *flags = (struct sql_flags *)*_flags;
	struct job *job;
	bool was_down;

	*_flags = NULL;
	if (flags == NULL)
		return;
	was_down = pwned_sql_is_down(flags->client);
	flags->ends = TRUE;
	timer_remove(flags, &flags->flush_timer);
	pwned_sql_lapsed_end(flags->lapsed);
	pwned_sql_free(&flags->client);
	if (!was_down && sql_is_busy(&flags->flags))
		write_last(flags);
	pwned_sql_tellers_answer(&flags->tellers, NULL, 0, FALSE);
	if (sql_is_busy(&flags->flags))
		pwned_log(flags->reporter->log, PWNED_LOG_WARNING,
			  "%u changes of records could not be written to "
			  "PostgreSQL before the end",
			  unwritten(flags));
	while ((job = flags->jobs) != NULL)
		job_free(&job);
	pwned_news_deinit(&flags->waiting);
	pwned_news_deinit(&flags->taken);
	pwned_sql_lapsed_free(&flags->lapsed);
	i_free(flags);
}

static void sql_count(struct pwned_flags *flags,
		      struct pwned_counters *counters)
{
	((struct sql_flags *)flags)->counters = counters;
}

static const struct pwned_flags_vfuncs sql_vfuncs = {
	.count = sql_count,
	.may_have = sql_may_have,
	.find = sql_find,
	.tell = sql_tell,
	.forget_request = sql_forget_request,
	.is_busy = sql_is_busy,
	.free = sql_free,
};

struct pwned_flags *pwned_sql_flags_new(const struct pwned_sql_conf *conf,
					const struct pwned_settings *set,
					struct event *parent,
					struct pwned_loop *loop,
					const struct pwned_reporter *reporter,
					struct pwned_error *error_r)
{
	struct sql_flags *flags = i_new(struct sql_flags, 1);

	flags->flags.v = &sql_vfuncs;
	flags->conf = conf;
	flags->set = set;
	flags->parent = parent;
	flags->loop = loop;
	flags->reporter = reporter;
	flags->rules = pwned_settings_flag_rules(set);
	pwned_news_init(&flags->waiting);
	pwned_news_init(&flags->taken);
	if (!connect_client(flags, CONNECTIONS, error_r)) {
		i_free(flags);
		return NULL;
	}
	flags->lapsed = pwned_sql_lapsed_new(flags->client, loop, &flags->rules,
					     on_lapsed, flags);
	return &flags->flags;
}
