# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ranges that the test servers answer with: the passwords of
breached-passwords.txt and, around them, filler that is the same every time."""

import hashlib
import re
from functools import cache, lru_cache
from pathlib import Path

PASSWORD_LIST = Path(__file__).with_name("breached-passwords.txt")
PREFIX = re.compile(r"[0-9A-F]{5}")
SUFFIX_DIGITS = 35
MOST_FREQUENT = 20_000_000


@cache
def breached_passwords() -> tuple[str, ...]:
    """The list, most frequent first."""
    lines = PASSWORD_LIST.read_text(encoding="ascii").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def split_digest(password: str) -> tuple[str, str]:
    """Prefix and suffix of a password's SHA-1."""
    digest = hashlib.sha1(password.encode()).hexdigest().upper()
    return digest[:5], digest[5:]


@cache
def _breached_by_prefix() -> dict[str, dict[str, int]]:
    """The list's suffixes with counts made from their rank (Zipf's law)."""
    ranges: dict[str, dict[str, int]] = {}
    for rank, password in enumerate(breached_passwords(), start=1):
        prefix, suffix = split_digest(password)
        ranges.setdefault(prefix, {})[suffix] = MOST_FREQUENT // rank
    return ranges


def count(password: str) -> int:
    """How often a password of the list was seen."""
    prefix, suffix = split_digest(password)
    return _breached_by_prefix()[prefix][suffix]


def _suffixes(seed: str, number: int) -> list[str]:
    digits = hashlib.shake_128(seed.encode()).hexdigest(18 * number).upper()
    return [digits[at : at + SUFFIX_DIGITS] for at in range(0, 36 * number, 36)]


@lru_cache(maxsize=2048)
def body(prefix: str, lines: int | None = None) -> bytes:
    """A full range, sorted, as the public API writes it; of 1,900 to 2,000 lines
    unless told otherwise."""
    counts = dict(_breached_by_prefix().get(prefix, {}))
    number = (lines or 1900 + int(prefix, 16) % 101) - len(counts)
    # Few are frequent, most are rare, as in the real data (Zipf's law).
    filler = (1 + number // rank for rank in range(1, number + 1))
    counts.update(zip(_suffixes(prefix, number), filler, strict=True))
    text = sorted(f"{suffix}:{count}" for suffix, count in counts.items())
    return "\r\n".join(text).encode()


def body_with(prefix: str, passwords: list[str], lines: int | None = None) -> bytes:
    """The same range after a breach of these passwords, each seen once."""
    digests = map(split_digest, passwords)
    new = [f"{suffix}:1".encode() for found, suffix in digests if found == prefix]
    if not new:
        return body(prefix, lines)
    return b"\r\n".join(sorted([*body(prefix, lines).split(b"\r\n"), *new]))


@lru_cache(maxsize=2048)
def padding(prefix: str) -> bytes:
    """What `Add-Padding: true` appends: 10 to 209 lines with count 0, unsorted."""
    number = 10 + int(prefix, 16) % 200
    lines = (f"\r\n{suffix}:0" for suffix in _suffixes("padding " + prefix, number))
    return "".join(lines).encode()
