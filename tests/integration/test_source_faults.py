# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every way in which a source can fail: logins go on in time, nothing wrong is
believed, the source is left alone until it is good again, and the log and the
events say what happened."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import ranges
from lib.authsocket import AuthSocket, Reply
from lib.certificates import CertificateAuthority
from lib.clients import login
from lib.crowd import Crowd, logins
from lib.dovecot import Dovecot
from lib.dovecot_config import Setup
from lib.fallible import FAULTS, FallibleSource, Fault, tcp_connects
from lib.processes import wait_until
from lib.secrecy import Secret
from lib.slots import SlotFile, encode
from lib.store_site import prefixes_of
from lib.users import User

WAIT_SECS = 0.5
FETCH_TIMEOUT_SECS = 1
# What a login may take beyond pwned_wait.
SLACK_SECS = 0.1
# One that does not wait takes less.
AT_ONCE_SECS = WAIT_SECS / 3
# The breaker's first pauses are of 2, 4 and 8 s, or a quarter more.
RECOVERY_SECS = 20
# In so much time a source that just failed may be asked few times.
FAILED_SECS = 10

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
    """A Dovecot whose source was good for some prefixes and then became faulty.
    Its tests come one after the other."""

    def __init__(self, stack: ExitStack, authority: CertificateAuthority, fault: Fault):
        self.fault = fault
        self.source = stack.enter_context(FallibleSource(authority, fault))
        self.settings = self.source.settings + SETTINGS
        self.crowd = Crowd(breached=60, clean=10)
        self.known_clean = self.crowd.clean(10)
        self.known_breached = self.crowd.breached(5)
        # Those whom the source has answered, and has failed.
        self.answered = [*self.known_clean, *self.known_breached]
        self.failed: list[User] = []
        setup = Setup(
            settings=self.settings,
            users=self.crowd.users,
            extra="auth_failure_delay = 0\n",
        )
        self.dovecot = stack.enter_context(Dovecot(setup).start())
        self.slots = SlotFile(self.dovecot.place.store)
        self.auth_pid = self.dovecot.auth_pid()
        self.auth = AuthSocket(self.dovecot.auth_client_socket)
        stack.callback(lambda: self.auth.close())
        assert all(reply.ok for reply in self.login(*self.known_clean))
        # A busy machine may take too long for the first time.
        wait_until(
            lambda: not any(reply.ok for reply in self.login(*self.known_breached)),
            "an answer for each",
        )
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

    def log_lines(self, text: str) -> list[str]:
        lines = self.dovecot.log.text().splitlines()
        return [line for line in lines if text in line]


@pytest.fixture(scope="module", params=FAULTS, ids=str)
def scene(
    request: pytest.FixtureRequest, authority: CertificateAuthority
) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(stack, authority, request.param)


def is_refused(reply: Reply) -> bool:
    """For a breach, that is."""
    return not reply.ok and "known data breach" in reply.fields.get("reason", "")


def unknown(reason: str) -> dict[str, str]:
    """The labels of an event."""
    labels = {"verdict": "unknown", "action": "allow", "origin": "none"}
    return labels | {"reason": reason}


def test_logins_go_on_in_time(scene: Scene) -> None:
    """They wait as long as they may, one after the other, until the source is
    left alone; those who come with them, and of whom it is known, do not. The
    outcome is named."""
    secs, secs_of_known = [], []
    for user in scene.crowd.breached(scene.fault.failures):
        reply, *known = scene.login(user, *scene.known_clean * 5)
        assert reply.ok
        assert all(reply.ok for reply in known)
        secs.append(reply.secs)
        secs_of_known.append(max(reply.secs for reply in known))
        scene.failed.append(user)
    # One time the machine may have been busy.
    assert min(secs) <= WAIT_SECS + SLACK_SECS
    assert min(secs_of_known) < WAIT_SECS
    scene.dovecot.wait_for_checks(len(secs), **unknown(scene.fault.reason))
    scene.dovecot.wait_for_checks(50 * len(secs), verdict="clean", origin="cache")


def test_the_log_names_the_fault(scene: Scene) -> None:
    source = f"Warning: pwned: source {scene.source.origin} "
    scene.dovecot.log.wait_for(f"{source}is left alone for ")
    (opened,) = scene.log_lines(f"{source}is left alone for ")
    assert f" s: {scene.fault.why_left_alone} ({scene.fault.reason})" in opened
    # Each fault of a source is told once a minute.
    (failed,) = scene.log_lines(f"{source}failed: {scene.fault.reason}: ")
    assert scene.fault.detail in failed


