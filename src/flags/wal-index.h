/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_WAL_INDEX_H
#define PWNED_WAL_INDEX_H

/* The index of a WAL, NAME-shm, of a file that others read without write access
   and without waiting for a lock. Whoever opens the file when nobody else has
   it open throws the index away and makes it anew from NAME-wal; look-ups fail
   meanwhile. That is needed after the system went down. An index that a process
   left which ended or was killed is as good as one whose other users are still
   there: so it is kept, by the lock by which SQLite tells that somebody uses it
   (byte 128 of NAME-shm). NAME-boot says which files it belongs to, and which
   boot of the system. Any thread. */
struct pwned_wal_index;

/* Before SQLite opens the file at path, by everybody in this process who does.
   Where there is nothing to be kept the index is made anew. Returns NULL when
   memory is short: then the file must not be opened. */
struct pwned_wal_index *pwned_wal_index_keep(const char *path);
/* Once SQLite has read from it. */
void pwned_wal_index_note(const char *path);
/* After SQLite has closed it. */
void pwned_wal_index_release(struct pwned_wal_index **index);

#endif
