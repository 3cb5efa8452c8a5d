/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SQL_DRIVER_H
#define PWNED_SQL_DRIVER_H

/* Begins lib-sql and loads Dovecot's driver pgsql, in a program that does
   neither itself; auth does. Whether it was found shows when a connection is
   made. Calls may nest. */
void pwned_sql_driver_load(void);
void pwned_sql_driver_unload(void);

#endif
