# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hold.db as MTAs find it, written by the code that auth writes it with."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

from lib.processes import scratch_folder

WRITER = Path("/build/out/tests/tools/hold-writer")
# Whoever has it may read what is held.
GROUP = "mailhold"
TEXT = "Sending is blocked: https://www.example.com/p 100%s 5.0.0 'x' \"y\""


def make_group(*members: str) -> None:
    subprocess.run(["groupadd", "--force", "--system", GROUP], check=True)
    for member in members:
        subprocess.run(["usermod", "--append", "--groups", GROUP, member], check=True)


class HoldFile:
    """In a folder as auth makes it."""

    def __init__(self) -> None:
        make_group("postfix", "Debian-exim")
        self.folder = scratch_folder("hold")
        shutil.chown(self.folder, "dovecot", GROUP)
        self.folder.chmod(0o2750)
        self.path = self.folder / "hold.db"

    def __enter__(self) -> Self:
        self.write({})
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)

    def command(self, *words: str) -> list[str]:
        """hold-writer, as auth's user."""
        switch = ["setpriv", "--reuid=dovecot", "--regid=dovecot", "--clear-groups"]
        return [*switch, str(WRITER), str(self.folder), GROUP, *words]

    def write(self, rows: dict[str, str]) -> None:
        """Text "": no more."""
        lines = b"".join(
            user.encode() + b"\0" + text.encode() + b"\0" for user, text in rows.items()
        )
        subprocess.run(self.command("set"), input=lines, check=True)

    def remove(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()

    def damage(self) -> None:
        """No database any more; the file stays auth's."""
        size = self.path.stat().st_size
        self.remove()
        self.path.write_bytes(os.urandom(max(size, 8192)))
        shutil.chown(self.path, "dovecot", GROUP)
        self.path.chmod(0o640)
