# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes block-form-1.bin: a block of form 1, made from its description alone.

    python3 block.py >block-form-1.bin

The bytes on disk are an interface: test-block.c compares what block.c writes
with what stands here.
"""

import ctypes
import struct
import sys

TOTAL, INDEX = 3, 1
PREFIX, DAY, ORIGIN = 0xABCDE, 20000, 0x01020304
ETAG = b'W/"0x8DC-golden"'
# the key (48 bits), the count
ENTRIES = [
    (0x555555555556, 1),
    (0x555555555600, 254),
    (0x555580000000, 255),
    (0x600000000000, 256),
    (0x7FFFFFFFFFFF, 3),
    (0x800000000000, 1 << 63),
    (0x800000000100, 7),
    (0x800000100000, 65535),
    (0xAAAAAAAAAAAA, 2),
]


def xxh3(data):
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH3_64bits.restype = ctypes.c_uint64
    return library.XXH3_64bits(data, ctypes.c_size_t(len(data)))


def bucket_map(buckets):
    bits = ""
    for bucket in range(512):
        bits += "0" * buckets.count(bucket) + "1"
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, len(bits), 8))


def main():
    placed = [(key * TOTAL, count) for key, count in ENTRIES]
    assert all(t >> 48 == INDEX for t, _ in placed)
    large = [(i, count) for i, (_, count) in enumerate(placed) if count >= 255]

    body = b"pwnb"
    body += struct.pack("<BBBB", 1, INDEX, TOTAL, len(ETAG))
    body += struct.pack("<III", PREFIX, DAY, ORIGIN)
    body += struct.pack("<HH", len(placed), len(large))
    body += ETAG
    body += bucket_map([t >> 39 & 511 for t, _ in placed])
    for t, _ in placed:
        body += struct.pack("<I", t >> 7 & 0xFFFFFFFF)
    for _, count in placed:
        body += struct.pack("<B", min(count, 255))
    for item in large:
        body += struct.pack("<HQ", *item)
    body += bytes(4088 - len(body))
    sys.stdout.buffer.write(struct.pack("<Q", xxh3(body)) + body)


main()
