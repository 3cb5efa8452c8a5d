/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the settings' reference: the manual page dovecot-pwned.conf(5), or
   the annotated example. */

#include "settings-value.h"

#include <stdio.h>
#include <string.h>

#define LINE_WIDTH 76

static const char man_head[] =
	".\\\" SPDX-License-Identifier: LGPL-2.1-or-later\n"
	".\\\" Written by doc/settings-reference. Change the table of the "
	"settings instead.\n"
	".TH DOVECOT\\-PWNED.CONF 5 \"\" \"dovecot\\-pwned\" "
	"\"dovecot\\-pwned\"\n"
	".SH NAME\n"
	"dovecot\\-pwned.conf.ext \\- settings of dovecot\\-pwned\n"
	".SH SYNOPSIS\n"
	".I /etc/dovecot/dovecot\\-pwned.conf.ext\n"
	".SH DESCRIPTION\n"
	"The passdb driver\n"
	".BR pwned ,\n"
	".BR doveadm\\-pwned (1)\n"
	"and\n"
	".BR dovecot\\-pwned\\-check (1)\n"
	"read this file. It has lines of the form\n"
	".PP\n"
	".RS\n"
	"name = value\n"
	".RE\n"
	".PP\n"
	"A\n"
	".B #\n"
	"at the beginning of a line or after a blank begins a comment.\n"
	"A value may be put in quotes, which keeps blanks at its ends. It has\n"
	"to be where\n"
	".B #\n"
	"or\n"
	".B $\n"
	"is in it, or\n"
	".B <\n"
	"at its beginning; within quotes a backslash stands before another\n"
	"one or a quote. No value may have\n"
	".B %{\n"
	"in it. Switches are yes or no; times have a unit (500 ms, 1 s, 5\n"
	"mins), and so may sizes (512 KB, 8 MB).\n"
	".PP\n"
	"Everybody should be able to read the file, because programs that\n"
	"change passwords do. Dovecot reads it at its start and at\n"
	".BR \"doveadm reload\" .\n"
	"With a mistake in it auth of Dovecot 2.3 logs one error, which names\n"
	"file and line, and lets every login pass unchecked; Dovecot 2.4\n"
	"refuses to start, and a running one goes on as it is.\n"
	".B doveadm pwned config \\-\\-check\n"
	"finds the mistake beforehand.\n"
	".SS Dovecot 2.4\n"
	"It includes the file:\n"
	".PP\n"
	".RS\n"
	"!include /etc/dovecot/dovecot\\-pwned.conf.ext\n"
	".RE\n"
	".PP\n"
	"The settings may also stand in its own configuration, where\n"
	".BR dovecot\\-pwned\\-check (1)\n"
	"does not see them: outside of all blocks, in\n"
	".BR \"passdb pwned { }\" ,\n"
	"and those marked\n"
	".I by protocol\n"
	"in\n"
	".B protocol\n"
	"blocks, too. The others are one for the server.\n"
	".SH SETTINGS\n";

static const char man_tail[] = ".SH SEE ALSO\n"
			       ".BR doveadm\\-pwned (1),\n"
			       ".BR dovecot\\-pwned\\-check (1)\n";

static const char example_head[] =
	"# Settings of dovecot-pwned, with their defaults. Written by\n"
	"# doc/settings-reference; dovecot-pwned.conf(5) says the same.\n"
	"#\n"
	"# Check a change with: doveadm pwned config --check FILE\n"
	"# Put it to work with: doveadm reload\n";

/* Text for roff: its own signs are escaped. */
static void man_text(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '-' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static void man_setting(const struct pwned_setting *setting)
{
	char range[64];

	pwned_setting_write_range(setting, range, sizeof(range));
	fputs(".TP\n.B ", stdout);
	man_text(setting->name);
	fputs("\n(default: ", stdout);
	man_text(*setting->default_value == '\0' ? "empty" :
						   setting->default_value);
	if (*range != '\0') {
		fputs("; ", stdout);
		man_text(range);
	}
	if (setting->per_protocol)
		fputs("; \\fIby protocol\\fR", stdout);
	fputs(")\n.br\n", stdout);
	man_text(setting->text);
	putchar('\n');
}

/* A comment, broken into lines between words. */
static void example_text(const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t length = strcspn(text, " ");

		if (column == 0 || column + 1 + length > LINE_WIDTH) {
			fputs(column == 0 ? "#" : "\n#", stdout);
			column = 1;
		}
		printf(" %.*s", (int)length, text);
		column += 1 + length;
		text += length + (text[length] == ' ');
	}
	putchar('\n');
}

static void example_setting(const struct pwned_setting *setting)
{
	const char *value = setting->default_value;

	putchar('\n');
	example_text(setting->text);
	if (setting->example != NULL) {
		if (*value != '\0')
			printf("# The default is %s.\n", value);
		value = setting->example;
	}
	/* switches are set in the example, what is empty is a comment */
	printf("%s%s =%s%s\n",
	       setting->example != NULL && setting->type == PWNED_TYPE_BOOL ?
		       "" :
		       "#",
	       setting->name, *value == '\0' ? "" : " ", value);
}

int main(int argc, char *argv[])
{
	bool man = argc == 2 && strcmp(argv[1], "--man") == 0;
	bool example = argc == 2 && strcmp(argv[1], "--example") == 0;

	if (!man && !example) {
		fputs("Usage: settings-reference --man | --example\n", stderr);
		return 64;
	}
	fputs(man ? man_head : example_head, stdout);
	for (unsigned int i = 0; i < PWNED_SET_COUNT; i++)
		(man ? man_setting : example_setting)(&pwned_settings_table[i]);
	if (man)
		fputs(man_tail, stdout);
	return ferror(stdout) != 0;
}