def test_nobody_waits_while_it_is_left_alone(scene: Scene) -> None:
    """A thousand logins without an answer cause a probe at most now and then."""
    users = scene.crowd.breached(20)
    before = scene.dovecot.checks(**unknown("breaker_open"))
    connects, requests = tcp_connects(), scene.source.requests()
    singles = [scene.login(user)[0] for user in users]
    bursts = [reply for _ in range(5) for reply in scene.login(*users * 10)]
    assert tcp_connects() - connects <= 3
    assert scene.source.requests() - requests <= 3
    assert all(reply.ok for reply in singles + bursts)
    assert statistics.median(reply.secs for reply in singles) < AT_ONCE_SECS
    scene.dovecot.wait_for_checks(before + 1020, **unknown("breaker_open"))
    scene.failed += users


def test_what_is_known_decides(scene: Scene) -> None:
    clean = scene.dovecot.checks(verdict="clean", origin="cache")
    breached = scene.dovecot.checks(verdict="breached", origin="cache")
    replies = scene.login(*scene.known_clean * 5)
    assert all(reply.ok for reply in replies)
    assert max(reply.secs for reply in replies) < WAIT_SECS
    assert all(map(is_refused, scene.login(*scene.known_breached * 5)))
    scene.dovecot.wait_for_checks(clean + 50, verdict="clean", origin="cache")
    scene.dovecot.wait_for_checks(breached + 25, verdict="breached", origin="cache")


def test_a_good_answer_counts_again(scene: Scene) -> None:
    """A probe finds out, behind a login that it does not hold up."""
    scene.source.become_good()
    (user,) = scene.crowd.breached(1)
    wait_until(lambda: is_refused(scene.login(user)[0]), "an answer", RECOVERY_SECS)
    scene.answered.append(user)
    scene.dovecot.log.wait_for(f"source {scene.source.good_origin} is asked again")
    assert len(scene.log_lines("is asked again: it answers")) == 1
    # It is told once, however often a probe fails.
    sources = 2 if scene.fault.nowhere else 1
    assert len(scene.log_lines(scene.fault.why_left_alone)) == sources
    assert scene.dovecot.auth_pids() == [scene.auth_pid]


def test_nothing_of_it_is_kept(scene: Scene) -> None:
    """On disk is what was answered well, to the byte, and nothing else; and who
    had no answer gets one now, if on a busy machine at the next login."""
    prefixes = prefixes_of(scene.answered)
    scene.slots.wait_for(prefixes)
    assert scene.slots.prefixes() == sorted(prefixes)
    for prefix in prefixes:
        blocks = scene.slots.blocks(prefix)
        body = ranges.body(prefix)
        found = tuple(block.data for block in blocks)
        assert found == encode(blocks[0].label, body)
    wait_until(
        lambda: all(map(is_refused, scene.login(*scene.failed))), "an answer for each"
    )


def test_a_thousand_logins_cause_few_calls(scene: Scene) -> None:
    """When it fails anew: in bursts, the first of which finds that out."""
    scene.source.become_faulty()
    users = scene.crowd.breached(10)
    connects, requests = tcp_connects(), scene.source.requests()
    started = time.monotonic()
    for _ in range(4):
        assert all(reply.ok for reply in scene.login(*users * 25))
        time.sleep(FETCH_TIMEOUT_SECS / 3)
    assert time.monotonic() - started < FAILED_SECS
    assert 1 <= tcp_connects() - connects <= 20
    assert scene.source.requests() - requests <= 20


def test_no_trace_of_it(scene: Scene) -> None:
    log = scene.dovecot.log.text()
    assert not [word for word in CRASHES if word in log]
    for user in scene.crowd.users:
        assert not Secret(user.password).has_prefix_in(log.encode())


def test_temporary_failure(scene: Scene) -> None:
    """Comes last, because all are refused from now on. Dovecot takes its time
    for each, so the protocols take turns with the faults."""
    scene.reload("pwned_on_unknown = tempfail\n")
    (user,) = scene.crowd.breached(1)
    (reply,) = scene.login(user)
    assert reply.words[0] == "FAIL"
    assert reply.fields["code"] == "temp_fail"
    turn = FAULTS.index(scene.fault) % len(TEMPORARY_FAILURES)
    protocol, code = list(TEMPORARY_FAILURES.items())[turn]
    # From an address of its own, because Dovecot lets one that failed wait.
    port = scene.dovecot.ports[protocol]
    refused = login(protocol, port, user.name, user.password, source="127.0.0.2")
    assert refused.final.startswith(code)
