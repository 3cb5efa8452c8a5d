/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doveadm pwned check: is this password in a known breach? */

#include "lib.h"
#include "askpass.h"
#include "ioloop.h"
#include "doveadm.h"
#include "doveadm-print.h"
#include "check.h"
#include "doveadm-pwned-common.h"
#include "doveadm-pwned-plugin.h"
#include "dovecot-loop.h"
#include "password-input.h"

#include <sys/resource.h>
#include <unistd.h>

/* An interface: doc/man/doveadm-pwned.1 */
enum exit_status {
	EXIT_CLEAN = 0,
	EXIT_BREACHED = 1,
	EXIT_UNKNOWN = 2,
	EXIT_USAGE = 64,
};

/* A terminal hands out a line of 4096 bytes at most; with less room askpass()
   would end us. */
#define ASKPASS_BUFFER 8192

struct answer {
	struct pwned_decision decision;
	bool known;
};

static void log_write(void *context ATTR_UNUSED, enum pwned_log_level level,
		      const char *text)
{
	if (level != PWNED_LOG_INFO)
		i_warning("%s", text);
}

static void on_decision(void *context, const struct pwned_decision *decision)
{
	struct answer *answer = context;

	answer->decision = *decision;
	answer->known = TRUE;
	io_loop_stop(current_ioloop);
}

static void print_decision(const struct pwned_decision *decision)
{
	doveadm_print_init(DOVEADM_PRINT_TYPE_FLOW);
	doveadm_print_header_simple("verdict");
	doveadm_print_header_simple("seen");
	doveadm_print_header_simple("from");
	doveadm_print_header_simple("reason");
	doveadm_print(pwned_verdict_name(decision->verdict));
	doveadm_print(pwned_band_text(decision->band));
	doveadm_print(pwned_origin_name(decision->origin));
	doveadm_print(pwned_reason_name(decision->reason));
}

static enum exit_status status_of(const struct pwned_decision *decision)
{
	switch (decision->verdict) {
	case PWNED_VERDICT_CLEAN:
		return EXIT_CLEAN;
	case PWNED_VERDICT_BREACHED:
		return EXIT_BREACHED;
	case PWNED_VERDICT_UNKNOWN:
	case PWNED_VERDICT_UNCHECKED:
		break;
	}
	return EXIT_UNKNOWN;
}

static void ask(struct pwned_engine *engine, struct ioloop *ioloop,
		const struct pwned_login *login, struct answer *answer_r)
{
	i_zero(answer_r);
	if (!pwned_check_start(engine, login, on_decision, answer_r,
			       &answer_r->decision))
		io_loop_run(ioloop);
}

/* The engine on a loop of its own. */
static bool check_in_loop(const struct pwned_conf *conf,
			  const struct pwned_login *login,
			  struct pwned_decision *decision_r,
			  struct pwned_error *error_r)
{
	const struct pwned_log log = { .write = log_write };
	const struct pwned_reporter reporter = { .log = &log };
	struct ioloop *ioloop = io_loop_create();
	struct pwned_loop *loop = pwned_dovecot_loop_new();
	struct pwned_engine *engine = pwned_engine_new(
		&conf->set, PWNED_ROLE_VISITOR, conf->proxy_auth.data, 0, NULL,
		loop, &reporter, error_r);
	bool ok = engine != NULL;
	struct answer answer;

	if (ok) {
		ask(engine, ioloop, login, &answer);
		*decision_r = answer.decision;
		pwned_engine_free(&engine);
	}
	pwned_dovecot_loop_free(&loop);
	io_loop_destroy(&ioloop);
	return ok;
}

static bool check(struct pwned_conf *conf, const char *password, size_t size,
		  struct pwned_decision *decision_r,
		  struct pwned_error *error_r)
{
	const struct pwned_login login = {
		.set = &conf->set,
		.password = password,
		.password_size = size,
	};
	struct doveadm_pwned_rights rights = { .taken = FALSE };
	bool ok;

	/* Nobody's login waits here, so the answer has all the time that a
	   fetch may take. */
	conf->set.wait_msecs = conf->set.fetch_timeout_msecs;
	conf->set.brake_share_percent = 0;
	if (*conf->set.store != '\0' &&
	    !doveadm_pwned_rights_take(conf->set.store, &rights, error_r))
		return FALSE;
	ok = check_in_loop(conf, &login, decision_r, error_r);
	doveadm_pwned_rights_give_back(&rights);
	return ok;
}

/* From a prompt, or else standard input. */
static bool read_password(char buffer[ASKPASS_BUFFER], size_t *size_r,
			  struct pwned_error *error_r)
{
	const char *problem;

	if (isatty(STDIN_FILENO) == 0) {
		problem = pwned_password_read(STDIN_FILENO, buffer, size_r);
	} else {
		askpass("Password: ", buffer, ASKPASS_BUFFER);
		*size_r = strlen(buffer);
		problem = *size_r == 0 ? "the password is empty" : NULL;
	}
	return problem == NULL || pwned_error_set(error_r, "%s", problem);
}

static enum exit_status fail(enum exit_status status,
			     const struct pwned_error *error)
{
	i_error("%s", error->text);
	return status;
}

static enum exit_status ask_and_check(const struct doveadm_cmd_context *cctx,
				      struct pwned_conf *conf)
{
	char password[ASKPASS_BUFFER];
	struct pwned_decision decision;
	struct pwned_error error;
	enum exit_status status;
	size_t size;
	bool ok;

	ok = read_password(password, &size, &error);
	doveadm_pwned_let_interrupt(cctx);
	if (!ok) {
		status = fail(EXIT_USAGE, &error);
	} else if (!check(conf, password, size, &decision, &error)) {
		status = fail(EXIT_UNKNOWN, &error);
	} else {
		print_decision(&decision);
		status = status_of(&decision);
	}
	pwned_wipe(password, sizeof(password));
	return status;
}

/* A password on the command line was for all the machine to read; it is not
   taken from there, nor said again as Dovecot would. */
static void refuse_arguments(const struct doveadm_cmd_context *cctx)
{
	const char *const *arguments;

	if (doveadm_cmd_param_array(cctx, "nothing", &arguments))
		help_ver2(&doveadm_cmd_pwned_check);
}

static void cmd_pwned_check(struct doveadm_cmd_context *cctx)
{
	const struct rlimit no_core = { 0, 0 };
	struct pwned_conf conf;
	struct pwned_error error;

	doveadm_exit_code = EXIT_UNKNOWN;
	if (cctx->conn_type != DOVEADM_CONNECTION_TYPE_CLI) {
		i_error("pwned check reads from a terminal or standard input, "
			"so it cannot be run from afar");
		return;
	}
	refuse_arguments(cctx);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (!doveadm_pwned_load_for(cctx, &conf, &error)) {
		doveadm_exit_code = fail(EXIT_UNKNOWN, &error);
		return;
	}
	doveadm_exit_code = ask_and_check(cctx, &conf);
	pwned_conf_free(&conf);
}

/* clang-format off */
struct doveadm_cmd_ver2 doveadm_cmd_pwned_check = {
	.name = "pwned check",
	.cmd = cmd_pwned_check,
	.usage = "[-c <file>]",
DOVEADM_CMD_PARAMS_START
DOVEADM_CMD_PARAM('c', "config-file", CMD_PARAM_STR, 0)
DOVEADM_CMD_PARAM('\0', "nothing", CMD_PARAM_ARRAY, CMD_PARAM_FLAG_POSITIONAL)
DOVEADM_CMD_PARAMS_END
};
/* clang-format on */
