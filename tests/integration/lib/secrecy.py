# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looks for what may not be found: passwords and what is made of them."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import ranges


def data_of(file: Path) -> bytes:
    """What stands in a file, each hole as one byte: that of ranges looks like
    32 GB."""
    with file.open("rb") as opened:
        return b"\0".join(_pieces(opened.fileno()))


def _pieces(fd: int) -> Iterator[bytes]:
    end, at = os.fstat(fd).st_size, 0
    while at < end:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:  # ENXIO: a hole to the end
            return
        size = os.lseek(fd, at, os.SEEK_HOLE) - at
        yield os.pread(fd, size, at)
        at += size


class Secret:
    """A password, in all the forms in which it could turn up."""

    def __init__(self, password: str):
        self.password = password
        self.prefix, self.suffix = ranges.split_digest(password)
        digest = hashlib.sha1(password.encode()).digest()
        whole = self.prefix + self.suffix
        self.forms = {
            "password": password.encode(),
            "SHA-1": whole.encode(),
            "SHA-1 in lower case": whole.lower().encode(),
            "suffix": self.suffix.encode(),
            "suffix in lower case": self.suffix.lower().encode(),
            "SHA-1 in binary": digest,
        }
        # As a word: five digits alone stand in many a number.
        self._prefix_word = re.compile(
            rb"(?<![0-9A-Za-z])%s(?![0-9A-Za-z])" % self.prefix.encode(), re.IGNORECASE
        )

    def counts(self, data: bytes) -> dict[str, int]:
        """How often each form is there."""
        return {name: data.count(form) for name, form in self.forms.items()}

    def has_prefix_in(self, data: bytes) -> bool:
        return bool(self._prefix_word.search(data))

    def found_in(self, data: bytes) -> list[str]:
        """The forms that are there, the prefix among them."""
        found = [name for name, number in self.counts(data).items() if number]
        return found + ["prefix"] * self.has_prefix_in(data)
