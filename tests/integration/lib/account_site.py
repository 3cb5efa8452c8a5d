# SPDX-License-Identifier: LGPL-2.1-or-later
"""A site whose accounts are on record, and what is on record of them."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from lib.authsocket import Reply
from lib.doveadm import Pwned
from lib.dovecot_config import auth_folder
from lib.processes import wait_until
from lib.site import Site
from lib.users import User

DAY = 86400
HOUR = 3600
# News are written within a second.
WRITTEN_SECS = 5
# All columns that are times.
TIMES = (
    "since",
    "breached",
    "cleared",
    "decided",
    "stop",
    "refused",
    "suspended",
    "exempt_until",
)


class AccountSite(Site):
    def __init__(self, settings: str = "", disk: Path | None = None, **words: object):
        """disk: where auth's state and what MTAs read are, if not with the rest."""
        self._state = None if disk is None else auth_folder(disk / "state")
        if self._state is not None:
            hold = auth_folder(disk / "hold")
            settings += f"pwned_state_dir = {self._state}\npwned_hold = {hold}\n"
        super().__init__(settings, **words)

    @property
    def flags(self) -> Path:
        return (self._state or self.dovecot.place.state) / "flags.db"

    @property
    def holds(self) -> Path:
        if self._state is None:
            return self.dovecot.place.hold / "hold.db"
        return self._state.parent / "hold/hold.db"

    @property
    def pwned(self) -> Pwned:
        return Pwned(self.dovecot)

    @contextmanager
    def database(self, file: Path | None = None) -> Iterator[sqlite3.Connection]:
        """As another program that waits its turn."""
        path = self.flags if file is None else file
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.row_factory = sqlite3.Row
            with connection:
                yield connection

    def record(self, user: User | str) -> dict[str, object] | None:
        name = user if isinstance(user, str) else user.name
        if not self.flags.exists():
            return None
        with self.database() as database:
            row = database.execute(
                "SELECT * FROM flag WHERE username = ?", (name,)
            ).fetchone()
        return None if row is None else dict(row)

    def state(self, user: User) -> str:
        found = self.record(user)
        return "none" if found is None else STATES[int(str(found["state"]))]

    def wait_for_state(self, user: User, state: str) -> None:
        wait_until(lambda: self.state(user) == state, f"{user.name} {state}", WRITTEN_SECS)

    def wait_for_record(self, user: User, **values: object) -> None:
        def is_so() -> bool:
            found = self.record(user) or {}
            return values.items() <= found.items()

        wait_until(is_so, f"{user.name} {values}", WRITTEN_SECS)

    def age(self, user: User, secs: int) -> None:
        """The record becomes older: there is no clock to be turned."""
        older(self.flags, user, secs)

    def held(self) -> dict[str, str]:
        """What MTAs read."""
        with self.database(self.holds) as database:
            return dict(map(tuple, database.execute("SELECT username, text FROM pwned_hold")))

    def enter(self, user: User, service: str = "smtp", *parameters: str) -> Reply:
        """One login, as auth answers it."""
        with self.auth(service) as auth:
            return auth.plain(user.name, user.password, *parameters)

    def set_password(self, user: User, password: str) -> User:
        """As a customer does it at his provider; or, where the next login brings
        another one, an account that has several passwords."""
        changed = replace(user, password=password)
        users = tuple(
            changed if one.name == user.name else one
            for one in self.dovecot.setup.users
        )
        self.dovecot.change(users=users)
        # Dovecot looks at the file once a second, and at the seconds of its time.
        time.sleep(1.1)
        return changed

STATES = ("none", "flagged", "cleared")


def older(flags: Path, user: User, secs: int) -> None:
    """Makes a record older by so much."""
    values = ", ".join(f"{t} = max({t} - {secs}, ({t} > 0))" for t in TIMES)
    with closing(sqlite3.connect(flags, timeout=10)) as connection, connection:
        changed = connection.execute(
            f"UPDATE flag SET {values} WHERE username = ?", (user.name,)
        )
        assert changed.rowcount == 1
