/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The passdb driver: a login goes in, the engine decides, and the decision
   becomes a result and fields for the client. */

#include "auth-common.h"
#include "auth-request.h"
#include "base64.h"
#include "ioloop.h"
#include "passdb.h"
#include "str.h"
#include "auth-event.h"
#include "auth-loop.h"
#include "auth-process.h"
#include "auth-start.h"
#include "check.h"
#include "compat-auth.h"
#include "conf.h"
#include "passdb-pwned.h"
#include "text.h"

/* One mistake is told at start, and again as often while logins come. */
#define COMPLAIN_EVERY_SECS 60

struct pwned_passdb {
	struct passdb_module module; /* must be first */
	struct event *event;
	struct pwned_log log;
	struct pwned_conf conf;
	bool conf_loaded;
	struct pwned_loop *loop;
	struct pwned_engine *engine; /* NULL: error says why */
	struct pwned_error error;
	time_t next_unchecked, next_unverified; /* complaints */
};

/* A login that waits for its decision, or whose late one is to come. */
struct pwned_auth_request {
	struct pwned_passdb *passdb;
	struct auth_request *request; /* referenced; NULL: it is answered */
	verify_plain_callback_t *callback;
	struct event *event; /* NULL: nobody wants it so far */
};

static struct pwned_passdb *passdb_of(const struct auth_request *request)
{
	return (struct pwned_passdb *)request->passdb->passdb;
}

static void log_write(void *context, enum pwned_log_level level,
		      const char *text)
{
	struct pwned_passdb *passdb = context;

	switch (level) {
	case PWNED_LOG_INFO:
		e_info(passdb->event, "%s", text);
		break;
	case PWNED_LOG_WARNING:
		e_warning(passdb->event, "%s", text);
		break;
	case PWNED_LOG_ERROR:
		e_error(passdb->event, "%s", text);
		break;
	}
}

/* Returns whether it is time to tell a standing fault again. */
static bool complaint_is_due(time_t *next)
{
	if (ioloop_time < *next)
		return FALSE;
	*next = ioloop_time + COMPLAIN_EVERY_SECS;
	return TRUE;
}

static void complain_unchecked(struct pwned_passdb *passdb)
{
	if (complaint_is_due(&passdb->next_unchecked))
		e_error(passdb->event, "%s; passwords are not checked",
			passdb->error.text);
}

/* We say OK without looking whether the password is the user's, so somebody
   must have looked before. */
static void complain_unverified(struct pwned_passdb *passdb)
{
	if (complaint_is_due(&passdb->next_unverified))
		e_error(passdb->event,
			"a password came here that no earlier passdb verified, "
			"and its login failed: this passdb needs skip = "
			"unauthenticated, and the earlier one result_success = "
			"continue-ok");
}

static struct passdb_module *passdb_pwned_create(pool_t pool, const char *path)
{
	struct pwned_passdb *passdb = p_new(pool, struct pwned_passdb, 1);

	if (worker)
		return &passdb->module;
	/* As root: the file with the proxy's password is root's. A mistake
	   is told by init. */
	passdb->conf_loaded = pwned_conf_load(path, PWNED_SETTINGS_PATH,
					      &passdb->conf, &passdb->error);
	return &passdb->module;
}

static uint64_t random_seed(void)
{
	return (uint64_t)i_rand() << 32 | i_rand();
}

static void passdb_pwned_init(struct passdb_module *module)
{
	struct pwned_passdb *passdb = (struct pwned_passdb *)module;

	if (worker)
		return;
	pwned_auth_process_limit_threads();
	passdb->event = pwned_event_create();
	passdb->log =
		(struct pwned_log){ .write = log_write, .context = passdb };
	passdb->loop = pwned_auth_loop_new();
	if (passdb->conf_loaded) {
		passdb->engine = pwned_engine_new(&passdb->conf.set,
						  passdb->conf.proxy_auth.data,
						  random_seed(), passdb->loop,
						  &passdb->log, &passdb->error);
	}
	pwned_secret_free(&passdb->conf.proxy_auth);
	if (passdb->engine != NULL)
		pwned_auth_start_log(passdb->event, &passdb->conf.set);
	else
		complain_unchecked(passdb);
}

