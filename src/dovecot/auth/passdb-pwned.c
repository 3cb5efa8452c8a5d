/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The passdb driver: a login goes in, the engine decides, and the decision
   becomes a result and fields for the client. */

#include "auth-common.h"
#include "auth-request.h"
#include "base64.h"
#include "passdb.h"
#include "str.h"
#include "auth-event.h"
#include "auth-folders.h"
#include "auth-server.h"
#include "check.h"
#include "compat-auth.h"
#include "compat-conf.h"
#include "passdb-pwned.h"
#include "text.h"

/* A passdb block, as seen by one protocol. */
struct pwned_passdb {
	struct passdb_module module; /* must be first */
	struct pwned_server *server;
	const char *where; /* which block it is, for the log, or NULL */
	struct pwned_conf conf;
	bool checks; /* false: error says why not */
	struct pwned_error error;
	bool debug_passwords;
	bool is_common; /* false: difference says what other doors go by */
	struct pwned_error difference;
	bool folders_given; /* false: trouble says what could not be done */
	struct pwned_error trouble;
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

static void complain_unchecked(struct pwned_passdb *passdb)
{
	pwned_server_complain(
		passdb->server,
		t_strconcat(passdb->where == NULL ? "" : passdb->where,
			    passdb->where == NULL ? "" : ": ",
			    passdb->error.text, "; passwords are not checked",
			    NULL));
}

/* We say OK without looking whether the password is the user's, so somebody
   must have looked before. */
static void complain_unverified(struct pwned_passdb *passdb)
{
	pwned_server_complain(
		passdb->server,
		"a password came here that no earlier passdb verified, "
		"and its login failed: this passdb needs skip = "
		"unauthenticated, and the earlier one result_success = "
		"continue-ok");
}

static struct passdb_module *passdb_pwned_create(
	pool_t pool, const struct pwned_compat_block *block)
{
	struct pwned_passdb *passdb = p_new(pool, struct pwned_passdb, 1);

	if (worker)
		return &passdb->module;
	passdb->where = p_strdup(pool, block->where);
	/* As root: the file with the proxy's password is root's. A mistake
	   is told by init. */
	passdb->checks =
		pwned_compat_conf_load(block, &passdb->conf, &passdb->error);
	passdb->folders_given =
		!passdb->checks ||
		pwned_auth_folders_give(&passdb->conf.set, &passdb->trouble);
	passdb->debug_passwords = pwned_compat_debug_passwords(block);
	passdb->is_common = !passdb->checks || passdb->where != NULL ||
			    pwned_compat_conf_is_common(&passdb->conf.set,
							&passdb->difference);
	return &passdb->module;
}

/* What an operator may not have meant. */
static void warn_of_settings(const struct pwned_passdb *passdb)
{
	if (passdb->module.blocking)
		pwned_server_warn(passdb->server,
				  "use_worker = yes: passwords are checked in "
				  "auth itself all the same, auth-workers do "
				  "not do it");
	if (passdb->debug_passwords)
		pwned_server_warn(passdb->server,
				  "auth_debug_passwords = yes: Dovecot logs "
				  "passwords in clear text");
	if (!passdb->folders_given)
		pwned_server_warn(passdb->server, passdb->trouble.text);
	if (!passdb->is_common)
		pwned_server_warn(passdb->server,
				  t_strconcat(passdb->difference.text,
					      ": dovecot-pwned-check goes by "
					      "that file, logins do not",
					      NULL));
}

static void passdb_pwned_init(struct passdb_module *module)
{
	struct pwned_passdb *passdb = (struct pwned_passdb *)module;

	if (worker)
		return;
	passdb->server = pwned_server_ref();
	passdb->checks = passdb->checks &&
			 pwned_server_join(passdb->server, &passdb->conf,
					   passdb->where, &passdb->error);
	pwned_secret_free(&passdb->conf.proxy_auth);
	if (!passdb->checks)
		complain_unchecked(passdb);
	warn_of_settings(passdb);
	module->blocking = FALSE;
}

static void passdb_pwned_deinit(struct passdb_module *module)
{
	struct pwned_passdb *passdb = (struct pwned_passdb *)module;

	if (worker)
		return;
	/* checks that still run have their settings from any of the blocks */
	pwned_server_stop(passdb->server);
	pwned_server_unref(&passdb->server);
	pwned_conf_free(&passdb->conf);
}

/* Why the request's password is not to be looked up. NONE: it is. */
static enum pwned_reason skip_reason(const struct auth_request *request)
{
	const char *mechanism = request->fields.mech_name;

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
		pending->event = pwned_late_event_create(
			pwned_server_event(pending->passdb->server), request);
	}
	result = apply(request, &pending->passdb->conf.set, decision);
	if (result == PASSDB_RESULT_OK &&
	    !pwned_compat_set_block_fields(request))
		result = PASSDB_RESULT_INTERNAL_FAILURE;
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
	struct pwned_engine *engine = pwned_server_engine(passdb->server);
	enum pwned_reason skip = skip_reason(request);
	struct pwned_login login = {
		.set = &passdb->conf.set,
		.user = request->fields.user,
		.service = pwned_compat_service(request),
		.password = password,
		.password_size = strlen(password),
	};
	struct pwned_decision decision;
	bool known = TRUE;

	if (!passdb->checks) {
		complain_unchecked(passdb);
		pwned_check_skip(NULL, PWNED_REASON_CONFIG, &decision);
	} else if (engine == NULL) {
		pwned_check_skip(&passdb->conf.set, PWNED_REASON_SHUTDOWN,
				 &decision);
	} else if (skip != PWNED_REASON_NONE) {
		pwned_check_skip(&passdb->conf.set, skip, &decision);
	} else {
		known = pwned_check_start(engine, &login, check_callback,
					  pending, &decision);
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
		pwned_compat_no_credentials(PASSDB_RESULT_USER_UNKNOWN,
					    callback, request);
		return;
	}
	if (request->fields.mech_name != NULL) {
		struct event *event = pwned_check_event_create(request);
		struct pwned_decision decision;

		pwned_check_skip(passdb->checks ? &passdb->conf.set : NULL,
				 PWNED_REASON_MECHANISM, &decision);
		pwned_check_event_finish(event, &decision);
		event_unref(&event);
	}
	passdb_handle_credentials(pwned_compat_set_block_fields(request) ?
					  PASSDB_RESULT_OK :
					  PASSDB_RESULT_INTERNAL_FAILURE,
				  NULL, NULL, callback, request);
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
