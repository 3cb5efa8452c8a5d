# SPDX-License-Identifier: LGPL-2.1-or-later
"""Auth, and another writer of the same file, are killed in the midst of their
batches, again and again: no answer is wrong, and whatever stands in the file is
right or proves nothing."""

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from typing import Self

import pytest
import ranges
from lib.crowd import Crowd
from lib.filesystem import FileSystem
from lib.processes import scratch_folder
from lib.slots import Block
from lib.store_site import StoreSite, prefixes_of
from lib.users import User

# Built with the project, and not installed.
PROGRAM = Path("/build/out/tests/tools/slot-writer")
KILLS = 20
# Between two of them: less than a batch takes to be collected, or more.
PAUSE_SECS = (0.2, 1.2)
USERS = 500
CLIENTS = 2
BURST = 40
# Ranges that are looked at after each kill; after the last one, all.
SAMPLE = 8

# Hardly a block fits in memory, so that each login reads the file; and what the
# other writer brings is old, so that auth asks for each range again and again.
SETTINGS = "pwned_cache_size = 64 KB\npwned_store_max_age = 7 days\n"
OLD_DAYS = 8
# No answer is late.
TIMES = "pwned_wait = 8 s\npwned_fetch_timeout = 8 s\n"

# Of these lines, with counts that all need more than a byte, are five blocks;
# auth's have three.
OTHER_LINES = 1200
COUNTED_MORE = 300


def other_body(prefix: str) -> bytes:
    """The same breached passwords, seen more often, among other ones."""
    text = ranges.body(prefix, OTHER_LINES).decode()
    lines = (line.split(":") for line in text.split())
    more = (f"{suffix}:{int(count) + COUNTED_MORE}" for suffix, count in lines)
    return "\r\n".join(more).encode()


class SlotWriter:
    """Writes all it has, again and again, as auth's user."""

    def __init__(self, store: Path, prefixes: list[str]):
        folder = scratch_folder("ranges")
        for prefix in prefixes:
            (folder / prefix).write_bytes(other_body(prefix))
        day = int(time.time()) // 86400 - OLD_DAYS
        self._command = [PROGRAM, store, folder, str(day)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, user="dovecot", group="dovecot", extra_groups=[]
        )

    def kill(self) -> None:
        """It has not ended by itself."""
        assert self._process
        assert self._process.poll() is None
        self._process.kill()
        self._process.wait()


class Load:
    """Clients of auth who come again when it is gone. What they heard is counted
    by what was right to hear."""

    def __init__(self, site: StoreSite, users: list[User]):
        self.heard: Counter[tuple[str, bool]] = Counter()
        self._site = site
        self._end = Event()
        self._threads = [
            Thread(target=self._run, args=(users[number::CLIENTS],))
            for number in range(CLIENTS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _run(self, users: list[User]) -> None:
        endless = cycle(users)
        while not self._end.is_set():
            with suppress(ConnectionError, FileNotFoundError):
                self._log_in(endless)

    def _log_in(self, users: "cycle[User]") -> None:
        with self._site.auth() as auth:
            while not self._end.is_set():
                burst = [next(users) for _ in range(BURST)]
                for user, reply in zip(
                    burst, self._site.log_in(*burst, auth=auth), strict=True
                ):
                    kind = user.name.partition("-")[0]
                    self.heard[kind, reply.ok] += 1


@pytest.mark.parametrize("kind", ["ext4", "tmpfs"])
def test_kills(stack: ExitStack, kind: str) -> None:
    crowd = Crowd(breached=USERS // 2, clean=USERS // 2)
    users = list(crowd.users)
    random.Random(1).shuffle(users)
    file_system = stack.enter_context(FileSystem(kind))
    site = stack.enter_context(
        StoreSite(crowd.users, SETTINGS, file_system, times=TIMES)
    )
    site.log_in_rightly(*users[:BURST])
    site.slots.wait_for(prefixes_of(users[:BURST]))

    chance = random.Random(2)
    found: Counter[str] = Counter()
    with (
        SlotWriter(site.store, prefixes_of(users)) as writer,
        Load(site, users) as load,
    ):
        for _ in range(KILLS):
            time.sleep(chance.uniform(*PAUSE_SECS))
            site.dovecot.end_auth(signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.1))
            writer.kill()
            found.update(owners(site, chance.sample(prefixes_of(users), SAMPLE)))
            writer.start()
    assert set(load.heard) == {("clean", True), ("breached", False)}
    assert min(load.heard.values()) > KILLS * BURST
    # so much came to be written
    assert len(site.ranges.prefixes()) > KILLS * BURST

    site.dovecot.end_auth()
    found.update(owners(site, site.slots.prefixes()))
    assert set(found) <= {"auth's", "the other's", "nobody's"}
    assert found["auth's"] and found["the other's"]
    site.log_in_rightly(*users)


def owners(site: StoreSite, prefixes: list[str]) -> Iterator[str]:
    return (
        whose(block) for prefix in prefixes for block in site.slots.blocks(prefix)
    )


def whose(block: Block) -> str:
    """What proves nothing is nobody's."""
    if not block.is_valid:
        return "nobody's"
    if block.holds(ranges.body(block.prefix)):
        return "auth's"
    return "the other's" if block.holds(other_body(block.prefix)) else "wrong"
