# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file of ranges, read and changed by its description alone (src/core/block.h
and src/store/slots.h), not by the code that is tested."""

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import ranges
import xxhash
from lib.processes import wait_until

BLOCK_BYTES = 4096
SLOT_BLOCKS = 8
SLOT_BYTES = SLOT_BLOCKS * BLOCK_BYTES
HEADER_BYTES = 48
MAGIC = b"dovecot-pwned ranges\n".ljust(24, b"\0")
FORM = 1
BLOCK_MAGIC = b"pwnb"
BLOCK_FORM = 1
BUCKETS = 512
KEY_DIGITS = 12  # of the suffix: 48 bits
HEAD = struct.Struct("<Q4sBBBBIIIHH")
HOLE = bytes(BLOCK_BYTES)


def checksum(data: bytes) -> bytes:
    return struct.pack("<Q", xxhash.xxh3_64_intdigest(data))


def file_header(form: int = FORM, generation: int = 0) -> bytes:
    text = MAGIC + struct.pack("<IIQ", form, 0, generation)
    return text + checksum(text)


@dataclass(frozen=True)
class Label:
    """What the blocks of a range say of it beside its hashes."""

    prefix: str
    total: int
    day: int
    etag: bytes
    origin: int


@dataclass(frozen=True)
class Block:
    """As it stands at a place of the file."""

    prefix: str
    index: int
    data: bytes

    @property
    def is_hole(self) -> bool:
        return self.data == HOLE

    @property
    def is_valid(self) -> bool:
        _, magic, form, index, total, _, prefix, *_ = HEAD.unpack_from(self.data)
        return (
            self.data[:8] == checksum(self.data[8:])
            and (magic, form) == (BLOCK_MAGIC, BLOCK_FORM)
            and (index, f"{prefix:05X}") == (self.index, self.prefix)
            and index < total
        )

    @property
    def label(self) -> Label:
        _, _, _, _, total, length, prefix, day, origin, *_ = HEAD.unpack_from(self.data)
        etag = self.data[HEAD.size : HEAD.size + length]
        return Label(f"{prefix:05X}", total, day, etag, origin)

    def holds(self, body: bytes) -> bool:
        """Whether each of its bytes is what such a range, as a source sends it,
        has there."""
        return encode(self.label, body)[self.index] == self.data


@lru_cache(maxsize=16)
def encode(label: Label, body: bytes) -> tuple[bytes, ...]:
    """The blocks of a range that is a source's answer."""
    parts: list[dict[tuple[int, int], int]] = [{} for _ in range(label.total)]
    for line in body.splitlines():
        suffix, _, count = line.decode().partition(":")
        place = int(suffix[:KEY_DIGITS], 16) * label.total
        part, entry = parts[place >> 48], (place >> 39 & 511, place >> 7 & 0xFFFFFFFF)
        if int(count) > 0:
            part[entry] = max(int(count), part.get(entry, 0))
    return tuple(_encode_block(label, *numbered) for numbered in enumerate(parts))


def _encode_block(label: Label, index: int, part: dict[tuple[int, int], int]) -> bytes:
    entries = sorted(part.items())
    sizes = [0] * BUCKETS
    for (bucket, _), _ in entries:
        sizes[bucket] += 1
    bits = "".join("0" * size + "1" for size in sizes)
    bits += "0" * (-len(bits) % 8)
    large = [(at, count) for at, (_, count) in enumerate(entries) if count >= 255]
    text = HEAD.pack(
        0, BLOCK_MAGIC, BLOCK_FORM, index, label.total, len(label.etag),
        int(label.prefix, 16), label.day, label.origin, len(entries), len(large),
    )[8:]  # fmt: skip
    text += label.etag
    text += bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    text += b"".join(struct.pack("<I", rest) for (_, rest), _ in entries)
    text += bytes(min(count, 255) for _, count in entries)
    text += b"".join(struct.pack("<HQ", *item) for item in large)
    text = text.ljust(BLOCK_BYTES - 8, b"\0")
    return checksum(text) + text


