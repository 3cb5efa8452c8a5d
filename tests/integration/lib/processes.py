# SPDX-License-Identifier: LGPL-2.1-or-later
"""Daemons as children of the tests: started, waited for, stopped by their pid,
their logs at hand."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

TAIL_BYTES = 6000


def wait_until(condition: Callable[[], object], what: str, secs: float = 10) -> None:
    deadline = time.monotonic() + secs
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {secs:g} s")
        time.sleep(0.02)


def can_connect(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def scratch_folder(name: str, top: Path = Path("/tmp")) -> Path:
    """A folder with a short path (sockets lie in it) that each daemon's
    unprivileged processes can enter; pytest's own are for their owner only."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=top))
    folder.chmod(0o755)
    return folder


class LogFile:
    """A log that grows while it is read."""

    def __init__(self, path: Path):
        self.path = path

    def text(self, since: int = 0) -> str:
        if not self.path.exists():
            return ""
        with self.path.open("rb") as file:
            file.seek(since)
            return file.read().decode(errors="replace")

    def end(self) -> int:
        """A mark for text(since=...)."""
        return self.path.stat().st_size if self.path.exists() else 0

    def wait_for(self, text: str, since: int = 0, secs: float = 10) -> str:
        """What stands there since the mark, as soon as it holds the text."""
        wait_until(lambda: text in self.text(since), f"{text!r} in {self.path}", secs)
        return self.text(since)

    def tail(self) -> str:
        return self.text(max(0, self.end() - TAIL_BYTES))


class Daemon:
    """A program that stays in the foreground. Its output is the log `output`;
    the logs that it writes itself are added to `logs`."""

    running: list["Daemon"] = []

    def __init__(self, name: str):
        self.name = name
        self.folder = scratch_folder(name)
        self.output = LogFile(self.folder / f"{name}.out")
        self.logs = [self.output]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process, f"{self.name} is not running"
        return self._process.pid

    def launch(
        self, command: Sequence[str | Path], ready: Callable[[], object]
    ) -> Self:
        """Starts the command and waits until it is ready."""
        with self.output.path.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.running.append(self)
        try:
            wait_until(lambda: self._ended() or ready(), f"start of {self.name}")
            if self._ended():
                raise RuntimeError(f"{self.name} ended at its start")
        except Exception as error:
            self.stop()
            raise RuntimeError(f"{error}\n{self.report()}") from error
        return self

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def stop(self, secs: float = 20) -> None:
        """Ends it by SIGTERM; one that does not end by itself is an error."""
        if not self._process:
            return
        process, self._process = self._process, None
        self.running.remove(self)
        process.terminate()
        try:
            process.wait(secs)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def report(self) -> str:
        """The ends of its logs, for the output of a test that failed."""
        return "\n".join(
            f"--- {log.path.name} of {self.name}\n{log.tail()}" for log in self.logs
        )
