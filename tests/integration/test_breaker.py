# SPDX-License-Identifier: LGPL-2.1-or-later
"""When a source is left alone, for how long, and what ends that. That each fault
leads there is test_source_faults.py's."""

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import ranges
from lib.authsocket import AuthSocket, Reply
from lib.crowd import Crowd, logins
from lib.processes import wait_until
from lib.range_source import FaultyServer, LoggingServer, RangeServer
from lib.site import Site
from lib.state_file import StateFile
from lib.users import User

WAIT_SECS = 1
SETTINGS = f"pwned_wait = {WAIT_SECS} s\npwned_fetch_timeout = {WAIT_SECS} s\n"
NO_BRAKE = "pwned_brake_share = 0\n"
# So many different prefixes fail until a source is left alone, for 2 s, 4 s, 8 s
# and so on, each a quarter more or less.
FAILURES = 3
FIRST_PAUSE_SECS = 1.5, 2.5
SECOND_PAUSE_SECS = 3, 5
# What a clock may be coarse by.
CLOCK_SECS = 0.01
# One prefix that failed at a source that works: twice as long each time.
PREFIX_PAUSES_SECS = 10, 20
# What has changed is in the state file by then.
STATE_SECS = 10
LEFT_ALONE = "is left alone for "
ASKED_AGAIN = "is asked again: it answers"


@contextmanager
def site_of(
    crowd: Crowd, *sources: LoggingServer, settings: str = "", **words: object
) -> Iterator[Site]:
    """One whose sources are these."""
    urls = " ".join(source.url for source in sources)
    with Site(
        SETTINGS + NO_BRAKE + settings,
        source=f"pwned_source = {urls}\n",
        users=crowd.users,
        extra="auth_failure_delay = 0\n",
        **words,
    ) as site:
        yield site


def login(site: Site, *users: User) -> list[Reply]:
    """All at once, as smtp."""
    with site.auth() as auth:
        return auth.plain_many(logins(*users))


def is_refused(reply: Reply) -> bool:
    return not reply.ok and "known data breach" in reply.fields.get("reason", "")


def log_lines(site: Site, text: str) -> list[str]:
    return [line for line in site.our_lines() if text in line]


def open_breaker(site: Site, users: list[User]) -> None:
    """By logins that the source has no answer for."""
    before = len(log_lines(site, LEFT_ALONE))
    assert all(reply.ok for reply in login(site, *users))
    wait_until(lambda: len(log_lines(site, LEFT_ALONE)) > before, "the breaker")


def times(server: LoggingServer) -> list[float]:
    return [event["time"] for event in server.events()]


def keep_logging_in(
    site: Site, crowd: Crowd, until: Callable[[], object], secs: float
) -> list[Reply]:
    """Several at once, each with a prefix that nobody knows, again and again."""
    replies = []
    deadline = time.monotonic() + secs
    with site.auth() as auth:
        while not until():
            assert time.monotonic() < deadline
            replies += auth.plain_many(logins(*crowd.clean(3)))
            time.sleep(0.1)
    return replies


def test_one_probe_at_a_time_and_ever_more_rarely() -> None:
    """Of a source that takes its time to fail, so that many logins come while
    one probe is under way."""
    crowd = Crowd(breached=FAILURES, clean=600)
    with FaultyServer("slow-headers") as server, site_of(crowd, server) as site:
        started = time.time()
        open_breaker(site, crowd.breached(FAILURES))
        # Over HTTP/1.1 not all of them need have reached the server.
        before = len(server.events())
        replies = keep_logging_in(
            site, crowd, until=lambda: len(server.events()) >= before + 2, secs=30
        )
        assert all(reply.ok for reply in replies)
        assert statistics.median(reply.secs for reply in replies) < WAIT_SECS / 20
        assert max(reply.secs for reply in replies) < WAIT_SECS
        site.dovecot.wait_for_checks(
            len(replies), verdict="unknown", reason="breaker_open", origin="none"
        )
        # A request that fails takes its time before the pause begins.
        first, second = times(server)[before:]
        assert first - started >= WAIT_SECS + FIRST_PAUSE_SECS[0] - CLOCK_SECS
        assert second - first >= WAIT_SECS + SECOND_PAUSE_SECS[0] - CLOCK_SECS


def test_a_lonely_login_probes_and_is_judged_late() -> None:
    """It went on at once, and its answer closes the breaker."""
    crowd = Crowd(breached=FAILURES + 1)
    with FaultyServer("500") as server, site_of(crowd, server) as site:
        open_breaker(site, crowd.breached(FAILURES))
        server.stop()
        time.sleep(FIRST_PAUSE_SECS[1])
        with RangeServer(latency_msecs=300, port=server.port) as good:
            (user,) = crowd.breached(1)
            (reply,) = login(site, user)
            assert reply.ok
            assert reply.secs < 0.3
            site.dovecot.wait_for_checks(1, "pwned_late", verdict="breached")
            assert is_refused(login(site, user)[0])
            assert len(good.events()) == 1
        assert len(log_lines(site, LEFT_ALONE)) == 1
        assert len(log_lines(site, ASKED_AGAIN)) == 1


def test_a_store_decides_without_a_source() -> None:
    """Auth's memory is empty; what it was told before is on disk."""
    crowd = Crowd(breached=5 + FAILURES, clean=5)
    known_breached, known_clean = crowd.breached(5), crowd.clean(5)
    with RangeServer() as server, site_of(crowd, server) as site:
        login(site, *known_breached, *known_clean)
        site.dovecot.wait_for_checks(5, verdict="clean", origin="source")
        server.stop()
        site.reload()
        open_breaker(site, crowd.breached(FAILURES))
        for origin in ("store", "cache"):
            assert all(map(is_refused, login(site, *known_breached)))
            assert all(reply.ok for reply in login(site, *known_clean))
            site.dovecot.wait_for_checks(5, verdict="breached", origin=origin)
            site.dovecot.wait_for_checks(5, verdict="clean", origin=origin)


