# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every way in which a source can fail: logins go on in time, nothing wrong is
believed, and the log and the events say what happened."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from lib.authsocket import AuthSocket, Reply
from lib.certificates import CertificateAuthority
from lib.clients import login
from lib.crowd import Crowd, logins
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup
from lib.fallible import FAULTS, FallibleSource, Fault, tcp_connects
from lib.processes import wait_until
from lib.range_source import FaultyServer
from lib.secrecy import Secret
from lib.users import User

WAIT_SECS = 0.3
FETCH_TIMEOUT_SECS = 0.6
# What a login may take beyond pwned_wait.
SLACK_SECS = 0.1
# So many logins may be too late because the machine was busy, if one is not.
TRIES = 4
RETRY_SECS = 10

SETTINGS = f"""\
pwned_wait = {WAIT_SECS * 1000:.0f} ms
pwned_fetch_timeout = {FETCH_TIMEOUT_SECS * 1000:.0f} ms
pwned_brake_share = 0
"""
TEMPORARY_FAILURES = {
    "submission": b"454 4.7.0 ",
    "imap": b"a1 NO [UNAVAILABLE] ",
    "pop3": b"-ERR [SYS/TEMP] ",
}
CRASHES = ("killed with signal", "Panic:", "Fatal:", "core dumped")


class Scene:
    """A Dovecot whose source was good for some prefixes and then became faulty."""

    def __init__(self, stack: ExitStack, authority: CertificateAuthority, fault: Fault):
        self.fault = fault
        self.source = stack.enter_context(FallibleSource(authority, fault))
        self.settings = self.source.settings + SETTINGS
        self.crowd = Crowd(breached=30, clean=10)
        self.cached = self.crowd.clean(10)
        setup = Setup(
            settings=self.settings,
            users=self.crowd.users,
            extra="auth_failure_delay = 0\n",
        )
        self.dovecot = stack.enter_context(Dovecot(setup).start())
        self.auth_pid = self.dovecot.auth_pid()
        self.auth = AuthSocket(self.dovecot.auth_client_socket)
        stack.callback(lambda: self.auth.close())
        assert all(reply.ok for reply in self.login(*self.cached))
        self.dovecot.wait_for_checks(10, verdict="clean", origin="source")
        self.source.become_faulty()

    def login(self, *users: User) -> list[Reply]:
        """All at once, as smtp: a breached password would be refused."""
        return self.auth.plain_many(logins(*users))

    def reload(self, settings: str) -> None:
        """With more settings, and on a connection to the new auth process."""
        self.dovecot.change(settings=self.settings + settings)
        self.dovecot.reload()
        self.auth.close()
        wait_until(self._is_new, "a new auth process")
        self.auth = AuthSocket(self.dovecot.auth_client_socket)

    def _is_new(self) -> bool:
        return self.dovecot.auth_pid() != self.auth_pid

    @property
    def labels(self) -> dict[str, str]:
        """Of the event that this fault has to cause."""
        return {
            "verdict": "unknown",
            "reason": self.fault.reason,
            "action": "allow",
            "origin": "none",
        }


@pytest.fixture(scope="module", params=FAULTS, ids=str)
def scene(
    request: pytest.FixtureRequest, authority: CertificateAuthority
) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(stack, authority, request.param)


def test_a_login_waits_no_longer_than_it_should(scene: Scene) -> None:
    secs = []
    for user in scene.crowd.breached(TRIES):
        (reply,) = scene.login(user)
        assert reply.ok
        secs.append(reply.secs)
        if secs[-1] <= WAIT_SECS + SLACK_SECS:
            break
    assert min(secs) <= WAIT_SECS + SLACK_SECS


def test_the_outcome_is_named(scene: Scene) -> None:
    before = scene.dovecot.checks(**scene.labels)
    assert scene.login(*scene.crowd.breached(1))[0].ok
    scene.dovecot.wait_for_checks(before + 1, **scene.labels)
    warning = f"Warning: pwned: source {scene.source.origin} failed: "
    warning += scene.fault.reason + ": "
    log = scene.dovecot.log.wait_for(warning)
    # Each fault of a source is told once a minute.
    (line,) = (line for line in log.splitlines() if warning in line)
    assert scene.fault.detail in line
    for user in scene.crowd.users:
        assert not Secret(user.password).has_prefix_in(log.encode())


def test_cached_prefixes_do_not_wait(scene: Scene) -> None:
    before = scene.dovecot.checks(verdict="clean", origin="cache")
    replies = scene.login(*scene.crowd.breached(1), *scene.cached * 5)
    assert all(reply.ok for reply in replies)
    assert max(reply.secs for reply in replies[1:]) < WAIT_SECS
    scene.dovecot.wait_for_checks(before + 50, verdict="clean", origin="cache")


def test_nothing_is_cached(scene: Scene) -> None:
    """What is in the cache would be found before the failure is remembered."""
    (user,) = scene.crowd.breached(1)
    before = scene.dovecot.checks(**scene.labels)
    for _ in range(3):
        assert scene.login(user)[0].ok
    scene.dovecot.wait_for_checks(before + 3, **scene.labels)


def test_a_thousand_logins_cause_few_calls(scene: Scene) -> None:
    """In bursts: those after the first find failures that are remembered."""
    users = scene.crowd.breached(10)
    connects, requests = tcp_connects(), scene.source.requests()
    started = time.monotonic()
    for _ in range(4):
        assert all(reply.ok for reply in scene.login(*users * 25))
        time.sleep(FETCH_TIMEOUT_SECS / 3)
    assert time.monotonic() - started < RETRY_SECS
    assert 1 <= tcp_connects() - connects <= 20
    assert scene.source.requests() - requests <= 20


def test_a_good_answer_counts_again(scene: Scene) -> None:
    scene.source.become_good()
    (reply,) = scene.login(*scene.crowd.breached(1))
    assert not reply.ok
    assert "known data breach" in reply.fields["reason"]
    assert scene.dovecot.auth_pids() == [scene.auth_pid]
    assert not [word for word in CRASHES if word in scene.dovecot.log.text()]


def test_temporary_failure(scene: Scene) -> None:
    """Comes last, because all are refused from now on."""
    scene.source.become_faulty()
    scene.reload("pwned_on_unknown = tempfail\n")
    (user,) = scene.crowd.breached(1)
    (reply,) = scene.login(user)
    assert reply.words[0] == "FAIL"
    assert reply.fields["code"] == "temp_fail"
    # Each from its own address, because Dovecot lets one that failed wait.
    for number, (protocol, code) in enumerate(TEMPORARY_FAILURES.items(), start=2):
        port = scene.dovecot.ports[protocol]
        refused = login(
            protocol, port, user.name, user.password, source=f"127.0.0.{number}"
        )
        assert refused.final.startswith(code)


def test_a_failed_prefix_is_asked_again_later(
    stack: ExitStack, start_dovecot: Callable[..., Dovecot]
) -> None:
    server = stack.enter_context(FaultyServer("503"))
    (user,) = Crowd(breached=1).users
    dovecot = start_dovecot(settings=f"pwned_source = {server.url}\n", users=(user,))
    auth = stack.enter_context(AuthSocket(dovecot.auth_client_socket))
    deadline = time.monotonic() + RETRY_SECS + 1
    while time.monotonic() < deadline:
        assert auth.plain(user.name, user.password).ok
        time.sleep(0.2)
    first, second = (event["time"] for event in server.events())
    assert second - first >= RETRY_SECS
