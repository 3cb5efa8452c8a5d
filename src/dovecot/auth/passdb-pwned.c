/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The passdb driver: a login goes in, the engine decides, and the decision
   becomes a result and fields for the client. */

#include "auth-common.h"
#include "auth-request.h"
#include "net.h"
#include "passdb.h"
#include "auth-effect.h"
#include "auth-event.h"
#include "auth-folders.h"
#include "auth-policy.h"
#include "auth-server.h"
#include "check.h"
#include "compat-auth.h"
#include "auth-flags.h"
#include "compat-conf.h"
#include "sql-conf.h"
#include "passdb-pwned.h"

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
	/* how to connect to shared records; NULL: not, and no_flags says why */
	struct pwned_sql_conf *sql_conf;
	struct pwned_error no_flags;
};

/* A login that waits for its decision, or whose late one is to come. */
struct pwned_auth_request {
	struct pwned_passdb *passdb;
	struct auth_request *request; /* referenced; NULL: it is answered */
	bool looks_up; /* for credentials, and verifies no password */
	union {
		verify_plain_callback_t *verify_plain;
		lookup_credentials_callback_t *lookup_credentials;
	} callback;
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
	if (passdb->checks)
		passdb->sql_conf = pwned_auth_flags_read(&passdb->conf.set,
							 &passdb->no_flags);
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
					   passdb->sql_conf, &passdb->no_flags,
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
	pwned_sql_conf_free(&passdb->sql_conf);
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

static void credentials_answer(enum passdb_result result,
			       lookup_credentials_callback_t *callback,
			       struct auth_request *request)
{
	if (result == PASSDB_RESULT_OK)
		passdb_handle_credentials(result, NULL, NULL, callback,
					  request);
	else
		pwned_compat_no_credentials(result, callback, request);
}

/* Answers the request; our reference to it goes. */
static void request_answer(struct pwned_auth_request *pending,
			   const struct pwned_decision *decision)
{
	struct auth_request *request = pending->request;
	enum passdb_result result;

	if (pending->event == NULL && (pwned_check_event_is_logged(decision) ||
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
	result = pwned_auth_effect(request, &pending->passdb->conf.set,
				   decision);
	if (result == PASSDB_RESULT_OK &&
	    !pwned_compat_set_block_fields(request))
		result = PASSDB_RESULT_INTERNAL_FAILURE;
	pending->request = NULL;
	if (pending->looks_up)
		credentials_answer(result, pending->callback.lookup_credentials,
				   request);
	else
		pending->callback.verify_plain(result, request);
	auth_request_unref(&request);
}

static const char *client_address(const struct auth_request *request)
{
	return request->fields.remote_ip.family == 0 ?
		       NULL :
		       net_ip2addr(&request->fields.remote_ip);
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

/* A login without a password that we could look up: NULL. */
static void check_request(struct pwned_auth_request *pending,
			  const char *password, enum pwned_reason skip)
{
	struct auth_request *request = pending->request;
	struct pwned_passdb *passdb = pending->passdb;
	struct pwned_engine *engine = pwned_server_engine(passdb->server);
	/* taken in any case: it is for nobody else's eyes */
	const char *policy = pwned_auth_policy_take(request);
	struct pwned_login login = {
		.set = &passdb->conf.set,
		.user = request->fields.user,
		.service = pwned_compat_service(request),
		.address = client_address(request),
		.skip = skip,
		.password = password,
		.password_size = password == NULL ? 0 : strlen(password),
	};
	struct pwned_decision decision;
	bool known = TRUE;

	if (!passdb->checks) {
		complain_unchecked(passdb);
		pwned_check_skip(engine, NULL, PWNED_REASON_CONFIG, &decision);
	} else if (engine == NULL) {
		pwned_check_skip(NULL, &passdb->conf.set, PWNED_REASON_SHUTDOWN,
				 &decision);
	} else {
		if (policy != NULL && skip != PWNED_REASON_MASTER_USER)
			login.policy = pwned_auth_policy_find(
				passdb->server, policy, login.user);
		known = pwned_check_start(engine, &login, check_callback,
					  pending, &decision);
	}
	if (known)
		check_callback(pending, &decision);
}

static struct pwned_auth_request *request_begin(struct auth_request *request)
{
	struct pwned_auth_request *pending =
		i_new(struct pwned_auth_request, 1);

	pending->passdb = passdb_of(request);
	pending->request = request;
	if (pwned_check_event_is_wanted(request))
		pending->event = pwned_check_event_create(request);
	auth_request_ref(request);
	return pending;
}

static void passdb_pwned_verify_plain(struct auth_request *request,
				      const char *password,
				      verify_plain_callback_t *callback)
{
	struct pwned_auth_request *pending;

	if (!request->fields.skip_password_check) {
		complain_unverified(passdb_of(request));
		(void)pwned_auth_policy_take(request);
		callback(PASSDB_RESULT_USER_UNKNOWN, request);
		return;
	}
	pending = request_begin(request);
	pending->callback.verify_plain = callback;
	check_request(pending, password, skip_reason(request));
}

/* A mechanism whose secret we do not see, or a look-up without a login. The
   credentials are those of the earlier passdb. */
static void passdb_pwned_lookup_credentials(
	struct auth_request *request, lookup_credentials_callback_t *callback)
{
	struct pwned_passdb *passdb = passdb_of(request);
	struct pwned_auth_request *pending;

	if (!request->fields.skip_password_check) {
		complain_unverified(passdb);
		(void)pwned_auth_policy_take(request);
		pwned_compat_no_credentials(PASSDB_RESULT_USER_UNKNOWN,
					    callback, request);
		return;
	}
	if (request->fields.mech_name == NULL) {
		(void)pwned_auth_policy_take(request);
		credentials_answer(pwned_compat_set_block_fields(request) ?
					   PASSDB_RESULT_OK :
					   PASSDB_RESULT_INTERNAL_FAILURE,
				   callback, request);
		return;
	}
	pending = request_begin(request);
	pending->looks_up = TRUE;
	pending->callback.lookup_credentials = callback;
	check_request(pending, NULL,
		      request->fields.master_user != NULL ?
			      PWNED_REASON_MASTER_USER :
			      PWNED_REASON_MECHANISM);
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
