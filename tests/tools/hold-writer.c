/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hold-writer FOLDER GROUP set: reads users and texts from standard input, each
   with a NUL behind it, and writes them into the hold.db of the folder. Text
   "": no more.

   hold-writer FOLDER GROUP run: commits without a pause, as auth does, until it
   is killed; every so often it closes the file and opens it again, as an auth
   that idled out. */

#include "flag.h"
#include "hold-db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM      "hold-writer"
#define BUSY_MSECS   10000
#define USER_MAX     4096
#define REOPEN_EVERY 500
#define USERS        1000

static void fail(const char *what, const struct pwned_error *error)
{
	fprintf(stderr, PROGRAM ": %s: %s\n", what, error->text);
	exit(EXIT_FAILURE);
}

static struct pwned_hold_db *open_db(const char *folder, const char *group)
{
	struct pwned_error error;
	struct pwned_hold_db *db;

	if (pwned_hold_db_open(folder, group, PWNED_DB_QUICK, BUSY_MSECS, &db,
			       &error) != PWNED_DB_OK)
		fail("open", &error);
	return db;
}

static void set(struct pwned_hold_db *db, const char *user, const char *text)
{
	struct pwned_error error;

	if (pwned_hold_db_begin(db, &error) != PWNED_DB_OK ||
	    pwned_hold_db_set(db, user, text, &error) != PWNED_DB_OK ||
	    pwned_hold_db_commit(db, &error) != PWNED_DB_OK)
		fail("set", &error);
}

/* Returns false at the end of the input. */
static bool read_word(char *word, size_t size)
{
	size_t length = 0;
	int c;

	while ((c = getchar()) != EOF && c != '\0') {
		if (length + 1 == size)
			exit(EXIT_FAILURE);
		word[length++] = (char)c;
	}
	word[length] = '\0';
	return c != EOF;
}

static void set_all(const char *folder, const char *group)
{
	struct pwned_hold_db *db = open_db(folder, group);
	char user[USER_MAX], text[PWNED_FLAG_TEXT_MAX + 1];

	while (read_word(user, sizeof(user)) && read_word(text, sizeof(text)))
		set(db, user, text);
	pwned_hold_db_close(&db);
}

static void run(const char *folder, const char *group)
{
	struct pwned_hold_db *db = open_db(folder, group);
	struct pwned_error error;
	char user[64];

	for (unsigned int i = 1;; i++) {
		(void)snprintf(user, sizeof(user), "writer%u", i % USERS);
		set(db, user, i / USERS % 2 == 0 ? "held" : "");
		if (i % REOPEN_EVERY != 0)
			continue;
		/* auth's second thread does this */
		if (pwned_sqlite_checkpoint(pwned_hold_db_file(db), &error) !=
		    PWNED_DB_OK)
			fail("checkpoint", &error);
		pwned_hold_db_close(&db);
		db = open_db(folder, group);
	}
}

int main(int argc, char *argv[])
{
	if (argc == 4 && strcmp(argv[3], "set") == 0)
		set_all(argv[1], argv[2]);
	else if (argc == 4 && strcmp(argv[3], "run") == 0)
		run(argv[1], argv[2]);
	else {
		fputs("usage: " PROGRAM " FOLDER GROUP set|run\n", stderr);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
