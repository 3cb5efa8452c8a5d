# SPDX-License-Identifier: LGPL-2.1-or-later
"""Customers who log in by IMAP, several at once, for as long as a test needs."""

from collections import Counter
from collections.abc import Iterable
from enum import Enum
from threading import Event, Lock, Thread
from typing import Self

from lib.clients import Imap
from lib.users import User


class Outcome(Enum):
    ACCEPTED = "accepted"
    UNAVAILABLE = "told to come again"
    DROPPED = "connection closed"
    # What a mail program takes for a wrong password.
    REFUSED = "refused"


class Load:
    """Runs within a `with` block, or until the users are through."""

    def __init__(self, port: int, users: Iterable[User], clients: int):
        self.outcomes: Counter[Outcome] = Counter()
        self._port = port
        self._users = iter(users)
        self._lock = Lock()
        self._end = Event()
        self._threads = [Thread(target=self._run) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.wait()

    @property
    def failures(self) -> int:
        return self.outcomes.total() - self.outcomes[Outcome.ACCEPTED]

    def wait(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            with self._lock:
                user = next(self._users, None)
            if user is None:
                return
            outcome = self._attempt(user)
            with self._lock:
                self.outcomes[outcome] += 1

    def _attempt(self, user: User) -> Outcome:
        try:
            with Imap(self._port) as client:
                login = client.login(user.name, user.password)
        except ConnectionError:
            return Outcome.DROPPED
        if login.accepted:
            return Outcome.ACCEPTED
        if b"[UNAVAILABLE]" in login.final:
            return Outcome.UNAVAILABLE
        return Outcome.REFUSED