def test_one_prefix_that_fails() -> None:
    """For long, while others work: that is none of the source's, and is asked
    ever more rarely."""
    crowd = Crowd(breached=1, clean=600)
    (user,) = crowd.breached(1)
    prefix, _ = ranges.split_digest(user.password)
    with (
        FaultyServer("one-prefix", None, f"--prefix={prefix}") as server,
        site_of(crowd, server) as site,
        site.auth() as auth,
    ):

        def asked() -> list[float]:
            return [e["time"] for e in server.events() if e["prefix"] == prefix]

        def is_asked_a_third_time() -> bool:
            assert auth.plain(user.name, user.password).ok
            # Several fail in a row, and one prefix is one.
            if len(asked()) < 2:
                return False
            (other,) = crowd.clean(1)
            assert auth.plain(other.name, other.password).ok
            time.sleep(0.1)
            return len(asked()) == 3

        wait_until(is_asked_a_third_time, "the third request", 60)
        first, second, third = asked()
        assert second - first >= PREFIX_PAUSES_SECS[0] - CLOCK_SECS
        assert third - second >= PREFIX_PAUSES_SECS[1] - CLOCK_SECS
        assert not log_lines(site, LEFT_ALONE)
        assert site.dovecot.checks(verdict="clean", origin="source") > 50
        assert not site.dovecot.checks(reason="breaker_open")


def assert_left_alone(least_secs: float, fault: str, *options: str) -> None:
    """From the first failure on, which asks for longer than what would come
    first by itself."""
    assert least_secs > FIRST_PAUSE_SECS[1]
    crowd = Crowd(clean=600)
    with (
        FaultyServer(fault, None, *options) as server,
        site_of(crowd, server) as site,
    ):
        open_breaker(site, crowd.clean(1))
        (line,) = log_lines(site, LEFT_ALONE)
        assert "it asked for that" in line
        keep_logging_in(site, crowd, until=lambda: len(server.events()) > 1, secs=20)
        first, second = times(server)
        assert second - first >= least_secs - CLOCK_SECS


@pytest.mark.parametrize(
    ("secs", "fault", "option"),
    [(3, "429", []), (4, "retry-after", ["--retry-after=4"])],
    ids=["429", "503"],
)
def test_retry_after(secs: float, fault: str, option: list[str]) -> None:
    assert_left_alone(secs, fault, *option)


def test_retry_after_a_date() -> None:
    """It has whole seconds, and some pass until it is sent."""
    date = datetime.now(UTC) + timedelta(seconds=7)
    option = f"--retry-after={format_datetime(date, usegmt=True)}"
    assert_left_alone(3, "retry-after", option)


def test_the_second_source_is_asked_at_once() -> None:
    """Logins wait for the first one until its breaker is open, and for none of
    its probes longer than before."""
    crowd = Crowd(breached=60)
    with (
        FaultyServer("slow-headers") as first,
        RangeServer() as second,
        site_of(crowd, first, second) as site,
    ):
        for user in crowd.breached(FAILURES):
            (reply,) = login(site, user)
            assert is_refused(reply)
            assert WAIT_SECS / 4 < reply.secs < WAIT_SECS
        site.dovecot.log.wait_for(f"{first.port} {LEFT_ALONE}")
        replies = [login(site, user)[0] for user in crowd.breached(30)]
        assert all(map(is_refused, replies))
        assert statistics.median(reply.secs for reply in replies) < WAIT_SECS / 10
        assert len(first.events()) <= FAILURES + 1
        assert len(second.events()) == FAILURES + 30
        assert not site.dovecot.checks(reason="breaker_open")


def end_by_itself(site: Site) -> None:
    """As Dovecot has it after a minute without logins; here it is a second."""
    wait_until(lambda: not site.dovecot.auth_pids(), "the end of auth")


def be_killed(site: Site) -> None:
    wait_until(lambda: is_open_in_file(site), "the state file", STATE_SECS)
    for pid in site.dovecot.auth_pids():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not site.dovecot.auth_pids(), "the end of auth")


def be_replaced(site: Site) -> None:
    """While a client holds the old one."""
    wait_until(lambda: is_open_in_file(site), "the state file", STATE_SECS)
    with AuthSocket(site.dovecot.auth_client_socket):
        site.reload()


def is_open_in_file(site: Site) -> bool:
    breakers = StateFile(site.dovecot.place.state).breakers().values()
    return any(breaker.open_until > 0 for breaker in breakers)


@pytest.mark.parametrize("end", [end_by_itself, be_killed, be_replaced])
def test_a_new_auth_knows_that_it_is_open(end: Callable[[Site], None]) -> None:
    crowd = Crowd(clean=30)
    with (
        FaultyServer("retry-after", None, "--retry-after=60") as server,
        site_of(crowd, server, auth_ends_when_idle=end is end_by_itself) as site,
    ):
        open_breaker(site, crowd.clean(1))
        before = site.dovecot.checks(reason="breaker_open")
        old = site.dovecot.auth_pids()
        end(site)
        replies = login(site, *crowd.clean(20))
        assert all(reply.ok for reply in replies)
        assert max(reply.secs for reply in replies) < WAIT_SECS
        site.dovecot.wait_for_checks(before + 20, reason="breaker_open")
        assert set(site.dovecot.auth_pids()) - set(old)
        assert len(server.events()) == 1
        assert is_open_in_file(site)