static void passdb_pwned_deinit(struct passdb_module *module)
{
	struct pwned_passdb *passdb = (struct pwned_passdb *)module;

	if (worker)
		return;
	(void)pwned_error_set(&passdb->error, "auth is stopping");
	if (passdb->engine != NULL)
		pwned_engine_free(&passdb->engine);
	pwned_auth_loop_free(&passdb->loop);
	pwned_conf_free(&passdb->conf);
	event_unref(&passdb->event);
}

/* Why the request's password is not to be looked up. NONE: it is. */
static enum pwned_reason skip_reason(const struct auth_request *request)
{
	const char *mechanism = pwned_compat_mechanism(request);

	if (request->fields.master_user != NULL)
		return PWNED_REASON_MASTER_USER;
	/* others hand tokens to verify_plain(), or nothing */
	if (mechanism == NULL || (strcasecmp(mechanism, "PLAIN") != 0 &&
				  strcasecmp(mechanism, "LOGIN") != 0))
		return PWNED_REASON_MECHANISM;
	return PWNED_REASON_NONE;
}

static void set_refusal(struct auth_request *request,
			const struct pwned_settings *set)
{
	const char *service = pwned_compat_service(request);
	struct pwned_text text;

	pwned_text_refusal(set, service, &text);
	/* RFC 5530. Dovecot writes [ALERT] before a reason that brings no
	   response code of its own. */
	auth_request_set_field(
		request, "reason",
		strcmp(service, "imap") == 0 ?
			t_strconcat("[EXPIRED] ", text.text, NULL) :
			text.text,
		NULL);
	/* The password is right: without it Dovecot would slow down other
	   logins from the same address, as after a wrong one. */
	auth_request_set_field(request, "nodelay", "", NULL);
}

static void set_warning(struct auth_request *request,
			const struct pwned_settings *set)
{
	struct pwned_text text;
	buffer_t *encoded;

	/* nobody else has a place for it */
	if (strcmp(pwned_compat_service(request), "imap") != 0)
		return;
	/* In base64, because Dovecot expands % in fields for mail processes. */
	pwned_text_warning(set, &text);
	encoded = t_base64_encode(0, SIZE_MAX, text.text, strlen(text.text));
	pwned_compat_set_userdb_field(request, "pwned_alert", str_c(encoded));
}

/* Not PASS_EXPIRED, which would replace our text, nor the field `nologin`,
   which Postfix and Exim do not look at. */
static enum passdb_result apply(struct auth_request *request,
				const struct pwned_settings *set,
				const struct pwned_decision *decision)
{
	switch (pwned_decision_effect(decision)) {
	case PWNED_ACTION_DENY:
		set_refusal(request, set);
		return PASSDB_RESULT_USER_DISABLED;
	case PWNED_ACTION_TEMPFAIL:
		return PASSDB_RESULT_INTERNAL_FAILURE;
	case PWNED_ACTION_WARN:
		set_warning(request, set);
		return PASSDB_RESULT_OK;
	case PWNED_ACTION_OFF:
	case PWNED_ACTION_ALLOW:
		break;
	}
	return PASSDB_RESULT_OK;
}

/* Answers the request; our reference to it goes. */
static void request_answer(struct pwned_auth_request *pending,
			   const struct pwned_decision *decision)
{
	struct auth_request *request = pending->request;
	enum passdb_result result;

	if (pending->event == NULL && (decision->action == PWNED_ACTION_DENY ||
				       pwned_check_event_is_wanted(request)))
		pending->event = pwned_check_event_create(request);
	if (pending->event != NULL) {
		pwned_check_event_finish(pending->event, decision);
		event_unref(&pending->event);
	}
	if (decision->more) {
		pending->event = pwned_late_event_create(pending->passdb->event,
							 request);
	}
	result = apply(request, &pending->passdb->conf.set, decision);
	pending->request = NULL;
	pending->callback(result, request);
	auth_request_unref(&request);
}