def offset(prefix: str, index: int = 0) -> int:
    return (int(prefix, 16) + 1) * SLOT_BYTES + index * BLOCK_BYTES


def index_of(password: str, total: int) -> int:
    """Which of so many blocks has to know a password."""
    _, suffix = ranges.split_digest(password)
    return int(suffix[:KEY_DIGITS], 16) * total >> 48


class SlotFile:
    def __init__(self, folder: Path):
        self.path = folder / "ranges"

    @property
    def allocated(self) -> int:
        return self.path.stat().st_blocks * 512

    def read(self, at: int, size: int) -> bytes:
        with self._opened(os.O_RDONLY) as fd:
            return os.pread(fd, size, at).ljust(size, b"\0")

    def prefixes(self) -> list[str]:
        """Those whose slots are no holes."""
        with self._opened(os.O_RDONLY) as fd:
            return list(self._data(fd))

    def blocks(self, prefix: str) -> list[Block]:
        """Without the holes at the end of the slot."""
        data = self.read(offset(prefix), SLOT_BYTES)
        pieces = [
            data[at : at + BLOCK_BYTES] for at in range(0, SLOT_BYTES, BLOCK_BYTES)
        ]
        while pieces and pieces[-1] == HOLE:
            pieces.pop()
        return [Block(prefix, index, piece) for index, piece in enumerate(pieces)]

    def is_whole(self, prefix: str) -> bool:
        blocks = self.blocks(prefix)
        return bool(blocks) and all(
            block.is_valid and block.label.total == len(blocks) for block in blocks
        )

    def is_right(self, prefix: str, *bodies: bytes) -> bool:
        """Whether each block is of one of these contents, or proves nothing."""
        return all(
            any(map(block.holds, bodies))
            for block in self.blocks(prefix)
            if block.is_valid
        )

    def wait_for(self, prefixes: Iterable[str]) -> None:
        """Until the ranges have been written: they are collected for a second."""
        for prefix in prefixes:
            wait_until(
                lambda prefix=prefix: self.path.exists() and self.is_whole(prefix),
                "a range in the file",
            )

    def day(self, prefix: str) -> int:
        """Of all its blocks."""
        (day,) = {block.label.day for block in self.blocks(prefix)}
        return day

    def age(self, days: int) -> None:
        """Makes all ranges so many days older."""
        for prefix in self.prefixes():
            for block in self.blocks(prefix):
                self.write(block.prefix, block.index, _older(block, days))

    def write(self, prefix: str, index: int, data: bytes) -> None:
        with self._opened(os.O_RDWR) as fd:
            os.pwrite(fd, data, offset(prefix, index))

    def flip(self, prefix: str, index: int, byte: int = BLOCK_BYTES // 2) -> None:
        """Turns one bit of a block round."""
        at = offset(prefix, index) + byte
        with self._opened(os.O_RDWR) as fd:
            os.pwrite(fd, bytes([os.pread(fd, 1, at)[0] ^ 4]), at)

    def cut(self, size: int) -> None:
        os.truncate(self.path, size)

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        fd = os.open(self.path, flags)
        try:
            yield fd
        finally:
            os.close(fd)

    @staticmethod
    def _data(fd: int) -> Iterator[str]:
        end = os.fstat(fd).st_size
        at = SLOT_BYTES
        while at < end:
            try:
                at = os.lseek(fd, at, os.SEEK_DATA) // SLOT_BYTES * SLOT_BYTES
            except OSError:  # ENXIO: a hole to the end
                return
            # Where a file system knows no holes, all is data.
            if any(os.pread(fd, SLOT_BYTES, at)):
                yield f"{at // SLOT_BYTES - 1:05X}"
            at += SLOT_BYTES


def _older(block: Block, days: int) -> bytes:
    day = replace(block.label, day=block.label.day - days).day
    text = block.data[8:20] + struct.pack("<I", day) + block.data[24:]
    return checksum(text) + text
