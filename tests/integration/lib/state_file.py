# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file that an auth process leaves for the next one and for operators."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Breaker:
    """0: it is closed."""

    open_until: int
    openings: int


class StateFile:
    def __init__(self, folder: Path):
        self.path = folder / "auth.state"

    def values(self) -> dict[str, str]:
        """Without the breakers, of which there may be several."""
        return {name: value for name, value in self._lines() if name != "breaker"}

    def breakers(self) -> dict[str, Breaker]:
        """By their sources."""
        words = (value.split() for name, value in self._lines() if name == "breaker")
        return {
            source: Breaker(int(until), int(openings))
            for _, until, openings, source in words
        }

    def counted(self, name: str) -> int:
        return int(self.values().get(f"counted_{name}", 0))

    def _lines(self) -> list[tuple[str, str]]:
        if not self.path.exists():
            return []
        first, *lines = self.path.read_text().splitlines()
        assert first == "dovecot-pwned state 1"
        fields = (line.partition(" =") for line in lines)
        return [(name, value.strip()) for name, _, value in fields]
