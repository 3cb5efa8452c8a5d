# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mail server whose logins are checked: Dovecot with the module, Postfix
before it, and the range server that is asked."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from typing import Self

from lib.authsocket import AuthSocket
from lib.clients import CLIENTS, Client, Login, login
from lib.dovecot import Dovecot
from lib.dovecot_config import EVENT, PROTOCOLS, Setup
from lib.ports import free_port
from lib.postfix import Postfix
from lib.processes import wait_until
from lib.range_source import RangeServer
from lib.users import User

SERVICES = (*PROTOCOLS, "smtp")
# What the module's own lines in the log begin with; those about a login name its
# user.
LOG_PREFIX = "pwned: "


def dead_source() -> str:
    """A line of our settings: a source where nobody listens."""
    return f"pwned_source = http://127.0.0.1:{free_port()}/range/\n"


class Site:
    def __init__(
        self,
        settings: str = "",
        source: str | None = None,
        latency_msecs: float = 0,
        **words: object,
    ):
        """source: a line of the settings instead of the one that names the range
        server. The words are those of a Setup."""
        self._settings = settings
        self._source = source
        self._latency_msecs = latency_msecs
        self._words = words
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            self.ranges = opened.enter_context(RangeServer(self._latency_msecs))
            setup = Setup(settings=self._with_source(self._settings), **self._words)
            self.dovecot = opened.enter_context(Dovecot(setup).start())
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @cached_property
    def postfix(self) -> Postfix:
        """Started when a test first needs it."""
        return self._opened.enter_context(Postfix(self.dovecot).start())

    def port(self, service: str) -> int:
        return self.postfix.port if service == "smtp" else self.dovecot.ports[service]

    def connect(self, service: str) -> Client:
        return CLIENTS[service](self.port(service))

    def login(
        self,
        service: str,
        user: User,
        password: str | None = None,
        source: str = "127.0.0.1",
    ) -> Login:
        """By a client of its own, with the user's password or another one."""
        password = user.password if password is None else password
        return login(service, self.port(service), user.name, password, source)

    def auth(self, service: str = "smtp") -> AuthSocket:
        """A client of auth itself, as fast as auth is."""
        return AuthSocket(self.dovecot.auth_client_socket, service)

    def apply(self, settings: str) -> None:
        """Other settings of ours; returns when they are in force."""
        self._settings = settings
        self.reload(settings=self._with_source(settings))

    def reload(self, **changes: object) -> None:
        """Returns when a new auth process answers. The old one goes when its
        clients have gone; counters begin anew."""
        before = self.dovecot.auth_pids()
        if changes:
            self.dovecot.change(**changes)
        self.dovecot.reload()

        def is_new() -> bool:
            # One that is about to go may still take a connection; and Dovecot
            # makes the socket anew.
            with suppress(ConnectionError, FileNotFoundError):
                AuthSocket(self.dovecot.auth_client_socket).close()
            return bool(set(self.dovecot.auth_pids()) - set(before))

        wait_until(is_new, "a new auth process")

    @contextmanager
    def one_event(self, metric: str = "pwned_checks", **labels: str) -> Iterator[None]:
        """What is done within ends in exactly one event, with these labels."""
        all_before = self._settled_checks(metric)
        before = self.dovecot.checks(metric, **labels)
        yield
        self.dovecot.wait_for_checks(before + 1, metric, **labels)
        assert self.dovecot.checks(metric) == all_before + 1

    def _settled_checks(self, metric: str) -> int:
        """Events are counted a moment after the login that they are about."""
        counts = [-1, self.dovecot.checks(metric)]
        while counts[-1] != counts[-2]:
            time.sleep(0.05)
            counts.append(self.dovecot.checks(metric))
        return counts[-1]

    @contextmanager
    def nothing_asked(self) -> Iterator[None]:
        before = self.ranges.prefixes()
        yield
        assert self.ranges.prefixes() == before

    def exported_events(self, name: str = EVENT) -> list[dict]:
        """What `export_events` wrote so far, oldest first."""
        lines = re.findall(r"stats: Info: (\{.*\})", self.dovecot.log.text())
        return [event for event in map(json.loads, lines) if event["event"] == name]

    def our_lines(self, level: str = "") -> list[str]:
        """Lines of ours in Dovecot's log, of a level such as "Error"."""
        begin = re.compile(rf" auth: {level or '[A-Z][a-z]+'}: {LOG_PREFIX}")
        lines = self.dovecot.log.text().splitlines()
        return [line for line in lines if begin.search(line)]

    def _with_source(self, settings: str) -> str:
        source = f"pwned_source = {self.ranges.url}\n"
        return (source if self._source is None else self._source) + settings
