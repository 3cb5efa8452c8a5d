# SPDX-License-Identifier: LGPL-2.1-or-later
"""doveadm pwned, with the settings of a Dovecot, whether that runs or not."""

import json
import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from lib import series
from lib.dovecot import Dovecot

Result = subprocess.CompletedProcess[str]


class Pwned:
    def __init__(self, dovecot: Dovecot):
        self._dovecot = dovecot

    def command(self, *words: str, form: str | None = None) -> list[str | Path]:
        """words: the command and its arguments; form: a formatter."""
        settings: tuple[str | Path, ...] = ("-c", self._dovecot.place.settings)
        if series.installed().doveadm_knows_our_settings:
            settings = ()
        forms = ("-f", form) if form else ()
        name, *arguments = words
        command = ("doveadm", "-c", self._dovecot.config, *forms)
        return [*command, "pwned", name, *settings, *arguments]

    def run(
        self, *words: str, form: str | None = None, text: str = "", **options: object
    ) -> Result:
        return subprocess.run(
            self.command(*words, form=form),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            **options,
        )

    def rows(self) -> dict[str, str]:
        """What `stats` tells, by its names; nothing is wrong with it."""
        result = self.run("stats", form="json")
        assert (result.returncode, result.stderr) == (0, "")
        return by_name(result)

    def purged(self, *arguments: str) -> int:
        result = self.run("purge", *arguments)
        assert (result.returncode, result.stderr) == (0, "")
        name, _, number = result.stdout.strip().partition("=")
        assert name == "purged"
        return int(number)

    def check(self, password: str, form: str | None = None, **options: object) -> Result:
        """The password comes by standard input."""
        return self.run("check", form=form, text=password, **options)


def by_name(result: Result) -> dict[str, str]:
    """Rows of `doveadm -f json pwned stats`."""
    rows = json.loads(result.stdout)
    assert all(set(row) == {"name", "value"} for row in rows)
    values = {row["name"]: row["value"] for row in rows}
    assert len(values) == len(rows)
    return values


class Terminal:
    """A terminal, and a program that it is the terminal of."""

    def __init__(self, command: list[str | Path]):
        self.output = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], [os.fspath(word) for word in command])

    @property
    def echo(self) -> bool:
        return bool(termios.tcgetattr(self._fd)[3] & termios.ECHO)

    def type(self, keys: bytes) -> Self:
        os.write(self._fd, keys)
        return self

    def read_until(self, text: bytes, secs: float = 10) -> None:
        deadline = time.monotonic() + secs
        while text not in self.output:
            assert self._read(deadline - time.monotonic()), self.output

    def end(self, secs: float = 10) -> int:
        """Reads to the end of the program. Returns its exit status, or less than
        0: the signal that ended it."""
        deadline = time.monotonic() + secs
        while True:
            self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            assert time.monotonic() < deadline, self.output
        while self._read(0):
            pass
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        os.close(self._fd)

    def _read(self, secs: float) -> bool:
        if not select.select([self._fd], [], [], max(secs, 0))[0]:
            return False
        try:
            data = os.read(self._fd, 4096)
        except OSError:  # EIO: nobody has it open any more
            return False
        self.output += data
        return bool(data)


@contextmanager
def terminal(command: list[str | Path]) -> Iterator[Terminal]:
    opened = Terminal(command)
    try:
        yield opened
    finally:
        opened.close()
