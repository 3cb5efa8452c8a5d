/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dovecot-pwned-check: may this password be chosen? For the programs with
   which people change their passwords. */

#include "pwned-config.h"
#include "check.h"
#include "conf.h"
#include "password-input.h"
#include "poll-loop.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PROGRAM "dovecot-pwned-check"

/* An interface: doc/man/dovecot-pwned-check.1 */
enum exit_status {
	EXIT_ACCEPTABLE = 0,
	EXIT_BREACHED = 1,
	EXIT_UNKNOWN = 2,
	EXIT_USAGE = 64,
};

struct answer {
	struct pwned_decision decision;
	bool known;
};

static void usage(FILE *out)
{
	fputs("Usage: " PROGRAM " [-c FILE] < PASSWORD\n"
	      "Says whether a password appears in a known data breach.\n"
	      "The password is read from standard input, one line.\n"
	      "\n"
	      "  -c, --config FILE  settings (default: " PWNED_SETTINGS_PATH
	      ")\n"
	      "  -h, --help         show this\n"
	      "  -V, --version      show the version\n"
	      "\n"
	      "Exit status: 0 acceptable, 1 breached, 2 could not tell, "
	      "64 usage\n",
	      out);
}

/* Library faults go to the caller's log; the person is told in one line. */
static void log_write(void *context, enum pwned_log_level level,
		      const char *text)
{
	(void)context;
	if (level != PWNED_LOG_INFO)
		fprintf(stderr, PROGRAM ": %s\n", text);
}

static void on_decision(void *context, const struct pwned_decision *decision)
{
	struct answer *answer = context;

	answer->decision = *decision;
	answer->known = true;
}

static bool ask(struct pwned_engine *engine, const struct pwned_settings *set,
		struct pwned_loop *loop, const char *password, size_t size,
		struct answer *answer)
{
	const struct pwned_login login = { .set = set,
					   .password = password,
					   .password_size = size };

	if (pwned_check_start(engine, &login, on_decision, answer,
			      &answer->decision))
		answer->known = true;
	return answer->known || pwned_poll_loop_run(loop, &answer->known);
}

static enum exit_status report(const struct pwned_decision *decision)
{
	if (decision->verdict == PWNED_VERDICT_UNKNOWN) {
		puts("The password could not be checked right now. Try again "
		     "later.");
		fprintf(stderr, PROGRAM ": could not tell: %s (%s)\n",
			pwned_reason_text(decision->reason),
			pwned_reason_name(decision->reason));
		return EXIT_UNKNOWN;
	}
	if (pwned_decision_effect(decision) != PWNED_ACTION_ALLOW) {
		puts("This password appears in a known data breach. Choose a "
		     "different one.");
		return EXIT_BREACHED;
	}
	if (decision->action != PWNED_ACTION_ALLOW)
		fputs(PROGRAM ": dry run: the password appears in a known data "
			      "breach and would not be accepted\n",
		      stderr);
	puts("This password is acceptable.");
	return EXIT_ACCEPTABLE;
}

static enum exit_status check(const struct pwned_conf *conf,
			      const char *password, size_t size)
{
	const struct pwned_log log = { .write = log_write };
	const struct pwned_reporter reporter = { .log = &log };
	enum exit_status status = EXIT_UNKNOWN;
	struct answer answer = { .known = false };
	struct pwned_loop *loop = pwned_poll_loop_new();
	struct pwned_engine *engine = NULL;
	struct pwned_error error = { "out of memory" };

	if (loop != NULL)
		engine = pwned_engine_new(&conf->set, PWNED_ROLE_VISITOR,
					  conf->proxy_auth.data, 0, NULL, loop,
					  &reporter, &error);
	if (engine == NULL)
		fprintf(stderr, PROGRAM ": %s\n", error.text);
	else if (ask(engine, &conf->set, loop, password, size, &answer))
		status = report(&answer.decision);
	if (engine != NULL)
		pwned_engine_free(&engine);
	if (loop != NULL)
		pwned_poll_loop_free(&loop);
	return status;
}

static enum exit_status run(const char *path)
{
	char password[PWNED_PASSWORD_BUFFER];
	enum exit_status status = EXIT_UNKNOWN;
	struct pwned_error error;
	struct pwned_conf conf;
	const char *problem;
	size_t size = 0;

	problem = pwned_password_read(STDIN_FILENO, password, &size);
	if (problem != NULL) {
		fprintf(stderr, PROGRAM ": %s\n", problem);
		status = EXIT_USAGE;
	} else if (!pwned_conf_load(path, PWNED_SETTINGS_PATH, &conf, &error)) {
		fprintf(stderr, PROGRAM ": %s\n", error.text);
	} else {
		/* Nobody's login waits here, so the answer has all the time
		   that a fetch may take. */
		conf.set.wait_msecs = conf.set.fetch_timeout_msecs;
		conf.set.brake_share_percent = 0;
		status = check(&conf, password, size);
		pwned_conf_free(&conf);
	}
	pwned_wipe(password, sizeof(password));
	return status;
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const struct rlimit no_core = { 0, 0 };
	const char *path = NULL;
	int option;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_ACCEPTABLE;
		case 'V':
			puts(PROGRAM " " PWNED_VERSION);
			return EXIT_ACCEPTABLE;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fputs(PROGRAM ": the password is read from standard input, "
			      "never from the command line\n",
		      stderr);
		return EXIT_USAGE;
	}
	return run(path);
}
