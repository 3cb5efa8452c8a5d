# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks in flight when the client goes, when Dovecot reloads, and when it
stops: nothing crashes, nobody is refused, and each ends with a named outcome."""

import os
import re
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from lib.auth_wrapper import auth_wrapper
from lib.authsocket import AuthSocket
from lib.clients import Imap
from lib.crowd import Crowd, logins
from lib.dovecot import Dovecot
from lib.processes import LogFile, scratch_folder, wait_until
from lib.range_source import FaultyServer, NameServer, RangeServer

CRASHES = ("killed with signal", "Panic:", "Fatal:", "core dumped")
IN_FLIGHT = 20
SETTINGS = "pwned_fetch_timeout = 8 s\npwned_brake_share = 0\n"

StartDovecot = Callable[..., Dovecot]
Start = Callable[..., Dovecot]


def slow_body(stack: ExitStack) -> str:
    return stack.enter_context(FaultyServer("slow-body")).url


def black_hole(stack: ExitStack) -> str:
    return stack.enter_context(FaultyServer("black-hole")).url


def black_hole_dns(stack: ExitStack) -> str:
    stack.enter_context(NameServer())
    return "http://nowhere.test/range/"


@pytest.fixture(params=[slow_body, black_hole, black_hole_dns])
def url(request: pytest.FixtureRequest, stack: ExitStack) -> str:
    """Of a source that does not answer."""
    return request.param(stack)


@pytest.fixture
def crowd() -> Crowd:
    return Crowd(breached=IN_FLIGHT)


@pytest.fixture
def start(start_dovecot: StartDovecot, crowd: Crowd) -> Start:
    """With a source, and as long as its logins shall wait."""

    def start(url: str, wait: str, **words: object) -> Dovecot:
        return start_dovecot(
            settings=f"pwned_source = {url}\npwned_wait = {wait}\n{SETTINGS}",
            users=crowd.users,
            extra="auth_failure_delay = 0\n",
            **words,
        )

    return start


def begin_logins(dovecot: Dovecot, crowd: Crowd) -> AuthSocket:
    """Returns when all of them wait: auth has answered what came after them."""
    auth = AuthSocket(dovecot.auth_client_socket)
    auth.begin(logins(*crowd.breached(IN_FLIGHT)))
    auth.begin([("nobody", "nothing")])
    assert auth.collect(1) == [b"FAIL"]
    return auth


def assert_no_crash(dovecot: Dovecot) -> None:
    assert not [word for word in CRASHES if word in dovecot.log.text()]


def test_the_client_is_gone(start: Start, url: str, crowd: Crowd) -> None:
    dovecot = start(url, "1 s")
    auth_pid = dovecot.auth_pid()
    begin_logins(dovecot, crowd).close()
    dovecot.wait_for_checks(IN_FLIGHT, verdict="unknown", reason="timeout")
    assert dovecot.auth_pids() == [auth_pid]
    assert_no_crash(dovecot)


def test_a_mail_client_is_gone(start: Start, url: str, crowd: Crowd) -> None:
    dovecot = start(url, "1 s")
    auth_pid = dovecot.auth_pid()
    for user in crowd.breached(5):
        with Imap(dovecot.ports["imap"]) as client:
            client.send(f"a1 LOGIN {user.name} {user.password}".encode())
    dovecot.wait_for_checks(5, verdict="unknown", service="imap", reason="timeout")
    assert dovecot.auth_pids() == [auth_pid]
    assert_no_crash(dovecot)


def test_reload(start: Start, url: str, crowd: Crowd) -> None:
    """Who waits gets his reply of the old auth process, which then goes."""
    dovecot = start(url, "1 s")
    old = dovecot.auth_pid()
    auth = begin_logins(dovecot, crowd)
    dovecot.reload()
    assert auth.collect(IN_FLIGHT) == [b"OK"] * IN_FLIGHT
    auth.close()
    wait_until(lambda: dovecot.auth_pid() != old, "a new auth process")
    wait_until(lambda: not Path(f"/proc/{old}").exists(), "end of the old one")
    assert_no_crash(dovecot)


def test_auth_ends(start: Start, url: str, crowd: Crowd) -> None:
    """By the signal that the master sends when it stops: here the processes that
    log and count are still there."""
    dovecot = start(url, "6 s")
    auth = begin_logins(dovecot, crowd)
    os.kill(dovecot.auth_pids()[0], signal.SIGTERM)
    assert auth.collect(IN_FLIGHT) == [b"OK"] * IN_FLIGHT
    dovecot.wait_for_checks(IN_FLIGHT, verdict="unknown", reason="shutdown")
    assert_no_crash(dovecot)


def test_auth_ends_before_late_answers(start: Start, url: str, crowd: Crowd) -> None:
    dovecot = start(url, "0")
    auth = AuthSocket(dovecot.auth_client_socket)
    auth.begin(logins(*crowd.breached(IN_FLIGHT)))
    assert auth.collect(IN_FLIGHT) == [b"OK"] * IN_FLIGHT
    os.kill(dovecot.auth_pids()[0], signal.SIGTERM)
    dovecot.wait_for_checks(IN_FLIGHT, verdict="unknown", reason="no_wait")
    dovecot.wait_for_checks(
        IN_FLIGHT, "pwned_late", verdict="unknown", reason="shutdown"
    )
    assert_no_crash(dovecot)


@pytest.mark.parametrize("patient", [True, False], ids=["patient", "gone"])
def test_stop(start: Start, url: str, crowd: Crowd, patient: bool) -> None:
    """Auth stays for the clients that it has, and then ends. Nobody is left to
    log how: strace tells, which runs beside it."""
    folder = scratch_folder("strace")
    trace = LogFile(folder / "trace")
    program = auth_wrapper(
        folder, "strace", "-D", "-f", "-o", trace.path, "-e", "trace=none"
    )
    dovecot = start(url, "2 s", auth_program=program)
    auth = begin_logins(dovecot, crowd)
    dovecot.stop()
    if patient:
        assert auth.collect(IN_FLIGHT) == [b"OK"] * IN_FLIGHT
    auth.close()
    end = re.compile(rf"^{auth.server_pid} +\+\+\+ (.*) \+\+\+$", re.MULTILINE)
    wait_until(lambda: end.search(trace.text()), "end of auth")
    assert end.findall(trace.text()) == ["exited with 0"]
    assert_no_crash(dovecot)


def test_an_idle_auth_ends(
    start_dovecot: StartDovecot, range_server: RangeServer, crowd: Crowd
) -> None:
    """And the next login starts another one."""
    settings = f"pwned_source = {range_server.url}\n"
    dovecot = start_dovecot(
        settings=settings,
        users=crowd.users,
        auth_ends_when_idle=True,
    )
    for user in crowd.breached(2):
        with AuthSocket(dovecot.auth_client_socket) as auth:
            assert not auth.plain(user.name, user.password).ok
        (pid,) = dovecot.auth_pids()
        wait_until(lambda: pid not in dovecot.auth_pids(), "end of an idle auth", 15)
    assert_no_crash(dovecot)
