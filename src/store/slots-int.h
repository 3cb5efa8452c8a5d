/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PWNED_SLOTS_INT_H
#define PWNED_SLOTS_INT_H

#include "slots.h"

#include <stdatomic.h>

/* What slots.c and slots-open.c share. */
struct pwned_slots {
	int fd;        /* keeps its number when the file is opened anew */
	int folder_fd; /* -1: in memory */
	char *folder;
	enum pwned_slots_access access; /* that was asked for */
	/* of the file that is open now; any thread reads them */
	atomic_bool writable;
	atomic_bool knows_nowait; /* preadv2() with RWF_NOWAIT works there */
	atomic_bool is_memory;    /* a read never takes a disk */
};

/* For what tests and benches do to the file behind our back. */
static inline int pwned_slots_fd(const struct pwned_slots *slots)
{
	return slots->fd;
}

/* Where a slot begins. */
static inline int64_t pwned_slot_offset(uint32_t prefix)
{
	return ((int64_t)prefix + 1) * PWNED_SLOT_BYTES;
}

enum pwned_slots_io {
	PWNED_SLOTS_IO_DONE,
	PWNED_SLOTS_IO_ERROR, /* errno says why */
	PWNED_SLOTS_IO_WOULD_BLOCK,
};

/* Reads from the file; what lies beyond its end are zeros. */
enum pwned_slots_io pwned_slots_pread(const struct pwned_slots *slots,
				      void *data, size_t size, int64_t offset,
				      bool wait);
/* Returns false with errno, ENOSPC also where it was written in part. */
bool pwned_slots_pwrite(const struct pwned_slots *slots, const void *data,
			size_t size, int64_t offset);

#endif
