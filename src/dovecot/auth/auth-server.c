/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The engine of an auth process, and its log. */

#include "auth-common.h"
#include "array.h"
#include "ioloop.h"
#include "lib-event.h"
#include "master-service.h"
#include "str-sanitize.h"
#include "auth-event.h"
#include "auth-flags.h"
#include "auth-policy.h"
#include "auth-process.h"
#include "auth-report.h"
#include "auth-server.h"
#include "auth-start.h"
#include "check.h"
#include "conf.h"
#include "dovecot-loop.h"
#include "flags.h"

#define COMPLAIN_EVERY_SECS 60

struct complaint {
	char *text;
	time_t next;
};

struct pwned_server {
	unsigned int refcount;
	struct event *event;
	struct pwned_log log;
	struct pwned_reporter reporter;
	struct pwned_loop *loop;
	struct pwned_engine *engine;
	struct pwned_flags *shared;       /* NULL: of this host, or none */
	const struct pwned_settings *set; /* of the first that joined */
	struct pwned_auth_policies *policies;
	ARRAY(struct complaint) complaints;
};

static struct pwned_server *the_server;

static void log_write(void *context, enum pwned_log_level level,
		      const char *text)
{
	struct pwned_server *server = context;

	switch (level) {
	case PWNED_LOG_INFO:
		e_info(server->event, "%s", text);
		break;
	case PWNED_LOG_WARNING:
		e_warning(server->event, "%s", text);
		break;
	case PWNED_LOG_ERROR:
		e_error(server->event, "%s", text);
		break;
	}
}

/* Dovecot ends an auth that nobody needs for a minute, and starts no other
   until it is gone: with a thread that hangs at a disk, not before the disk
   answers. It asks again after another minute. */
static bool may_end_when_idle(void)
{
	return the_server == NULL || the_server->engine == NULL ||
	       pwned_engine_may_end(the_server->engine);
}

struct pwned_server *pwned_server_ref(void)
{
	struct pwned_server *server = the_server;

	if (server == NULL) {
		pwned_auth_process_limit_threads();
		server = the_server = i_new(struct pwned_server, 1);
		server->event = pwned_event_create();
		server->log = (struct pwned_log){ .write = log_write,
						  .context = server };
		server->reporter = (struct pwned_reporter){
			.log = &server->log,
			.fetch = pwned_fetch_event,
			.breaker = pwned_breaker_event,
			.store = pwned_store_event,
			.flag = pwned_flag_event,
			.context = server->event,
		};
		server->loop = pwned_dovecot_loop_new();
		server->policies = pwned_auth_policies_new();
		i_array_init(&server->complaints, 2);
		master_service_set_idle_die_callback(master_service,
						     may_end_when_idle);
	}
	server->refcount++;
	return server;
}

void pwned_server_unref(struct pwned_server **_server)
{
	struct pwned_server *server = *_server;
	struct complaint *complaint;

	*_server = NULL;
	if (--server->refcount > 0)
		return;
	the_server = NULL;
	master_service_set_idle_die_callback(master_service, NULL);
	pwned_server_stop(server);
	pwned_auth_policies_free(&server->policies);
	array_foreach_modifiable(&server->complaints, complaint)
		i_free(complaint->text);
	array_free(&server->complaints);
	pwned_dovecot_loop_free(&server->loop);
	event_unref(&server->event);
	i_free(server);
}

static uint64_t random_seed(void)
{
	return (uint64_t)i_rand() << 32 | i_rand();
}

/* What is wrong with that stops no login. */
static void share_flags(struct pwned_server *server,
			const struct pwned_settings *set,
			const struct pwned_sql_conf *sql_conf,
			const struct pwned_error *no_flags)
{
	struct pwned_error error = *no_flags;

	if (sql_conf != NULL)
		server->shared = pwned_auth_flags_new(
			sql_conf, set, server->event, server->loop,
			&server->reporter, &error);
	if (server->shared == NULL && set->flags.shared)
		e_error(server->event,
			"pwned_flags: %s: accounts are not on record",
			error.text);
}

bool pwned_server_join(struct pwned_server *server,
		       const struct pwned_conf *conf,
		       const struct pwned_sql_conf *sql_conf,
		       const struct pwned_error *no_flags, const char *where,
		       struct pwned_error *error_r)
{
	enum pwned_setting_id id;

	if (server->engine == NULL) {
		share_flags(server, &conf->set, sql_conf, no_flags);
		server->engine = pwned_engine_new(
			&conf->set, PWNED_ROLE_AUTH, conf->proxy_auth.data,
			random_seed(), server->shared, server->loop,
			&server->reporter, error_r);
		if (server->engine == NULL)
			return false;
		server->set = &conf->set;
		pwned_auth_start_log(server->event, &conf->set, where);
		return true;
	}
	if (pwned_settings_differ(server->set, &conf->set,
				  PWNED_SETTINGS_SERVER, &id)) {
		return pwned_error_set(error_r,
				       "%s: it is one for the server, and a "
				       "passdb block before has another value",
				       pwned_settings_table[id].name);
	}
	pwned_engine_add_settings(server->engine, &conf->set);
	pwned_auth_start_log_further(server->event, server->set, &conf->set,
				     where);
	return true;
}

void pwned_server_stop(struct pwned_server *server)
{
	if (server->engine != NULL)
		pwned_engine_free(&server->engine);
	if (server->shared != NULL)
		server->shared->v->free(&server->shared);
}

struct pwned_engine *pwned_server_engine(struct pwned_server *server)
{
	return server->engine;
}

const struct pwned_settings *pwned_server_settings(struct pwned_server *server)
{
	return server->set;
}

struct pwned_auth_policies *pwned_server_policies(struct pwned_server *server)
{
	return server->policies;
}

struct event *pwned_server_event(struct pwned_server *server)
{
	return server->event;
}

/* Of each text there is one; they come from a few passdb blocks. */
static struct complaint *find_complaint(struct pwned_server *server,
					const char *text)
{
	struct complaint *complaint;

	array_foreach_modifiable(&server->complaints, complaint)
	{
		if (strcmp(complaint->text, text) == 0)
			return complaint;
	}
	complaint = array_append_space(&server->complaints);
	complaint->text = i_strdup(text);
	return complaint;
}

/* Returns whether the text is to be told now. */
static bool complaint_is_due(struct pwned_server *server, const char *text,
			     bool again)
{
	struct complaint *complaint = find_complaint(server, text);

	if (complaint->next != 0 && (!again || ioloop_time < complaint->next))
		return FALSE;
	complaint->next = ioloop_time + COMPLAIN_EVERY_SECS;
	return TRUE;
}

void pwned_server_complain(struct pwned_server *server, const char *text)
{
	if (complaint_is_due(server, text, TRUE))
		e_error(server->event, "%s", text);
}

void pwned_server_complain_of_user(struct pwned_server *server,
				   const char *what, const char *user,
				   const char *why)
{
	if (complaint_is_due(server, what, TRUE))
		e_error(server->event, "%s of user %s: %s", what,
			str_sanitize(user, 128), why);
}

void pwned_server_warn(struct pwned_server *server, const char *text)
{
	if (complaint_is_due(server, text, FALSE))
		e_warning(server->event, "%s", text);
}