static void check_callback(void *context, const struct pwned_decision *decision)
{
	struct pwned_auth_request *pending = context;
	bool more = decision->more;

	if (pending->request != NULL) {
		request_answer(pending, decision);
	} else {
		pwned_late_event_finish(pending->event, decision);
		event_unref(&pending->event);
	}
	if (!more)
		i_free(pending);
}

static void check_request(struct pwned_auth_request *pending,
			  const char *password)
{
	struct auth_request *request = pending->request;
	struct pwned_passdb *passdb = pending->passdb;
	enum pwned_reason skip = skip_reason(request);
	struct pwned_login login = {
		.user = request->fields.user,
		.service = pwned_compat_service(request),
		.password = password,
		.password_size = strlen(password),
	};
	struct pwned_decision decision;
	bool known = TRUE;

	if (passdb->engine == NULL) {
		complain_unchecked(passdb);
		pwned_check_skip(NULL, PWNED_REASON_CONFIG, &decision);
	} else if (skip != PWNED_REASON_NONE) {
		pwned_check_skip(&passdb->conf.set, skip, &decision);
	} else {
		known = pwned_check_start(passdb->engine, &login,
					  check_callback, pending, &decision);
	}
	if (known)
		check_callback(pending, &decision);
}

static void passdb_pwned_verify_plain(struct auth_request *request,
				      const char *password,
				      verify_plain_callback_t *callback)
{
	struct pwned_passdb *passdb = passdb_of(request);
	struct pwned_auth_request *pending;

	if (!request->fields.skip_password_check) {
		complain_unverified(passdb);
		callback(PASSDB_RESULT_USER_UNKNOWN, request);
		return;
	}
	pending = i_new(struct pwned_auth_request, 1);
	pending->passdb = passdb;
	pending->request = request;
	pending->callback = callback;
	if (pwned_check_event_is_wanted(request))
		pending->event = pwned_check_event_create(request);
	auth_request_ref(request);
	check_request(pending, password);
}

/* A mechanism whose secret we do not see, or a look-up without a login. The
   credentials are those of the earlier passdb. */
static void passdb_pwned_lookup_credentials(
	struct auth_request *request, lookup_credentials_callback_t *callback)
{
	struct pwned_passdb *passdb = passdb_of(request);

	if (!request->fields.skip_password_check) {
		complain_unverified(passdb);
		callback(PASSDB_RESULT_USER_UNKNOWN, NULL, 0, request);
		return;
	}
	if (pwned_compat_mechanism(request) != NULL) {
		struct event *event = pwned_check_event_create(request);
		struct pwned_decision decision;

		pwned_check_skip(passdb->engine == NULL ? NULL :
							  &passdb->conf.set,
				 PWNED_REASON_MECHANISM, &decision);
		pwned_check_event_finish(event, &decision);
		event_unref(&event);
	}
	passdb_handle_credentials(PASSDB_RESULT_OK, NULL, NULL, callback,
				  request);
}

static struct passdb_module_interface interface = {
	.name = "pwned",
	.init = passdb_pwned_init,
	.deinit = passdb_pwned_deinit,
	.verify_plain = passdb_pwned_verify_plain,
	.lookup_credentials = passdb_pwned_lookup_credentials,
};

void passdb_pwned_register(void)
{
	pwned_compat_set_preinit(&interface, passdb_pwned_create);
	passdb_register_module(&interface);
}

void passdb_pwned_unregister(void)
{
	passdb_unregister_module(&interface);
}
