# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real auth process under valgrind, through all that can happen to a login:
nothing of ours leaks, nothing of ours touches memory that it should not."""

from contextlib import ExitStack, suppress

import pytest
from lib.authsocket import AuthSocket
from lib.certificates import CertificateAuthority
from lib.crowd import Crowd, logins
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup
from lib.fallible import FallibleSource, fault
from lib.processes import wait_until
from lib.range_source import RangeServer
from lib.users import User
from lib.valgrind import Valgrind

# What does come has to come in time under valgrind, which is slow.
PATIENT = "pwned_wait = 8 s\npwned_fetch_timeout = 9 s\n"
IMPATIENT = "pwned_wait = 1 s\npwned_fetch_timeout = 1500 ms\n"
# Who waits in vain does so until the source has failed.
TO_THE_END = "pwned_wait = 1500 ms\npwned_fetch_timeout = 1500 ms\n"
# So many failures are too few for a source to be left alone: the next login asks
# it, too.
FEW = 2
LEFT_ALONE = "is left alone for "


class Watched:
    """A Dovecot whose auth process runs under valgrind."""

    def __init__(self, stack: ExitStack, settings: str, times: str = IMPATIENT):
        self.valgrind = Valgrind()
        self.crowd = Crowd(breached=100, clean=20)
        self.settings = settings + times
        setup = Setup(
            settings=self.settings,
            users=self.crowd.users,
            auth_program=self.valgrind.program,
            extra="auth_failure_delay = 0\n",
        )
        self.dovecot = stack.enter_context(Dovecot(setup).start())

    def login(self, *users: User, service: str = "smtp") -> list[bool]:
        """Who may go on."""
        with AuthSocket(self.dovecot.auth_client_socket, service) as auth:
            return [reply.ok for reply in auth.plain_many(logins(*users))]

    def leave(self, *users: User) -> None:
        """Logs in, and goes without the reply."""
        with AuthSocket(self.dovecot.auth_client_socket) as auth:
            auth.begin(logins(*users))
            auth.begin([("nobody", "nothing")])
            # for nobody, so the others are under way
            while b"FAIL" not in auth.collect(1):
                pass

    def reload(self, settings: str = "") -> None:
        """Returns when another auth process answers."""
        before = len(self.valgrind.reports())
        self.dovecot.change(settings=self.settings + settings)
        self.dovecot.reload()
        wait_until(lambda: self._started() > before, "a new auth process", secs=30)

    def times_left_alone(self) -> int:
        return self.dovecot.log.text().count(LEFT_ALONE)

    def _started(self) -> int:
        """How many auth processes, at least the one that is connected to now."""
        with suppress(ConnectionError):  # of an old one that just goes
            AuthSocket(self.dovecot.auth_client_socket).close()
        return len(self.valgrind.reports())

    def assert_clean(self) -> None:
        """Stops all. Leaks of Dovecot's own are not ours to mend."""
        self.dovecot.stop()
        findings = self.valgrind.findings()
        assert not [finding for finding in findings if finding.is_ours]
        assert not [finding for finding in findings if not finding.is_leak]


def test_decisions(stack: ExitStack, range_server: RangeServer) -> None:
    policy = "pwned_policy = smtp=deny:min=2 sieve=off *=warn\n"
    watched = Watched(stack, f"pwned_source = {range_server.url}\n{policy}")
    for service, accepted in {"smtp": False, "imap": True, "sieve": True}.items():
        users = watched.crowd.breached(5)
        # from the source, then from memory
        for _ in range(2):
            assert watched.login(*users, service=service) == [accepted] * 5
    assert all(watched.login(*watched.crowd.clean(5)))
    watched.login(User("nobody", "nothing"))
    watched.reload("pwned_brake_share = 1 %\n")
    assert not any(watched.login(*watched.crowd.breached(20)))
    watched.reload("pwned_source_ca_file = /nonexistent/ca.pem\n")
    assert all(watched.login(*watched.crowd.breached(5)))
    watched.assert_clean()


def test_late_decisions(stack: ExitStack) -> None:
    server = stack.enter_context(RangeServer(latency_msecs=500))
    settings = f"pwned_source = {server.url}\n"
    watched = Watched(stack, settings, times="pwned_wait = 0\n")
    users = watched.crowd.breached(20)
    assert all(watched.login(*users))
    watched.dovecot.wait_for_checks(20, "pwned_late", verdict="breached", secs=30)
    assert not any(watched.login(*users))
    watched.leave(*watched.crowd.breached(20))
    watched.assert_clean()


def test_faults(stack: ExitStack, authority: CertificateAuthority) -> None:
    source = stack.enter_context(FallibleSource(authority, fault("refused")))
    watched = Watched(stack, source.settings, TO_THE_END)
    for name in (
        "refused", "404", "cut-body", "cut-chunked", "close-delimited", "huge",
        "garbage", "empty", "reset", "redirect-loop", "slow-body", "black-hole",
    ):  # fmt: skip
        source.become_faulty(fault(name))
        assert all(watched.login(*watched.crowd.breached(FEW)))
        source.become_good()
        assert not any(watched.login(*watched.crowd.breached(1)))
    for name in ("slow-body", "black-hole"):
        source.become_faulty(fault(name))
        watched.leave(*watched.crowd.breached(5))
        watched.reload()
    watched.leave(*watched.crowd.breached(5))
    assert not watched.times_left_alone()
    watched.assert_clean()


@pytest.mark.parametrize("name", ["429", "500"])
def test_a_source_that_is_left_alone(
    stack: ExitStack, authority: CertificateAuthority, name: str
) -> None:
    """For a while, by this auth and the next."""
    source = stack.enter_context(FallibleSource(authority, fault(name)))
    watched = Watched(stack, source.settings)
    known = watched.crowd.breached(5)
    assert not any(watched.login(*known))
    source.become_faulty()
    assert all(watched.login(*watched.crowd.breached(20)))
    watched.dovecot.log.wait_for(LEFT_ALONE)
    assert not any(watched.login(*known))
    watched.reload()
    users = watched.crowd.breached(5)
    assert all(watched.login(*users))
    watched.dovecot.wait_for_checks(5, reason="breaker_open", secs=30)
    source.become_good()
    wait_until(lambda: not any(watched.login(*users)), "an answer", secs=60)
    watched.assert_clean()


def test_tls_and_http2(stack: ExitStack, authority: CertificateAuthority) -> None:
    source = stack.enter_context(FallibleSource(authority, fault("wrong-name")))
    watched = Watched(stack, source.settings, PATIENT)
    assert not any(watched.login(*watched.crowd.breached(5)))
    for name in ("wrong-name", "expired", "plain-http", "cut-http2"):
        source.become_faulty(fault(name))
        assert all(watched.login(*watched.crowd.breached(FEW)))
        source.become_good_over_http2()
        assert not any(watched.login(*watched.crowd.breached(10)))
    assert not watched.times_left_alone()
    watched.assert_clean()


@pytest.mark.parametrize("name", ["unresolvable", "black-hole-dns"])
def test_names(stack: ExitStack, authority: CertificateAuthority, name: str) -> None:
    source = stack.enter_context(FallibleSource(authority, fault(name)))
    # The first of two sources has half of the time that a login waits.
    watched = Watched(stack, source.settings, PATIENT)
    assert not any(watched.login(*watched.crowd.breached(3)))
    source.become_faulty()
    assert all(watched.login(*watched.crowd.breached(FEW)))
    assert not watched.times_left_alone()
    watched.leave(*watched.crowd.breached(5))
    watched.assert_clean()
