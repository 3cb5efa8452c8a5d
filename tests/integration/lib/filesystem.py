# SPDX-License-Identifier: LGPL-2.1-or-later
"""File systems of a test's own, in files: they can be full, read-only, and hang."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from lib.dovecot_config import auth_folder
from lib.processes import scratch_folder

# The least that each can be made with, and tmpfs likewise small.
MEGABYTES = {"ext4": 32, "xfs": 320, "btrfs": 128, "tmpfs": 16}
KINDS = tuple(MEGABYTES)
# What a file that fills a file system grows by, at last by a block.
FILL_BYTES = tuple(1 << exponent for exponent in range(26, 11, -1))


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


class FileSystem:
    """One that auth may keep its store in."""

    def __init__(self, kind: str, megabytes: int = 0):
        self.kind = kind
        self._megabytes = megabytes or MEGABYTES[kind]
        self._folder = scratch_folder(kind)
        self._image = self._folder / "image"
        self.top = self._folder / "mounted"

    def __enter__(self) -> Self:
        self.top.mkdir()
        if self.kind == "tmpfs":
            size = f"size={self._megabytes}M"
            _run("mount", "-t", "tmpfs", "-o", size, "tmpfs", self.top)
        else:
            self._image.touch()
            os.truncate(self._image, self._megabytes << 20)
            _run(f"mkfs.{self.kind}", "-q", self._image)
            _run("mount", "-o", "loop", self._image, self.top)
        self.top.chmod(0o755)
        self.store = auth_folder(self.top / "store")
        return self

    def __exit__(self, *_: object) -> None:
        # Whoever still uses it keeps it until it ends.
        _run("umount", "--lazy", self.top)
        self._image.unlink(missing_ok=True)

    @property
    def settings(self) -> str:
        """A line of ours."""
        return f"pwned_store = {self.store}\n"

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Writes hang; what is in the kernel's memory can be read."""
        _run("fsfreeze", "--freeze", self.top)
        try:
            yield
        finally:
            _run("fsfreeze", "--unfreeze", self.top)

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Nobody may have a file of it open for writing at that moment."""
        _run("mount", "-o", "remount,ro", self.top)
        try:
            yield
        finally:
            _run("mount", "-o", "remount,rw", self.top)

    def break_down(self) -> None:
        """Becomes read-only under those who write, as after an error of the disk.
        Of ext4 only."""
        _run("mount", "-o", "remount,abort", self.top)

    def fill(self) -> None:
        """Until nobody gets another block, nor one that was held back so far."""
        with (self.top / "filler").open("wb") as file:
            end = 0
            for size in FILL_BYTES * 3:
                with suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), end, size)
                        end += size
                os.fsync(file.fileno())

    def unfill(self) -> None:
        (self.top / "filler").unlink()
