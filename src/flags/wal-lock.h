/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_WAL_LOCK_H
#define PWNED_WAL_LOCK_H

/* A reader without write access who meets the index of a WAL just as it is
   written looks whether somebody writes: if so, it looks again; if the writer
   has just ended, it takes the index for broken and fails. So a writer of ours
   keeps its lock a little longer than it needs to. */
struct sqlite3;
struct pwned_wal_lock;

/* For a connection that is open. Returns NULL when memory is short. */
struct pwned_wal_lock *pwned_wal_lock_new(struct sqlite3 *db);
/* After the connection is closed. */
void pwned_wal_lock_free(struct pwned_wal_lock **lock);

#endif
