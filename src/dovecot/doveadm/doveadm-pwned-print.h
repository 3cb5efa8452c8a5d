/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOVEADM_PWNED_PRINT_H
#define DOVEADM_PWNED_PRINT_H

#include <stdbool.h>

/* Rows of accounts by doveadm's formatters. A user's name may hold anything:
   json, and what a doveadm server sends, escape it; table, tab, flow and pager
   print what they get. */

/* Begins with the first column; the formatter, if the operator chose none, is
   `fallback`. */
void doveadm_pwned_print_begin(const char *fallback, const char *key,
			       const char *title);
/* From then on: */
bool doveadm_pwned_prints_table(void);
/* A value that others have made. */
void doveadm_pwned_print_text(const char *text);
/* Whether somebody still reads it: not `head`, once it has enough. */
bool doveadm_pwned_print_is_read(void);

/* For messages: with nothing in it that breaks a line or moves a cursor. From
   the data stack. */
const char *doveadm_pwned_plain(const char *text);

#endif
