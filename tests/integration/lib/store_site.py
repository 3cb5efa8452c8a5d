# SPDX-License-Identifier: LGPL-2.1-or-later
"""A site with a store on disk that tests look into, break, and hang."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import ranges
from lib.authsocket import AuthSocket, Reply
from lib.crowd import logins
from lib.filesystem import FileSystem
from lib.site import Site
from lib.slots import SlotFile
from lib.users import User

WAIT_SECS = 0.5
# What a login may take beyond pwned_wait, on a busy machine.
SLACK_SECS = 0.4
TIMES = f"""\
pwned_wait = {WAIT_SECS * 1000:.0f} ms
pwned_fetch_timeout = 3 s
"""
# How the pace of logins is measured, and what share of it has to be left.
PACE_LOGINS = 1000
PACE_TURN = 50
PACE_CLIENTS = 20
PACE_TRIES = 12
PACE_SHARE = 0.5
UNCHECKED_SERVICE = "sieve"

COMMON = f"""\
pwned_brake_share = 0
pwned_policy = smtp=deny {UNCHECKED_SERVICE}=off *=warn
"""
CRASHES = ("killed with signal", "Panic:", "Fatal:", "core dumped")


def prefixes_of(users: Iterable[User]) -> list[str]:
    return [ranges.split_digest(user.password)[0] for user in users]


def assert_right(users: Iterable[User], replies: Iterable[Reply]) -> None:
    """Those of clean passwords are let in, those of breached ones refused, and
    for that."""
    for user, reply in zip(users, replies, strict=True):
        assert reply.ok is user.name.startswith("clean"), (user.name, reply.words)
        if not reply.ok:
            assert "known data breach" in reply.fields["reason"]


@dataclass(frozen=True)
class Pace:
    # Of that of logins which are not checked, in the same moments; 1 at most.
    share: float
    slowest_secs: float

    def is_like(self, before: "Pace") -> bool:
        return (
            self.share >= before.share * PACE_SHARE and self.slowest_secs <= WAIT_SECS
        )


class Timed:
    def __init__(self) -> None:
        self.secs = self.slowest_secs = 0.0

    def run(self, auth: AuthSocket, users: list[User]) -> list[Reply]:
        started = time.monotonic()
        replies = auth.plain_many(logins(*users), concurrency=PACE_CLIENTS)
        self.secs += time.monotonic() - started
        self.slowest_secs = max(self.slowest_secs, *(reply.secs for reply in replies))
        return replies


class StoreSite(Site):
    def __init__(
        self,
        users: tuple[User, ...],
        settings: str = "",
        file_system: FileSystem | None = None,
        times: str = TIMES,
        **words: object,
    ):
        place = file_system.settings if file_system else ""
        super().__init__(
            times + COMMON + place + settings,
            users=users,
            extra="auth_failure_delay = 0\n",
            **words,
        )
        self._file_system = file_system

    @property
    def store(self) -> Path:
        if self._file_system:
            return self._file_system.store
        return self.dovecot.place.store

    @property
    def slots(self) -> SlotFile:
        return SlotFile(self.store)

    def log_in(self, *users: User, auth: AuthSocket | None = None) -> list[Reply]:
        """All at once, as smtp, where a breached password is refused."""
        if auth:
            return auth.plain_many(logins(*users))
        with self.auth() as own:
            return own.plain_many(logins(*users))

    def log_in_rightly(self, *users: User, auth: AuthSocket | None = None) -> float:
        """Returns how long the slowest took."""
        replies = self.log_in(*users, auth=auth)
        assert_right(users, replies)
        return max(reply.secs for reply in replies)

    def keep(self, *users: User) -> None:
        """Has their ranges fetched and written."""
        self.log_in_rightly(*users)
        self.slots.wait_for(prefixes_of(users))

    def pace(self, *users: User) -> Pace:
        """Of logins whose ranges are known: several at once, one after the
        other."""
        many = [users[number % len(users)] for number in range(PACE_LOGINS)]
        checked, unchecked = Timed(), Timed()
        with self.auth() as auth, self.auth(UNCHECKED_SERVICE) as other:
            for at in range(0, PACE_LOGINS, PACE_TURN):
                turn = many[at : at + PACE_TURN]
                assert_right(turn, checked.run(auth, turn))
                unchecked.run(other, turn)
        share = min(unchecked.secs / checked.secs, 1)
        return Pace(share, checked.slowest_secs)

    def assert_same_pace(self, before: Pace, *users: User) -> None:
        """As fast as before, nearly: the machine may be busy, but not each
        time."""
        paces = [self.pace(*users)]
        while len(paces) < PACE_TRIES and not paces[-1].is_like(before):
            paces.append(self.pace(*users))
        assert paces[-1].is_like(before), (before, paces)

    def warnings(self, since: int = 0) -> list[str]:
        """Of ours, in Dovecot's log; each without what comes before its text."""
        lines = self.dovecot.log.text(since).splitlines()
        marks = ("Warning: pwned: ", "Error: pwned: ")
        return [
            line.partition(mark)[2] for line in lines for mark in marks if mark in line
        ]

    def wait_for_warning(self, text: str, since: int = 0, secs: float = 10) -> None:
        self.dovecot.log.wait_for(text, since, secs)
        assert any(text in warning for warning in self.warnings(since))

    def counted(self, name: str) -> int:
        """A counter of auth's state file, which is written within 10 s, and at
        its end."""
        text = (self.dovecot.place.state / "auth.state").read_text()
        (value,) = re.findall(rf"^counted_{name} = (\d+)$", text, re.MULTILINE)
        return int(value)

    def assert_no_crash(self) -> None:
        assert not [word for word in CRASHES if word in self.dovecot.log.text()]
