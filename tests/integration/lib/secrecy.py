# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looks for what may not be found: passwords and what is made of them."""

import hashlib
import re

import ranges


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
