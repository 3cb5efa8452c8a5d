/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading and writing the slots. */

#include "slots-int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* Ranges of today's size have three blocks, so the block of a key is guessed by
   that; where it says another total the guess is made again. */
#define TOTAL_USUAL 3
#define READS_MAX   4

_Static_assert(sizeof(off_t) == sizeof(int64_t), "the file is that large");

bool pwned_slots_is_writable(const struct pwned_slots *slots)
{
	return slots->writable;
}

bool pwned_slots_needs_thread(const struct pwned_slots *slots)
{
	return !slots->knows_nowait && !slots->is_memory;
}

enum pwned_slots_io pwned_slots_pread(const struct pwned_slots *slots,
				      void *data, size_t size, int64_t offset,
				      bool wait)
{
	struct iovec iov = { .iov_base = data, .iov_len = size };
	int flags = wait || slots->is_memory ? 0 : RWF_NOWAIT;
	ssize_t ret;

	if (!wait && pwned_slots_needs_thread(slots))
		return PWNED_SLOTS_IO_WOULD_BLOCK;
	do {
		/* without flags it works on each system */
		ret = flags == 0 ? pread(slots->fd, data, size, offset) :
				   preadv2(slots->fd, &iov, 1, offset, flags);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return errno == EAGAIN ? PWNED_SLOTS_IO_WOULD_BLOCK :
					 PWNED_SLOTS_IO_ERROR;
	/* the part of a page that the kernel has at hand */
	if (flags != 0 && ret > 0 && (size_t)ret < size)
		return PWNED_SLOTS_IO_WOULD_BLOCK;
	/* what is cut short does not prove itself */
	memset((char *)data + ret, 0, size - (size_t)ret);
	return PWNED_SLOTS_IO_DONE;
}

bool pwned_slots_pwrite(const struct pwned_slots *slots, const void *data,
			size_t size, int64_t offset)
{
	ssize_t ret;

	do {
		ret = pwrite(slots->fd, data, size, offset);
	} while (ret < 0 && errno == EINTR);
	if (ret >= 0 && (size_t)ret < size) {
		errno = ENOSPC;
		return false;
	}
	return ret >= 0;
}

static enum pwned_slots_io pread_block(const struct pwned_slots *slots,
				       uint32_t prefix, unsigned int index,
				       bool wait, unsigned char *block_r)
{
	return pwned_slots_pread(
		slots, block_r, PWNED_BLOCK_BYTES,
		pwned_slot_offset(prefix) + index * PWNED_BLOCK_BYTES, wait);
}

/* One that proves itself is FOUND. */
static enum pwned_slots_result read_block(const struct pwned_slots *slots,
					  uint32_t prefix, unsigned int index,
					  bool wait, unsigned char *block_r)
{
	if (index >= PWNED_SLOT_BLOCKS)
		return PWNED_SLOTS_MISS;
	switch (pread_block(slots, prefix, index, wait, block_r)) {
	case PWNED_SLOTS_IO_ERROR:
		return PWNED_SLOTS_ERROR;
	case PWNED_SLOTS_IO_WOULD_BLOCK:
		return PWNED_SLOTS_WOULD_BLOCK;
	case PWNED_SLOTS_IO_DONE:
		break;
	}
	switch (pwned_block_verify(block_r, prefix, index)) {
	case PWNED_BLOCK_VALID:
		return PWNED_SLOTS_FOUND;
	case PWNED_BLOCK_DAMAGED:
		return PWNED_SLOTS_DAMAGED;
	case PWNED_BLOCK_ABSENT:
	case PWNED_BLOCK_NEWER:
		break;
	}
	return PWNED_SLOTS_MISS;
}

enum pwned_slots_result pwned_slots_find(
	const struct pwned_slots *slots, const struct pwned_digest *digest,
	bool wait, unsigned char block_r[PWNED_BLOCK_BYTES])
{
	unsigned int index = pwned_block_index_of(digest->key, TOTAL_USUAL);
	enum pwned_slots_result miss = PWNED_SLOTS_MISS, result;

	for (unsigned int reads = 0; reads < READS_MAX; reads++) {
		unsigned int wanted = 0;

		result =
			read_block(slots, digest->prefix, index, wait, block_r);
		if (result == PWNED_SLOTS_ERROR ||
		    result == PWNED_SLOTS_WOULD_BLOCK)
			return result;
		if (result == PWNED_SLOTS_DAMAGED)
			miss = PWNED_SLOTS_DAMAGED;
		if (result == PWNED_SLOTS_FOUND)
			wanted = pwned_block_index_of(
				digest->key, pwned_block_total(block_r));
		if (result == PWNED_SLOTS_FOUND && wanted == index)
			return PWNED_SLOTS_FOUND;
		/* what is not there may be beyond the end of a short range,
		   whose first block says how long it is */
		if (wanted == index)
			break;
		index = wanted;
	}
	return miss;
}

/* The blocks of a slot, where it is whole: FOUND. */
static enum pwned_slots_result read_whole(const struct pwned_slots *slots,
					  uint32_t prefix,
					  unsigned char *slot_r,
					  unsigned int *total_r)
{
	enum pwned_slots_result result =
		read_block(slots, prefix, 0, true, slot_r);

	if (result != PWNED_SLOTS_FOUND)
		return result;
	*total_r = pwned_block_total(slot_r);
	if (*total_r > PWNED_SLOT_BLOCKS)
		return PWNED_SLOTS_DAMAGED;
	for (unsigned int i = 1; i < *total_r; i++) {
		unsigned char *block = slot_r + i * PWNED_BLOCK_BYTES;

		result = read_block(slots, prefix, i, true, block);
		if (result != PWNED_SLOTS_FOUND)
			return result;
		if (pwned_block_total(block) != *total_r)
			return PWNED_SLOTS_DAMAGED;
	}
	return PWNED_SLOTS_FOUND;
}

/* Whether all blocks of a slot carry the tag. */
static bool all_have_tag(const unsigned char *slot, unsigned int total,
			 const struct pwned_range_label *label)
{
	struct pwned_range_label found;

	for (unsigned int i = 0; i < total; i++) {
		pwned_block_label(slot + i * PWNED_BLOCK_BYTES, &found);
		if (found.origin != label->origin ||
		    strcmp(found.etag, label->etag) != 0)
			return false;
	}
	return true;
}

static bool all_have_content(const unsigned char *slot, unsigned int total,
			     const unsigned char *blocks)
{
	for (unsigned int i = 0; i < total; i++) {
		if (!pwned_block_same_content(slot + i * PWNED_BLOCK_BYTES,
					      blocks + i * PWNED_BLOCK_BYTES))
			return false;
	}
	return true;
}

static bool punch(struct pwned_slots *slots, int64_t offset, int64_t end)
{
	return fallocate(slots->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 offset, end - offset) == 0;
}

/* Where there can be no holes: zeros, but not where nothing was. */
static bool overwrite(struct pwned_slots *slots, int64_t offset, int64_t end)
{
	static const unsigned char zeros[PWNED_BLOCK_BYTES];
	unsigned char block[PWNED_BLOCK_BYTES];

	for (; offset < end; offset += PWNED_BLOCK_BYTES) {
		if (pwned_slots_pread(slots, block, sizeof(block), offset,
				      true) == PWNED_SLOTS_IO_DONE &&
		    memcmp(block, zeros, sizeof(block)) == 0)
			continue;
		if (!pwned_slots_pwrite(slots, zeros, sizeof(zeros), offset))
			return false;
	}
	return true;
}

/* Writes the blocks of a range. What stands behind them, of a longer range or
   of a crash, goes: a look-up may come upon it first. */
static bool write_blocks(struct pwned_slots *slots, uint32_t prefix,
			 const unsigned char *blocks, unsigned int total)
{
	int64_t offset = pwned_slot_offset(prefix);
	int64_t behind = offset + total * PWNED_BLOCK_BYTES;
	int64_t end = offset + PWNED_SLOT_BYTES, data;

	if (!pwned_slots_pwrite(slots, blocks, total * PWNED_BLOCK_BYTES,
				offset))
		return false;
	data = lseek(slots->fd, behind, SEEK_DATA);
	return data < behind || data >= end || punch(slots, behind, end) ||
	       overwrite(slots, behind, end);
}

static enum pwned_slots_written relabel(struct pwned_slots *slots,
					unsigned char *slot, unsigned int total,
					const struct pwned_range_label *label)
{
	for (unsigned int i = 0; i < total; i++) {
		/* the tag is the one that it has, so there is room for it */
		(void)pwned_block_relabel(slot + i * PWNED_BLOCK_BYTES,
					  label->day, label->origin,
					  label->etag);
	}
	return write_blocks(slots, label->prefix, slot, total) ?
		       PWNED_SLOTS_RENEWED :
		       PWNED_SLOTS_FAILED;
}

enum pwned_slots_written pwned_slots_renew(
	struct pwned_slots *slots, const struct pwned_range_label *label)
{
	unsigned char slot[PWNED_SLOT_BYTES];
	unsigned int total;
	enum pwned_slots_result result =
		read_whole(slots, label->prefix, slot, &total);

	if (result == PWNED_SLOTS_ERROR)
		return PWNED_SLOTS_FAILED;
	if (result == PWNED_SLOTS_FOUND && *label->etag != '\0' &&
	    all_have_tag(slot, total, label))
		return relabel(slots, slot, total, label);
	return pwned_slots_forget(slots, label->prefix) ?
		       PWNED_SLOTS_FORGOTTEN :
		       PWNED_SLOTS_FAILED;
}

/* The tags of the real service were gone for days: a tag that comes back is
   worth keeping. */
static bool take_over_tag(const struct pwned_range *range,
			  const unsigned char *slot, unsigned int total,
			  struct pwned_range_label *label_r)
{
	unsigned int new_total;
	const unsigned char *blocks = pwned_range_blocks(range, &new_total);

	if (total != new_total || !all_have_content(slot, total, blocks))
		return false;
	pwned_block_label(slot, label_r);
	label_r->day = pwned_range_label(range)->day;
	return *label_r->etag != '\0' && all_have_tag(slot, total, label_r);
}

bool pwned_slots_fits(const struct pwned_range *range)
{
	return pwned_range_total(range) <= PWNED_SLOT_BLOCKS;
}

enum pwned_slots_written pwned_slots_write(struct pwned_slots *slots,
					   const struct pwned_range *range)
{
	const struct pwned_range_label *label = pwned_range_label(range);
	unsigned char slot[PWNED_SLOT_BYTES];
	struct pwned_range_label kept;
	unsigned int total, old_total;
	const unsigned char *blocks = pwned_range_blocks(range, &total);

	if (*label->etag == '\0' &&
	    read_whole(slots, label->prefix, slot, &old_total) ==
		    PWNED_SLOTS_FOUND &&
	    take_over_tag(range, slot, old_total, &kept))
		return relabel(slots, slot, old_total, &kept);
	return write_blocks(slots, label->prefix, blocks, total) ?
		       PWNED_SLOTS_WRITTEN :
		       PWNED_SLOTS_FAILED;
}

bool pwned_slots_punch(struct pwned_slots *slots, uint32_t prefix)
{
	int64_t offset = pwned_slot_offset(prefix);

	return punch(slots, offset, offset + PWNED_SLOT_BYTES);
}

bool pwned_slots_forget(struct pwned_slots *slots, uint32_t prefix)
{
	int64_t offset = pwned_slot_offset(prefix);

	return pwned_slots_punch(slots, prefix) ||
	       overwrite(slots, offset, offset + PWNED_SLOT_BYTES);
}

bool pwned_slots_has(const struct pwned_slots *slots, uint32_t prefix)
{
	uint32_t found;

	return pwned_slots_next(slots, prefix, &found) && found == prefix;
}

uint64_t pwned_slots_allocated(const struct pwned_slots *slots)
{
	struct stat st;

	/* st_blocks counts units of 512 bytes, whatever the file system's */
	return fstat(slots->fd, &st) < 0 ? 0 : (uint64_t)st.st_blocks * 512;
}

bool pwned_slots_next(const struct pwned_slots *slots, uint32_t from,
		      uint32_t *prefix_r)
{
	int64_t offset;

	if (from >= PWNED_PREFIX_COUNT)
		return false;
	offset = lseek(slots->fd, pwned_slot_offset(from), SEEK_DATA);
	if (offset < PWNED_SLOT_BYTES ||
	    offset >= pwned_slot_offset(PWNED_PREFIX_COUNT))
		return false;
	*prefix_r = (uint32_t)(offset / PWNED_SLOT_BYTES - 1);
	return true;
}

enum pwned_block_state pwned_slots_day(const struct pwned_slots *slots,
				       uint32_t prefix, uint32_t *day_r)
{
	unsigned char block[PWNED_BLOCK_BYTES];
	enum pwned_block_state state;

	if (pread_block(slots, prefix, 0, true, block) != PWNED_SLOTS_IO_DONE)
		return PWNED_BLOCK_DAMAGED;
	state = pwned_block_verify(block, prefix, 0);
	if (state == PWNED_BLOCK_VALID)
		*day_r = pwned_block_day(block);
	return state;
}
